package export

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// exportSlices exports with one mail a slice.
func exportSlices(t testing.TB, sel Selection, src Source, unit Unit) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	_, err := Write(t.Context(), Options{ID: "EXP-2026-000001", Output: dir, Formats: []string{"eml"}, Rendering: Rendering{Slice: unit, Mail: MailSlice},
		Now: func() time.Time { return testTime }}, sel, src)
	if err != nil {
		t.Fatal(err)
	}
	return tree(t, dir)
}

// mailArticle is a message in a transcript.
type mailArticle struct {
	id    string
	texts []string // the newest, then the earlier ones
	notes []string
}

// articles reads a transcript's HTML.
func articles(t testing.TB, page string) (list []mailArticle) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "article":
			list = append(list, mailArticle{id: n.Attr[0].Val})
		case n.Data == "div":
			list[len(list)-1].texts = append(list[len(list)-1].texts, textOf(n))
		case n.Data == "li":
			list[len(list)-1].notes = append(list[len(list)-1].notes, textOf(n))
		case slices.Contains([]string{"script", "img", "iframe", "a"}, n.Data):
			t.Errorf("an element %s in a transcript", n.Data)
		}
	}
	return list
}

func textOf(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}

// inHTML is what a reader of HTML gets of a text: LF, and pictures of controls.
func inHTML(text string) string {
	text = strings.ReplaceAll(asMailText(text), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' && r != '\t' && r != '\n':
			return 0x2400 + r
		case r == 0x7f:
			return 0x2421
		}
		return r
	}, text)
}

func TestSlicesAsMails(t *testing.T) {
	files := exportSlices(t, smallSelection, small(), UnitDay)
	mails := readMails(t, files)
	if len(mails) != 2 {
		t.Fatalf("%d mails: %v", len(mails), names(files))
	}
	m := mails["data/eml/general_5b00fb8ce5e6/general_5b00fb8ce5e6_2017-07-14.eml"]
	for name, want := range map[string]string{
		"From": "Ann <ann@example.com>", "Subject": "#general 2017-07-14 (Europe/Prague)", "Date": "Fri, 14 Jul 2017 04:40:00 +0200",
		"To": "Ann <ann@example.com>, =Bob <bob@x>", "X-TeamChat-Messages": "3", "X-TeamChat-Edited": "1", "X-TeamChat-Context": "0",
		"X-TeamChat-Slice": "general_5b00fb8ce5e6_2017-07-14", "X-TeamChat-Slice-Part": "1/1", "X-TeamChat-Slice-Begin": "2017-07-14T00:00:00+02:00",
		"X-TeamChat-Slice-End": "2017-07-15T00:00:00+02:00", "X-TeamChat-Slice-Time-Zone": "Europe/Prague",
	} {
		if got := m.get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	want := strings.ReplaceAll(`[2017-07-14 04:40:00 +02:00] Ann: hello @[bob@x] and @[@all@]
  version 1 of 2: hello
  [edited 2017-07-14 02:41:40Z by =Bob]
  [reaction: heart x2]
  [reaction: ok x1]
[2017-07-14 04:40:01 +02:00] =Bob: a comment, "quoted"
and
more
  [comment on message 1500000000.000001]
[2017-07-14 04:40:02 +02:00] =Bob: see
  [attachment: ../../etc/pass wd.PDF (14 bytes, SHA-256 0bb2e7d52f8ce5131e64c95f11ca643a44fca9d3954be9aead781e8bc346dc50)]
  [earlier content of ../../etc/pass wd.PDF: data/files/2c/d4/2cd4837c7726f70047c8fdafb52801dbfef2cb4f7bc4cfb2e0441980f9d4a3b8.pdf]
`, "\n", "\r\n")
	if diff := cmp.Diff(want, m.text); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"_.._etc_pass wd.PDF": "second content"}, m.attachments); diff != "" {
		t.Error(diff)
	}
}

func TestHostileTextsInTranscripts(t *testing.T) {
	src := hostileSource()
	want := map[string]string{}
	for _, item := range src.items {
		want[item.Channel+"/m-"+string(item.TS)] = inHTML(item.Text)
	}
	for _, unit := range []Unit{UnitDay, UnitThread, UnitWhole} {
		got := map[string]string{}
		for path, m := range readMails(t, exportSlices(t, smallSelection, src, unit)) {
			list := articles(t, m.html)
			if context, _ := strconv.Atoi(m.get("X-TeamChat-Context")); m.get("X-TeamChat-Messages") != strconv.Itoa(len(list)-context) {
				t.Errorf("%s: %s messages, %d context, %d articles", path, m.get("X-TeamChat-Messages"), context, len(list))
			}
			for _, a := range list {
				got[m.get("X-TeamChat-Conversation-ID")+"/"+a.id] = a.texts[0]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %.2000s", unit, diff)
		}
	}
}

func TestParentsInTranscripts(t *testing.T) {
	src := small()
	src.items = append(src.items[:3:3], message("chan-a", "1500200000.000000", "1500000000.000001", `{"user":"bob@x","text":"late"}`),
		message("chan-a", "1500200001.000000", "1499999999.000000", `{"user":"bob@x","text":"orphan"}`))
	m := mailWith(t, readMails(t, exportSlices(t, smallSelection, src, UnitDay)), "_2017-07-16.eml")
	list := articles(t, m.html)
	if len(list) != 3 || m.get("X-TeamChat-Messages") != "2" || m.get("X-TeamChat-Context") != "1" {
		t.Fatalf("%+v %v", list, m.header.Map())
	}
	want := [][]string{
		{"context: the message that comments here answer; it stands in another slice", "edited 2017-07-14 02:41:40Z by =Bob", "reaction: heart x2", "reaction: ok x1"},
		{"comment on message 1500000000.000001"}, {"comment on message 1499999999.000000, which is not in this export"},
	}
	for i, a := range list {
		if diff := cmp.Diff(want[i], a.notes); diff != "" {
			t.Error(diff)
		}
	}
	if m.get("From") != "=Bob <bob@x>" {
		t.Errorf("from %s", m.get("From"))
	}
}

func TestContentsAreAttachedOnceToASlice(t *testing.T) {
	src := small()
	share := `{"user":"ann@x","text":"again","subtype":"file_share","file":{"id":"f1","name":"copy.pdf"}}`
	src.items = slices.Insert(src.items, 3, message("chan-a", "1500000003.000000", "", share))
	m := mailWith(t, readMails(t, exportSlices(t, smallSelection, src, UnitWhole)), "general_5b00fb8ce5e6_all.eml")
	if len(m.attachments) != 1 || strings.Count(m.text, "[attachment: ") != 2 {
		t.Errorf("%v %s", m.attachments, m.text)
	}
}

func TestMailsAreTheSameAgain(t *testing.T) {
	src := hostileSource()
	again := hostileSource()
	for _, unit := range []Unit{UnitDay, UnitThread} {
		if diff := cmp.Diff(exportSlices(t, smallSelection, src, unit), exportSlices(t, smallSelection, again, unit)); diff != "" {
			t.Errorf("%.1000s", diff)
		}
	}
	first, _ := exportTo(t, smallSelection, src, "eml", "mbox")
	second, _ := exportTo(t, smallSelection, again, "eml", "mbox")
	if diff := cmp.Diff(tree(t, first), tree(t, second)); diff != "" {
		t.Errorf("%.1000s", diff)
	}
}
