//go:build !windows

package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// crashPages is how many pages a worker puts that is killed at a crash point: enough to seal blocks and to compact
// twice.
const crashPages = 2 * packEvery

// TestCrashAtAnyPoint kills a worker between any two durable steps. What it acknowledged is there, and another worker
// completes the archive to what an unbroken one makes.
func TestCrashAtAnyPoint(t *testing.T) {
	points, want := unbrokenWork(t)
	kinds := slices.Compact(slices.Sorted(slices.Values(points)))
	t.Logf("%d crash points of %d kinds: %s", len(points), len(kinds), strings.Join(kinds, ", "))
	random := rand.New(rand.NewPCG(3, 4))
	for _, n := range somePoints(points) {
		again := 0 // the point at which the next worker is killed, too
		if campaign() {
			again = 1 + random.IntN(len(points)/2)
		}
		t.Run(fmt.Sprintf("%03d %s", n, points[n-1]), func(t *testing.T) {
			t.Parallel()
			crashAndGoOn(t, n, again, want)
		})
	}
}

// somePoints gives the first point of each kind, counted from 1; all points in the campaign.
func somePoints(points []string) (list []int) {
	seen := make(map[string]bool)
	for i, name := range points {
		if campaign() || !seen[name] && (!testing.Short() || len(seen)%5 == 0) {
			list = append(list, i+1)
		}
		seen[name] = true
	}
	return list
}

// unbrokenWork gives the crash points that a worker comes to, and what the archive holds then.
func unbrokenWork(t *testing.T) (points, dump []string) {
	t.Helper()
	dir, log := filepath.Join(t.TempDir(), "archive"), filepath.Join(t.TempDir(), "points")
	var known acknowledged
	cmd := startWorker(t, dir, crashPages, crashEnv+"=0", logEnv+"="+log)
	if complaints, err := known.follow(t, cmd, nil); err != nil {
		t.Fatal(err, complaints)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := known.check(t.Context(), dir); err != nil || known.pages != crashPages {
		t.Fatalf("%d pages: %v", known.pages, err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n"), dumpWork(t, dir)
}

func dumpWork(t *testing.T, dir string) []string {
	t.Helper()
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	dump, err := tryDump(a, []string{workerNamed})
	if err != nil {
		t.Fatal(err)
	}
	return dump
}

func crashAndGoOn(t *testing.T, n, again int, want []string) {
	dir := filepath.Join(t.TempDir(), "archive")
	var known acknowledged
	for _, at := range []int{n, again} {
		if at == 0 {
			continue
		}
		complaints, err := known.follow(t, startWorker(t, dir, crashPages, crashEnv+"="+fmt.Sprint(at)), nil)
		if !wasKilled(err) && (err != nil || at == n) {
			t.Fatalf("at point %d: %v\n%s", at, err, complaints)
		}
		if err := known.check(t.Context(), dir); err != nil {
			t.Fatalf("after the crash at point %d: %v", at, err)
		}
	}
	goOn(t, dir, crashPages, &known)
	if !slices.Equal(dumpWork(t, dir), want) {
		t.Error("the archive holds something else than after unbroken work")
	}
	wantNoLeftovers(t, dir)
}

func wasKilled(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// goOn lets another worker complete the pages, and checks the archive.
func goOn(t *testing.T, dir string, pages int, known *acknowledged) {
	t.Helper()
	w := &worker{dir: dir, pages: pages, ack: known.add}
	if err := w.work(context.Background()); err != nil {
		t.Fatalf("going on: %v", err)
	}
	if err := known.check(t.Context(), dir); err != nil {
		t.Fatalf("after going on: %v", err)
	}
}

// wantNoLeftovers checks that nothing is in the archive but what belongs there.
func wantNoLeftovers(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{databaseName, headName, lockName, "blobs"}, e.Name()) {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// TestKilledAtAnyInstant kills workers, which put pages, sign and compact, at random instants.
func TestKilledAtAnyInstant(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	var dir string
	var known *acknowledged
	begun, compacting := 0, 0
	for round := range rounds(3, 15, 500) {
		if round%20 == 0 {
			dir, known = filepath.Join(t.TempDir(), "archive"), &acknowledged{}
		}
		killWorker(t, dir, known, time.Duration(20+random.IntN(300))*time.Millisecond)
		if exists(filepath.Join(dir, compactName)) {
			compacting++
		}
		if err := known.check(t.Context(), dir); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if known.any {
			begun++
		}
	}
	goOn(t, dir, known.pages+1, known)
	t.Logf("%d rounds began, %d were killed while they compacted", begun, compacting)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func killWorker(t *testing.T, dir string, known *acknowledged, after time.Duration) {
	t.Helper()
	cmd := startWorker(t, dir, endless)
	var timer *time.Timer
	complaints, err := known.follow(t, cmd, func() { timer = time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) })
	timer.Stop()
	if !wasKilled(err) {
		t.Fatalf("worker: %v\n%s", err, complaints)
	}
}
