package export

import (
	"bufio"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
		files := tree(t, filepath.Join(dir, e.Name()))
		var m manifest
		if err := json.Unmarshal([]byte(files[manifestName]), &m); err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		for _, f := range m.Files {
			if digestOf(files[f.Path]) != f.SHA256 {
				t.Errorf("%s/%s: not as the manifest says", e.Name(), f.Path)
			}
		}
		if m.Counts.Messages != 3000 {
			t.Errorf("%s: %d messages", e.Name(), m.Counts.Messages)
		}
	}
}
