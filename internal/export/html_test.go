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

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"
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

func TestReaderShowsEverything(t *testing.T) {
	for _, unit := range Units() {
		src := small()
		files := tree(t, readerOf(t, smallSelection, src, unit))
		checkReader(t, src, files)
		for _, name := range []string{"index", "people", "files"} {
			if files["data/html/"+name+".html"] == "" {
				t.Errorf("%s: no page %s", unit, name)
			}
		}
	}
}

// readerOf exports as html.
func readerOf(t testing.TB, sel Selection, src Source, unit Unit) string {
	t.Helper()
	dir := t.TempDir() + "/out"
	o := Options{ID: "EXP-2026-000001", Output: dir, Formats: []string{"html"}, Rendering: Rendering{Slice: unit}}
	if _, err := Write(t.Context(), o, sel, src); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTrapsSurviveInReader(t *testing.T) {
	src, _ := trapSource()
	everything := ""
	for _, item := range src.items {
		everything += item.Text[:min(len(item.Text), 100)]
	}
	src.channels[0].Name = everything
	src.channels[0].History.Names = []record.Span{{Value: "old", From: testTime}, {Value: everything, From: testTime}}
	src.channels[0].History.Members = []record.Span{{Value: everything, From: testTime}}
	src.users = []*record.User{{ID: everything, Name: everything, Email: everything}}
	src.attach("chan-a", everything, everything, "content")
	src.files["chan-a"][0].State, src.files["chan-a"][0].Reason = record.FileGone, everything
	for i := range src.items {
		src.items[i].User, src.items[i].FileID, src.items[i].FileName = everything, everything, everything
	}
	sel := smallSelection
	sel.Query, sel.Since, sel.Users = everything, everything, []string{everything}
	checkReader(t, src, tree(t, readerOf(t, sel, src, UnitDay)))
}

func TestReaderIsTheSameForOneExport(t *testing.T) {
	again := t.TempDir() + "/again"
	o := Options{ID: "EXP-2026-000001", Output: again, Generator: "another", Formats: []string{"html"}}
	if _, err := Write(t.Context(), o, smallSelection, small()); err != nil {
		t.Fatal(err)
	}
	a, b := tree(t, readerOf(t, smallSelection, small(), UnitDay)), tree(t, again)
	delete(a, manifestName)
	delete(b, manifestName)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
}

func TestReaderShowsAnyText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOfN(anyText(), 1, 4).Draw(rt, "texts")
		src := small()
		src.items = src.items[:1]
		m := src.items[0].Message
		m.Versions = nil
		for i, text := range texts {
			m.Versions = append(m.Versions, record.Version{Text: text, SHA256: fmt.Sprint(i), Observed: testTime})
			m.Text = text
		}
		if rapid.Bool().Draw(rt, "code") {
			m.Kind = record.KindCode
		}
		src.channels[0].Name = rapid.SampledFrom(texts).Draw(rt, "name")
		src.users[0].Name = rapid.SampledFrom(texts).Draw(rt, "author")
		checkReader(t, src, tree(t, readerOf(t, smallSelection, src, UnitDay)))
	})
}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
		parts := []string{"\r\n", "\n", "\r", "\x00", "\u202e", "<b>", "&lt;", "word ", "word", "\xff", "https://x.example/?a=b&c", "\ufeff", "\t", "  ", "]]>", "-->", "👩‍👩‍👧", "\"'"}
		return strings.Join(rapid.SliceOf(rapid.SampledFrom(parts)).Draw(t, "parts"), "")
	}))
}

func TestWordDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := anyText().Draw(t, "before"), anyText().Draw(t, "after")
		var was, is strings.Builder
		for _, e := range wordDiff(before, after) {
			if e.kind != added {
				was.WriteString(e.text)
			}
			if e.kind != removed {
				is.WriteString(e.text)
			}
		}
		if was.String() != before || is.String() != after {
			t.Errorf("from %q to %q", was.String(), is.String())
		}
	})
	got := wordDiff("due on Friday, I think", "due on MONDAY, I think")
	want := []edit{{kept, "due on "}, {removed, "Friday"}, {added, "MONDAY"}, {kept, ", I think"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(edit{})); diff != "" {
		t.Error(diff)
	}
	huge := strings.Repeat("a b ", 1<<20)
	if got := wordDiff("x "+huge+"y", "z "+huge+"w"); len(got) != 2 {
		t.Errorf("%d edits of huge texts, want everything replaced", len(got))
	}
}

func TestReaderLeadsThroughThreads(t *testing.T) {
	day := func(d int, clock string) record.TS { return at(t, fmt.Sprintf("2024-01-%02dT%s:00Z", d, clock)) }
	root, orphan := day(14, "10:00"), day(1, "10:00") // the orphan's root is not in the export
	src := posts([2]record.TS{root}, [2]record.TS{day(14, "11:00"), root}, [2]record.TS{day(15, "10:00"), root},
		[2]record.TS{day(15, "11:00"), root}, [2]record.TS{day(16, "10:00"), orphan}, [2]record.TS{day(17, "10:00"), orphan})
	files := tree(t, readerOf(t, smallSelection, src, UnitDay))
	checkReader(t, src, files)
	folder := "data/html/" + channelFolder(src.channels[0]) + "/"
	own, repeated := readMessages(t, files)
	thread := threadName(root)
	want := []string{"#" + anchor(root), "#" + anchor(day(14, "11:00")), channelFolder(src.channels[0]) + "_2024-01-15.html", thread}
	if diff := cmp.Diff(want, own["chan-a/"+string(root)][0].links); diff != "" {
		t.Errorf("links of the root: %s", diff)
	}
	page := readPage(t, files[folder+thread])
	if got := len(withClass(page, "m")); got != 4 {
		t.Errorf("the thread's page shows %d messages, want the root and three comments", got)
	}
	if got := len(repeated["chan-a/"+string(root)]); got != 2 {
		t.Errorf("the root is repeated %d times, want before the comments of another day and in the thread", got)
	}
	if files[folder+threadName(orphan)] == "" {
		t.Error("a thread whose root is not in the export has no page, though it spans days")
	}
	if !strings.Contains(files[own["chan-a/"+string(day(16, "10:00"))][0].page], "not in this export") {
		t.Error("the comment does not say that its thread's root is missing")
	}
}

// TestReaderOfManyTimes has slices that reach over months, years, and the change of clocks.
func TestReaderOfManyTimes(t *testing.T) {
	src := posts()
	for _, moment := range []string{"1999-12-31T23:59:59Z", "2000-01-01T00:00:00Z", "2024-02-26T12:00:00Z", "2024-03-01T12:00:00Z",
		"2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z", "2099-01-01T00:00:00Z"} {
		root := at(t, moment)
		first := root
		if len(src.items) > 0 {
			first = src.items[0].TS
		}
		src.items = append(src.items, message("chan-a", root, "", `{"user":"ann@x","text":"hi"}`),
			message("chan-a", root[:16]+"1", first, `{"user":"bob@x","text":"ho"}`))
	}
	for _, unit := range Units() {
		checkReader(t, src, tree(t, readerOf(t, smallSelection, src, unit)))
	}
}

func TestReaderLeadsFromHitToHit(t *testing.T) {
	src := posts()
	for day := 1; day <= 3; day++ {
		for hour := range 4 {
			item := message("chan-a", at(t, fmt.Sprintf("2024-01-%02dT%02d:00:00Z", day, 10+hour)), "", `{"user":"ann@x","text":"some turnover <b>"}`)
			if day == 2 || hour%2 == 1 {
				item.Reason = ReasonContext
			}
			src.items = append(src.items, item)
		}
	}
	sel := smallSelection
	sel.Query, sel.Context, sel.Zone = "turnover", ContextDay, ""
	dir := t.TempDir() + "/out"
	o := Options{ID: "EXP-2026-000002", Output: dir, Formats: []string{"html"}, Highlight: func(text string) []Span {
		i := strings.Index(text, "turnover")
		return []Span{{i, i + len("turnover")}}
	}}
	if _, err := Write(t.Context(), o, sel, src); err != nil {
		t.Fatal(err)
	}
	files := tree(t, dir)
	checkReader(t, src, files)
	folder := channelFolder(src.channels[0])
	var steps []string
	for day, hits := range []int{2, 0, 2} {
		page := readPage(t, files[fmt.Sprintf("data/html/%s/%s_2024-01-%02d.html", folder, folder, day+1)])
		marks := 0
		for n := range page.Descendants() {
			if n.DataAtom == atom.Mark && content(n) == "turnover" {
				marks++
			}
		}
		if marks != hits {
			t.Errorf("day %d: %d words highlighted, want %d", day+1, marks, hits)
		}
		for _, nav := range withClass(page, "step") {
			for a := range nav.ChildNodes() {
				steps = append(steps, strings.ReplaceAll(attribute(a, "href"), folder+"_", ""))
			}
		}
	}
	hit := func(day, hour int) string {
		return "#" + anchor(at(t, fmt.Sprintf("2024-01-%02dT%02d:00:00Z", day, hour)))
	}
	want := []string{hit(1, 12), hit(1, 10), "2024-01-03.html" + hit(3, 10), "2024-01-01.html" + hit(1, 12), hit(3, 12), hit(3, 10)}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Error(diff)
	}
}

func TestLongListsGoOnOnOtherPages(t *testing.T) {
	src := posts()
	start := at(t, "2020-01-01T10:00:00Z").Second()
	for i := range int64(listRows + 1) {
		src.items = append(src.items, message("chan-a", record.MakeTS(start+i*24*3600, 0), "", `{"user":"ann@x","text":"hi"}`))
		src.files["chan-a"] = append(src.files["chan-a"], &record.File{Channel: "chan-a", ID: fmt.Sprintf("f%07d", i), State: record.FileGone})
	}
	files := tree(t, readerOf(t, smallSelection, src, UnitDay))
	checkPages(t, files)
	for _, name := range []string{"files-2.html", channelFolder(src.channels[0]) + "/index-2.html"} {
		if got := strings.Count(files["data/html/"+name], "<tr>"); got != 2 {
			t.Errorf("%s: %d rows, want the head and one", name, got)
		}
	}
}

func TestURLsAreSetOff(t *testing.T) {
	for text, want := range map[string]string{
		"see https://a.example/x?y=1, please": "https://a.example/x?y=1",
		"(http://a.example)":                  "http://a.example",
		"http://":                             "",
		"httpd and http: and https":           "",
		"xhttp://b.example/":                  "http://b.example/",
		"https://a\u202eb":                    "https://a",
	} {
		url := nextURL(text, 0)
		if got := text[url.Start:url.End]; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
