package record

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func pinEntries(t *testing.T, ops ...string) []Entry {
	t.Helper()
	var entries []Entry
	for i, op := range ops {
		e := Entry{Change: uint64(i + 1), Key: "1516117587.001236", Observed: time.Unix(int64(i), 0), First: i == 0}
		var err error
		switch name, user, _ := strings.Cut(op, " "); name {
		case "state":
			e.Op, e.Body = OpState, []byte(`{"text":"x"}`)
		case "deleted":
			e.Op = OpDeleted
			e.Body, err = Body(Deletion{})
		default:
			e.Op = OpPins
			e.Body, err = Body(Pin{Pinned: name == "pin", User: user})
		}
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

func TestPinsFollowWhatWasRead(t *testing.T) {
	tests := []struct {
		earlier string
		pin     Pin
		news    bool
	}{
		{"", Pin{Pinned: true}, false},
		{"state", Pin{Pinned: true, User: "a"}, true},
		{"state", Pin{}, false},
		{"state,pin a", Pin{Pinned: true, User: "a"}, false},
		{"state,pin a", Pin{Pinned: true, User: "b"}, true},
		{"state,pin a", Pin{}, true},
		{"state,pin a,unpin", Pin{}, false},
		{"state,pin a,unpin", Pin{Pinned: true, User: "a"}, true},
		{"state,pin a,deleted", Pin{}, false},
		{"state,pin a,deleted,state", Pin{}, false},
		{"state,pin a,deleted,state", Pin{Pinned: true, User: "a"}, true},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.earlier, test.pin), func(t *testing.T) {
			var earlier []Entry
			if test.earlier != "" {
				earlier = pinEntries(t, strings.Split(test.earlier, ",")...)
			}
			if got := NextPin(earlier, test.pin); got != test.news {
				t.Errorf("news %t", got)
			}
			if len(earlier) == 0 {
				return
			}
			if _, news := Next(earlier, Seen{Key: earlier[0].Key, Raw: []byte(`{"text":"x"}`)}); news != strings.HasSuffix(test.earlier, "deleted") {
				t.Errorf("reading the message again is news: %t", news)
			}
			m, err := FoldMessage("c", earlier)
			if err != nil || m.Pinned != IsPinned(earlier) {
				t.Errorf("pinned %t, by entries %t, %v", m.Pinned, IsPinned(earlier), err)
			}
		})
	}
}

func TestDumpOfPins(t *testing.T) {
	m, err := FoldMessage("c", pinEntries(t, "state", "pin ann", "unpin"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := m.Dump(false)
	want := `"annotations":[{"what":["pins"],"observed":"1970-01-01T00:00:01.000Z","pinned":true,"by":"ann"},` +
		`{"what":["pins"],"observed":"1970-01-01T00:00:02.000Z","pinned":false}]`
	if err != nil || !strings.Contains(string(l), want) || len(m.Versions) != 1 {
		t.Errorf("%s, %v, %d versions", l, err, len(m.Versions))
	}
}

func TestParsePin(t *testing.T) {
	tests := []struct {
		raw, user string
		public    bool
	}{
		{`{"ts":"1","pin":{"user":"ann","is_global":true}}`, "ann", true},
		{`{"ts":"1","pin":{"user":"ann","is_global":"0"}}`, "ann", false},
		{`{"ts":"1","pinned_by":"ann"}`, "ann", true},
		{`{"ts":"1"}`, "", true},
		{`{"ts":"1","pin":3}`, "", true},
		{`nonsense`, "", true},
	}
	for _, test := range tests {
		if p, public := ParsePin([]byte(test.raw)); p.User != test.user || public != test.public || !p.Pinned {
			t.Errorf("%s: %+v, public %t", test.raw, p, public)
		}
	}
}

func TestEventsFold(t *testing.T) {
	state := EventState{Channel: "c", ID: "5a5f4d8601cf", Title: "Meal", Start: 1_516_117_587, State: EventPresent, Pending: true, Raw: []byte(`{"a":1}`)}
	full := state
	full.Pending, full.VCalendar, full.Raw = false, "BEGIN:VCALENDAR", nil
	gone := full
	gone.State = EventGone
	var entries []Entry
	for i, s := range []EventState{state, full, state, full, gone} {
		body, err := Body(s)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{Change: uint64(i + 1), Op: OpState, Key: s.Key(), Body: body})
	}
	e, err := FoldEvent(entries)
	if err != nil {
		t.Fatal(err)
	}
	l, err := e.Dump(true)
	want := `{"record":"event","channel":"c","id":"5a5f4d8601cf","title":"Meal","start":"2018-01-16T15:46:27Z","end":"","state":"gone","vcalendar":"BEGIN:VCALENDAR","versions":[{"sha256":"` +
		e.Versions[0].SHA256 + `"}]}`
	if err != nil || string(l) != want {
		t.Errorf("got  %s\nwant %s\n%v", l, want, err)
	}
	if l, err = e.Dump(false); err != nil || !strings.HasSuffix(string(l), `"observed":"0001-01-01T00:00:00.000Z"}],"raw":{"a":1}}`) {
		t.Errorf("%s, %v", l, err)
	}
}

func TestParseEvent(t *testing.T) {
	tests := []struct {
		raw  string
		want EventState
	}{
		{`{"ts":"1516117587.001236","event":{"id":"5a5e1b530 4d4","title":"x","start":"7","end":8}}`, EventState{ID: "5a5e1b530 4d4", Title: "x", Start: 7, End: 8}},
		{`{"ts":"1516117587.001236","event":{"title":"x"}}`, EventState{ID: TS("1516117587.001236").Hex(), Title: "x"}},
		{`{"id":"e1","title":"x","start":7}`, EventState{ID: "e1", Title: "x", Start: 7}},
		{`{"event":null}`, EventState{}},
		{`3`, EventState{}},
	}
	for _, test := range tests {
		test.want.State = EventPresent
		if got := ParseEvent([]byte(test.raw)); fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: %+v", test.raw, got)
		}
	}
}

func TestConferencesFold(t *testing.T) {
	const raw = `{"meeting_id":"584355239@host","title":"Review","organizer_parsed":[{"name":"Ann"},{"email":"ann@x"}],"start_date_time":0,"end_date_time":9,"password":"p"}`
	s := ParseConference([]byte(raw))
	body, err := Body(s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := FoldConference([]Entry{{Change: 1, Op: OpState, Key: s.ID, Body: body}, {Change: 2, Op: OpState, Key: s.ID, Body: body}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := c.Dump(false)
	want := `{"record":"conference","id":"584355239","title":"Review","organizer":"ann@x","start":"","end":"1970-01-01T00:00:09Z","versions":[{"sha256":"` +
		c.Versions[0].SHA256 + `","observed":"0001-01-01T00:00:00.000Z"}],"raw":` + strings.Replace(raw, `"p"`, `""`, 1) + `}`
	if err != nil || string(l) != want {
		t.Errorf("got  %s\nwant %s\n%v", l, want, err)
	}
	if a, b := ParseConference([]byte(`{"title":"a"}`)), ParseConference([]byte(`{"title":"b"}`)); a.ID == "" || a.ID == b.ID {
		t.Errorf("ids %q and %q", a.ID, b.ID)
	}
}

func TestSameCalendarIgnoresWhenItWasMade(t *testing.T) {
	a, b := "A:1\r\nDTSTAMP:1\r\nB:2\r\n", "A:1\r\nDTSTAMP:2\r\nB:2\r\n"
	if !SameCalendar(a, b) || SameCalendar(a, "A:2\r\n") {
		t.Error("wrong")
	}
}
