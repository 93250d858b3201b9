package teamchattest_test

import (
	"fmt"
	"strings"
	"testing"

	"archiver/internal/teamchat/teamchattest"

	"github.com/google/go-cmp/cmp"
)

func TestSearchUsers(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	var members []string
	for i := range 350 {
		members = append(members, fmt.Sprintf("u%03d@example.com", i))
	}
	id := w.AddChannel("crowd", members...)
	w.AddUser("zoe@example.com", "Zoë Example")
	w.SetUserDeleted("u007@example.com", true)
	c := login(t, teamchattest.Start(t, w, teamchattest.ServerOptions{}))
	tests := map[string]struct {
		form         []string
		first        string
		items, total int
	}{
		"a page":             {[]string{"channel", id}, "u000@example.com", 100, 350},
		"last page":          {[]string{"channel", id, "count", "300", "page", "2"}, "u300@example.com", 50, 350},
		"past the end":       {[]string{"channel", id, "count", "300", "page", "3"}, "", 0, 350},
		"by name":            {[]string{"email_or_name", "ZOË"}, "zoe@example.com", 1, 1},
		"by address":         {[]string{"email_or_name", "u01"}, "u010@example.com", 10, 10},
		"by query":           {[]string{"query", "u34", "email_or_name", "9"}, "u349@example.com", 1, 1},
		"named":              {[]string{"users", "zoe@example.com;u003@example.com"}, "u003@example.com", 2, 2},
		"without some":       {[]string{"email_or_name", "u00", "users_to_exclude", "u000@example.com;u001@example.com"}, "u002@example.com", 8, 8},
		"active":             {[]string{"email_or_name", "u007", "active_only", "true"}, "", 0, 0},
		"not in the channel": {[]string{"channel", id, "query", "zoe"}, "", 0, 0},
	}
	for name, test := range tests {
		answer := c.get("search.users", test.form...)
		list := elements(answer["members"])
		first := ""
		if len(list) > 0 {
			first = list[0]["id"].(string)
		}
		if len(list) != test.items || first != test.first || answer["paging"].(object)["total"] != float64(test.total) || answer["cache_ts"] == nil {
			t.Errorf("%s: %d users from %q of %v", name, len(list), first, answer["paging"])
		}
	}
}

func TestPins(t *testing.T) {
	w, c := serve(t, small+"channel other ann\no1 = post other ann far away\n", teamchattest.ServerOptions{})
	id := c.channelID("general")
	if err := w.Apply("p1 = pin m1 ann\npin c2 bob\npin m4 archive@example.com private\npin m5 bob private\npin o1 ann\npin m1 bob"); err != nil {
		t.Fatal(err)
	}
	expect := func(what, want string, form ...string) {
		t.Helper()
		if got := c.texts("pins.list", form...); got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	expect("of all channels", "far away another one")
	expect("of a channel", "another one", "channel", id)
	expect("with one's own", "four another one", "channel", id, "include_private", "true")
	expect("one's own", "four", "include_public", "0", "include_private", "1")
	expect("oldest first", "one another far away", "descending", "false")
	expect("a page", "another", "count", "1", "page", "2")
	expect("search in main texts", "another", "search", "TWO")
	pinned := elements(c.get("pins.list", "channel", id)["messages"])[1]
	pin := pinned["pin"].(object)
	if pin["user"] != "ann@example.com" || pin["is_global"] != true || pinned["channel"] != id {
		t.Errorf("pin %v", pinned)
	}
	p1, _ := w.Label("p1")
	m1, _ := w.Label("m1")
	entry := c.get("items.info", "channel", id, "ts", string(p1.TS))["message"].(object)
	want := object{"type": "message", "ts": string(m1.TS)}
	if diff := cmp.Diff(want, entry["item"]); diff != "" || entry["subtype"] != "pinned_item" {
		t.Errorf("entry %v (-want +got):\n%s", entry, diff)
	}
	if err := w.Apply("unpin m1 bob\ndelete m2"); err != nil {
		t.Fatal(err)
	}
	expect("unpinned and deleted", "", "channel", id)
	if got := c.get("items.info", "channel", id, "ts", string(p1.TS)); got["ok"] != true {
		t.Errorf("the entry of a pin that was taken away: %v", got)
	}
	w.SetReadable("other", false)
	expect("not readable", "")
}

func TestEvents(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	id := c.channelID("general")
	now := w.Now().Unix()
	past, old := w.AddEvent(id, teamchattest.Event{User: "ann@example.com", Title: "past", Start: now - 7200, End: now - 3600})
	_, next := w.AddEvent(id, teamchattest.Event{User: "bob@example.com", Title: "next", Start: now + 7200, End: now + 9000})
	w.AddEvent(id, teamchattest.Event{User: "bob@example.com", Title: "now", Start: now - 10, End: now + 9000})
	titles := func(method string) string {
		var all []string
		for _, m := range elements(c.get(method, "channel", id)["messages"]) {
			all = append(all, m["event"].(object)["title"].(string))
		}
		return strings.Join(all, " ")
	}
	if got := titles("events.history") + "/" + titles("events.upcoming"); got != "past/now next" {
		t.Errorf("events %q", got)
	}
	entry := func() object {
		return c.get("items.info", "channel", id, "ts", string(past))["message"].(object)["event"].(object)
	}
	if want := (object{"id": old, "title": "past", "start": float64(now - 7200), "end": float64(now - 3600)}); !cmp.Equal(want, entry()) {
		t.Errorf("entry %v", entry())
	}
	w.ChangeEvent(id, old, teamchattest.Event{User: "ann@example.com", Title: "moved", Start: now + 60, End: now + 70})
	if got := titles("events.upcoming"); got != "now moved next" || entry()["title"] != "moved" {
		t.Errorf("changed: %q, entry %v", got, entry())
	}
	w.RemoveEvent(id, next)
	if got := titles("events.upcoming"); got != "now moved" {
		t.Errorf("removed: %q", got)
	}
	if got := c.get("events.get", "channel", id, "evnid", next)["error_details"]; got != "e_notfound" {
		t.Errorf("events.get of a removed one: %v", got)
	}
}

func TestCalendarText(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	id := c.channelID("general")
	ts, event := w.AddEvent(id, teamchattest.Event{
		User: "ann@example.com", Title: "Plán; 1, 2", Start: 1516117587, End: 1516121187, Location: strings.Repeat("ů", 60),
		Description: "first\nsecond \\", Attendees: []string{"bob@example.com"}, Repeat: "FREQ=WEEKLY",
	})
	text := c.get("events.get", "channel", id, "evnid", event)["vcalendar"].(string)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line %q", line)
		}
	}
	unfolded := strings.ReplaceAll(text, "\r\n ", "")
	for _, want := range []string{
		"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "DTSTART:20180116T154627Z\r\nDTEND:20180116T164627Z\r\n", `SUMMARY:Plán\; 1\, 2` + "\r\n",
		"LOCATION:" + strings.Repeat("ů", 60) + "\r\n", `DESCRIPTION:first\nsecond \\` + "\r\n", "RRULE:FREQ=WEEKLY\r\n",
		"ORGANIZER:mailto:ann@example.com\r\nATTENDEE;ROLE=REQ-PARTICIPANT:mailto:bob@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
	} {
		if !strings.Contains(unfolded, want) {
			t.Errorf("no %q in\n%s", want, unfolded)
		}
	}
	one := c.get("events.get", "channel", id, "evnid", event, "exception_date", "20180123T154627Z")["vcalendar"].(string)
	if !strings.Contains(one, "RECURRENCE-ID:20180123T154627Z\r\n") || strings.Contains(one, "RRULE") {
		t.Errorf("one occurrence:\n%s", one)
	}
	w.ChangeEvent(id, event, teamchattest.Event{User: "ann@example.com", VCalendar: "verbatim"})
	if got := c.get("events.get", "channel", id, "evnid", event)["vcalendar"]; got != "verbatim" {
		t.Errorf("given text: %v", got)
	}
	if got := c.get("events.get", "channel", id, "evnid", string(ts))["ok"]; got != false {
		t.Errorf("the entry is no event, events.get answered %v", got)
	}
}

func TestConferences(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	now := w.Now().Unix()
	_, meeting := w.AddConference(teamchattest.Conference{Channel: "general", User: "ann@example.com", Title: "ad hoc", Password: "pa55", Recording: true})
	w.AddConference(teamchattest.Conference{User: "ann@example.com", Title: "not ours"})
	w.AddConference(teamchattest.Conference{User: account, Title: "ours"})
	for day, title := range []string{"today", "tomorrow", "in two days"} {
		start := now + int64(day)*86400 + 600
		w.AddConference(teamchattest.Conference{User: account, Title: title, Start: start, End: start + 60})
	}
	expect := func(want string, form ...string) {
		t.Helper()
		var all []string
		answer := c.get("conferences.list", form...)
		for _, conf := range elements(answer["conferences"]) {
			all = append(all, conf["title"].(string))
		}
		if got := strings.Join(all, ", "); got != want || answer["paging"] != nil {
			t.Errorf("%q: got %q, want %q", form, got, want)
		}
	}
	expect("ours, ad hoc", "type", "0")
	expect("ad hoc", "type", "0", "count", "1", "page", "2")
	expect("today, tomorrow, in two days", "type", "1")
	expect("today, tomorrow", "type", "1", "days_future", "2")
	expect("tomorrow", "type", "1", "days_future", "1", "days_future_since", "1")
	conf := elements(c.get("conferences.list")["conferences"])[1]
	if conf["meeting_id"] != meeting || conf["has_password"] != true || conf["password"] != "pa55" || conf["start_date_time"] != 0.0 || conf["recording_uri"] == nil {
		t.Errorf("conference %v", conf)
	}
	if got := c.get("events.get", "evnid", meeting)["vcalendar"].(string); !strings.Contains(got, "SUMMARY:ad hoc\r\n") {
		t.Errorf("calendar of a conference:\n%s", got)
	}
	w.SetReadable("general", false)
	expect("ours")
}

func TestMentions(t *testing.T) {
	_, c := serve(t, small+`post general ann for @[archive@example.com] to see
post general ann for @[@all@]
post general bob for @[archive]
post general bob for @[bob]
comment m1 bob a comment for @[archive]
`, teamchattest.ServerOptions{})
	id := c.channelID("general")
	const want = "a comment for @[archive] for @[archive] for @[@all@] for @[archive@example.com] to see"
	for _, form := range [][]string{{"channel", id}, nil} {
		if got := c.texts("mentions.list", form...); got != want {
			t.Errorf("%q: got %q", form, got)
		}
	}
	if got := c.texts("mentions.list", "descending", "0", "count", "1"); got != "for @[archive@example.com] to see" {
		t.Errorf("oldest first: %q", got)
	}
}

func TestDocumentedErrors(t *testing.T) {
	_, c := serve(t, small, teamchattest.ServerOptions{})
	codes := map[any]bool{}
	for _, e := range elements(c.get("documentation.errors")["errors"]) {
		codes[e["error"]] = true
	}
	for _, code := range []string{"invalid_token", "gw_error", "no_permission", "method_not_exist"} {
		if !codes[code] {
			t.Errorf("no %s in %v", code, codes)
		}
	}
}

func TestHiddenMessages(t *testing.T) {
	const scenario = "channel general ann\nhidden general ann a\nhidden general ann b\npost general ann c\nhidden general ann d\npost general ann e\n"
	for slots, want := range map[bool]string{false: "c e|||2", true: "|c|e|5"} {
		w, c := serve(t, scenario, teamchattest.ServerOptions{Variant: teamchattest.Variant{HiddenSlots: slots}})
		id := c.channelID("general")
		page := func(n string) string {
			return c.texts("channels.historyNoComments", "channel", id, "descending", "false", "count", "2", "page", n)
		}
		total := c.get("channels.historyNoComments", "channel", id)["paging"].(object)["total"]
		if got := fmt.Sprintf("%s|%s|%s|%v", page("1"), page("2"), page("3"), total); got != want {
			t.Errorf("slots %v: got %q, want %q", slots, got, want)
		}
		n := 0
		for range w.Messages() {
			n++
		}
		if n != 2 || w.Channels()[0].Messages != 2 {
			t.Errorf("the oracle holds %d messages and counts %d", n, w.Channels()[0].Messages)
		}
	}
}

func TestCommentsOfADeletedMessage(t *testing.T) {
	for _, keep := range []bool{false, true} {
		w, c := serve(t, small, teamchattest.ServerOptions{})
		w.KeepComments(keep)
		id := c.channelID("general")
		m2, _ := w.Label("m2")
		c1, _ := w.Label("c1")
		w.Delete(id, m2.TS)
		found := func(ts string) any { return c.get("items.info", "channel", id, "ts", ts)["ok"] }
		got := fmt.Sprint(c.get("threads.comments", "channel", id, "ts", string(m2.TS))["ok"], found(string(c1.TS)), found(string(m2.TS)),
			w.Edit(id, c1.TS, "bob@example.com", "still here"), w.Channels()[0].Comments)
		want := "false false false false 1"
		if keep {
			want = "true true false true 3"
		}
		if got != want {
			t.Errorf("keep %v: got %s, want %s", keep, got, want)
		}
		if got := c.texts("threads.list", "channel", id); got != "four" {
			t.Errorf("keep %v: threads %q", keep, got)
		}
	}
}

func TestFlaggedFile(t *testing.T) {
	w, c := serve(t, small+"unlink f1 flagged", teamchattest.ServerOptions{})
	f1, _ := w.Label("f1")
	f := c.get("items.info", "channel", f1.Channel, "ts", string(f1.TS))["message"].(object)["file"].(object)
	if f["link_invalid"] != true || f["ticket"] != nil || f["url_private"] != nil || f["name"] != "report.txt" {
		t.Errorf("file of a flagged entry: %v", f)
	}
}

func TestPurge(t *testing.T) {
	w, c := serve(t, small+"pin m5 ann private\npurge general 4", teamchattest.ServerOptions{})
	id := c.channelID("general")
	if got := c.texts("channels.historyNoComments", "channel", id); got != "three two one" {
		t.Errorf("after a purge of four: %q", got)
	}
	if got := c.texts("threads.list", "channel", id); got != "two" {
		t.Errorf("threads after the purge: %q", got)
	}
	w.Purge(id, 100)
	if n := w.Channels()[0]; n.Messages != 0 || n.Comments != 0 {
		t.Errorf("after a purge of all: %+v", n)
	}
}
