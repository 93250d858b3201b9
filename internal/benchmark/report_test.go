//go:build linux

package benchmark

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// run is one measured process.
type run struct {
	usage
	items    int64 // messages and comments read or added
	requests int64
	added    int64 // versions, messages, files
}

// report collects the runs of all rounds.
type report struct {
	fetch, with, without, second []run
	sizes                        status // of the last archive with an index
	plain, compressed            int64  // bytes of the objects received
	fsyncsWith, fsyncsWithout    int64
}

// round runs everything that is measured once, one after the other.
func (r *report) round(b *testing.B, c *campaign) {
	archive := c.newArchive()
	defer os.RemoveAll(archive)
	r.fetch = append(r.fetch, c.fetch(b))
	r.with = append(r.with, c.sync(b, archive))
	r.second = append(r.second, c.sync(b, archive))
	r.sizes = c.status(b, archive)
	bare := c.newArchive()
	defer os.RemoveAll(bare)
	r.without = append(r.without, c.sync(b, bare, "--no-index"))
}

// items is how many messages and comments a first sync archives.
func (r *report) items() float64 { return float64(r.with[0].items) }

func median[T cmp.Ordered](runs []run, value func(run) T) T {
	values := make([]T, len(runs))
	for i, run := range runs {
		values[i] = value(run)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func seconds(r run) float64   { return r.wall.Seconds() }
func cpuMicros(r run) float64 { return float64(r.cpu) / float64(time.Microsecond) }
func megabytes(r run) float64 { return float64(r.rss) / 1e6 }
func asked(r run) float64     { return float64(r.requests) }

// metrics gives the main figures to the benchmark.
func (r *report) metrics(b *testing.B) {
	n := r.items()
	b.ReportMetric(n/median(r.with, seconds), "messages/s")
	b.ReportMetric(n/median(r.without, seconds), "messages/s-noindex")
	b.ReportMetric(median(r.with, cpuMicros)/n, "cpu-µs/message")
	b.ReportMetric(median(r.without, cpuMicros)/n, "cpu-µs/message-noindex")
	b.ReportMetric(median(r.with, megabytes), "peak-MB")
	b.ReportMetric(float64(r.sizes.Archive.InUse)/n, "archive-B/message")
	b.ReportMetric(float64(r.sizes.Index.Bytes)/n, "index-B/message")
}

// print writes the figures as a table: one line a figure, absolute and as a ratio to its baseline.
func (r *report) print(out io.Writer) {
	n := r.items()
	fmt.Fprintf(out, "\n%.0f messages and comments, %.0f requests without a change; medians of %d\n\n",
		n, median(r.second, asked), len(r.with))
	row(out, "first sync", "fetch+decode", "with index", "ratio", "no index", "ratio", "second sync")
	line := func(name string, digits int, value func(run) float64) {
		base, with, without := median(r.fetch, value), median(r.with, value), median(r.without, value)
		row(out, name, number(base, digits), number(with, digits), number(with/base, 2), number(without, digits),
			number(without/base, 2), number(median(r.second, value), digits))
	}
	line("wall time, s", 2, seconds)
	row(out, "messages/s", number(n/median(r.fetch, seconds), 0), number(n/median(r.with, seconds), 0), "",
		number(n/median(r.without, seconds), 0))
	line("CPU, s", 2, func(r run) float64 { return r.cpu.Seconds() })
	line("CPU, µs a message", 1, func(r run) float64 { return cpuMicros(r) / n })
	line("peak RSS, MB", 0, megabytes)
	line("requests", 0, asked)
	row(out, "messages, versions, files added", "", number(median(r.with, addedBy), 0), "", number(median(r.without, addedBy), 0),
		"", number(median(r.second, addedBy), 0))
	if r.fsyncsWith >= 0 {
		row(out, "fsyncs per 1,000 messages", "", number(1000*float64(r.fsyncsWith)/n, 2), "",
			number(1000*float64(r.fsyncsWithout)/n, 2))
	}
	r.printSizes(out)
}

// row writes a line of a table: a name and figures.
func row(out io.Writer, name string, cells ...string) {
	line := fmt.Sprintf("%-32s", name)
	for _, cell := range cells {
		line += fmt.Sprintf("%14s", cell)
	}
	fmt.Fprintln(out, strings.TrimRight(line, " "))
}

func number(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }

func addedBy(r run) float64 { return float64(r.added) }

// printSizes writes bytes a message, each beside the compressed size of the same JSON.
func (r *report) printSizes(out io.Writer) {
	fmt.Fprintln(out)
	row(out, "sizes, with index", "bytes", "a message", "x zstd -19")
	line := func(name string, size int64) {
		ratio := ""
		if r.compressed > 0 {
			ratio = number(float64(size)/float64(r.compressed), 2)
		}
		row(out, name, number(float64(size), 0), number(float64(size)/r.items(), 2), ratio)
	}
	line("JSON received", r.plain)
	if r.compressed > 0 {
		line("zstd -19 --long=27 of it", r.compressed)
	}
	content := int64(0)
	buckets := slices.SortedFunc(slices.Values(r.sizes.Archive.Buckets), func(a, b bucket) int { return cmp.Compare(b.Bytes, a.Bytes) })
	for _, b := range buckets {
		line("archive.db: "+b.Name, b.Bytes)
		if b.Name == "blocks" || b.Name == "tails" {
			content += b.Bytes
		}
	}
	line("archive.db: blocks and tails", content)
	line("archive.db: pages in use", r.sizes.Archive.InUse)
	line("index", r.sizes.Index.Bytes)
	fmt.Fprintln(out)
}
