package index

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"archiver/internal/record"
)

// cpu is the processor time that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCatchUp indexes the chat corpus from zero: CPU time and bytes a message, reading the archive included.
func BenchmarkCatchUp(b *testing.B) {
	a := newArchive(b)
	messages := putCorpus(b, a, 1)
	for i := 0; b.Loop(); i++ {
		before := cpu(b)
		dir := filepath.Join(b.TempDir(), fmt.Sprint(i))
		ix, err := Open(b.Context(), dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		catchUp(b, ix, a)
		used := cpu(b) - before
		st, err := ix.Status(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if err := ix.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(used.Microseconds())/float64(messages), "cpu-µs/message")
		b.ReportMetric(float64(st.Bytes)/float64(messages), "B/message")
	}
}

func BenchmarkTokenize(b *testing.B) {
	var texts []string
	size := 0
	readCorpus(b, 40, func(l line, _ record.TS) {
		texts = append(texts, l.Text)
		size += len(l.Text)
	})
	b.SetBytes(int64(size) / int64(len(texts)))
	b.ReportAllocs()
	var t tokenizer
	for i := 0; b.Loop(); i++ {
		t.run(texts[i%len(texts)], false)
	}
}
