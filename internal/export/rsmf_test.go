package export

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/rsmf"

	"github.com/google/go-cmp/cmp"
)

func TestRSMFOfSmall(t *testing.T) {
	files := exportRSMF(t, small(), Rendering{})
	f := files["data/rsmf/general_5b00fb8ce5e6/general_5b00fb8ce5e6_2017-07-14.rsmf"]
	if f == nil || len(files) != 2 {
		t.Fatalf("files %v", slices.Sorted(func(yield func(string) bool) {
			for path := range files {
				yield(path)
			}
		}))
	}
	for name, want := range map[string]string{
		"From": "Ann <ann@example.com>", "To": "Ann <ann@example.com>, =Bob <bob@x>", "Subject": "#general 2017-07-14 (Europe/Prague)",
		"Date": "Fri, 14 Jul 2017 02:40:00 +0000", "X-RSMF-EventCount": "3", "X-RSMF-AttachmentCount": "1", "X-RSMF-SlicePart": "1/1",
		"X-RSMF-SliceBegin": "2017-07-14T00:00:00+02:00", "X-RSMF-SliceEnd": "2017-07-15T00:00:00+02:00",
		"X-RSMF-SliceTimeZone": "Europe/Prague", "X-RSMF-ExportID": "EXP-2026-000001", "X-RSMF-ConversationID": "chan-a",
		"X-RSMF-EditedCount": "1", "X-RSMF-DeletedCount": "0", "X-RSMF-HasContext": "false", "X-RSMF-ArchiveChange": "108",
		"X-RSMF-EventCollectionID": "teamchat:4f2a:chan-a", "X-RSMF-Generator": "archiver, RSMF writer 1",
	} {
		if got := f.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	first, comment, file := f.Events[0], f.Events[1], f.Events[2]
	if first.Edits[0].Participant != "bob@x" || first.Edits[0].Timestamp != "2017-07-14T02:41:40.000Z" || first.Edits[0].Previous != "hello" ||
		first.Edits[0].New != first.Body || first.Reactions[0].Value != "heart" || first.Reactions[0].Count != 2 {
		t.Errorf("first %+v", first)
	}
	if comment.Parent != first.ID || comment.Body != "a comment, \"quoted\"\r\nand\nmore" || comment.Timestamp != "2017-07-14T02:40:01.000Z" {
		t.Errorf("comment %+v", comment)
	}
	a := file.Attachments[0]
	if a.ID != "ATT00001.pdf" || a.Display != "../../etc/pass wd.PDF" || f.files[a.ID] != "second content" || a.Size != 14 {
		t.Errorf("attachment %+v", a)
	}
	for _, part := range []string{
		"[2017-07-14 04:40:00 +02:00] Ann: hello @[bob@x] and @[@all@]\r\n  (edited 2017-07-14 04:41:40 +02:00 by =Bob; was: hello)\r\n",
		"  [reaction: heart x2]\r\n", "=Bob: a comment, \"quoted\"\r\nand\r\nmore\r\n", "  [attachment: ../../etc/pass wd.PDF]\r\n",
	} {
		if !strings.Contains(f.text, part) {
			t.Errorf("%q is not in the text:\n%s", part, f.text)
		}
	}
}

// TestTrapsSurviveInRSMF wants every text as the archive has it, whatever is in it.
func TestTrapsSurviveInRSMF(t *testing.T) {
	src, keys := trapSource()
	f := only(t, exportRSMF(t, src, Rendering{}))
	for i, key := range keys {
		if e := f.event(t, string(src.items[i].TS)); e.Body != src.items[i].Text {
			t.Errorf("%s: %q, want %q", key, e.Body, src.items[i].Text)
		}
	}
	if strings.Contains(f.text, "\x00") || !strings.Contains(f.text, "a\u2400b") || !strings.Contains(f.text, "<script>alert(1)</script>&amp;") {
		t.Error("the text has a NUL, or not what it should have")
	}
}

// TestRSMFNames exports people whose names and addresses do not fit where they have to stand.
func TestRSMFNames(t *testing.T) {
	src := small()
	src.users = []*record.User{
		{ID: "a@x", Name: "Nováková, Ada", Email: "žluťoučký@kůň.cz"}, {ID: "b", Name: "Bob \"the\"\tBuilder\r\nBcc: eve@x", Email: "nobody"},
		{ID: "c@x", Name: strings.Repeat("Š", 300), Email: "c d@x"}, {ID: "d", Name: ",\n"}, {ID: "e@x", Name: "=?utf-8?B?QQ==?="},
		{ID: "f@x", Name: strings.Repeat("x", 1100)},
	}
	src.items = nil
	for i, user := range []string{"a@x", "b", "c@x", "d", "e@x", "f@x", "ghost@x", "", "ghost, too"} {
		raw, _ := json.Marshal(map[string]string{"user": user, "text": "hi"})
		src.items = append(src.items, message("chan-a", record.MakeTS(1500000000, i), "", string(raw)))
	}
	for _, utf8 := range []bool{false, true} {
		f := only(t, exportRSMF(t, src, Rendering{RawUTF8Headers: utf8}))
		to, err := f.header.AddressList("To")
		if err != nil || len(to) != 9 || len(f.Participants) != 9 {
			t.Fatalf("to %v: %v", to, err)
		}
		got := map[string]string{}
		for i, p := range f.Participants {
			got[p.ID] = p.Display + "|" + p.Email + "|" + customOf(p.Custom, "Name")
			if to[i].Name != p.Display {
				t.Errorf("%s: To has %q", p.ID, to[i].Name)
			}
		}
		want := map[string]string{
			"a@x": "Nováková Ada|žluťoučký@kůň.cz|Nováková, Ada", "b": "Bob \"the\" Builder Bcc: eve@x||Bob \"the\"\tBuilder\r\nBcc: eve@x",
			"c@x": strings.Repeat("Š", 100) + "|c@x|" + strings.Repeat("Š", 300), "d": "d||,\n", "e@x": "= ?utf-8?B?QQ== ?=|e@x|=?utf-8?B?QQ==?=",
			"f@x": strings.Repeat("x", 200) + "|f@x|" + strings.Repeat("x", 1100), "ghost@x": "ghost@x|ghost@x|",
			"(unknown)": "unknown author||", "ghost, too": "ghost too||ghost, too",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if f.event(t, "1500000000.000007").Participant != "(unknown)" || f.header.Get("Bcc") != "" {
			t.Error("no author, or a header that was smuggled in")
		}
	}
}

func TestRSMFThreadsAcrossSlices(t *testing.T) {
	root, near := at(t, "2024-01-14T22:00:00Z"), at(t, "2024-01-15T10:00:00Z")
	late, lost := at(t, "2024-01-15T11:00:00Z"), at(t, "2024-01-15T12:00:00Z")
	odd := at(t, "2024-01-15T13:00:00Z")
	src := posts([2]record.TS{root}, [2]record.TS{near, root}, [2]record.TS{late, near}, [2]record.TS{lost, "1400000000.000000"},
		[2]record.TS{odd, at(t, "2024-01-15T14:00:00Z")}, [2]record.TS{at(t, "2024-01-15T14:00:00Z")})
	src.items[0].FileID, src.items[0].FileName = "f1", "plan.pdf"
	src.attach("chan-a", "f1", "plan.pdf", "the plan")
	files := exportRSMF(t, src, Rendering{})
	f := files["data/rsmf/general_5b00fb8ce5e6/general_5b00fb8ce5e6_2024-01-15.rsmf"]
	if len(files) != 2 || f.Events[0].ID != string(root) || len(f.Events) != 6 {
		t.Fatalf("%d files", len(files))
	}
	for id, want := range map[record.TS][3]string{ // parent, Context, Thread root
		root: {"", "thread root from 2024-01-14, outside this slice", ""},
		near: {string(root), "", ""}, late: {string(near), "", ""}, lost: {"", "", "1400000000.000000, not in this export"},
		odd: {"", "", string(at(t, "2024-01-15T14:00:00Z"))},
	} {
		e := f.event(t, string(id))
		if got := [3]string{e.Parent, e.custom("Context"), e.custom("Thread root")}; got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	if f.header.Get("X-RSMF-ContextCount") != "1" || f.header.Get("X-RSMF-SliceMessageCount") != "5" || f.header.Get("X-RSMF-HasContext") != "true" {
		t.Errorf("headers %v", f.header)
	}
	if e := f.event(t, string(root)); len(e.Attachments) > 0 || !strings.HasPrefix(e.custom("File in the slice of the message"), "plan.pdf, 8 bytes, SHA-256 ") {
		t.Errorf("context %+v", e)
	}
}

func TestRSMFMembership(t *testing.T) {
	src := posts([2]record.TS{at(t, "2024-01-15T10:00:00Z")}, [2]record.TS{at(t, "2024-01-15T16:00:00Z")}, [2]record.TS{at(t, "2024-01-16T10:00:00Z")})
	moment := func(s string) time.Time { return at(t, s).Time().Add(250 * time.Millisecond) }
	c := src.channels[0]
	c.Since = moment("2024-01-01T00:00:00Z")
	c.History.Names = []record.Span{{Value: "old", From: c.Since}, {Value: "general", From: moment("2024-01-15T12:00:00Z")}}
	c.History.Members = []record.Span{
		{Value: "ann@x", From: c.Since}, {Value: "bob@x", From: c.Since, To: moment("2024-01-15T12:00:00Z")},
		{Value: "eve@x", From: moment("2024-01-15T15:00:00Z")}, {Value: "zoe@x", From: moment("2024-01-17T00:00:00Z")},
	}
	// Eve writes after she joined, and bob after he left; somebody who was never there reacts.
	src.items[1].User = "eve@x"
	src.items = slices.Insert(src.items, 2, message("chan-a", at(t, "2024-01-15T17:00:00Z"), "",
		`{"user":"bob@x","text":"late","reactions":[{"name":"","count":1,"users":["gone@x"]}]}`))
	files := exportRSMF(t, src, Rendering{})
	f := files["data/rsmf/general_5b00fb8ce5e6/general_5b00fb8ce5e6_2024-01-15.rsmf"]
	var events []string
	for _, e := range f.Events {
		events = append(events, e.Timestamp+" "+e.Type+" "+e.Participant)
	}
	want := []string{
		"2024-01-15T10:00:00.000Z message ann@x", "2024-01-15T12:00:00.250Z leave bob@x", "2024-01-15T12:00:00.250Z history system",
		"2024-01-15T15:00:00.250Z join eve@x", "2024-01-15T16:00:00.000Z message eve@x", "2024-01-15T17:00:00.000Z message bob@x",
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
	conversation := f.Conversations[0]
	if diff := cmp.Diff([]string{"ann@x", "bob@x", "gone@x", "system"}, conversation.Participants); diff != "" {
		t.Error(diff)
	}
	if start, end := customOf(conversation.Custom, "Members at start"), customOf(conversation.Custom, "Members at end"); start != "ann@x, bob@x" || end != "ann@x, eve@x" {
		t.Errorf("members %q, %q", start, end)
	}
	if f.Events[5].Reactions[0].Value != "unknown" || f.Events[2].Body != "renamed to general" || f.header.Get("X-RSMF-EndDate") != "2024-01-15T17:00:00.000Z" {
		t.Errorf("events %+v", f.Events)
	}
	// A whole channel has all of it, and each part what came in its time.
	if f = only(t, exportRSMF(t, src, Rendering{Slice: UnitWhole})); len(f.Events) != 8 {
		t.Errorf("%d events of the whole channel", len(f.Events))
	}
	for path, f := range exportRSMF(t, src, Rendering{Slice: UnitThread}) {
		if slices.ContainsFunc(f.Events, func(e rsmfEvent) bool { return strings.HasPrefix(path, "thread") && e.Type != rsmf.Message }) {
			t.Errorf("%s has changes", path)
		}
	}
	f = exportRSMF(t, src, Rendering{RSMFVersion: RSMFVersion1})["data/rsmf/general_5b00fb8ce5e6/general_5b00fb8ce5e6_2024-01-15.rsmf"]
	if f.Version != "1.0.0" || f.Events[2].Type != "unknown" || strings.Contains(f.raw, "eventcollectionid") || f.header.Get("X-RSMF-Participants") != "" {
		t.Errorf("version 1: %s", f.raw)
	}
}

func TestRSMFEditsAndDeletions(t *testing.T) {
	src := small()
	ts := record.MakeTS(testTime.Unix()-60, 0)
	future := record.MakeTS(testTime.Unix()+3600*24, 0)
	src.items = []Item{
		message("chan-a", ts, "", `{"user":"ann@x","text":"one"}`, `{"user":"ann@x","text":""}`,
			fmt.Sprintf(`{"user":"ann@x","text":"three","edited":{"user":"bob@x","ts":"%s"}}`, record.MakeTS(testTime.Unix(), 0))),
		message("chan-a", record.MakeTS(testTime.Unix()-50, 0), "", `{"user":"ann@x","text":"seen late","edited":{"user":"","ts":""}}`),
		message("chan-a", future, "", `{"user":"ann@x","text":"a"}`, `{"user":"ann@x","text":"b"}`),
	}
	src.items[0].Deleted = &record.Deletion{LastSeen: testTime, FirstMissing: testTime.Add(time.Hour)}
	src.items[0].Pinned = true
	src.items[0].Annotations = []record.Annotation{
		{What: []string{"pins"}, Pin: &record.Pin{Pinned: true, User: "eve@x"}, Observed: testTime}, {What: []string{"reactions"}, Observed: testTime},
	}
	files := exportRSMF(t, src, Rendering{})
	events := map[string]*rsmfEvent{}
	for _, f := range files {
		for i := range f.Events {
			events[f.Events[i].ID] = &f.Events[i]
		}
	}
	e := events[string(ts)]
	want := []struct{ Participant, Timestamp, Previous, New string }{
		{"ann@x", "2026-01-02T04:04:05.678Z", "one", ""}, {"bob@x", "2026-01-02T03:04:05.000Z", "", "three"},
	}
	if diff := cmp.Diff(want, e.Edits); diff != "" {
		t.Error(diff)
	}
	if !e.Deleted || e.Body != "three" || e.custom("Deleted") != "last seen 2026-01-02T03:04:05.678Z, first missing 2026-01-02T04:04:05.678Z" ||
		e.custom("Pinned") != "for all" || e.custom("Seen pinned") != "2026-01-02T03:04:05.678Z eve@x" || e.custom("Seen to differ") != "2026-01-02T03:04:05.678Z: reactions" {
		t.Errorf("deleted %+v", e)
	}
	late := events[string(src.items[1].TS)]
	if len(late.Edits) != 1 || late.Edits[0].Timestamp != "" || late.Edits[0].New != "seen late" || late.custom("Earlier text") == "" {
		t.Errorf("edited before it was read: %+v", late)
	}
	if e := events[string(future)]; e.Edits[0].Timestamp != e.Timestamp || e.custom("Time of edit as given") != "2026-01-02T04:04:05.678Z" {
		t.Errorf("an edit before its message: %+v", e)
	}
}

func TestRSMFKinds(t *testing.T) {
	src := small()
	src.items = nil
	for i, raw := range []string{
		`{"user":"ann@x","text":"f()","subtype":"code_block","language":"go"}`,
		`{"user":"ann@x","text":"","subtype":"event","event":{"id":"5a5f4de4000a","title":"Review","start":1516117587,"end":0}}`,
		`{"user":"ann@x","text":"","subtype":"conference","conference":{"meeting_id":"584355239","title":"Call","organizer":"ann@x","password":"geheim"}}`,
		`{"user":"ann@x","text":"","subtype":"pinned_item","item":{"type":"message","ts":"1500000000.000000"}}`,
		`{"user":"ann@x","text":"Ann joined","subtype":"channel_join"}`,
		`{"user":"ann@x","text":"?","subtype":"hologram"}`,
	} {
		src.items = append(src.items, message("chan-a", record.MakeTS(1500000000, i), "", raw))
	}
	src.items[0].Reason, src.items[1].Reason = ReasonContext, ReasonFamily
	f := only(t, exportRSMF(t, src, Rendering{}))
	for i, want := range []map[string]string{
		{"Kind": "code", "Language": "go", "Reason": "context"},
		{"Kind": "event", "Event": "Review", "Event start": "2018-01-16T15:46:27.000Z", "Event end": "", "Event id": "5a5f4de4000a", "Reason": "family"},
		{"Kind": "conference", "Conference": "Call", "Conference number": "584355239", "Conference organizer": "ann@x", "Reason": "hit"},
		{"Kind": "system", "Pinned message": "1500000000.000000"}, {"Kind": "system"}, {"Kind": "other"},
	} {
		for name, value := range want {
			if got := f.Events[i].custom(name); got != value {
				t.Errorf("%d: %s %q, want %q", i, name, got, value)
			}
		}
	}
	if strings.Contains(f.raw+f.text, "geheim") || strings.Contains(f.raw, "null") {
		t.Error("a password or a null is shown")
	}
	if f.header.Get("X-RSMF-HasContext") != "true" || f.header.Get("X-RSMF-ContextCount") != "1" || !strings.Contains(f.text, "[Event: Review]") {
		t.Errorf("headers %v", f.header)
	}
}

func TestRSMFAttachments(t *testing.T) {
	src := small()
	src.items, src.files = nil, map[string][]*record.File{}
	names := []string{"a/../../b.pdf", "CON.txt", strings.Repeat("é", 200) + ".docx", "same.txt", "same.txt", "other.txt", ".hidden", "x.ta\u202egpj.exe", "no.$$$"}
	contents := []string{"1", "2", "3", "4", "5", "5", "7", "8", "9"}
	for i, name := range names {
		src.attach("chan-a", fmt.Sprint("f", i), name, contents[i])
	}
	gone := &record.File{Channel: "chan-a", ID: "f9", Name: "gone.png", State: record.FileGone, Reason: "e_notfound", Size: 77}
	src.files["chan-a"] = append(src.files["chan-a"], gone)
	src.attach("chan-a", "fa", "lost.bin", "lost")
	src.attach("chan-a", "fb", "later gone.txt", "kept")
	delete(src.blobs, src.files["chan-a"][10].Versions[0].SHA256)
	src.files["chan-a"][11].State, src.files["chan-a"][11].Reason = record.FileGone, "e_notfound"
	for i := range 14 {
		id, name := fmt.Sprint("f", strconv.FormatInt(int64(i), 16)), ""
		if i < 12 {
			name = src.files["chan-a"][i].Name
		} else if i == 13 {
			id, name = "", "nameless id.txt"
		}
		raw, _ := json.Marshal(map[string]any{"user": "ann@x", "subtype": "file_share", "text": "", "file": map[string]string{"id": id, "name": name}})
		src.items = append(src.items, message("chan-a", record.MakeTS(1500000000, i), "", string(raw)))
	}
	f := only(t, exportRSMF(t, src, Rendering{}))
	for i, want := range []struct{ id, display, content, status string }{
		{"ATT00001.pdf", names[0], "1", ""}, {"ATT00002.txt", names[1], "2", ""}, {"ATT00003.docx", names[2], "3", ""},
		{"ATT00004.txt", names[3], "4", ""}, {"ATT00005.txt", names[4], "5", ""}, {"ATT00005.txt", names[5], "5", ""},
		{"ATT00006.hidden", names[6], "7", ""}, {"ATT00007.exe", names[7], "8", ""}, {"ATT00008", names[8], "9", ""},
		{"ATT00009_UNAVAILABLE.txt", "gone.png (unavailable).txt", "gone: e_notfound|gone.png|77 bytes", "unavailable: gone: e_notfound"},
		{"ATT00010_UNAVAILABLE.txt", "lost.bin (unavailable).txt", "could not give|lost.bin|4 bytes|" + src.files["chan-a"][10].Versions[0].SHA256,
			"unavailable: the archive could not give its content"},
		{"ATT00011.txt", "later gone.txt", "kept", "the last stored content; since then gone: e_notfound"},
		{"ATT00012_UNAVAILABLE.txt", "fc (unavailable).txt", "knows of no such file", "unavailable: the archive knows of no such file"},
		{"ATT00013_UNAVAILABLE.txt", "nameless id.txt (unavailable).txt", "without its id", "unavailable: the message names a file without its id"},
	} {
		a := f.Events[i].Attachments[0]
		if a.ID != want.id || a.Display != want.display || f.Events[i].custom("Attachment status") != want.status || a.Size != int64(len(f.files[a.ID])) {
			t.Errorf("%d: %+v, %q, want %+v", i, a, f.Events[i].custom("Attachment status"), want)
		}
		for part := range strings.SplitSeq(want.content, "|") {
			if !strings.Contains(f.files[a.ID], part) {
				t.Errorf("%d: content %q lacks %q", i, f.files[a.ID], part)
			}
		}
	}
	if f.header.Get("X-RSMF-AttachmentCount") != "14" || len(f.files) != 14 {
		t.Errorf("%s attachments, %d files", f.header.Get("X-RSMF-AttachmentCount"), len(f.files))
	}
}

func TestRSMFOfTooLargeAttachment(t *testing.T) {
	src := small()
	src.files["chan-a"][0].Versions[1].Size = maxSliceBytes + 1
	f := exportRSMF(t, src, Rendering{})["data/rsmf/general_5b00fb8ce5e6/general_5b00fb8ce5e6_2017-07-14_p02.rsmf"]
	if f == nil {
		t.Fatal("the large file is not in a part of its own")
	}
	e := f.event(t, "1500000002.000000")
	where := "data/files/0b/b2/0bb2e7d52f8ce5131e64c95f11ca643a44fca9d3954be9aead781e8bc346dc50.pdf"
	if e.Attachments[0].ID != "ATT00001_UNAVAILABLE.txt" || !strings.HasSuffix(e.custom("Attachment status"), where) || !strings.Contains(f.files[e.Attachments[0].ID], where) {
		t.Errorf("%+v", e)
	}
}

func TestRSMFOfTooManyMessages(t *testing.T) {
	src := posts()
	start := at(t, "2024-01-15T10:00:00Z").Second()
	for i := range maxSliceEvents + 1 {
		src.items = append(src.items, message("chan-a", record.MakeTS(start, i), "", `{"user":"ann@x","text":"hi"}`))
	}
	files := exportRSMF(t, src, Rendering{})
	first := files["data/rsmf/general_5b00fb8ce5e6/general_5b00fb8ce5e6_2024-01-15.rsmf"]
	second := files["data/rsmf/general_5b00fb8ce5e6/general_5b00fb8ce5e6_2024-01-15_p02.rsmf"]
	if len(files) != 2 || len(first.Events) != maxSliceEvents || len(second.Events) != 1 {
		t.Fatalf("%d files", len(files))
	}
	if second.header.Get("X-RSMF-SlicePart") != "2/2" || second.header.Get("Subject") != "#general 2024-01-15 (Europe/Prague) part 2/2" ||
		first.header.Get("X-RSMF-EventCollectionID") != second.header.Get("X-RSMF-EventCollectionID") {
		t.Errorf("second part: %v", second.header)
	}
}

// TestRSMFOfTooManyPeople wants those who act, and of the rest as many as a file may have.
func TestRSMFOfTooManyPeople(t *testing.T) {
	src := posts([2]record.TS{at(t, "2024-01-15T10:00:00Z")})
	src.items[0].User = "zoe@x"
	for i := range rsmf.MaxParticipants + 5 {
		src.channels[0].History.Members = append(src.channels[0].History.Members, record.Span{Value: fmt.Sprintf("u%05d@x", i)})
	}
	f := only(t, exportRSMF(t, src, Rendering{}))
	if len(f.Participants) != rsmf.MaxParticipants || f.Participants[len(f.Participants)-1].ID != "zoe@x" {
		t.Errorf("%d participants", len(f.Participants))
	}
	c := f.Conversations[0]
	if customOf(c.Custom, "Participants left out") != "6 members who do nothing here" ||
		strings.Count(customOf(c.Custom, "Members at start"), ",") != rsmf.MaxParticipants+4 {
		t.Errorf("custom %.200v", c.Custom)
	}
	if to, err := f.header.AddressList("To"); err != nil || len(to) != rsmf.MaxParticipants {
		t.Errorf("%d in To: %v", len(to), err)
	}
}

func TestRSMFDaysFollowTheClocks(t *testing.T) {
	for day, want := range map[string][2]string{
		"2024-03-31": {"2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00"},
		"2024-10-27": {"2024-10-27T00:00:00+02:00", "2024-10-28T00:00:00+01:00"},
	} {
		f := only(t, exportRSMF(t, posts([2]record.TS{at(t, day+"T12:00:00Z")}), Rendering{}))
		if got := [2]string{f.header.Get("X-RSMF-SliceBegin"), f.header.Get("X-RSMF-SliceEnd")}; got != want {
			t.Errorf("%s: %v", day, got)
		}
	}
}

func TestRSMFIsDeterministic(t *testing.T) {
	for _, r := range []Rendering{{}, {Slice: UnitWhole, RawUTF8Headers: true}} {
		var trees []map[string]string
		for range 2 {
			dir := filepath.Join(t.TempDir(), "out")
			o := Options{ID: "EXP-2026-000001", Output: dir, Formats: []string{"rsmf"}, Rendering: r}
			if _, err := Write(t.Context(), o, smallSelection, small()); err != nil {
				t.Fatal(err)
			}
			files := tree(t, dir)
			maps.DeleteFunc(files, func(name, _ string) bool { return !strings.HasPrefix(name, "data/rsmf/") })
			trees = append(trees, files)
		}
		if diff := cmp.Diff(trees[0], trees[1]); diff != "" {
			t.Errorf("%+v: %s", r, diff)
		}
	}
}
