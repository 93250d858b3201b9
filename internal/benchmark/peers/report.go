//go:build linux

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// report is what was measured of one world, round by round.
type report struct {
	world   *world
	builds  map[string][]built
	answers map[string][]answered
}

func newReport(w *world) *report {
	return &report{w, map[string][]built{}, map[string][]answered{}}
}

func median[S any, T cmp.Ordered](samples []S, value func(S) T) (m T) {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	if slices.Sort(values); len(values) > 0 {
		m = values[len(values)/2]
	}
	return m
}

// buildCPU is the processor time of building an index, in microseconds a message.
func (r *report) buildCPU(name string) float64 {
	return r.each(median(r.builds[name], func(b built) time.Duration { return b.CPU }))
}

func (r *report) each(d time.Duration) float64 {
	return float64(d) / float64(time.Microsecond) / float64(r.world.Messages)
}

func (r *report) print() {
	fmt.Printf("\n%d messages, medians of %d rounds, %s", r.world.Messages, len(r.answers[nameIndex]), loadAverage())
	if len(r.builds) > 0 {
		r.printBuilds()
	}
	r.printAnswers()
}

func (r *report) printBuilds() {
	fmt.Println()
	row("build", "CPU µs/msg", "wall s", "bytes/msg", "peak MB", "own MB", "CPU ratio", "B ratio")
	own := r.buildCPU(nameIndex)
	bytes := func(name string) float64 {
		return float64(median(r.builds[name], func(b built) int64 { return b.Bytes })) / float64(r.world.Messages)
	}
	megabytes := func(name string, of func(built) int64) string {
		return number(float64(median(r.builds[name], of))/1e6, 0)
	}
	for _, name := range []string{nameIndex, nameDefault, nameSQLite} {
		if len(r.builds[name]) == 0 {
			continue
		}
		wall := median(r.builds[name], func(b built) time.Duration { return b.Wall })
		row(name, number(r.buildCPU(name), 1), number(wall.Seconds(), 1), number(bytes(name), 1),
			megabytes(name, func(b built) int64 { return b.Peak }), megabytes(name, func(b built) int64 { return b.Own }),
			number(own/r.buildCPU(name), 2), number(bytes(nameIndex)/bytes(name), 2))
	}
	apart := r.each(median(r.builds[nameIndex], func(b built) time.Duration { return b.Apart }))
	keys := median(r.builds[nameIndex], func(b built) int64 { return b.Keys })
	fmt.Printf("of %s: reading the archive %.1f µs/msg; keys and counters %.2f bytes/msg\n", nameIndex, apart,
		float64(keys)/float64(r.world.Messages))
}

// printAnswers prints a line a class: what the index takes, and how often that of the peers.
func (r *report) printAnswers() {
	fmt.Print("\nanswers: the total and a page, with its hits read and snippets cut; \"keys\" is without those. All are asked once before\n" +
		"they are measured, and may keep in memory what they like; \"first\" is that first time, files cached by the system.\n" +
		"Ratios are of CPU.\n")
	row("answers; ms", "hits", "CPU", "p50", "p95", "/SQLite", "/rg", "first CPU", "/SQLite", "keys CPU", "keys p95", "/SQLite")
	for _, class := range r.world.Queries {
		whole, keys := r.timing(nameIndex, class.Name), r.timing(nameIndexKeys, class.Name)
		if whole.CPU == 0 {
			continue
		}
		row(class.Name, strconv.Itoa(int(whole.Total)/len(class.Queries)), millis(whole.CPU), millis(whole.P50), millis(whole.P95),
			ratio(whole.CPU, r.timing(nameSQLite, class.Name).CPU), ratio(whole.CPU, r.timing(nameGrep, class.Name).CPU),
			millis(whole.First), ratio(whole.First, r.timing(nameSQLite, class.Name).First),
			millis(keys.CPU), millis(keys.P95), ratio(keys.CPU, r.timing(nameSQLiteKeys, class.Name).CPU))
		r.compareTotals(class)
	}
}

// compareTotals tells of totals that are far apart: then not the same was asked.
func (r *report) compareTotals(c class) {
	ours, theirs := r.timing(nameIndex, c.Name).Total, r.timing(nameSQLite, c.Name).Total
	if theirs > 0 && (ours < theirs*9/10 || theirs < ours*9/10) {
		fmt.Printf("  (%s has %d hits, %s %d)\n", nameIndex, ours, nameSQLite, theirs)
	}
}

// timing gives the medians of a class.
func (r *report) timing(name, class string) timing {
	samples := r.answers[name]
	of := func(value func(timing) time.Duration) time.Duration {
		return median(samples, func(a answered) time.Duration { return value(a[class]) })
	}
	return timing{
		CPU:   of(func(t timing) time.Duration { return t.CPU }),
		First: of(func(t timing) time.Duration { return t.First }),
		P50:   of(func(t timing) time.Duration { return t.P50 }),
		P95:   of(func(t timing) time.Duration { return t.P95 }),
		Total: median(samples, func(a answered) uint64 { return a[class].Total }),
	}
}

func ratio(a, b time.Duration) string {
	if b == 0 {
		return "-"
	}
	return number(float64(a)/float64(b), 2)
}

// row writes a line of a table: a name and figures.
func row(name string, cells ...string) {
	line := fmt.Sprintf("%-28s", name)
	for _, cell := range cells {
		line += fmt.Sprintf("%11s", cell)
	}
	fmt.Println(strings.TrimRight(line, " "))
}

func number(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }

func millis(d time.Duration) string { return number(float64(d)/float64(time.Millisecond), 3) }
