//go:build linux

// Command peers measures the search index beside others: bleve with its default mapping, SQLite with FTS5 and B-trees,
// and ripgrep over the same messages as lines of JSON.
//
//	cd internal/benchmark/peers
//	go run -tags sqlite_fts5 . -sizes 100000,1000000 -rounds 3
//
// With -dir what was built is kept, and -answers measures it again without building; -classes and -profiles are for
// looking closer.
//
// It is a module of its own, so that what the peers need (CGO and SQLite) is no dependency of the program. The messages
// are those of the corpus beside the project, and where it is too small, of it again with the words of each text
// shuffled. Every contender runs in a process of its own, which is asked what it used; the contenders of a round take
// turns, and figures are medians of the rounds. Absolute ones say little about another machine, ratios more.
//
// The index is measured as the program uses it: it follows a real archive, and what it answers includes reading the hits
// from the archive and cutting snippets. SQLite answers in two ways: with rows and snippets, and with keys only, beside
// which stand the answers of the index without reading hits. SQLite is given the messages in the order of time, so that
// its rowids are, which is in its favour; the others in the order in which an archive gets them, channel by channel.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 && args[0] == childCommand {
		return child(args[1:])
	}
	var o options
	flags := flag.NewFlagSet("peers", flag.ExitOnError)
	sizes := flags.String("sizes", "100000", "numbers of messages, separated by commas")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; figures are medians")
	flags.IntVar(&o.defaultLimit, "default-limit", 100_000, "most messages that bleve's default mapping is given; it is slow")
	flags.StringVar(&o.corpus, "corpus", "../../../../shared/corpus/chat", "directory of the chat corpus")
	flags.StringVar(&o.dir, "dir", "", "directory for what is built, kept afterwards (default: a temporary one, removed)")
	flags.BoolVar(&o.answersOnly, "answers", false, "measure answers only, of what an earlier run built in -dir")
	flags.StringVar(&o.classes, "classes", "", "regular expression of the classes of answers to measure (default: all)")
	flags.StringVar(&o.profiles, "profiles", "", "directory for a CPU profile of every contender and class")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, text := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1000 {
			return fmt.Errorf("-sizes: %q is no number of at least 1000 messages", text)
		}
		o.sizes = append(o.sizes, n)
	}
	return o.run()
}

type options struct {
	sizes        []int
	rounds       int
	defaultLimit int
	corpus, dir  string

	answersOnly       bool
	classes, profiles string
}

func (o *options) run() error {
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "peers")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.dir = dir
	}
	fmt.Printf("machine: %s", loadAverage())
	perMessage := map[int]float64{}
	for _, n := range o.sizes {
		w, err := o.world(n)
		if err != nil {
			return fmt.Errorf("prepare %d messages: %w", n, err)
		}
		r := newReport(w)
		if err := o.measure(r); err != nil {
			return fmt.Errorf("%d messages: %w", n, err)
		}
		r.print()
		perMessage[n] = r.buildCPU(nameIndex)
	}
	if first, last := o.sizes[0], o.sizes[len(o.sizes)-1]; first < last && !o.answersOnly {
		fmt.Printf("\nCPU a message of %s at %d: %.2f of that at %d\n", nameIndex, last, perMessage[last]/perMessage[first], first)
	}
	return nil
}

// world prepares what is measured with n messages, or takes it from an earlier run.
func (o *options) world(n int) (*world, error) {
	w := &world{Dir: filepath.Join(o.dir, fmt.Sprint(n)), Messages: n, Classes: o.classes, Profiles: o.profiles}
	if o.answersOnly {
		return w, w.revisit()
	}
	return w, w.prepare(o.corpus)
}

// measure runs all contenders in turns, first building, then answering.
func (o *options) measure(r *report) error {
	names := []string{nameIndex, nameSQLite}
	if r.world.Messages <= o.defaultLimit {
		names = append(names, nameDefault)
	}
	if o.answersOnly {
		names = nil
	}
	for range o.rounds {
		for _, name := range names {
			b, err := runChild[built](r.world, "build", name)
			if err != nil {
				return err
			}
			r.builds[name] = append(r.builds[name], b)
		}
	}
	for range o.rounds {
		for _, name := range []string{nameIndex, nameSQLite, nameIndexKeys, nameSQLiteKeys} {
			a, err := runChild[answered](r.world, "query", name)
			if err != nil {
				return err
			}
			r.answers[name] = append(r.answers[name], a)
		}
		if a, ok, err := grepAll(r.world); err != nil {
			return err
		} else if ok {
			r.answers[nameGrep] = append(r.answers[nameGrep], a)
		}
	}
	return nil
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "load unknown\n"
	}
	return "load average " + string(text)
}

// printJSON is how a child answers.
func printJSON(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }
