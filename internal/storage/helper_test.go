package storage

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"archiver/internal/merkle"
	"archiver/internal/record"
)

// TestMain lets the test binary play the writer that gets killed, and keeps the property test short under -short.
func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		if err := runVictim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv(workerEnv); dir != "" {
		if err := runWorker(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); checks != nil && checks.Value.String() == checks.DefValue {
		_ = checks.Value.Set(fmt.Sprint(rounds(25, 12, 300))) // rapid takes a fifth of it under -short
	}
	os.Exit(m.Run())
}

// campaign is true when the long tests are asked for.
func campaign() bool { return os.Getenv("ARCHIVER_CAMPAIGN") != "" }

type temporary struct{ path string }

func tempDir() (temporary, error) {
	path, err := os.MkdirTemp("", "storage")
	return temporary{path}, err
}

func (d temporary) remove() { _ = os.RemoveAll(d.path) }

const victimEnv = "ARCHIVER_STORAGE_VICTIM"

// victimPage is the n-th page that a victim puts: page n has n%50+1 messages whose text tells their page.
func victimPage(n int) *Page {
	p := &Page{Observed: testTime, Channel: "c"}
	for i := range n%50 + 1 {
		p.Messages = append(p.Messages, message(n*50+i, fmt.Sprintf("page %d, message %d", n, i)))
	}
	return p
}

// runVictim puts pages for ever, going on after the last one that is there, and prints the number of each that is
// durable.
func runVictim(dir string) error {
	ctx := context.Background()
	a, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	next := 0
	for m, err := range a.Messages(ctx, "c", Range{}) {
		if err != nil {
			return err
		}
		if _, err := fmt.Sscanf(m.Text, "page %d,", &next); err != nil {
			return err
		}
	}
	for n := next; ; n++ { // the last page again: it must not be doubled
		p := victimPage(n)
		p.Done = func(_ Counts, err error) {
			if err == nil {
				fmt.Println(n)
			}
		}
		if err := a.Put(ctx, p); err != nil {
			return err
		}
		if n%7 == 0 {
			if err := a.Flush(ctx); err != nil {
				return err
			}
		}
	}
}

// startVictim starts a writer and gives the numbers that it prints.
func startVictim(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner, *strings.Builder) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), victimEnv+"="+dir)
	complaints := &strings.Builder{}
	cmd.Stderr = complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out), complaints
}

// fullArchive makes an archive with something in every bucket, several commits, sealed blocks and blobs, and closes
// it.
func fullArchive(t testing.TB) (dir string, channels []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "archive")
	a, err := Create(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	channels = []string{"alpha", "beta", "gamma"}
	key := giveKey(t, a)
	run, err := a.BeginRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range channels {
		fillChannel(t, a, c, 100+700*i)
	}
	put(t, a, Page{Channel: "beta", Messages: []record.Seen{message(7, "edited"), message(5000, "late")},
		Deleted: []Deleted{{TS: ts(9), Deletion: record.Deletion{LastSeen: testTime, FirstMissing: testTime}}}})
	run.Outcome = "complete"
	if err := a.EndRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := a.SetJournal(t.Context(), "diff", []byte("journal")); err != nil {
		t.Fatal(err)
	}
	sign(t, a, key)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, channels
}

// treeOf gives the state of an archive's log.
func treeOf(t testing.TB, a *Archive) (tree Tree) {
	t.Helper()
	err := a.view(t.Context(), func(s *snapshot) (err error) { tree, err = s.tree(); return err })
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// giveKey makes a key for an archive, beside it.
func giveKey(t testing.TB, a *Archive) *merkle.Key {
	t.Helper()
	key, err := merkle.CreateKey(a.Dir()+".key", merkle.Origin(a.ID()))
	if err == nil {
		err = a.SetPublicKey(t.Context(), key.Public())
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign signs the state of an archive's log.
func sign(t testing.TB, a *Archive, key *merkle.Key) []byte {
	t.Helper()
	signed, err := a.Sign(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func fillChannel(t testing.TB, a *Archive, c string, n int) {
	t.Helper()
	sum, size, err := a.Blobs().Put(t.Context(), strings.NewReader(strings.Repeat("file of "+c, 500)), 0)
	if err != nil {
		t.Fatal(err)
	}
	put(t, a, Page{
		Channel: c, Messages: messages(0, n),
		Channels: []record.ChannelState{{ID: c, Name: "name of " + c, State: record.ChannelPresent, Members: []string{"u"}}},
		Users:    []record.Seen{{Key: "u-" + c, Raw: []byte(`{"name":"` + c + `"}`)}},
		Files: []record.FileState{
			{ID: "f", Name: "f.txt", State: record.FileStored, SHA256: sum, Bytes: size},
		},
		Proven:  []record.Interval{{From: ts(0), To: ts(n)}},
		Audited: []record.Interval{{From: ts(0), To: ts(n)}},
		Missing: []Missing{{TS: ts(2), LastSeen: testTime, FirstMissing: testTime, Rights: "r"}},
		Walked:  &Walked{Latest: 1, At: testTime},
		Threads: []Thread{{TS: ts(1), Count: 2, Comments: 2, Read: testTime}},
		Owe:     []Debt{{Channel: c, Kind: DebtThread, Key: "x", Since: testTime}},
	})
	put(t, a, Page{Channel: c, Messages: messages(n, n+30)})
}

// emptyArchive makes an archive without entries.
func emptyArchive(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "archive")
	a, err := Create(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}
