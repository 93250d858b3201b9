//go:build linux

package benchmark

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// exportKind is an export of everything.
type exportKind struct {
	name string
	args []string
}

// exportKinds are all formats; those that write slices, by day and by month.
func exportKinds() []exportKind {
	var kinds []exportKind
	for _, format := range []string{"ndjson", "csv", "mbox"} {
		kinds = append(kinds, exportKind{format, []string{"--format", format}})
	}
	for _, slice := range []string{"day", "month"} {
		for _, format := range []string{"rsmf", "eml", "html", "production"} {
			kinds = append(kinds, exportKind{format + "/" + slice, []string{"--format", format, "--mail", "slice", "--slice", slice}})
		}
	}
	return append(kinds, exportKind{"eml/message", []string{"--format", "eml"}})
}

// exported collects the runs of one kind of export, and what programs of the system need for the same files.
type exported struct {
	name         string
	runs         []run
	sha256, zip  []run // no zip where it is not installed
	files, bytes int64 // of the bundle
}

// BenchmarkExport exports an archive of the corpus in each format, and then has sha256sum and zip -6 read the bundle.
func BenchmarkExport(b *testing.B) {
	c := newCampaign(b)
	archive := c.newArchive()
	c.sync(b, archive, "--no-index")
	var list []*exported
	for _, kind := range exportKinds() {
		x := &exported{name: kind.name}
		b.Run(kind.name, func(b *testing.B) {
			x.runs, x.sha256, x.zip = nil, nil, nil
			for b.Loop() {
				x.round(b, c, archive, kind)
			}
			x.metrics(b)
		})
		if len(x.runs) > 0 {
			list = append(list, x)
		}
	}
	printExports(os.Stdout, list)
}

// round makes one bundle and has it read.
func (x *exported) round(b *testing.B, c *campaign, archive string, kind exportKind) {
	output := filepath.Join(c.dir, "export")
	defer os.RemoveAll(output)
	args := append([]string{"export", "--json", "--quiet", "--archive", archive, "--output", output}, kind.args...)
	u := measure(b, nil, c.archiver, args...)
	s := decode[struct {
		Counts struct{ Messages, Comments int64 } `json:"counts"`
	}](b, u)
	x.runs = append(x.runs, run{usage: u, items: s.Counts.Messages + s.Counts.Comments})
	x.files, x.bytes = filesIn(b, output)
	x.sha256 = append(x.sha256, run{usage: measure(b, nil, "sh", "-c", `find "$0" -type f -exec sha256sum {} + >/dev/null`, output)})
	if _, err := exec.LookPath("zip"); err == nil {
		x.zip = append(x.zip, run{usage: measure(b, nil, "sh", "-c", `zip -6 -q -r - "$0" >/dev/null`, output)})
	}
}

// filesIn counts the files below a directory, and their bytes.
func filesIn(b *testing.B, dir string) (files, bytes int64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files, bytes = files+1, bytes+info.Size()
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return files, bytes
}

func (x *exported) items() float64 { return float64(x.runs[0].items) }

// rate is how many messages a core exports in a second.
func (x *exported) rate() float64 { return x.items() / (median(x.runs, cpuMicros) / 1e6) }

// ratio is the CPU of the export beside that of other runs, -1 if there are none.
func (x *exported) ratio(others []run) float64 {
	if len(others) == 0 {
		return -1
	}
	return median(x.runs, cpuMicros) / median(others, cpuMicros)
}

func (x *exported) metrics(b *testing.B) {
	b.ReportMetric(x.rate(), "messages/cpu-s")
	b.ReportMetric(x.items()/median(x.runs, seconds), "messages/s")
	b.ReportMetric(float64(x.bytes)/x.items(), "B/message")
	b.ReportMetric(median(x.runs, megabytes), "peak-MB")
	b.ReportMetric(x.ratio(x.sha256), "x-sha256sum")
	b.ReportMetric(x.ratio(x.zip), "x-zip-6")
}

// printExports writes a line for each kind of export.
func printExports(out io.Writer, list []*exported) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s messages and comments\n\n", number(list[0].items(), 0))
	row(out, "export", "msgs/CPU s", "msgs/s", "CPU, s", "x sha256sum", "x zip -6", "MB", "files", "peak RSS, MB", "own, MB")
	for _, x := range list {
		own := median(x.runs, func(r run) float64 { return float64(r.own) / 1e6 })
		row(out, x.name, number(x.rate(), 0), number(x.items()/median(x.runs, seconds), 0), number(median(x.runs, cpuMicros)/1e6, 1),
			number(x.ratio(x.sha256), 1), number(x.ratio(x.zip), 2), number(float64(x.bytes)/1e6, 0), number(float64(x.files), 0),
			number(median(x.runs, megabytes), 0), number(own, 0))
	}
	fmt.Fprintln(out)
}
