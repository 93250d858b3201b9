//go:build unix

package export

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"archiver/internal/record"
)

// many is a source of n messages of usual size, made as they are asked for.
type many struct {
	*source
	n     int
	items []Item
}

func newMany(n int) *many {
	m := &many{source: small(), n: n}
	m.channels, m.files = m.channels[:1], nil
	for i := range 100 {
		raw := fmt.Sprintf(`{"ts":"1500000000.%06d","channel":"chan-a==","user":"ann@x","text":"message %d: could somebody `+
			`look at the build, \"it\" is red again since this morning\nhttps://ci.example.com/job/%d","type":"message",`+
			`"subtype":"","comments_count":"0","permissions":{"edit":true,"delete":"false"}}`, i, i, i*7919)
		m.items = append(m.items, message("chan-a", record.MakeTS(1500000000, i), "", raw))
	}
	return m
}

func (m *many) Items(context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for i := range m.n {
			item := *m.items[i%len(m.items)].Message
			item.TS = record.MakeTS(1500000000+int64(i), 0)
			if !yield(Item{Message: &item, Reason: ReasonHit}, nil) {
				return
			}
		}
	}
}

// cpuTime is what the process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkWrite(b *testing.B) {
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) { benchmarkWrite(b, format, Rendering{}) })
	}
	b.Run("eml/slice", func(b *testing.B) { benchmarkWrite(b, "eml", Rendering{Mail: MailSlice}) })
}

func benchmarkWrite(b *testing.B, format string, r Rendering) {
	const n = 50_000
	src := newMany(n)
	var bytes int64
	before := cpuTime(b)
	for b.Loop() {
		o := Options{Output: filepath.Join(b.TempDir(), "out"), Formats: []string{format}, Rendering: r}
		s, err := Write(b.Context(), o, smallSelection, src)
		if err != nil {
			b.Fatal(err)
		}
		bytes = s.Written
	}
	b.SetBytes(bytes)
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(n)*float64(b.N)/(cpuTime(b)-before).Seconds(), "messages/cpu-s")
	b.ReportMetric(float64(bytes)/n, "B/message")
}
