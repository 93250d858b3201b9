package formattest

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// object is what entries of one key say together, by the rules of docs/format.md.
type object struct {
	thread   string
	versions []version // text and time of each state
	raw      string    // the newest object
	deleted  bool
}

// objects groups the entries of messages: by channel, slash and ts.
func objects(entries []entry) map[string]*object {
	found := make(map[string]*object)
	for _, e := range entries {
		if e.class != "message" {
			continue
		}
		id := e.channel + "/" + e.key
		if found[id] == nil {
			found[id] = &object{thread: e.thread}
		}
		found[id].add(e)
	}
	return found
}

func (o *object) add(e entry) {
	switch e.op {
	case "state":
		o.versions = append(o.versions, version{Text: textOf(e.body), Observed: stamp(e.observed)})
		o.raw, o.deleted = e.body, false
	case "data":
		o.raw, o.deleted = e.body, false
	case "deleted":
		o.deleted = true
	}
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// textOf is the text of a message as the server gave it.
func textOf(body string) string {
	var m struct {
		Text string `json:"text"`
	}
	_ = json.Unmarshal([]byte(body), &m) // what is no JSON has no text
	return m.Text
}

func TestEntriesHaveNumbersWithoutGaps(t *testing.T) {
	_, entries := synced(t).database(t)
	if len(entries) < 1100 {
		t.Fatalf("%d entries", len(entries))
	}
	seen := make(map[string]bool)
	for i, e := range entries {
		if e.change != i+1 {
			t.Fatalf("entry %d has change %d", i, e.change)
		}
		key := e.class + " " + e.channel + " " + e.key
		if e.first == seen[key] {
			t.Errorf("change %d of %s: first is %v", e.change, key, e.first)
		}
		seen[key] = true
	}
}

func TestCompactLeavesEntriesAndCheckpointsAsTheyAre(t *testing.T) {
	s := synced(t)
	db, entries := s.database(t)
	compacted := &site{dir: t.TempDir(), publicKey: s.publicKey}
	if err := os.CopyFS(compacted.archive(), os.DirFS(s.archive())); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(s.dir, "archiver"), filepath.Join(compacted.dir, "archiver")); err != nil {
		t.Fatal(err)
	}
	compacted.run(t, "compact")
	after, same := compacted.database(t)
	if !slices.Equal(entries, same) {
		t.Error("the entries are others now")
	}
	if len(after["blocks"]) >= len(db["blocks"]) || number(after["meta"]["generation"]) != 1 {
		t.Errorf("%d blocks before, %d after; generation %x", len(db["blocks"]), len(after["blocks"]), after["meta"]["generation"])
	}
	compacted.checkLog(t)
}

func TestMessagesAreThoseOfDump(t *testing.T) {
	s := synced(t)
	_, entries := s.database(t)
	found := objects(entries)
	var versions, deletions, comments int
	for _, l := range s.dumped(t) {
		if l.Record != "message" {
			continue
		}
		id := l.Channel + "/" + l.TS
		o := found[id]
		if o == nil {
			t.Errorf("%s: only in the dump", id)
			continue
		}
		delete(found, id)
		compareMessage(t, id, o, l)
		versions += len(o.versions) - 1
		if o.deleted {
			deletions++
		}
		if o.thread != "" {
			comments++
		}
	}
	for id := range found {
		t.Errorf("%s: not in the dump", id)
	}
	if versions < 2 || deletions != 1 || comments != 2 {
		t.Errorf("the world has become too simple: %d edits, %d deletions, %d comments", versions, deletions, comments)
	}
}

func compareMessage(t *testing.T, id string, o *object, want line) {
	t.Helper()
	if o.thread != want.Thread || o.deleted != (string(want.Deleted) != "null") {
		t.Errorf("%s: thread %q, deleted %v; dump has %q, %s", id, o.thread, o.deleted, want.Thread, want.Deleted)
	}
	if o.raw != string(want.Raw) {
		t.Errorf("%s: raw %s; dump has %s", id, o.raw, want.Raw)
	}
	for i := range want.Versions {
		want.Versions[i].SHA256 = "" // of a canonical form, which is dump's
	}
	if !slices.Equal(o.versions, want.Versions) {
		t.Errorf("%s: versions %v; dump has %v", id, o.versions, want.Versions)
	}
}

// fileState is the body of an entry of a file.
type fileState struct {
	State  string `json:"state"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

func TestFilesAreThoseOfDump(t *testing.T) {
	s := synced(t)
	_, entries := s.database(t)
	revisions, states := make(map[string][]version), make(map[string]string)
	for _, e := range entries {
		var f fileState
		if e.class != "file" {
			continue
		}
		if err := json.Unmarshal([]byte(e.body), &f); err != nil {
			t.Fatal(err)
		}
		id := e.channel + "/" + e.key
		states[id] = f.State
		known := revisions[id]
		if f.SHA256 != "" && (len(known) == 0 || known[len(known)-1].SHA256 != f.SHA256) {
			revisions[id] = append(known, version{SHA256: f.SHA256, Size: f.Bytes, Observed: stamp(e.observed)})
		}
	}
	files := 0
	for _, l := range s.dumped(t) {
		id := l.Channel + "/" + l.ID
		if l.Record != "file" {
			continue
		}
		if files++; states[id] != l.State || !slices.Equal(revisions[id], l.Versions) {
			t.Errorf("%s: %s %v; dump has %s %v", id, states[id], revisions[id], l.State, l.Versions)
		}
		for _, r := range l.Versions {
			compareBlob(t, s, r)
		}
	}
	if files != 3 || files != len(states) {
		t.Errorf("%d files in the dump, %d found", files, len(states))
	}
}

func compareBlob(t *testing.T, s *site, r version) {
	t.Helper()
	content, err := readBlob(s.archive(), r.SHA256)
	if sum := hex.EncodeToString(hash(content)); err != nil || sum != r.SHA256 || int64(len(content)) != r.Size {
		t.Errorf("blob %s: %d bytes with SHA-256 %s, %v; want %d", r.SHA256, len(content), sum, err, r.Size)
	}
}

func TestDirectoryEntriesAreTheHeadersOfTheirBlocks(t *testing.T) {
	db, _ := synced(t).database(t)
	if len(db["dir"]) < 2 || len(db["dir"]) != len(db["blocks"]) {
		t.Fatalf("%d entries in dir, %d blocks", len(db["dir"]), len(db["blocks"]))
	}
	for key, value := range db["dir"] {
		inDir := cursor{value}
		got, block := inDir.header(), cursor{db["blocks"][key[4:]]}
		if want := block.header(); got != want || len(inDir.b) > 0 || got.stream != number([]byte(key[:4])) {
			t.Errorf("dir %x: %+v and %d bytes, the block has %+v", key, got, len(inDir.b), want)
		}
	}
}
