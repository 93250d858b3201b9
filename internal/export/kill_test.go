package export

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/bag"
)

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if output := os.Getenv("EXPORT_TO"); output != "" {
		exportOften(output)
		return
	}
	os.Exit(m.Run())
}

// exportOften makes one export after the other, more than there is time for before the kill.
func exportOften(output string) {
	src := newMany(3000)
	for name := range strings.SplitSeq("abcdefghijklmnopqrstuvwxyz", "") {
		os.Stdout.WriteString("begin\n")
		dir := filepath.Join(output, name)
		if _, err := Write(context.Background(), Options{Output: dir}, smallSelection, src); err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			return
		}
	}
}

func TestKilledExportIsNoBundle(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 3
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range kills {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "EXPORT_TO="+dir)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rng.IntN(150)) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		checkKilled(t, dir)
	}
}

// checkKilled wants every directory without .partial- in its name to be a whole bundle.
func checkKilled(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".partial-") {
			continue
		}
		checked, err := bag.Check(t.Context(), filepath.Join(dir, e.Name()), bag.CheckOptions{Beside: IsBeside})
		if err != nil || len(checked.Findings) > 0 {
			t.Errorf("%s: %v, %v", e.Name(), checked.Findings, err)
		}
		if lines := strings.Count(tree(t, filepath.Join(dir, e.Name()))["data/ndjson/messages.ndjson"], "\n"); lines != 3000 {
			t.Errorf("%s: %d messages", e.Name(), lines)
		}
	}
	clearAfterKill(t, dir, entries)
}

// clearAfterKill wants the next export with the same output to remove what the killed one left.
func clearAfterKill(t *testing.T, dir string, entries []os.DirEntry) {
	t.Helper()
	for _, e := range entries {
		name, _, left := strings.Cut(e.Name(), ".partial-")
		if !left || !e.IsDir() {
			continue
		}
		if _, err := Write(t.Context(), Options{Output: filepath.Join(dir, name)}, smallSelection, small()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, e.Name())); err == nil {
			t.Errorf("%s is left", e.Name())
		}
	}
}
