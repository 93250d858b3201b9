//go:build linux

package benchmark

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
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
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	n := r.items()
	fmt.Fprintf(w, "\n%.0f messages and comments, medians of %d\t\t\t\t\t\t\n", n, len(r.with))
	fmt.Fprint(w, "\tfetch+decode\twith index\t×\twithout index\t×\tsecond sync\t\n")
	line := func(name, format string, value func(run) float64) {
		base, with, without := median(r.fetch, value), median(r.with, value), median(r.without, value)
		fmt.Fprintf(w, "%s\t"+format+"\t"+format+"\t%.2f\t"+format+"\t%.2f\t"+format+"\t\n",
			name, base, with, with/base, without, without/base, median(r.second, value))
	}
	line("wall time, s", "%.2f", seconds)
	line("CPU, s", "%.2f", func(r run) float64 { return r.cpu.Seconds() })
	line("CPU, µs a message", "%.1f", func(r run) float64 { return cpuMicros(r) / n })
	line("peak RSS, MB", "%.0f", megabytes)
	line("requests", "%.0f", asked)
	fmt.Fprintf(w, "messages/s\t%.0f\t%.0f\t\t%.0f\t\t\t\n",
		n/median(r.fetch, seconds), n/median(r.with, seconds), n/median(r.without, seconds))
	if r.fsyncsWith >= 0 {
		fmt.Fprintf(w, "fsyncs per 1,000 messages\t\t%.2f\t\t%.2f\t\t\t\n",
			1000*float64(r.fsyncsWith)/n, 1000*float64(r.fsyncsWithout)/n)
	}
	fmt.Fprintf(w, "added (messages, versions, files)\t\t%.0f\t\t%.0f\t\t%.0f\t\n",
		median(r.with, addedBy), median(r.without, addedBy), median(r.second, addedBy))
	r.printSizes(w)
}

func addedBy(r run) float64 { return float64(r.added) }

// printSizes writes bytes a message, each beside the compressed size of the same JSON.
func (r *report) printSizes(w io.Writer) {
	n := r.items()
	fmt.Fprint(w, "\t\t\t\t\t\t\t\n\tbytes\ta message\t× zstd -19\t\t\t\t\n")
	line := func(name string, size int64) {
		ratio := ""
		if r.compressed > 0 {
			ratio = fmt.Sprintf("%.2f", float64(size)/float64(r.compressed))
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%s\t\t\t\t\n", name, size, float64(size)/n, ratio)
	}
	line("JSON received", r.plain)
	if r.compressed > 0 {
		line("zstd -19 --long=27 of it", r.compressed)
	}
	buckets := slices.SortedFunc(slices.Values(r.sizes.Archive.Buckets), func(a, b bucket) int { return cmp.Compare(b.Bytes, a.Bytes) })
	for _, b := range buckets {
		line("archive.db: "+b.Name, b.Bytes)
	}
	line("archive.db, pages in use", r.sizes.Archive.InUse)
	line("index", r.sizes.Index.Bytes)
}
