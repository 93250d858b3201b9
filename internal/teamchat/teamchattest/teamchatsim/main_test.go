package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestServesUntilStdinCloses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world.txt")
	if err := os.WriteFile(file, []byte("channel general ann\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, toSim := io.Pipe()
	fromSim, stdout := io.Pipe()
	done := make(chan error)
	go func() {
		done <- run(t.Context(), []string{"-scenario", file, "-apply-stdin", "-username", "me@example.com", "-life", "1", "-rate", "0"}, stdin, stdout)
	}()
	lines := bufio.NewScanner(fromSim)
	lines.Scan()
	ready := strings.Fields(lines.Text())
	if len(ready) != 3 || ready[1] != "me@example.com" || ready[2] != "secret" {
		t.Fatalf("ready line %q", lines.Text())
	}
	for line, want := range map[string]string{"post general ann hi": "ok", "post nowhere ann hi": `error: scenario line 1: no channel "nowhere"`} {
		io.WriteString(toSim, line+"\n")
		if lines.Scan(); lines.Text() != want {
			t.Errorf("%s: answered %q, want %q", line, lines.Text(), want)
		}
	}
	if body := get(t, ready[0]+"/teamchatapi/version"); !strings.Contains(body, "invalid_token") {
		t.Errorf("version without a token: %s", body)
	}
	if body := get(t, ready[0]+"/sim/requests"); body != `{"version":1}` {
		t.Errorf("requests %s", body)
	}
	resp, err := http.Post(ready[0]+"/sim/apply", "text/plain", strings.NewReader("post general ann hi\nnonsense"))
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("apply: %v %v", resp, err)
	}
	if resp, err := http.Post(ready[0]+"/sim/settle", "", nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("settle: %v %v", resp, err)
	}
	toSim.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestRefusesBadArguments(t *testing.T) {
	for _, args := range []string{
		"", "-generate 10 -scenario x", "-generate 10 -addr 0.0.0.0:0", "-generate 10 -addr :0", "-generate 10 extra", "-corpus /nowhere",
	} {
		if err := run(context.Background(), strings.Fields(args), strings.NewReader(""), io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
