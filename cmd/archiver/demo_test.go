package main

import (
	"bufio"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// TestDemoKeepsServing: with --keep-serving the server stays up for other commands, until the demo is interrupted.
func TestDemoKeepsServing(t *testing.T) {
	if testing.Short() {
		t.Skip("TestScripts has a demo")
	}
	program, err := exec.LookPath("archiver")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	demo := exec.CommandContext(t.Context(), program, "demo", "--json", "--keep-serving")
	stdout, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at demoPlace
	if err := json.Unmarshal(line, &at); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "sync", "--config", at.Config).CombinedOutput(); err != nil {
		t.Errorf("sync while the demo serves: %v\n%s", err, out)
	}
	if err := demo.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := demo.Wait(); err != nil {
		t.Errorf("the demo ends with %v", err)
	}
	if err := exec.Command(program, "status", "--config", at.Config).Run(); err != nil {
		t.Errorf("status after the demo: %v", err)
	}
}

func TestSplitLine(t *testing.T) {
	for line, want := range map[string][]string{
		"sync --full":                 {"sync", "--full"},
		"search  -- 'a b' c":          {"search", "--", "a b", "c"},
		`search '"a phrase" OR word'`: {"search", `"a phrase" OR word`},
	} {
		if got := splitLine(line); !slices.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
	}
}
