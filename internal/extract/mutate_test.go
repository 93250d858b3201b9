package extract

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMutatedDocuments reads damaged documents of the corpus in processes of bounded memory: none may crash one, and none
// may take longer than the limit. ARCHIVER_CAMPAIGN=1 takes 10,000 instead of 1,000.
func TestMutatedDocuments(t *testing.T) {
	dir, all := samples(t)
	count := 1000
	switch {
	case os.Getenv("ARCHIVER_CAMPAIGN") != "":
		count = 10_000
	case testing.Short():
		count = 100
	}
	limits := DefaultLimits()
	limits.Memory = 768 << 20
	p := newPool(t, "serve", limits)
	documents := make([][]byte, len(all))
	for i := range all {
		documents[i] = all[i].read(t, dir)
	}
	random := rand.New(rand.NewPCG(5, 3))
	statuses := map[Status]int{}
	slowest, slow := time.Duration(0), ""
	for n := range count {
		i := random.IntN(len(all))
		data := mutate(random, documents[i], documents[random.IntN(len(all))])
		begun := time.Now()
		r, err := p.Extract(t.Context(), all[i].Path, data)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > slowest {
			slowest, slow = took, all[i].Path
		}
		statuses[r.Status]++
		if strings.Contains(r.Reason, "crashed") || strings.Contains(r.Reason, "panicked") || strings.Contains(r.Reason, errDeadline.Error()) {
			t.Errorf("mutation %d of %s: %s", n, all[i].Path, r.Reason)
		}
	}
	t.Logf("%v; slowest %s of %s", statuses, slowest, slow)
}

// mutate damages a document: bits flipped, cut off, a piece of another put in, a piece removed or repeated, a number
// made huge.
func mutate(random *rand.Rand, data, other []byte) []byte {
	out := append([]byte(nil), data...)
	for range 1 + random.IntN(4) {
		if len(out) < 16 {
			return out
		}
		at := random.IntN(len(out) - 8)
		switch random.IntN(6) {
		case 0:
			for range 1 + random.IntN(50) {
				out[random.IntN(len(out))] ^= 1 << random.IntN(8)
			}
		case 1:
			out = out[:at]
		case 2:
			piece := other[random.IntN(len(other)):]
			piece = piece[:min(len(piece), random.IntN(4096))]
			out = append(out[:at:at], append(append([]byte(nil), piece...), out[at:]...)...)
		case 3:
			end := min(len(out), at+random.IntN(4096))
			out = append(out[:at], out[end:]...)
		case 4:
			end := min(len(out), at+random.IntN(4096))
			out = append(out[:end:end], out[at:]...)
		case 5:
			copy(out[at:], []byte{0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f})
		}
	}
	return out
}

func FuzzExtract(f *testing.F) {
	for _, seed := range []string{"{\\rtf1\\ansicpg1250 \\'9elu\\'9d}", "Subject: =?utf-8?q?a?=\r\n\r\nb", "<html><p>x", "<?xml version='1.0'?><a b='c'/>",
		"%PDF-1.4", "PK\x03\x04", "a,b\n1,2", "\xff\xfea\x00"} {
		f.Add("a.eml", []byte(seed))
	}
	l := DefaultLimits()
	l.Unpacked, l.Text = 8<<20, 1<<20
	x := NewExtractor(l, "")
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if strings.Contains(string(data), "%PDF-") { // takes seconds to start; mutated documents cover it
			return
		}
		if r, broken := x.Extract(t.Context(), name, data); broken {
			t.Error(r.Reason)
		}
	})
}
