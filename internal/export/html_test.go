package export

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"
)

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
	for _, files := range []map[string]string{a, b} {
		maps.DeleteFunc(files, func(name, _ string) bool { return !strings.HasPrefix(name, "data/html/") })
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
}

func TestReaderShowsAnyText(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a hundred bundles")
	}
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
	if testing.Short() {
		t.Skip("makes thousands of channels")
	}
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

// FuzzBody puts any text with any marks into a page and reads it back.
func FuzzBody(f *testing.F) {
	for _, trap := range traps {
		f.Add(trap, 1, 5)
	}
	f.Add("see https://a.example/<b>\r\n\x00\u202e", 3, 20)
	f.Fuzz(func(t *testing.T, text string, start, length int) {
		text = valid(text)
		if start < 0 || length < 0 || start > len(text) || length > len(text)-start {
			t.Skip()
		}
		var marks []Span
		if end := start + length; utf8.ValidString(text[:start]) && utf8.ValidString(text[start:end]) {
			marks = []Span{{start, end}}
		}
		page := readPage(t, "<!DOCTYPE html><title>x</title><div class=\"x\">"+string(appendBody(nil, text, marks))+"</div><p title=\""+
			string(appendAttribute(nil, text))+"\">")
		if got := content(withClass(page, "x")[0]); got != text {
			t.Errorf("%q became %q", text, got)
		}
		checkShowable(t, "page", string(appendBody(nil, text, marks))+string(appendAttribute(nil, text)))
	})
}
