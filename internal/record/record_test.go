package record

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestParseTS(t *testing.T) {
	tests := []struct{ in, want string }{
		{"1516195206.000463", "1516195206.000463"},
		{"1516195206", "1516195206.000000"},
		{"1516195206.00046", "1516195206.000460"},
		{"999.000001", "0000000999.000001"},
		{" 1516195206.000463 ", "1516195206.000463"},
		{"", ""}, {"abc", ""}, {"1516195206.0004631", ""}, {"15161952061.000463", ""}, {"1.5e9", ""}, {"-1.000000", ""},
	}
	for _, tt := range tests {
		got, err := ParseTS(tt.in)
		if string(got) != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("ParseTS(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

// The pairs are the published proofs that a groupware id and a ts are the same number.
func TestTSIsTheGroupwareID(t *testing.T) {
	for hex, ts := range map[string]TS{"5a5f4d8601cf": "1516195206.000463", "5a5e1e5304d4": "1516117587.001236"} {
		if got := ts.Hex(); got != hex {
			t.Errorf("%s.Hex() = %s, want %s", ts, got, hex)
		}
		if got, err := TSFromHex(hex); got != ts || err != nil {
			t.Errorf("TSFromHex(%s) = %s, %v, want %s", hex, got, err, ts)
		}
	}
	if got := TS("1516195206.065536").Hex(); got != "" {
		t.Errorf("a counter beyond 16 bits has the id %q, want none", got)
	}
	if want := time.Date(2018, 1, 17, 13, 20, 6, 0, time.UTC); !TS("1516195206.000463").Time().Equal(want) {
		t.Errorf("time is %v, want %v", TS("1516195206.000463").Time(), want)
	}
}

func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"white space", " { \"a\" : [ 1 ,\t2 ] ,\n\"b\" : \" x \" } ", `{"a":[1,2],"b":" x "}`},
		{"secrets", `{"token":"x","ticket":"y","password":"z","has_password":true}`, `{"token":"","ticket":"","password":"","has_password":true}`},
		{"secret number", `{"password":1234}`, `{"password":""}`},
		{"no secret", `{"password":null,"token":{"a":"b"}}`, `{"password":null,"token":{"a":"b"}}`},
		{"nested secret", `{"file":{"ticket":"eJx."}}`, `{"file":{"ticket":""}}`},
		{"escaped name", `{"\u0074oken":"x"}`, `{"\u0074oken":""}`},
		{"ticket in a url", `{"url_private":"https://h/d?ticket=eJx&resize=1"}`, `{"url_private":"https://h/d?ticket=&resize=1"}`},
		{"ticket at the end", `{"url_private":"https://h/d?ticket=eJx"}`, `{"url_private":"https://h/d?ticket="}`},
		{"ticket in text", `{"text":"see ticket=42 and token: 7","name":"ticket=1","title":"ticket=2"}`, `{"text":"see ticket=42 and token: 7","name":"ticket=1","title":"ticket=2"}`},
		{"escapes stay", `{"text":"a\/b\u00e9\ud800\"\\"}`, `{"text":"a\/b\u00e9\ud800\"\\"}`},
		{"invalid UTF-8 stays", "{\"text\":\"\xff \"}", "{\"text\":\"\xff \"}"},
		{"cut JSON stays", `{"text": "a`, `{"text": "a`},
		{"two values stay", `{} {}`, `{} {}`},
		{"too deep stays", strings.Repeat("[ ", 1e6), strings.Repeat("[ ", 1e6)},
		{"numbers stay", `[9007199254740993,1.50,-0]`, `[9007199254740993,1.50,-0]`},
	}
	for _, tt := range tests {
		if got := string(Clean([]byte(tt.in))); got != tt.want {
			t.Errorf("%s: Clean(%s) = %s, want %s", tt.name, tt.in, got, tt.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add([]byte(` {"a":[1,{"token":"x"}],"url_x":"ticket=\u0022"} `))
	f.Fuzz(func(t *testing.T, in []byte) {
		want := jsontext.Value(bytes.Clone(in))
		if want.Compact(jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true)) != nil {
			return
		}
		got := Clean(in)
		if !bytes.Equal(Clean(got), got) {
			t.Errorf("Clean(%q) = %q is not stable", in, got)
		}
		mentions := func(s string) bool { return bytes.Contains(in, []byte(s)) }
		if mentions("ticket") || mentions("token") || mentions("password") || mentions(`\`) {
			if ValidJSON(in) && !ValidJSON(got) {
				t.Errorf("Clean(%q) = %q is no JSON", in, got)
			}
		} else if !bytes.Equal(got, want) {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	})
}

func TestParseMessageReadsEveryKind(t *testing.T) {
	tests := []struct {
		raw, state string
		kind       Kind
	}{
		{`{"text":"Hello"}`, `{"kind":"text","text":"Hello"}`, KindText},
		{`{"text":"<b>\u00e9\n"}`, "{\"kind\":\"text\",\"text\":\"<b>é\\n\"}", KindText},
		{`{"subtype":"code_block","language":"go","text":"x"}`, `{"kind":"code","language":"go","text":"x"}`, KindCode},
		{`{"subtype":"file_share","file":{"id":"5a5f4d8601cf","name":"a.pdf"},"text":""}`, `{"file.name":"a.pdf","kind":"file","text":""}`, KindFile},
		{`{"subtype":"event","event":{"id":"x","title":"T","start":1516117587,"end":"1516121187"}}`, `{"event.end":1516121187,"event.start":1516117587,"event.title":"T","kind":"event"}`, KindEvent},
		{`{"subtype":"conference","conference":{"title":"C","password":""}}`, `{"conference.title":"C","kind":"conference"}`, KindConference},
		{`{"subtype":"mail_share","file":{"name":"m.eml"}}`, `{"file.name":"m.eml","kind":"mail"}`, KindMail},
		{`{"subtype":"channel_join","text":"joined"}`, `{"kind":"system","text":"joined"}`, KindSystem},
		{`{"subtype":"pinned_item"}`, `{"kind":"system"}`, KindSystem},
		{`{"subtype":"poll","text":"?"}`, `{"kind":"other","text":"?"}`, KindOther},
		{`{"subtype":"message_comment","comment":{"comment":"Hi","user":"a@x"}}`, `{"kind":"text","text":"Hi"}`, KindText},
		{`no json`, `{"kind":"other"}`, KindOther},
	}
	for _, tt := range tests {
		f := ParseMessage([]byte(tt.raw))
		if got := string(f.state.canonical(f.FileName)); got != tt.state || f.Kind != tt.kind {
			t.Errorf("ParseMessage(%s): kind %s, state %s; want %s, %s", tt.raw, f.Kind, got, tt.kind, tt.state)
		}
		value := jsontext.Value(tt.state)
		if err := value.Canonicalize(); err != nil || string(value) != tt.state {
			t.Errorf("%s is not canonical, want %s", tt.state, value)
		}
	}
}

func TestParseMessageToleratesTypes(t *testing.T) {
	f := ParseMessage([]byte(`{"user":"a@x","text":12,"comments_count":"3","edited":true,"reactions":{"name":"ok"},"file":{"id":7}}`))
	got := []any{f.User, f.Text, f.CommentsCount, f.Edited, f.Reactions, f.FileID}
	if diff := cmp.Diff([]any{"a@x", "12", int64(3), true, 1, "7"}, got); diff != "" {
		t.Error(diff)
	}
	if f := ParseMessage([]byte(`{"edited":false,"reactions":null}`)); f.Edited || f.Reactions != 0 || f.CommentsCount != -1 {
		t.Errorf("absent marks read as %+v", f)
	}
}

var day = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// history turns raw objects ("" is a deletion) into the entries that an archive would hold.
func history(t *testing.T, raws ...string) []Entry {
	t.Helper()
	var entries []Entry
	for i, raw := range raws {
		e := Entry{Change: uint64(i + 1), Key: "1516195206.000463", Observed: day.Add(time.Duration(i) * time.Hour)}
		if raw == "" {
			e.Op = OpDeleted
			body, err := Body(Deletion{LastSeen: day, FirstMissing: e.Observed})
			if err != nil {
				t.Fatal(err)
			}
			e.Body = body
			entries = append(entries, e)
			continue
		}
		op, ok := Next(entries, Seen{Key: e.Key, Raw: []byte(raw)})
		if ok {
			e.Op, e.Body = op, []byte(raw)
			entries = append(entries, e)
		}
	}
	return entries
}

func ops(entries []Entry) []Op {
	var ops []Op
	for _, e := range entries {
		ops = append(ops, e.Op)
	}
	return ops
}

func TestNext(t *testing.T) {
	tests := []struct {
		name string
		raws []string
		want []Op
	}{
		{"equal bytes", []string{`{"text":"a"}`, `{"text":"a"}`}, []Op{OpState}},
		{"other order of members", []string{`{"text":"a","user":"u"}`, `{"user":"u","text":"a"}`}, []Op{OpState}},
		{"A B A are three", []string{`{"text":"a"}`, `{"text":"b"}`, `{"text":"a"}`}, []Op{OpState, OpState, OpState}},
		{"edit without a mark", []string{`{"text":"a"}`, `{"text":"b"}`}, []Op{OpState, OpState}},
		{"reaction", []string{`{"text":"a"}`, `{"text":"a","reactions":[{"name":"x"}]}`}, []Op{OpState, OpData}},
		{"big number", []string{`{"text":"a","n":9007199254740992}`, `{"text":"a","n":9007199254740993}`}, []Op{OpState, OpData}},
		{"file object goes", []string{`{"text":"","file":{"name":"a"}}`, `{"text":""}`}, []Op{OpState, OpData}},
		{"file comes back renamed", []string{`{"text":"","file":{"name":"a"}}`, `{"text":""}`, `{"text":"","file":{"name":"b"}}`}, []Op{OpState, OpData, OpState}},
		{"file comes back as it was", []string{`{"text":"","file":{"name":"a"}}`, `{"text":""}`, `{"text":"","file":{"name":"a"}}`}, []Op{OpState, OpData, OpData}},
		{"restored", []string{`{"text":"a"}`, ``, `{"text":"a"}`}, []Op{OpState, OpDeleted, OpData}},
		{"restored and edited", []string{`{"text":"a"}`, ``, `{"text":"b"}`}, []Op{OpState, OpDeleted, OpState}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, ops(history(t, tt.raws...))); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestFoldMessage(t *testing.T) {
	entries := history(t,
		`{"user":"a@x","text":"a","ts":"1516195206.000463"}`,
		`{"user":"a@x","text":"a","ts":"1516195206.000463","reactions":[{"name":"x"}]}`,
		`{"user":"a@x","text":"b","ts":"1516195206.000463","edited":{"user":"a@x"}}`,
		``)
	m, err := FoldMessage("C", entries)
	if err != nil {
		t.Fatal(err)
	}
	if m.Text != "b" || !m.IsEdited() || m.Deleted == nil || len(m.Versions) != 2 || m.ID() != "C/1516195206.000463" || m.Change != 4 {
		t.Errorf("folded to %+v", m)
	}
	if diff := cmp.Diff([]string{"reactions"}, m.Annotations[0].What); diff != "" {
		t.Error(diff)
	}
	if m.Versions[0].SHA256 == m.Versions[1].SHA256 || !m.Versions[1].Observed.Equal(day.Add(2*time.Hour)) {
		t.Errorf("versions are %+v", m.Versions)
	}
	if _, err := FoldMessage("C", nil); err == nil {
		t.Error("no entries fold to a message")
	}
}

func TestDumpOfAMessage(t *testing.T) {
	entries := history(t, `{"user":"a@x","text":"<\/b>\u2028","subtype":"file_share","file":{"id":"5a5f4d8601cf","name":"r.pdf"}}`)
	m, err := FoldMessage("C", entries)
	if err != nil {
		t.Fatal(err)
	}
	stable, full := dumped(t, m, true), dumped(t, m, false)
	if want := `{"record":"message","channel":"C","ts":"1516195206.000463","thread_ts":"","user":"a@x","kind":"file","text":"</b>` + "\u2028" +
		`","versions":[{"text":"</b>` + "\u2028" + `","sha256":"` + m.Versions[0].SHA256 + `"}],"deleted":null,"file":"5a5f4d8601cf"}`; stable != want {
		t.Errorf("stable line\n%s, want\n%s", stable, want)
	}
	for _, part := range []string{`"observed":"2026-01-02T03:04:05.000Z"`, `"annotations":[]`, `"raw":` + string(entries[0].Body)} {
		if !strings.Contains(full, part) {
			t.Errorf("%s lacks %s", full, part)
		}
	}
}

func TestDumpOfBytesThatAreNoJSON(t *testing.T) {
	m, err := FoldMessage("C", history(t, "{\"text\":\"a\xff\"}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := dumped(t, m, false); !strings.Contains(got, `"text":"a�"`) || !strings.Contains(got, `"raw":null,"raw_base64":"eyJ0ZXh0IjoiYf8ifQ=="`) {
		t.Errorf("dump is %s", got)
	}
}

func dumped(t *testing.T, m *Message, stable bool) string {
	t.Helper()
	line, err := m.Dump(stable)
	if err != nil {
		t.Fatal(err)
	}
	if !ValidJSON(line) {
		t.Fatalf("no JSON: %s", line)
	}
	return string(line)
}

func TestFoldFile(t *testing.T) {
	states := []FileState{
		{ID: "f", Name: "r.pdf", Size: 3, State: FilePending, Reason: "connection cut"},
		{ID: "f", Name: "r.pdf", Size: 3, State: FileStored, SHA256: "aa", Bytes: 3},
		{ID: "f", Name: "r2.pdf", Size: 4, State: FileStored, SHA256: "bb", Bytes: 4},
		{ID: "f", Name: "r2.pdf", Size: 4, State: FileGone, Reason: "not found"},
	}
	var entries []Entry
	for i, s := range states {
		body, err := Body(s)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{Change: uint64(i + 1), Op: OpState, Key: "f", Observed: day, Body: body})
	}
	f, err := FoldFile("C", entries)
	if err != nil {
		t.Fatal(err)
	}
	line, err := f.Dump(true)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"record":"file","channel":"C","id":"f","name":"r2.pdf","size":4,"versions":[{"sha256":"aa","size":3},{"sha256":"bb","size":4}],"state":"gone","reason":"not found"}`
	if string(line) != want {
		t.Errorf("dump is\n%s, want\n%s", line, want)
	}
}

func TestFoldChannelKeepsNames(t *testing.T) {
	var entries []Entry
	for i, name := range []string{"old", "general", "old"} {
		body, err := Body(ChannelState{ID: "C", Name: name, State: ChannelPresent, Members: []string{"a@x"}})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{Change: uint64(i + 1), Op: OpState, Key: "C", Observed: day, Body: body})
	}
	c, err := FoldChannel(entries)
	if err != nil {
		t.Fatal(err)
	}
	line, err := c.Dump()
	if want := `{"record":"channel","id":"C","name":"old","names":["old","general"],"state":"present","members":["a@x"]}`; err != nil || string(line) != want {
		t.Errorf("dump is %s, %v, want %s", line, err, want)
	}
}

func TestHistoryOfAChannel(t *testing.T) {
	at := func(n int) time.Time { return time.Date(2024, 1, 1+n, 0, 0, 0, 0, time.UTC) }
	states := []ChannelState{
		{ID: "C", Name: "one", Members: []string{"a@x", "b@x"}},
		{ID: "C", Name: "two", Members: []string{"a@x", "c@x"}},
		{ID: "C", Name: "one", Members: []string{"a@x", "b@x"}},
		{ID: "C", Name: "one", State: ChannelGone, Members: []string{"a@x", "b@x"}, MovedTo: "D"},
	}
	var entries []Entry
	for n, s := range states {
		body, err := Body(s)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{Op: OpState, Key: "C", Observed: at(n), Body: body})
	}
	c, err := FoldChannel(entries)
	if err != nil {
		t.Fatal(err)
	}
	want := ChannelHistory{
		Names:   []Span{{"one", at(0), at(1)}, {"two", at(1), at(2)}, {"one", at(2), time.Time{}}},
		Members: []Span{{"a@x", at(0), time.Time{}}, {"b@x", at(0), at(1)}, {"c@x", at(1), at(2)}, {"b@x", at(2), time.Time{}}},
	}
	if diff := cmp.Diff(want, c.History); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	line, err := c.Dump()
	const dump = `{"record":"channel","id":"C","name":"one","names":["one","two"],"state":"gone","members":["a@x","b@x"],"moved_to":"D"}`
	if err != nil || string(line) != dump {
		t.Errorf("%s, %v", line, err)
	}
}

func TestChannelFolder(t *testing.T) {
	for id, want := range map[string]string{
		"cHVibGljLWZvbGRlcnMlNDBleGFtcGxlLmNvbSZUZWFtQ2hhdCU1QzY3Mjg4YWUxMDhhNg==": "67288ae108a6",
		"Z3JvdXAtMCU0MGV4YW1wbGUuY29tJlRlYW1DaGF0JTVDNjVlMTk5MTAwMDAw":             "65e199100000",
		"no id": "", "": "",
	} {
		if got := ChannelFolder(id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

func TestStableChannelDropsWhatMoves(t *testing.T) {
	raw := `{"name":"general","latest":1,"unread_count":2,"last_seen":"0","thread_unread_count":0,"members":[],"id":"x\/y"}`
	got, err := StableChannel([]byte(raw))
	if want := `{"id":"x\/y","name":"general"}`; err != nil || string(got) != want {
		t.Errorf("StableChannel = %s, %v, want %s", got, err, want)
	}
}

func TestCover(t *testing.T) {
	tests := []struct {
		name    string
		covered []Interval
		add     Interval
		want    []Interval
	}{
		{"first", nil, Interval{"", "5"}, []Interval{{"", "5"}}},
		{"joined at a ts", []Interval{{"", "5"}}, Interval{"5", "9"}, []Interval{{"", "9"}}},
		{"side by side", []Interval{{"", "5"}}, Interval{"6", "9"}, []Interval{{"", "5"}, {"6", "9"}}},
		{"gap filled", []Interval{{"", "3"}, {"7", "9"}}, Interval{"3", "7"}, []Interval{{"", "9"}}},
		{"before", []Interval{{"7", "9"}}, Interval{"1", "2"}, []Interval{{"1", "2"}, {"7", "9"}}},
		{"inside", []Interval{{"1", "9"}}, Interval{"2", "3"}, []Interval{{"1", "9"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Cover(tt.covered, tt.add)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func BenchmarkFoldMessage(b *testing.B) {
	entries := []Entry{{Change: 1, Op: OpState, Key: "1516195206.000463", Observed: day,
		Body: []byte(`{"type":"message","user":"ann@example.com","text":"Hello, how are you today? I am fine :)","ts":"1516195206.000463","created":1516195207,"is_stared":false}`)}}
	for b.Loop() {
		if _, err := FoldMessage("C", entries); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClean(b *testing.B) {
	raw := []byte(`{"type":"message","user":"ann@example.com","text":"Hello, how are you today? I am fine :)","ts":"1516195206.000463","created":1516195207,"is_stared":false}`)
	for b.Loop() {
		Clean(raw)
	}
}
