//go:build unix

package storage

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"archiver/internal/record"

	bolt "go.etcd.io/bbolt"
)

// BenchmarkFigures prints what an archive takes and does, beside what others take and do for the same messages in the
// same run: zstd -19 --long=27 and rows in SQLite (where these programs are installed), values in a plain bbolt file,
// sha256sum.
//
//	go test -run NONE -bench Figures -benchtime 1x -timeout 1h ./internal/storage
func BenchmarkFigures(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				f := &figures{b: b, n: n}
				f.measure()
			}
		})
	}
}

type figures struct {
	b     *testing.B
	n     int
	pages []*Page
	total int
	size  int // bytes of the messages, a line each
	a     *Archive
	lines string // file with the messages, a line each
	whole int    // what zstd makes of them, in bytes
}

func (f *figures) measure() {
	f.pages, f.total, f.size = manyPages(f.b, f.n)
	f.printf("%d messages, %d bytes as received, %.1f a message", f.total, f.size, f.each(f.size))
	f.write()
	f.sizes("as written")
	f.read()
	f.verify()
	f.proofs()
	f.compact()
	f.blobs()
}

func (f *figures) printf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (f *figures) each(n int) float64                { return float64(n) / float64(f.total) }
func (f *figures) rate(d time.Duration) (persec int) { return int(float64(f.total) / d.Seconds()) }
func (f *figures) micros(d time.Duration) (us float64) {
	return float64(d.Microseconds()) / float64(f.total)
}

// manyPages gives pages of the corpus, and where that is too small, of it again with the words of each text shuffled.
func manyPages(b *testing.B, n int) (pages []*Page, total, size int) {
	pages, total, size = corpusPages(b, n)
	random := rand.New(rand.NewPCG(7, 7))
	for copies := 1; total < n; copies++ {
		more, _, _ := corpusPages(b, n-total)
		for _, p := range more {
			q := &Page{Observed: p.Observed, Channel: fmt.Sprintf("%s-%d", p.Channel, copies)}
			for _, m := range p.Messages {
				m.Raw = shuffled(random, m.Raw)
				q.Messages, total, size = append(q.Messages, m), total+1, size+len(m.Raw)+1
			}
			pages = append(pages, q)
		}
	}
	return pages, total, size
}

// shuffled gives a raw message with the words of its text in another order.
func shuffled(random *rand.Rand, raw []byte) []byte {
	before, rest, _ := strings.Cut(string(raw), `"text":"`)
	text, after, ok := strings.Cut(rest, `","ts":`)
	if !ok {
		return raw
	}
	words := strings.Split(text, " ")
	random.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	return []byte(before + `"text":"` + strings.Join(words, " ") + `","ts":` + after)
}

// spent is the processor time that f takes, of this process and of the programs that it runs.
func spent(b *testing.B, f func()) time.Duration {
	used := func() (d time.Duration) {
		for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
			var u syscall.Rusage
			if err := syscall.Getrusage(who, &u); err != nil {
				b.Fatal(err)
			}
			d += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
		return d
	}
	before := used()
	f()
	return used() - before
}

// write puts everything, and the same into a plain bbolt file, 1000 values a transaction.
func (f *figures) write() {
	f.a = newArchive(f.b)
	key := giveKey(f.b, f.a)
	ours := spent(f.b, func() { putAll(f.b, f.a, f.pages) })
	sign(f.b, f.a, key)
	plain := spent(f.b, f.writePlain)
	f.printf("write: %d messages/s of CPU, %.1f µs a message; plain bbolt %.1f µs, ratio %.1f",
		f.rate(ours), f.micros(ours), f.micros(plain), float64(ours)/float64(plain))
}

func (f *figures) plainPath() string { return filepath.Join(f.a.Dir(), "..", "plain.db") }

func (f *figures) writePlain() {
	db, err := bolt.Open(f.plainPath(), 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType})
	if err != nil {
		f.b.Fatal(err)
	}
	for i, p := range f.pages {
		err := db.Update(func(tx *bolt.Tx) error {
			bk, err := tx.CreateBucketIfNotExists([]byte("messages"))
			if err != nil {
				return err
			}
			bk.FillPercent = fillPercent
			for j, m := range p.Messages {
				if err := bk.Put(fmt.Appendf(nil, "%08d %04d", i, j), m.Raw); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			f.b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		f.b.Fatal(err)
	}
}

// sizes prints what the archive takes, part by part, and what others take.
func (f *figures) sizes(when string) {
	st, err := f.a.Stats(f.b.Context())
	if err != nil {
		f.b.Fatal(err)
	}
	parts, entries := make(map[string]int), 0
	for _, bk := range st.Buckets {
		part := "bookkeeping"
		switch bucket(bk.Name) {
		case bucketBlocks, bucketTails:
			part = "content"
		case bucketDir:
			part = "directory"
		case bucketCommits, bucketTiles, bucketNotes:
			part = "log"
		}
		parts[part] += int(bk.Bytes)
		entries += int(bk.Entries)
	}
	f.printf("%s: archive.db %.2f bytes a message in use; content %.2f, directory %.2f, log %.3f, bookkeeping %.2f; of them checksums %.3f",
		when, f.each(int(st.InUse)), f.each(parts["content"]), f.each(parts["directory"]), f.each(parts["log"]),
		f.each(parts["bookkeeping"]), f.each(entries*checksumSize))
	if f.lines == "" {
		f.lines = f.writeLines()
	}
	if n, ok := f.zstd(); ok {
		f.printf("  zstd -19 --long=27 %.2f: archive.db %.2f times, content %.2f times", f.each(n),
			float64(st.InUse)/float64(n), float64(parts["content"])/float64(n))
	}
	if n, ok := f.sqlite(); ok {
		f.printf("  rows in SQLite %.2f: archive.db %.2f times", f.each(n), float64(st.InUse)/float64(n))
	}
}

func (f *figures) writeLines() string {
	path := filepath.Join(f.b.TempDir(), "messages.ndjson")
	file, err := os.Create(path)
	if err != nil {
		f.b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	for _, p := range f.pages {
		for _, m := range p.Messages {
			_, _ = w.Write(append(m.Raw, '\n')) // Flush tells of errors
		}
	}
	if err := w.Flush(); err != nil {
		f.b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		f.b.Fatal(err)
	}
	return path
}

func (f *figures) zstd() (n int, ok bool) {
	if f.whole == 0 {
		out, err := exec.Command("zstd", "-19", "--long=27", "-q", "-c", f.lines).Output()
		if err != nil {
			return 0, false
		}
		f.whole = len(out)
	}
	return f.whole, true
}

func (f *figures) sqlite() (n int, ok bool) {
	path := filepath.Join(f.b.TempDir(), "rows.sqlite")
	script := "CREATE TABLE m (raw TEXT);\n.mode ascii\n.separator \"\\037\" \"\\n\"\n.import " + f.lines + " m\n"
	cmd := exec.Command("sqlite3", path)
	cmd.Stdin = strings.NewReader(script)
	if cmd.Run() != nil {
		return 0, false
	}
	size, err := fileSize(path)
	return int(size), err == nil && size > 1<<16
}

// read reads messages at random.
func (f *figures) read() {
	const reads = 20_000
	random := rand.New(rand.NewPCG(1, 1))
	type pick struct{ page, message int }
	picks := make([]pick, reads)
	for i := range picks {
		p := random.IntN(len(f.pages))
		picks[i] = pick{p, random.IntN(len(f.pages[p].Messages))}
	}
	ours := spent(f.b, func() {
		for _, at := range picks {
			p := f.pages[at.page]
			if _, err := f.a.Message(f.b.Context(), p.Channel, record.TS(p.Messages[at.message].Key)); err != nil {
				f.b.Fatal(err)
			}
		}
	})
	plain := spent(f.b, func() {
		f.readPlain(func(i int) []byte { return fmt.Appendf(nil, "%08d %04d", picks[i].page, picks[i].message) }, reads)
	})
	f.printf("random reads: %.0f µs each of CPU; plain bbolt %.1f µs, ratio %.0f", float64(ours.Microseconds())/reads,
		float64(plain.Microseconds())/reads, float64(ours)/float64(plain))
}

func (f *figures) readPlain(key func(int) []byte, reads int) {
	db, err := bolt.Open(f.plainPath(), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		f.b.Fatal(err)
	}
	defer db.Close()
	for i := range reads {
		err := db.View(func(tx *bolt.Tx) error {
			if tx.Bucket([]byte("messages")).Get(key(i)) == nil {
				return ErrNotFound
			}
			return nil
		})
		if err != nil {
			f.b.Fatal(err)
		}
	}
}

// verify reads and hashes everything, beside sha256sum of the messages.
func (f *figures) verify() {
	ours := spent(f.b, func() {
		report, err := f.a.Verify(f.b.Context(), VerifyOptions{Data: true})
		if err != nil || len(report.Damage) > 0 {
			f.b.Fatal(report, err)
		}
	})
	sum := f.sha256sum(f.lines)
	f.printf("verify --data: %d messages/s a core, %.0f MB/s; sha256sum %.0f MB/s, share %.2f", f.rate(ours),
		megabytes(f.size, ours), megabytes(f.size, sum), float64(sum)/float64(ours))
}

func megabytes(n int, d time.Duration) float64 { return float64(n) / 1e6 / d.Seconds() }

func (f *figures) sha256sum(path string) time.Duration {
	return spent(f.b, func() {
		if err := exec.Command("sha256sum", path).Run(); err != nil {
			f.b.Skip("sha256sum: ", err)
		}
	})
}

// proofs prints how long the proof of a message is.
func (f *figures) proofs() {
	const count = 200
	random := rand.New(rand.NewPCG(3, 3))
	size, hashes := 0, 0
	took := spent(f.b, func() {
		for range count {
			p := f.pages[random.IntN(len(f.pages))]
			proofs, err := f.a.Prove(f.b.Context(), p.Channel, record.TS(p.Messages[random.IntN(len(p.Messages))].Key))
			if err != nil {
				f.b.Fatal(err)
			}
			text, err := json.Marshal(proofs[0])
			if err != nil {
				f.b.Fatal(err)
			}
			size += len(text) - len(proofs[0].Record)*4/3
			hashes += len(proofs[0].Batch.Hashes) + len(proofs[0].Log.Hashes)
		}
	})
	f.printf("proofs: %.1f hashes, %d bytes of JSON beside the record, %.1f ms each", float64(hashes)/count, size/count,
		float64(took.Microseconds())/1000/count)
}

func (f *figures) compact() {
	dir := f.a.Dir()
	if err := f.a.Close(); err != nil {
		f.b.Fatal(err)
	}
	var c *Compacted
	took := spent(f.b, func() {
		var err error
		if c, err = Compact(f.b.Context(), dir, testOptions(), nil); err != nil {
			f.b.Fatal(err)
		}
	})
	var err error
	if f.a, err = Open(f.b.Context(), dir, testOptions()); err != nil {
		f.b.Fatal(err)
	}
	f.printf("compact: %d blocks of %d, %.1f µs a message", c.BlocksAfter, c.BlocksBefore, f.micros(took))
	f.sizes("compacted")
}

// blobs stores and verifies files: half of them random, half text.
func (f *figures) blobs() {
	const files, length = 32, 8 << 20
	random := rand.NewChaCha8([32]byte{1})
	plain := filepath.Join(f.b.TempDir(), "files")
	out, err := os.Create(plain)
	if err != nil {
		f.b.Fatal(err)
	}
	text := strings.Repeat("The quarterly turnover report is due on Friday, said nobody ever. ", length/66)
	var sums []string
	for i := range files {
		var from io.Reader = io.LimitReader(random, length)
		if i%2 == 0 {
			from = strings.NewReader(fmt.Sprint(i, text))
		}
		sum, _, err := f.a.Blobs().Put(f.b.Context(), io.TeeReader(from, out), 0)
		if err != nil {
			f.b.Fatal(err)
		}
		sums = append(sums, sum)
	}
	if err := out.Close(); err != nil {
		f.b.Fatal(err)
	}
	ours := spent(f.b, func() {
		for _, sum := range sums {
			if _, _, err := f.a.Blobs().Verify(f.b.Context(), sum); err != nil {
				f.b.Fatal(err)
			}
		}
	})
	sum := f.sha256sum(plain)
	f.printf("stored files: verified at %.0f MB/s a core; sha256sum %.0f MB/s, share %.2f", megabytes(files*length, ours),
		megabytes(files*length, sum), float64(sum)/float64(ours))
}
