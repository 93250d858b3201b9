package teamchattest_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"archiver/internal/record"
	"archiver/internal/teamchat/teamchattest"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// servedTexts gives what was served of each message, its texts with an arrow between, and "gone".
func servedTexts(w *teamchattest.World) (lines []string) {
	for m := range w.ServedMessages() {
		var texts []string
		for _, v := range m.Versions {
			text := v.Text
			if v.Kind != "text" {
				text = v.Kind + " " + v.File
			}
			texts = append(texts, text)
		}
		line := strings.Join(texts, " > ")
		if m.Thread != "" {
			line = "re: " + line
		}
		if m.Gone {
			line += ", gone"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestServedStatesAreKeptInOrder(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	w.Record()
	id := c.channelID("general")
	read := func(oldest string) {
		c.get("channels.historyNoComments", "channel", id, "oldest", oldest)
	}
	m2, _ := w.Label("m2")
	apply := func(lines string) {
		t.Helper()
		if err := w.Apply(lines); err != nil {
			t.Fatal(err)
		}
	}
	read(string(m2.TS)) // not of one and two
	apply("edit m3 bob trois")
	read(string(m2.TS))
	read(string(m2.TS))
	apply("edit m3 bob unseen\nedit m3 bob three\nrenamefile f1 final.txt\nreact m4 ann heart")
	read(string(m2.TS))
	apply("edit m4 bob lost on the way\ndelete m5\nunlink f1 stripped")
	for _, f := range []teamchattest.Fault{{Cut: 9}, {Truncate: 9}, {CutOpen: 9}, {Drop: true}, {Status: 500}, {Empty: true}} {
		c.s.Fault(f)
		attempt(&caller{t: t, s: c.s, token: c.token}, "channels.list")
	}
	c.get("threads.comments", "channel", id, "ts", string(m2.TS))
	apply("delete c1")
	want := []string{"three > trois > three", "four", "five, gone", "re: a reply, gone", "re: another", "file report.txt > file final.txt", "file notes.txt"}
	if diff := cmp.Diff(want, servedTexts(w)); diff != "" {
		t.Errorf("served (-want +got):\n%s", diff)
	}
	read(string(m2.TS))
	want = []string{"three > trois > three", "four > lost on the way", "five, gone", "re: a reply, gone", "re: another", "file report.txt > file final.txt", "file notes.txt"}
	if diff := cmp.Diff(want, servedTexts(w)); diff != "" {
		t.Errorf("a file object that is absent keeps its name (-want +got):\n%s", diff)
	}
	w.SetReadable("general", false)
	for m := range w.ServedMessages() {
		if m.Gone {
			t.Errorf("%v is gone from a channel that can't be read", m)
		}
	}
}

func TestDamagedAnswersAreNotServed(t *testing.T) {
	for name, fault := range teamchattest.Faults() {
		w, c := serve(t, "channel general ann", teamchattest.ServerOptions{})
		w.Record()
		c.s.Fault(fault)
		whole := attempt(c, "channels.list")
		n := 0
		for range w.ServedChannels() {
			n++
		}
		if want := whole == "ok" || name == "byte order mark"; want != (n == 1) {
			t.Errorf("%s: answer %s, %d channels served", name, whole, n)
		}
	}
}

func TestServedFilesAndChannels(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	w.Record()
	id := c.channelID("general")
	f1, _ := w.Label("f1")
	download := func() {
		list := elements(c.get("files.list", "channel", id, "descending", "false")["messages"])
		(&caller{t: t, s: c.s}).raw("files.download", "ticket", list[0]["file"].(object)["ticket"].(string))
	}
	download()
	download()
	w.Revise(id, f1.File, []byte("new"))
	download()
	w.Rename("general", "all")
	w.DeleteFile(id, f1.File, teamchattest.EntryGone)
	c.get("channels.info", "channel", id, "exclude_members", "true")
	var got []string
	for f, err := range w.ServedFiles() {
		line := f.ID
		for _, v := range f.Versions {
			line += fmt.Sprintf(" %s:%d", v.Name, v.Size)
		}
		for _, data := range f.Contents {
			line += " " + data.SHA256[:8]
		}
		got = append(got, fmt.Sprint(line, " ", f.Gone, err))
	}
	sum := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:8] }
	f2, _ := w.Label("f2")
	want := []string{
		f1.File + " report.txt:16 report.txt:3 " + sum("Quarterly report") + " " + sum("new") + " true <nil>", f2.File + " notes.txt:5 false <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for ch := range w.ServedChannels() {
		want := []teamchattest.ChannelVersion{
			{Name: "general", Members: []string{"ann@example.com", "bob@example.com"}, Readable: true},
			{Name: "all", Members: []string{"ann@example.com", "bob@example.com"}, Readable: true},
		}
		if diff := cmp.Diff(want, ch.Versions); diff != "" || !ch.Listed {
			t.Errorf("channel, listed %v (-want +got):\n%s", ch.Listed, diff)
		}
	}
}

// reader keeps entries of all that it reads, as an archive does.
type reader struct {
	*caller
	entries map[string][]record.Entry // by channel and ts
}

// keep reads the messages of an answer.
func (r *reader) keep(thread string, method string, form ...string) (seen []string) {
	r.t.Helper()
	_, body := r.raw(method, form...)
	var answer struct {
		Messages []jsontext.Value `json:"messages"`
	}
	if err := json.Unmarshal([]byte(body), &answer, jsontext.AllowInvalidUTF8(true)); err != nil {
		r.t.Fatal(err)
	}
	for _, raw := range answer.Messages {
		var m struct {
			TS string `json:"ts"`
		}
		if err := json.Unmarshal(raw, &m, jsontext.AllowInvalidUTF8(true)); err != nil {
			r.t.Fatal(err)
		}
		key := strings.TrimRight(form[1], "=") + "/" + m.TS
		clean := record.Clean(raw)
		if op, ok := record.Next(r.entries[key], record.Seen{Key: m.TS, Thread: record.TS(thread), Raw: clean}); ok {
			r.entries[key] = append(r.entries[key], record.Entry{Op: op, Key: m.TS, Thread: record.TS(thread), Body: clean})
		}
		seen = append(seen, m.TS)
	}
	return seen
}

// round reads all that can be read.
func (r *reader) round() {
	for _, ch := range elements(r.get("channels.list")["channels"]) {
		id := ch["id"].(string)
		r.keep("", "channels.historyNoComments", "channel", id, "count", "1000")
		for _, ts := range r.keep("", "threads.list", "channel", id, "count", "1000") {
			r.keep(ts, "threads.comments", "channel", id, "ts", ts)
		}
	}
}

func TestServedStatesAreTheVersionsOfARecord(t *testing.T) {
	messages, versions := 0, 0
	for seed := range uint64(5) {
		w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: seed, Messages: 400, Channels: 4, Users: 8})
		w.Post(w.Channels()[0].ID, "ann@example.com", "odd \u2028 \x7f \" < & \\ \x01 \U0001f600 \xff")
		w.Record()
		s := teamchattest.Start(t, w, teamchattest.ServerOptions{})
		r := &reader{caller: login(t, s), entries: map[string][]record.Entry{}}
		life := teamchattest.RandomLife(seed)
		life.Rate = 2
		s.OnEvery(life.Change)
		for range 4 {
			r.round()
		}
		n := 0
		for m := range w.ServedMessages() {
			r.compare(m)
			n++
			versions += len(m.Versions)
		}
		if n != len(r.entries) {
			t.Errorf("seed %d: %d messages were served, %d were read", seed, n, len(r.entries))
		}
		messages += n
	}
	if versions < messages+20 {
		t.Errorf("%d messages have no more than %d versions", messages, versions)
	}
}

// compare holds what was served of a message against what was read.
func (r *reader) compare(m teamchattest.ServedMessage) {
	r.t.Helper()
	entries := r.entries[m.Channel+"/"+string(m.TS)]
	if len(entries) == 0 {
		r.t.Errorf("%s/%s was served but not read", m.Channel, m.TS)
		return
	}
	folded, err := record.FoldMessage(m.Channel, entries)
	if err != nil {
		r.t.Fatal(err)
	}
	var got, want []string
	for _, v := range folded.Versions {
		got = append(got, v.SHA256+" "+v.Text)
	}
	for _, v := range m.Versions {
		want = append(want, v.SHA256+" "+strings.ToValidUTF8(v.Text, "\ufffd"))
	}
	if diff := cmp.Diff(want, got); diff != "" || folded.Thread != m.Thread || folded.User != m.User || string(folded.Kind) != m.Versions[len(want)-1].Kind {
		r.t.Errorf("%s (-served +read):\n%s", m.TS, diff)
	}
}
