//go:build linux

package benchmark

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
)

var sizes = flag.String("sizes", "100000,500000,2000000", "numbers of messages of the worlds of BenchmarkMemory")

// growth is the first sync of one world.
type growth struct {
	run
	index   bool
	archive int64 // bytes of pages in use
}

// BenchmarkMemory measures the first sync of worlds of different sizes, each with and without the index.
func BenchmarkMemory(b *testing.B) {
	c := newPrograms(b)
	var list []growth
	for size := range strings.SplitSeq(*sizes, ",") {
		messages, err := strconv.Atoi(size)
		if err != nil {
			b.Fatalf("-sizes: %v", err)
		}
		b.Run(size, func(b *testing.B) {
			c.generate(b, messages)
			b.Run("noindex", func(b *testing.B) { list = append(list, c.grow(b, false)) })
			b.Run("index", func(b *testing.B) { list = append(list, c.grow(b, true)) })
		})
	}
	printGrowth(os.Stdout, list)
}

// grow makes a first sync.
func (c *campaign) grow(b *testing.B, index bool) growth {
	g := growth{index: index}
	var more []string
	if !index {
		more = append(more, "--no-index")
	}
	for b.Loop() {
		archive := c.newArchive()
		g.run = c.sync(b, archive, more...)
		g.archive = c.status(b, archive).Archive.InUse
		os.RemoveAll(archive)
	}
	b.ReportMetric(megabytes(g.run), "peak-MB")
	b.ReportMetric(float64(g.own)/1e6, "own-peak-MB")
	b.ReportMetric(float64(g.mapped)/1e6, "mapped-peak-MB")
	b.ReportMetric(float64(g.items)/seconds(g.run), "messages/s")
	b.ReportMetric(cpuMicros(g.run)/float64(g.items), "cpu-µs/message")
	b.ReportMetric(float64(g.archive)/float64(g.items), "archive-B/message")
	return g
}

// printGrowth writes a line for each sync.
func printGrowth(out io.Writer, list []growth) {
	fmt.Fprintln(out)
	row(out, "first sync", "messages", "peak RSS, MB", "own, MB", "mapped, MB", "messages/s", "CPU, µs/msg", "B/msg", "requests")
	for _, g := range list {
		name, n := "without index", float64(g.items)
		if g.index {
			name = "with index"
		}
		row(out, name, number(n, 0), number(megabytes(g.run), 0), number(float64(g.own)/1e6, 0), number(float64(g.mapped)/1e6, 0),
			number(n/seconds(g.run), 0),
			number(cpuMicros(g.run)/n, 1), number(float64(g.archive)/n, 1), number(asked(g.run), 0))
	}
	fmt.Fprintln(out)
}
