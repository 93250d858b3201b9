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
	every int64 // seconds between messages
	items []Item
}

func newMany(n int) *many {
	m := &many{source: small(), n: n, every: 1}
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
			item.TS = record.MakeTS(1500000000+int64(i)*m.every, 0)
			if !yield(Item{Message: &item, Reason: ReasonHit}, nil) {
				return
			}
		}
	}
}

func (m *many) Outlines(ctx context.Context) iter.Seq2[Item, error] { return m.Items(ctx) }

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

// BenchmarkRSMFDays writes a month of days with a dozen messages each in a channel of 150 members, where the cost of a
// file, fsync included, counts more than that of its messages.
func BenchmarkRSMFDays(b *testing.B) {
	src := newMany(0)
	src.source.items = nil
	for i := range 150 {
		src.channels[0].History.Members = append(src.channels[0].History.Members, record.Span{Value: fmt.Sprintf("user%d@example.com", i)})
	}
	for i := range 30 * 12 {
		item := *src.items[i%len(src.items)].Message
		item.TS = record.MakeTS(1500000000+int64(i)*7200, 0)
		src.source.items = append(src.source.items, Item{Message: &item, Reason: ReasonHit})
	}
	for b.Loop() {
		o := Options{Output: filepath.Join(b.TempDir(), "out"), Formats: []string{"rsmf"}}
		if _, err := Write(b.Context(), o, smallSelection, src.source); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(360*b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkPages measures the HTML reader where pages are as small as those of usual channels: 17 messages a day.
func BenchmarkPages(b *testing.B) {
	const n = 50_000
	src := newMany(n)
	src.every = 24 * 3600 / 17
	for b.Loop() {
		o := Options{Output: filepath.Join(b.TempDir(), "out"), Formats: []string{"html"}}
		if _, err := Write(b.Context(), o, smallSelection, src); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
