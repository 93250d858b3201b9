package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"archiver/internal/record"

	"github.com/klauspost/compress/zstd"
)

// benchMessages is how many messages of the corpus the benchmarks use.
const benchMessages = 100_000

// corpusChannel is one channel of the corpus, as a server would send it.
type corpusChannel struct {
	id       string
	messages []record.Seen
}

// corpusChannels gives the chat corpus, which lies beside the module; without it the test is skipped.
var corpusChannels = sync.OnceValues(func() ([]corpusChannel, error) {
	data, err := corpusFile("messages.ndjson.zst")
	if err != nil {
		return nil, err
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if data, err = d.DecodeAll(data, nil); err != nil {
		return nil, err
	}
	return parseCorpus(data)
})

func parseCorpus(data []byte) ([]corpusChannel, error) {
	var channels []corpusChannel
	seen := make(map[string]record.TS) // ts of corpus ids
	counter, last := 0, int64(0)
	for line := range bytes.Lines(data) {
		var m struct {
			Channel, ID, Thread, User, Text string
			Time                            time.Time
		}
		if err := json.Unmarshal(line, &m); err != nil {
			return nil, err
		}
		if n := len(channels); n == 0 || channels[n-1].id != m.Channel {
			channels = append(channels, corpusChannel{id: m.Channel})
		}
		if counter++; m.Time.Unix() != last {
			last, counter = m.Time.Unix(), 1
		}
		ts := record.MakeTS(last, counter)
		seen[m.ID] = ts
		text, err := json.Marshal(m.Text)
		if err != nil {
			return nil, err
		}
		raw := fmt.Appendf(nil, `{"type":"message","user":"%s@corpus.invalid","text":%s,"ts":"%s","created":%d,"is_stared":false}`,
			m.User, text, ts, last)
		c := &channels[len(channels)-1]
		thread := seen[m.Thread]
		if thread == ts {
			thread = ""
		}
		c.messages = append(c.messages, record.Seen{Key: string(ts), Thread: thread, Raw: raw})
	}
	return channels, nil
}

func corpusFile(name string) ([]byte, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	return os.ReadFile(filepath.Join(dir, "..", "shared", "corpus", "chat", name))
}

// corpusPages gives pages of at most 1000 messages, and how many messages and bytes they hold together.
func corpusPages(t testing.TB, limit int) (pages []*Page, total, size int) {
	t.Helper()
	channels, err := corpusChannels()
	if err != nil {
		t.Skip(err)
	}
	for _, c := range channels {
		for chunk := range slices.Chunk(c.messages, 1000) {
			if limit > 0 && total >= limit {
				return pages, total, size
			}
			pages = append(pages, &Page{Observed: testTime, Channel: c.id, Messages: chunk})
			total += len(chunk)
			for _, m := range chunk {
				size += len(m.Raw) + 1
			}
		}
	}
	return pages, total, size
}

func putAll(t testing.TB, a *Archive, pages []*Page) {
	t.Helper()
	for _, p := range pages {
		if err := a.Put(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// wholeFile is what a message of the corpus takes when zstd -19 --long=27 (1.5.4) sees all of them at once, as lines.
const wholeFile = 31.44

func TestArchiveIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("writes the whole corpus")
	}
	pages, total, size := corpusPages(t, 0)
	a := newArchive(t)
	start := time.Now()
	putAll(t, a, pages)
	st, err := a.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages of %d bytes in %v, %d commits", total, size, time.Since(start), st.Commits)
	for _, b := range st.Buckets {
		t.Logf("%-10s %7d entries %9d bytes in pages %9d content", b.Name, b.Entries, b.Bytes, b.Content)
	}
	ratio := float64(st.InUse) / float64(total) / wholeFile
	t.Logf("in use %d, %.3f times zstd -19; file %d", st.InUse, ratio, st.FileSize)
	if ratio > 1.4 {
		t.Errorf("in use %.3f times what zstd -19 makes of the messages, want at most 1.4", ratio)
	}
	start = time.Now()
	report, err := a.Verify(t.Context(), VerifyOptions{Data: true})
	if err != nil || len(report.Damage) > 0 {
		t.Fatalf("verify: %+v, %v", report, err)
	}
	t.Logf("verified in %v: %v", time.Since(start), report.Checked)
}

// corpusArchive is an archive of benchMessages messages.
func corpusArchive(b *testing.B) (a *Archive, pages []*Page, total int) {
	b.Helper()
	pages, total, _ = corpusPages(b, benchMessages)
	a = newArchive(b)
	putAll(b, a, pages)
	return a, pages, total
}

// perMessage reports the time that b has measured as time a message.
func perMessage(b *testing.B, total int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*total), "ns/message")
}

func BenchmarkPut(b *testing.B) {
	pages, total, _ := corpusPages(b, benchMessages)
	for b.Loop() {
		b.StopTimer()
		a := newArchive(b)
		b.StartTimer()
		putAll(b, a, pages)
	}
	perMessage(b, total)
}

func BenchmarkPutUnchanged(b *testing.B) {
	a, pages, total := corpusArchive(b)
	for b.Loop() {
		putAll(b, a, pages)
	}
	perMessage(b, total)
}

func BenchmarkMessages(b *testing.B) {
	a, pages, total := corpusArchive(b)
	for b.Loop() {
		last, n := "", 0
		for _, p := range pages {
			if p.Channel == last {
				continue
			}
			last = p.Channel
			for _, err := range a.Messages(b.Context(), p.Channel, Range{}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
		if n != total {
			b.Fatalf("%d messages, want %d", n, total)
		}
	}
	perMessage(b, total)
}

func BenchmarkChanges(b *testing.B) {
	a, _, total := corpusArchive(b)
	for b.Loop() {
		for after := uint64(0); ; {
			list, err := a.Changes(b.Context(), after, 1000)
			if err != nil {
				b.Fatal(err)
			}
			if len(list) == 0 {
				break
			}
			after = list[len(list)-1].Change
		}
	}
	perMessage(b, total)
}

// BenchmarkMessage reads messages at random.
func BenchmarkMessage(b *testing.B) {
	a, pages, _ := corpusArchive(b)
	random := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		p := pages[random.IntN(len(pages))]
		m := p.Messages[random.IntN(len(p.Messages))]
		if _, err := a.Message(b.Context(), p.Channel, record.TS(m.Key)); err != nil {
			b.Fatal(err)
		}
	}
}
