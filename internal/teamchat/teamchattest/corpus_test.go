package teamchattest_test

import (
	"os"
	"path/filepath"
	"testing"

	"archiver/internal/record"
	"archiver/internal/teamchat/teamchattest"

	"github.com/google/go-cmp/cmp"
)

// corpusPath gives the open chat corpus and skips the test without it.
func corpusPath(t testing.TB) string {
	t.Helper()
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			path := filepath.Join(dir, "..", "shared", "corpus", "chat")
			if _, err := os.Stat(path); err != nil {
				t.Skip("the corpus is not there")
			}
			return path
		}
		if abs, _ := filepath.Abs(dir); abs == filepath.Dir(abs) {
			t.Skip("no module root")
		}
	}
}

// place names a message of the corpus.
type place struct {
	Channel string
	TS      record.TS
}

func TestCorpusIsServedAsMapped(t *testing.T) {
	if testing.Short() {
		t.Skip("loads the whole corpus")
	}
	path := corpusPath(t)
	w, err := teamchattest.LoadCorpus(path)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, c := range w.Channels() {
		names[c.ID] = c.Name
	}
	got := map[place]teamchattest.MessageState{}
	for m := range w.Messages() {
		got[place{names[m.Channel], m.TS}] = m
	}
	lines, replies, moved, crowded := 0, 0, 0, 0
	for want, err := range teamchattest.CorpusMessages(path) {
		if err != nil {
			t.Fatal(err)
		}
		lines++
		at := place{want.Channel, want.TS}
		m, ok := got[at]
		if !ok || m.Text != want.Text || m.User != want.User || m.Thread != want.Thread {
			t.Fatalf("line %d: want %+v, got %+v (%t)", want.Line, want, m, ok)
		}
		delete(got, at)
		crowded = max(crowded, want.TS.Counter())
		if want.Thread != "" {
			replies++
			if want.Thread >= want.TS {
				t.Errorf("line %d: ts %s of a reply is not after its root's %s", want.Line, want.TS, want.Thread)
			}
		}
		if want.TS.Second() != want.Time.Unix() {
			moved++
		}
	}
	counts := map[string]int{"lines": lines, "replies": replies, "moved": moved, "left over": len(got), "channels": len(names), "greatest counter": crowded}
	want := map[string]int{"lines": 394194, "replies": 36520, "moved": 95, "left over": 0, "channels": 581, "greatest counter": 56}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("corpus (-want +got):\n%s", diff)
	}
}
