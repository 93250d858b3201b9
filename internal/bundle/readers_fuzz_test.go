package bundle

import (
	"context"
	"strings"
	"testing"
)

// fuzzReader reads whatever may stand in a file of a format. It must end, with messages or with an error.
func fuzzReader(f *testing.F, name string, read reader, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		put(t, dir, name, content)
		put(t, dir, custodyFile, []byte(`{"rendering":{"fields":"sec"}}`))
		shown := 0
		for _, err := range read(context.Background(), dir) {
			if shown++; err != nil || shown > len(content) {
				break
			}
		}
		if shown > len(content) && len(content) > 0 {
			t.Errorf("%d messages in %d bytes", shown, len(content))
		}
	})
}

const oneMail = "X-TeamChat-Conversation-ID: a\nX-TeamChat-Message-ID: 1500000000.000001\nX-TeamChat-Version: 1/1\nX-TeamChat-Event: created\n" +
	"X-TeamChat-Notes: 1\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/alternative; boundary=a\n\n" +
	"--a\nContent-Type: text/plain\n\nhi\n-- \n[x]\n\n--a\nContent-Type: text/html\n\n<div class=\"text\">hi</div>\n--a--\n\n--m--\n"

const onePage = `<main data-channel="a"><article id="m-1" data-ts="1500000000.000001"><div class="x text">h<b data-u="202E">U+202E</b>i</div>` +
	`<ol class="versions"><li data-sha256="0">h</li><li data-sha256="1">i</li></ol></article></main>`

func FuzzEML(f *testing.F) {
	fuzzReader(f, "data/eml/c/m/1.eml", readEML, oneMail, strings.Replace(strings.ReplaceAll(oneMail, "<div", onePage+"<div"), "X-", "X-TeamChat-Slice: s\nX-", 1))
}

func FuzzMbox(f *testing.F) {
	fuzzReader(f, "data/mbox/c.mbox", readMbox, "From a Fri Jul 14 02:40:00 2017\n"+oneMail+"\nFrom b\n>From x\n\n")
}

func FuzzHTML(f *testing.F) { fuzzReader(f, "data/html/c/1.html", readHTML, onePage) }

func FuzzLoadFile(f *testing.F) {
	fuzzReader(f, "data/production/VOL001/DATA/VOL001.DAT", readProduction, "\uFEFFþFIRSTBATESþ\r\n")
}

// TestReadersOfSeeds keeps that the seeds of the fuzz tests are read as they are meant.
func TestReadersOfSeeds(t *testing.T) {
	for name, c := range map[string]struct {
		read    reader
		content string
		want    Shown
	}{
		"data/eml/c/m/1.eml": {readEML, oneMail, Shown{"a", "1500000000.000001", 1, TextHash("hi")}},
		"data/mbox/c.mbox":   {readMbox, "From a\n" + oneMail + "\n", Shown{"a", "1500000000.000001", 1, TextHash("hi")}},
		"data/html/c/1.html": {readHTML, onePage, Shown{"a", "1500000000.000001", 2, TextHash("h\u202Ei")}},
	} {
		dir := t.TempDir()
		put(t, dir, name, []byte(c.content))
		var got []Shown
		for m, err := range c.read(t.Context(), dir) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, m)
		}
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestCommonTexts keeps what the comparison of texts looks away from, and nothing else.
func TestCommonTexts(t *testing.T) {
	for text, want := range map[string]string{
		"a\r\nb\rc\nd": "a\nb\nc\nd", "nul \x00\u2400.": "nul .", "\x07\x1b\x7f\t": "\u2407\u241b\u2421\t", "\xff\xfe": "\ufffd\ufffd",
		"  kept  \u202e": "  kept  \u202e",
	} {
		if got := common(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
