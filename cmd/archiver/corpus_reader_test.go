package main

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/teamchat/teamchattest"

	"golang.org/x/net/html"
)

// exportSince begins what exports of the corpus are compared on: ARCHIVER_CAMPAIGN=1 takes all of it instead of its last
// years, which have threads, edits and most of the files.
func exportSince() string {
	if os.Getenv("ARCHIVER_CAMPAIGN") != "" {
		return "2000-01-01"
	}
	return "2022-06-01"
}

// sinceThen leaves of the corpus what exports are compared on.
func sinceThen(want map[place]teamchattest.CorpusMessage) map[place]teamchattest.CorpusMessage {
	begin := timeSpan(exportSince(), "", time.UTC).From
	maps.DeleteFunc(want, func(at place, _ teamchattest.CorpusMessage) bool { return at.ts < begin })
	return want
}

// compareReader exports the corpus up to a day for people and reads the pages back: every message is on one page, with
// its text.
func compareReader(t *testing.T, want map[place]teamchattest.CorpusMessage) {
	t.Helper()
	total := len(want)
	dir := filepath.Join(t.TempDir(), "reader")
	var out, errs bytes.Buffer
	args := []string{"export", "--quiet", "--format", "html", "--slice", "month", "--since", exportSince(), "--output", dir}
	if code := run(t.Context(), args, nil, &out, &errs); code != 0 {
		t.Fatalf("export exits %d\n%s%s", code, out.Bytes(), errs.Bytes())
	}
	err := filepath.WalkDir(filepath.Join(dir, "data", "html"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".html" {
			return err
		}
		takePage(t, name, want)
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Errorf("%d of %d messages are on no page; %v", len(want), total, err)
	}
}

// takePage takes the messages of a page out of want.
func takePage(t *testing.T, name string, want map[place]teamchattest.CorpusMessage) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	page, err := html.Parse(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	channel := ""
	for n := range page.Descendants() {
		if n.Data == "a" && attribute(n, "href") == "index.html" {
			channel = contentOf(n) // the channel's name, on the way to the page
		}
		if n.Data != "article" || attribute(n, "data-context") != "" {
			continue
		}
		at := place{channel, record.TS(attribute(n, "data-ts"))}
		m, ok := want[at]
		delete(want, at)
		if got := textOf(n); !ok || got != m.Text {
			t.Errorf("%s: %v is not in the corpus, or twice, or not %q: %q", name, at, m.Text, got)
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// textOf is what the article of a message says it said.
func textOf(article *html.Node) string {
	for n := range article.Descendants() {
		if attribute(n, "class") == "x" {
			return contentOf(n)
		}
	}
	return ""
}

// contentOf is the text of an element, characters that are shown by their codes included.
func contentOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	if code, err := strconv.ParseInt(attribute(n, "data-u"), 16, 32); err == nil {
		return string(rune(code))
	}
	var b strings.Builder
	for c := range n.ChildNodes() {
		b.WriteString(contentOf(c))
	}
	return b.String()
}
