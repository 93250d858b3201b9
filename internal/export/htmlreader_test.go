package export

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The reader of these tests knows of the pages what the comment of htmlReader promises, and no more.

// readPage parses a page.
func readPage(t testing.TB, content string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func hasClass(n *html.Node, class string) bool {
	return slices.Contains(strings.Fields(attribute(n, "class")), class)
}

// withClass gives the elements below n that have a class.
func withClass(n *html.Node, class string) []*html.Node {
	var found []*html.Node
	for d := range n.Descendants() {
		if hasClass(d, class) {
			found = append(found, d)
		}
	}
	return found
}

// content gives the text of an element as it was before it became HTML. Elements named in without are left out.
func content(n *html.Node, without ...atom.Atom) string {
	var b strings.Builder
	for c := range n.ChildNodes() {
		switch code := attribute(c, "data-u"); {
		case c.Type == html.TextNode:
			b.WriteString(c.Data)
		case code != "":
			r, _ := strconv.ParseInt(code, 16, 32)
			b.WriteRune(rune(r))
		case !slices.Contains(without, c.DataAtom):
			b.WriteString(content(c, without...))
		}
	}
	return b.String()
}

// readMessage is a message as a page shows it.
type readMessage struct {
	page, reason, text string
	deleted            bool
	versions           []string
	links              []string
}

// readMessages finds the messages of all pages, those that are repeated apart, by channel and ts.
func readMessages(t testing.TB, files map[string]string) (own, repeated map[string][]readMessage) {
	t.Helper()
	own, repeated = map[string][]readMessage{}, map[string][]readMessage{}
	for name, text := range files {
		if !strings.HasPrefix(name, "data/html/") || path.Ext(name) != ".html" {
			continue
		}
		channel := ""
		for n := range readPage(t, text).Descendants() {
			if id := attribute(n, "data-channel"); id != "" {
				channel = id
			}
			if n.DataAtom != atom.Article {
				continue
			}
			key := channel + "/" + attribute(n, "data-ts")
			m := readArticle(t, name, n)
			if hasAttribute(n, "data-context") {
				repeated[key] = append(repeated[key], m)
			} else {
				own[key] = append(own[key], m)
			}
		}
	}
	return own, repeated
}

func readArticle(t testing.TB, page string, n *html.Node) readMessage {
	t.Helper()
	m := readMessage{page: page, reason: attribute(n, "data-reason"), deleted: hasClass(n, "deleted")}
	if want := "m-" + strings.Replace(attribute(n, "data-ts"), ".", "-", 1); attribute(n, "id") != want {
		t.Errorf("%s: id %s, want %s", page, attribute(n, "id"), want)
	}
	texts := withClass(n, "x")
	if len(texts) != 1 {
		t.Fatalf("%s: %d texts of %s", page, len(texts), attribute(n, "id"))
	}
	m.text = content(texts[0])
	before := ""
	for _, list := range withClass(n, "versions") {
		for item := range list.Descendants() {
			if item.DataAtom != atom.Li {
				continue
			}
			text := before
			if v := withClass(item, "v"); len(v) == 1 {
				if was := content(v[0], atom.Ins); len(m.versions) > 0 && was != before {
					t.Errorf("%s: a comparison begins with %q, the version before is %q", page, was, before)
				}
				text = content(v[0], atom.Del)
			}
			m.versions = append(m.versions, text)
			before = text
		}
	}
	for a := range n.Descendants() {
		if a.DataAtom == atom.A {
			m.links = append(m.links, attribute(a, "href"))
		}
	}
	return m
}

// checkReader wants every message of a source once, as it is, and pages that keep their promises.
func checkReader(t testing.TB, src *source, files map[string]string) {
	t.Helper()
	own, repeated := readMessages(t, files)
	for _, item := range src.items {
		found := own[item.ID()]
		delete(own, item.ID())
		if len(found) != 1 {
			t.Errorf("%s stands %d times", item.ID(), len(found))
			continue
		}
		checkMessage(t, item, found[0])
		for _, again := range repeated[item.ID()] {
			if again.versions == nil {
				again.versions = found[0].versions // a message that is only repeated for the comments below it
			}
			checkMessage(t, item, again)
		}
		delete(repeated, item.ID())
	}
	if len(own)+len(repeated) > 0 {
		t.Errorf("not of the selection: %v, %v", own, repeated)
	}
	checkPages(t, files)
	checkSearch(t, src, files)
}

// checkSearch wants the data of the search to have every message once, at its place.
func checkSearch(t testing.TB, src *source, files map[string]string) {
	t.Helper()
	found := map[string]bool{}
	for n := 1; files[fmt.Sprintf("data/html/search/%d.js", n)] != ""; n++ {
		text := files[fmt.Sprintf("data/html/search/%d.js", n)]
		checkShowable(t, "search data", text)
		for _, line := range linesOf(text) {
			var page []stdjson.RawMessage
			var href string
			var messages [][4]string
			line = strings.TrimSuffix(strings.TrimPrefix(line, "page("), ");")
			if err := errors.Join(stdjson.Unmarshal([]byte("["+line+"]"), &page), stdjson.Unmarshal(page[0], &href),
				stdjson.Unmarshal(page[2], &messages)); err != nil {
				t.Fatal(err)
			}
			for _, m := range messages {
				found[m[0]] = strings.Contains(files["data/html/"+href], `id="m-`+m[0]+`"`) && m[3] != ""
			}
		}
	}
	for _, item := range src.items {
		if !found[strings.Replace(string(item.TS), ".", "-", 1)] && item.Text+item.FileName != "" {
			t.Errorf("%s cannot be found by the search", item.ID())
		}
	}
}

func checkMessage(t testing.TB, item Item, got readMessage) {
	t.Helper()
	want := readMessage{page: got.page, links: got.links, reason: string(item.Reason), text: valid(item.Text), deleted: item.Deleted != nil}
	if len(item.Versions) > 1 {
		for _, v := range item.Versions {
			want.versions = append(want.versions, valid(v.Text))
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(readMessage{})); diff != "" {
		t.Errorf("%s: %s", item.ID(), diff)
	}
}

// valid gives a text in which each byte that is no UTF-8 is U+FFFD.
func valid(s string) string { return string([]rune(s)) }

// checkPages wants no page to run or fetch anything, and all links to lead somewhere in the bundle.
func checkPages(t testing.TB, files map[string]string) {
	t.Helper()
	ids := map[string]bool{} // page#id
	pages := map[string]*html.Node{}
	for name, text := range files {
		if path.Ext(name) != ".html" || !strings.HasPrefix(name, "data/html/") {
			continue
		}
		pages[name] = readPage(t, text)
		for n := range pages[name].Descendants() {
			if id := attribute(n, "id"); id != "" {
				if ids[name+"#"+id] {
					t.Errorf("%s: id %s twice", name, id)
				}
				ids[name+"#"+id] = true
			}
		}
	}
	for name, page := range pages {
		checkShowable(t, name, files[name])
		for n := range page.Descendants() {
			checkElement(t, name, n, files, ids)
		}
	}
	checkNesting(t, files)
}

// checkElement wants an element to be harmless and its links to resolve.
func checkElement(t testing.TB, page string, n *html.Node, files map[string]string, ids map[string]bool) {
	t.Helper()
	if n.Type != html.ElementNode {
		return
	}
	switch n.DataAtom {
	case atom.Script, atom.Form:
		if page != "data/html/search.html" || n.DataAtom == atom.Script && attribute(n, "src") != "search.js" {
			t.Errorf("%s has a %s", page, n.Data)
		}
	case atom.Iframe, atom.Object, atom.Embed, atom.Base, atom.Style:
		t.Errorf("%s has a %s", page, n.Data)
	}
	for _, a := range n.Attr {
		switch a.Key {
		case "style", "srcdoc", "srcset":
			t.Errorf("%s: attribute %s", page, a.Key)
		case "href", "src":
			file, id, hasID := strings.Cut(a.Val, "#")
			target := page
			if file != "" {
				target = path.Join(path.Dir(page), file)
			}
			if _, ok := files[target]; !ok || hasID && !ids[target+"#"+id] {
				t.Errorf("%s: %s leads nowhere", page, a.Val)
			}
		}
		if strings.HasPrefix(a.Key, "on") {
			t.Errorf("%s: attribute %s", page, a.Key)
		}
	}
}

// checkShowable wants no character in a page that does not show or that moves what does.
func checkShowable(t testing.TB, name, text string) {
	t.Helper()
	for _, r := range text {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7F && r < 0xA0 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 ||
			r == 0x200E || r == 0x200F || r == 0x61C || r == 0xFEFF || r == 0x200B {
			t.Errorf("%s holds %U", name, r)
		}
	}
}

// checkNesting wants every element closed where it has to be, by a tokenizer alone.
func checkNesting(t testing.TB, files map[string]string) {
	t.Helper()
	void := map[string]bool{"meta": true, "link": true, "img": true, "br": true, "input": true}
	for name, text := range files {
		if path.Ext(name) != ".html" || !strings.HasPrefix(name, "data/html/") {
			continue
		}
		var open []string
		z := html.NewTokenizer(strings.NewReader(text))
		for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
			tag, _ := z.TagName()
			switch {
			case kind == html.StartTagToken && !void[string(tag)]:
				open = append(open, string(tag))
			case kind == html.EndTagToken && (len(open) == 0 || open[len(open)-1] != string(tag)):
				t.Fatalf("%s: </%s> closes %v", name, tag, open)
			case kind == html.EndTagToken:
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: %v is left open", name, open)
		}
	}
}
