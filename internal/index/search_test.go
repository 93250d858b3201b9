package index

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// company is a small archive with something for every field of the query language.
func company(t testing.TB) (*storage.Archive, *Index) {
	t.Helper()
	a := newArchive(t)
	putPage(t, a, &storage.Page{
		Observed: time.Unix(1.6e9, 0).UTC(),
		Channels: []record.ChannelState{
			{ID: "C1", Name: "general", State: record.ChannelPresent},
			{ID: "C2", Name: "random", State: record.ChannelPresent},
			{ID: "C3", Name: "vertrieb", State: record.ChannelPresent},
		},
		Users: []record.Seen{
			{Key: "ann@x.org", Raw: []byte(`{"id":"ann@x.org","real_name":"Ann Žitná"}`)},
			{Key: "ann@y.org", Raw: []byte(`{"id":"ann@y.org","real_name":"Ann Other"}`)},
			{Key: "bob@x.org", Raw: []byte(`{"id":"bob@x.org","real_name":"Bob"}`)},
		},
	})
	putPage(t, a, &storage.Page{Observed: time.Unix(1.6e9, 0).UTC(),
		Channels: []record.ChannelState{{ID: "C3", Name: "sales", State: record.ChannelPresent}}})
	put(t, a,
		post{channel: "C1", ts: "1516195201.000000", user: "ann@x.org", text: "Hello turnover, can't stop https://x.org"},
		post{channel: "C1", ts: "1516195202.000000", user: "bob@x.org", text: "žlutý kůň @[ann@x.org]"},
		post{channel: "C2", ts: "1516195203.000000", user: "ann@y.org", text: "日本語のテスト", extra: `"reactions":[{"a":1}]`},
		post{channel: "C2", ts: "1516195204.000000", user: "bob@x.org", text: "see @bob, @[@all@]", extra: `"comments_count":1,"edited":{"ts":"1"}`},
		post{channel: "C2", ts: "1516195205.000001", thread: "1516195204.000000", user: "gone@z.org", text: "a comment on it"},
		post{channel: "C3", ts: "1516195206.000000", user: "ann@x.org", text: "",
			extra: `"subtype":"file_share","file":{"id":"5a5f4d8601cf","name":"Annual Report-2017.PDF"}`},
		post{channel: "C3", ts: "1516195204.000000", user: "ann@x.org", text: "ha ha ha ha ha ha ha ha ha ha, getUserName()"},
	)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	return a, ix
}

func TestSearchByQuery(t *testing.T) {
	a, ix := company(t)
	all := "C3/6 C2/5 C3/4 C2/4 C2/3 C1/2 C1/1"
	for _, tt := range []struct{ query, want string }{
		{"", all},
		{"hello", "C1/1"},
		{"HELLO Stop", "C1/1"},
		{"turn*", "C1/1"},
		{"turnovr~1", "C1/1"},
		{"turnoevr~", "C1/1"},
		{"t*ver", "C1/1"},
		{"*nover", "C1/1"},
		{"can", "C1/1"},
		{"can’t", "C1/1"},
		{`"turnover can't"`, "C1/1"},
		{`"can't turnover"`, ""},
		{`"ha ha ha ha ha ha ha ha ha ha"`, "C3/4"},
		{`"ha ha ha ha ha ha ha ha ha ha ha"`, ""},
		{`"stop hello"~3`, "C1/1"},
		{`"stop hello"~2`, ""},
		{`"hello turnover"~1`, "C1/1"},
		{`"turnover hello"~1`, "C1/1"},
		{`"hel* st*p turnovr~1"~3`, "C1/1"},
		{`"hel* st*p turnovr~1"~2`, ""},
		{`"x.org hello"~5`, "C1/1"},
		{`"x.org hello"~4`, ""},
		{`"ha ha ha"~2`, "C3/4"},
		{`"` + strings.Repeat("ha ", 10) + `"~9`, "C3/4"},
		{`"` + strings.Repeat("ha ", 10) + `"~8`, ""},
		{`"` + strings.Repeat("ha ", 11) + `"~100`, ""},
		{`"user getUserName"~1`, "C3/4"},
		{`"日本語 テスト"~3`, "C2/3"},
		{`"hello nosuchword*"~9`, ""},
		{`hello -"hello stop"~3`, ""},
		{`filename:"2017 annual"~2`, "C3/6"},
		{`filename:"2017 annual"~1`, ""},
		{"getusername", "C3/4"},
		{"user name", "C3/4"},
		{"zluty", "C1/2"},
		{"ŽLUTÝ", "C1/2"},
		{"本語", "C2/3"},
		{"本", "C2/3"},
		{"日本語の*", "C2/3"},
		{"語日", ""},
		{"-hello", "C3/6 C2/5 C3/4 C2/4 C2/3 C1/2"},
		{"-hello -in:C3", "C2/5 C2/4 C2/3 C1/2"},
		{"-(hello OR in:C3)", "C2/5 C2/4 C2/3 C1/2"},
		{"hello OR 日本語 OR kun", "C2/3 C1/2 C1/1"},
		{"(hello OR kun) from:bob", "C1/2"},
		{"in:general", "C1/2 C1/1"},
		{"in:#GENERAL", "C1/2 C1/1"},
		{"in:C1=", "C1/2 C1/1"},
		{"in:(general OR random)", "C2/5 C2/4 C2/3 C1/2 C1/1"},
		{"in:sales", "C3/6 C3/4"},
		{"in:vertrieb", "C3/6 C3/4"},
		{"in:nowhere", ""},
		{"-in:nowhere", all},
		{"from:ann@x.org", "C3/6 C3/4 C1/1"},
		{"from:ann", "C3/6 C3/4 C2/3 C1/1"},
		{`from:"ann zitna"`, "C3/6 C3/4 C1/1"},
		{"from:žitná", "C3/6 C3/4 C1/1"},
		{"from:gone@z.org", "C2/5"},
		{"from:gone", ""},
		{"mentions:ann@x.org", "C1/2"},
		{"mentions:zitna", "C1/2"},
		{"mentions:bob@x.org", "C2/4"},
		{"mentions:all", "C2/4"},
		{"kind:file", "C3/6"},
		{"has:file", "C3/6"},
		{"has:link", "C1/1"},
		{"has:reaction", "C2/3"},
		{"filename:*.pdf", "C3/6"},
		{"filename:report", "C3/6"},
		{"filename:rep*", "C3/6"},
		{"filename:annual*2017.pdf", "C3/6"},
		{"filename:repor?", "C3/6"},
		{`filename:"annual report-????.pdf"`, "C3/6"},
		{`filename:"annual report"`, "C3/6"},
		{"filename:2017.pdf", "C3/6"},
		{"filename:*.doc", ""},
		{"filename:*", "C3/6"},
		{"is:edited", "C2/4"},
		{"is:thread", "C2/5 C2/4"},
		{"is:comment", "C2/5"},
		{"is:deleted", ""},
		{"thread:1516195204.000000", "C2/5 C3/4 C2/4"},
		{"thread:C2/1516195204.000000", "C2/5 C2/4"},
		{"after:2018-01-17T13:20:04Z before:2018-01-17T13:20:06Z", "C2/5 C3/4 C2/4"},
		{"on:2018-01-17", all},
		{"on:2018-01-18", ""},
		{"after:2018-01-17 before:2018-01-18", all},
		{"after:2018-01-18 before:2018-01-17", ""},
		{"hello ... world", ""},
		{"hello ...", "C1/1"},
	} {
		t.Run(tt.query, func(t *testing.T) {
			hits, answer := find(t, ix, a, tt.query, Request{Sort: newest})
			if got := short(hits); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if int(answer.Total) != len(hits) || answer.Returned != len(hits) || !answer.Covers.Complete || answer.Next != "" {
				t.Errorf("%d hits, but %+v", len(hits), answer)
			}
			for _, order := range []string{byScore, oldest} {
				others, _ := find(t, ix, a, tt.query, Request{Sort: order})
				slices.SortFunc(others, func(a, b Hit) int {
					return strings.Compare(string(b.TS+"/")+b.Channel, string(a.TS+"/")+a.Channel)
				})
				if short(others) != tt.want {
					t.Errorf("sorted by %s: got %s, want %s", order, short(others), tt.want)
				}
			}
		})
	}
}

// short writes hits as channel and last digit of the second.
func short(hits []Hit) string {
	var out []string
	for _, h := range hits {
		out = append(out, fmt.Sprintf("%s/%d", h.Channel, h.TS.Second()%10))
	}
	return strings.Join(out, " ")
}

func TestSearchByRequest(t *testing.T) {
	a, ix := company(t)
	for _, tt := range []struct {
		name string
		r    Request
		want string
	}{
		{"channels by name and id", Request{Channels: []string{"general", "C2"}}, "C2/5 C2/4 C2/3 C1/2 C1/1"},
		{"users", Request{Users: []string{"bob", "gone@z.org"}}, "C2/5 C2/4 C1/2"},
		{"kinds", Request{Kinds: []string{"file", "code"}}, "C3/6"},
		{"since and until", Request{Since: "2018-01-17T13:20:02Z", Until: "2018-01-17T13:20:04Z"}, "C2/3 C1/2"},
		{"days of a zone", Request{Since: "2018-01-18", Location: time.FixedZone("east", 12*3600)}, "C3/6 C2/5 C3/4 C2/4 C2/3 C1/2 C1/1"},
		{"days of another zone", Request{Since: "2018-01-18", Location: time.FixedZone("east", 10*3600)}, ""},
		{"offset and limit", Request{Offset: 1, Limit: 2}, "C2/5 C3/4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.r.Sort = newest
			hits, _ := find(t, ix, a, "", tt.r)
			if got := short(hits); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSearchRefusesRequests(t *testing.T) {
	a, ix := company(t)
	for _, tt := range []struct {
		r    Request
		want string
	}{
		{Request{Sort: "size"}, "sort is one of"},
		{Request{Limit: -1}, "negative"},
		{Request{Since: "soon"}, "since: "},
		{Request{Until: "2018-13-01"}, "until: "},
		{Request{Kinds: []string{"photo"}}, "kind: knows"},
		{Request{Cursor: "abc"}, ErrCursor.Error()},
	} {
		_, err := ix.Search(t.Context(), a, tt.r, nil)
		var syntax *SyntaxError
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &syntax) && !errors.Is(err, ErrCursor) {
			t.Errorf("%+v: got %v, want %s", tt.r, err, tt.want)
		}
	}
}

func TestHit(t *testing.T) {
	a, ix := company(t)
	hits, answer := find(t, ix, a, "kind:file", Request{})
	file := "5a5f4d8601cf"
	if len(hits) != 1 || hits[0].File == nil || *hits[0].File != file {
		t.Fatalf("got %+v", hits)
	}
	hits[0].File = nil
	want := Hit{Channel: "C3", ChannelName: "sales", TS: "1516195206.000000", User: "ann@x.org", UserName: "Ann Žitná",
		Time: "2018-01-17T13:20:06Z", Kind: "file", Version: 1, Versions: 1}
	if hits[0] != want {
		t.Errorf("got %+v\nwant %+v", hits[0], want)
	}
	if c := answer.Covers; c.Messages != 7 || c.Change != a.Change() || !c.Complete ||
		len(c.Notes) != 1 || c.Notes[0] != "the text inside files is not in the index" {
		t.Errorf("covers %+v", c)
	}
	hits, _ = find(t, ix, a, "comment hello~2", Request{})
	if len(hits) != 0 {
		t.Errorf("got %+v", hits)
	}
	hits, _ = find(t, ix, a, "comment", Request{})
	if len(hits) != 1 || hits[0].ThreadTS != "1516195204.000000" || hits[0].Snippet != "a <mark>comment</mark> on it" ||
		hits[0].UserName != "gone@z.org" || hits[0].Score <= 0 {
		t.Errorf("got %+v", hits)
	}
}

func TestNotesSayWhatTheAnswerRestsOn(t *testing.T) {
	a, ix := company(t)
	put(t, a, post{channel: "C1", ts: "1516195209.000000", user: "ann@x.org", text: "not indexed"})
	for query, want := range map[string]string{
		"in:nowhere":    `no channel is called "nowhere"`,
		"from:nobody":   `no user is called "nobody"`,
		"from:ann":      `2 users are called "ann"`,
		"hello :-":      "was left out",
		"hello":         "up to change",
		"-from:nobody":  `no user is called "nobody"`,
		"hello OR !!!!": `"!!!!" has no letter`,
	} {
		_, answer := find(t, ix, a, query, Request{})
		if notes := strings.Join(answer.Covers.Notes, "\n"); !strings.Contains(notes, want) || answer.Covers.Complete {
			t.Errorf("%s: %+v, want %s", query, answer.Covers, want)
		}
	}
}

func TestExpansionIsBounded(t *testing.T) {
	a := newArchive(t)
	page := &storage.Page{Channel: "C"}
	for i := range maxExpansion/1000 + 1 {
		var words strings.Builder
		for n := range 1000 {
			fmt.Fprintf(&words, "wide%c%c%c%c%c ", 'a'+i%10, 'a'+i/10, 'a'+n%10, 'a'+n/10%10, 'a'+n/100)
		}
		page.Messages = append(page.Messages, post{ts: string(record.MakeTS(1.5e9, i)), text: words.String() + "narrow first"}.seen())
	}
	putPage(t, a, page)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	for query, pos := range map[string]int{"narrow wide*": 7, "x OR w*de*": 5, `"first wide*"`: -1, "first.wide*": 0, "widea*": -1} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ix.Search(t.Context(), a, Request{Query: q}, func(Hit) error { return nil })
		var syntax *SyntaxError
		if pos < 0 {
			if err != nil {
				t.Errorf("%s: %v", query, err)
			}
			continue
		}
		if !errors.As(err, &syntax) || syntax.Pos != pos || !strings.Contains(err.Error(), "more than 65536 words") {
			t.Errorf("%s: got %v", query, err)
		}
	}
}

func TestCostIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a large index")
	}
	const words = 40000
	a := newArchive(t)
	page := &storage.Page{Channel: "C"}
	for i := range words / 100 {
		var text strings.Builder
		for n := range 100 {
			fmt.Fprintf(&text, "w%dx ", i*100+n)
		}
		page.Messages = append(page.Messages, post{ts: string(record.MakeTS(1.5e9, i)), text: text.String()}.seen())
	}
	putPage(t, a, page)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	for query, pos := range map[string]int{
		"w*":                        -1, // 40,000 sets are 0.4 s
		"w1* OR w* OR w*x":          -1,
		"w5x OR w* OR w*x w*x w*x":  7,
		"w5x -(w3x w*) w*x w*x w*x": 10,
		`"w* w*x w* w*x"~7`:         0,
		"w*x w*x w*x w*x":           0,
		strings.Repeat("install~2 OR ", 80) + "w": 0,
		strings.Repeat("install~2 OR ", 70) + "w": -1,
		strings.Repeat("*nothing* OR ", 60) + "w": -1,
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ix.Search(t.Context(), a, Request{Query: q, Limit: 10}, func(Hit) error { return nil })
		var syntax *SyntaxError
		switch {
		case pos < 0 && err != nil:
			t.Errorf("%.40s: %v", query, err)
		case pos >= 0 && (!errors.As(err, &syntax) || syntax.Pos != pos || !strings.Contains(err.Error(), "2 seconds")):
			t.Errorf("%.40s: got %v, want position %d", query, err, pos)
		}
		if _, err := ix.Search(t.Context(), a, Request{Query: q}, func(Hit) error { return nil }); err != nil {
			t.Errorf("%.40s: without a limit: %v", query, err)
		}
	}
}

// history is an archive of one channel whose messages lie over many months.
func history(t *testing.T, messages int) *storage.Archive {
	t.Helper()
	a := newArchive(t)
	page := &storage.Page{Observed: time.Unix(1.6e9, 0).UTC(), Channel: "C"}
	for n := range messages {
		p := post{ts: string(record.MakeTS(1.4e9+int64(n/2)*40000, n%2)), user: fmt.Sprintf("u%d@x", n%3),
			text: strings.Repeat("word ", 1+n%7) + fmt.Sprint("number", n)}
		page.Messages = append(page.Messages, p.seen())
	}
	putPage(t, a, page)
	return a
}

func TestPagesAreTheWhole(t *testing.T) {
	a := history(t, 2500)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	for _, order := range []string{byScore, oldest, newest} {
		for _, query := range []string{"word", "from:u1@x", "number7*"} {
			whole, answer := find(t, ix, a, query, Request{Sort: order})
			if int(answer.Total) != len(whole) || len(whole) < 300 && query != "number7*" {
				t.Fatalf("%s by %s: %d hits of %d", query, order, len(whole), answer.Total)
			}
			var pages []Hit
			r := Request{Sort: order, Limit: 97}
			for {
				page, end := find(t, ix, a, query, r)
				pages = append(pages, page...)
				if end.Total != answer.Total || end.Returned != len(page) {
					t.Fatalf("%s by %s: %+v", query, order, end)
				}
				if end.Next == "" {
					break
				}
				r.Cursor = end.Next
			}
			if ids(pages) != ids(whole) {
				t.Errorf("%s by %s: %d hits by pages, %d at once, or another order", query, order, len(pages), len(whole))
			}
			tail, _ := find(t, ix, a, query, Request{Sort: order, Offset: len(whole) - 5, Limit: 50})
			if ids(tail) != ids(whole[len(whole)-5:]) {
				t.Errorf("%s by %s: the last five are %s", query, order, ids(tail))
			}
		}
	}
}

func TestCursorHoldsWhileTheIndexGrows(t *testing.T) {
	a := history(t, 300)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	whole, _ := find(t, ix, a, "word", Request{Sort: newest})
	first, answer := find(t, ix, a, "word", Request{Sort: newest, Limit: 100})
	put(t, a, post{channel: "C", ts: "1700000000.000000", text: "word newer than all"})
	catchUp(t, ix, a)
	rest, after := find(t, ix, a, "word", Request{Sort: newest, Cursor: answer.Next})
	if ids(append(first, rest...)) != ids(whole) || after.Total != answer.Total+1 {
		t.Errorf("%d and %d hits, total %d, then %d", len(first), len(rest), answer.Total, after.Total)
	}
	for _, r := range []Request{{Sort: oldest, Cursor: answer.Next}, {Sort: newest, Cursor: answer.Next, Users: []string{"u"}}} {
		r.Query, _ = Parse("word")
		if _, err := ix.Search(t.Context(), a, r, nil); !errors.Is(err, ErrCursor) {
			t.Errorf("cursor of another request: %v", err)
		}
	}
}

func TestSearchStopsWithTheCaller(t *testing.T) {
	a := history(t, 300)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	stop := errors.New("stop")
	n := 0
	_, err := ix.Search(t.Context(), a, Request{}, func(Hit) error {
		if n++; n == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 3 {
		t.Errorf("got %v after %d hits", err, n)
	}
}

func TestSearchBesideGrowthSeesOneView(t *testing.T) {
	a := history(t, 2200)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	seen := map[record.TS]bool{}
	answer, err := ix.Search(t.Context(), a, Request{Sort: oldest}, func(h Hit) error {
		if len(seen)%500 == 0 {
			put(t, a, post{channel: "C", ts: string(record.MakeTS(1.65e9, len(seen))), text: "later"})
			catchUp(t, ix, a)
		}
		if seen[h.TS] {
			t.Errorf("%s comes twice", h.TS)
		}
		seen[h.TS] = true
		return nil
	})
	if err != nil || len(seen) != 2200 || answer.Total != 2200 {
		t.Errorf("%d messages, %+v, %v", len(seen), answer, err)
	}
}
