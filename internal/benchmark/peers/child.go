//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// childCommand is the first argument of a process that is one contender.
const childCommand = "contender"

// The contenders.
const (
	nameIndex      = "archiver"
	nameIndexKeys  = "archiver, keys"
	nameSQLite     = "SQLite FTS5"
	nameSQLiteKeys = "SQLite, keys"
	nameDefault    = "bleve default"
	nameGrep       = "ripgrep"
)

// built is what building an index took.
type built struct {
	CPU, Wall time.Duration // until nothing is merged any more
	Apart     time.Duration // CPU of reading the messages alone, where it is part of CPU
	Bytes     int64         // on disk then
	Keys      int64         // of Bytes: what serves only questions without words
	Peak      int64         // bytes of memory at most, mapped files included
	Own       int64         // bytes of memory that no file stands behind, at most
}

// answered is what answering took, by class.
type answered map[string]timing

type timing struct {
	CPU      time.Duration // a query
	First    time.Duration // the same, asked for the first time
	P50, P95 time.Duration // wall time
	Total    uint64        // hits of all queries of the class once, for comparison
}

// runChild runs one job of one contender and gives what it printed.
func runChild[T any](w *world, job, name string) (out T, err error) {
	self, err := os.Executable()
	if err != nil {
		return out, err
	}
	cmd := exec.Command(self, childCommand, job, name, w.description())
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return out, fmt.Errorf("%s of %s: %w", job, name, err)
	}
	return out, json.Unmarshal(stdout.Bytes(), &out)
}

// contender is an index that is measured.
type contender interface {
	build() (built, error)                                // and closes what it built
	open() (ask func(q query) (uint64, error), err error) // for the rest of the process
}

func child(args []string) error {
	w, err := readWorld(args[2])
	if err != nil {
		return err
	}
	c := contenders(w)[args[1]]
	if args[0] == "build" {
		b, err := c.build()
		if err != nil {
			return err
		}
		return printJSON(b)
	}
	a, err := answerAll(w, args[1], c)
	if err != nil {
		return err
	}
	return printJSON(a)
}

func contenders(w *world) map[string]contender {
	return map[string]contender{
		nameIndex: &archiver{world: w}, nameIndexKeys: &archiver{world: w, keys: true},
		nameSQLite: &sqlite{world: w}, nameSQLiteKeys: &sqlite{world: w, keys: true},
		nameDefault: &byDefault{w},
	}
}

// leastTime is how long a class is asked at least, so that its CPU time can be told.
const leastTime = 300 * time.Millisecond

// answerAll asks all queries of each class, once to warm up and then as often as it takes.
func answerAll(w *world, name string, c contender) (answered, error) {
	classes, err := w.asked()
	if err != nil {
		return nil, err
	}
	ask, err := c.open()
	if err != nil {
		return nil, err
	}
	out := answered{}
	for _, class := range classes {
		before := cpuTime()
		total, err := askOnce(class, ask)
		if errors.Is(err, errUnable) {
			continue
		}
		if err != nil {
			return nil, err
		}
		first := (cpuTime() - before) / time.Duration(len(class.Queries))
		t, err := w.profiled(name+" "+class.Name, func() (timing, error) { return askOften(class, ask) })
		if err != nil {
			return nil, err
		}
		t.First, t.Total = first, total
		out[class.Name] = t
	}
	return out, nil
}

// askOnce gives the hits of all queries of a class.
func askOnce(c class, ask func(query) (uint64, error)) (total uint64, err error) {
	for _, q := range c.Queries {
		n, err := ask(q)
		if err != nil {
			return 0, fmt.Errorf("%s %+v: %w", c.Name, q, err)
		}
		total += n
	}
	return total, nil
}

// askOften asks all queries of a class in turns.
func askOften(c class, ask func(query) (uint64, error)) (t timing, err error) {
	var walls []time.Duration
	before, began := cpuTime(), time.Now()
	for time.Since(began) < leastTime || len(walls) < 3*len(c.Queries) {
		for _, q := range c.Queries {
			start := time.Now()
			if _, err := ask(q); err != nil {
				return t, err
			}
			walls = append(walls, time.Since(start))
		}
	}
	t.CPU = (cpuTime() - before) / time.Duration(len(walls))
	slices.Sort(walls)
	t.P50, t.P95 = walls[len(walls)/2], walls[len(walls)*95/100]
	return t, nil
}

// profiled measures f, and writes a CPU profile of it if the world wants them.
func (w *world) profiled(name string, f func() (timing, error)) (timing, error) {
	if w.Profiles == "" {
		return f()
	}
	file, err := os.Create(filepath.Join(w.Profiles, strings.NewReplacer(",", "", " ", "-").Replace(name)+".pprof"))
	if err != nil {
		return timing{}, err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return timing{}, err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// errUnable is the error of a contender that has no such question.
var errUnable = fmt.Errorf("cannot be asked")

// cpuTime is the processor time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail with these arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// timed measures a build whose files lie in dir. Index files that are still being merged count: it waits until they
// stay the same.
func timed(dir string, build func() (close func() error, err error)) (b built, err error) {
	stop, peaks := make(chan bool), make(chan int64)
	go func() { peaks <- watchMemory(stop) }()
	start, before := time.Now(), cpuTime()
	closer, err := build()
	if err == nil {
		b.Wall = settle(dir).Sub(start)
		b.CPU = cpuTime() - before
		err = closer()
	}
	stop <- true
	b.Own, b.Peak = <-peaks, memory("VmHWM")
	b.Bytes = sizeOf(dir)
	return b, err
}

// settle waits until the files below dir have stayed the same for a second; it gives the time of the last change.
func settle(dir string) time.Time {
	last, since := "", time.Now()
	for time.Since(since) < time.Second {
		var now strings.Builder
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error { // files may go while it looks
			if err == nil && !d.IsDir() && filepath.Ext(path) == ".zap" {
				now.WriteString(path)
			}
			return nil
		})
		if now.String() != last {
			last, since = now.String(), time.Now()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return since
}

func sizeOf(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil {
			total += info.Size()
		}
		return nil
	})
	return total
}

// watchMemory gives the most memory without files that this process had until it is told to stop.
func watchMemory(stop <-chan bool) (peak int64) {
	for {
		select {
		case <-stop:
			return peak
		case <-time.After(20 * time.Millisecond):
			peak = max(peak, memory("RssAnon"))
		}
	}
}

// memory reads a line of the process's status, in bytes.
func memory(name string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
