package teamchattest_test

import (
	"strings"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"
)

func TestVariants(t *testing.T) {
	type variant = teamchattest.Variant
	const history = "channels.historyNoComments"
	tests := []variantTest{
		{"members as strings", variant{Members: "strings"}, "channels.list", nil, `"members":["ann@example.com","bob@example.com"]`},
		{"members absent", variant{Members: "absent"}, "channels.list", nil, `!"members"`},
		{"ids without padding", variant{NoPadding: true}, "channels.list", nil, `!=`},
		{"numbers as strings", variant{NumberText: true}, history, nil, `"created":"15`},
		{"paging as strings", variant{NumberText: true}, history, nil, `"paging":{"count":"100","total":"7","page":"1","pages":"1"}`},
		{"true as text", variant{Bools: "text"}, history, nil, `"ok":"true"}`},
		{"true as 1", variant{Bools: "number"}, history, nil, `"ok":1}`},
		{"error as number", variant{ErrorNumber: true}, "items.info", []string{"ts", "1500000000.000000"}, `{"error":7,"error_details":"e_notfound"`},
		{"no paging", variant{PagingAbsent: true}, history, nil, `!"paging"`},
		{"wrong paging", variant{PagingWrong: true}, history, nil, `"total":1,"page":1,"pages":1`},
		{"capped count", variant{CountCap: 3}, history, []string{"count", "1000"}, `"paging":{"count":3,"total":7,"page":1,"pages":3}`},
		{"page ignored", variant{PageIgnored: true}, history, []string{"count", "2", "page", "3"}, `"name":"notes.txt"`},
		{"pages from 0", variant{PageBase0: true}, history, []string{"count", "1", "page", "6"}, `"text":"one"`},
		{"short page", variant{ShortPages: true}, history, []string{"count", "4", "page", "2"}, `"text":"five"`},
		{"short page", variant{ShortPages: true}, history, []string{"count", "4", "page", "2"}, `"text":"two"`},
		{"short page", variant{ShortPages: true}, history, []string{"count", "4", "page", "3"}, `"text":"one"`},
		{"count of comments as text", variant{CommentsCount: "text"}, history, nil, `"comments_count":"2"`},
		{"no count of comments", variant{CommentsCount: "absent"}, history, nil, `!comments_count`},
		{"edited mark", variant{}, history, nil, `"edited":{"user":"ann@example.com"`},
		{"no edited mark", variant{NoEdited: true}, history, nil, `!edited`},
		{"null list", variant{NullLists: true}, history, []string{"page", "9"}, `{"messages":null,`},
		{"diff nested", variant{Diff: "a"}, "channels.diff", nil, `{"status":"added","channel":{"id":`},
		{"diff inline", variant{Diff: "b"}, "channels.diff", nil, `{"status":"added","id":`},
		{"diff short", variant{Diff: "c"}, "channels.diff", nil, `,"name":"general"}],"ok"`},
		{"diff with one status", variant{Diff: "d"}, "channels.diff", nil, `}],"status":"added","ok"`},
		{"diff with one status", variant{Diff: "d"}, "channels.diff", nil, `{"channels_diff":[{"id":`},
		{"byte order mark", variant{BOM: true}, "version", nil, "\ufeff{"},
		{"more members", variant{ExtraFields: true}, history, nil, `"x_build":{`},
		{"more members of the answer", variant{ExtraFields: true}, history, nil, `"x_took":0.25,"ok":true`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.check(t, small+"edit m1 ann one") })
	}
}

// variantTest says what an answer in a variant holds.
type variantTest struct {
	name    string
	variant teamchattest.Variant
	method  string
	form    []string // the ts of a label may be given by its name
	has     string   // "!" before what must not be there
}

func (test variantTest) check(t *testing.T, scenario string) {
	w, err := teamchattest.ParseScenario(scenario)
	if err != nil {
		t.Fatal(err)
	}
	m1, _ := w.Label("m1")
	s := teamchattest.Start(t, w, teamchattest.ServerOptions{Variant: test.variant})
	c := &caller{t: t, s: s}
	_, body := c.raw("iwauthentication.login.plain", "username", "archive@example.com", "password", "secret")
	_, after, _ := strings.Cut(body, `"token":"`)
	c.token, _, _ = strings.Cut(after, `"`)
	form := append([]string{"channel", m1.Channel}, test.form...)
	for i, value := range form {
		if l, ok := w.Label(value); ok {
			form[i] = string(l.TS)
		}
	}
	_, body = c.raw(test.method, form...)
	what, absent := strings.CutPrefix(test.has, "!")
	if strings.Contains(body, what) == absent {
		t.Errorf("want %s in %s", test.has, body)
	}
}

func TestMoreVariants(t *testing.T) {
	type variant = teamchattest.Variant
	const history = "channels.historyNoComments"
	tests := []variantTest{
		{"capped count", variant{CountFixed: 2}, history, []string{"count", "5", "page", "4"}, `"paging":{"count":2,"total":9,"page":4,"pages":5}`},
		{"past the end is the last page", variant{PastEnd: "last"}, history, []string{"count", "4", "page", "9"}, `{"messages":[{"type":"message","user":"ann@example.com","text":"one"`},
		{"past the end is the first page", variant{PastEnd: "first"}, history, []string{"count", "6", "page", "9"}, `!"text":"one"`},
		{"past the end is the first page", variant{PastEnd: "first"}, history, []string{"count", "6", "page", "9"}, `"text":"four"`},
		{"empty page", variant{EmptyPages: true}, history, []string{"count", "3", "page", "2"}, `{"messages":[],`},
		{"page after an empty one", variant{EmptyPages: true}, history, []string{"count", "8", "page", "3"}, `{"messages":[{"type":"message","user":"ann@example.com","text":"one"`},
		{"reversed", variant{Reversed: true}, history, []string{"count", "1"}, `"text":"one"`},
		{"reversed", variant{Reversed: true}, "threads.list", []string{"count", "1"}, `"text":"two"`},
		{"reversed", variant{Reversed: true}, "files.list", []string{"count", "1"}, `report.txt`},
		{"oldest ignored", variant{IgnoreOldest: true}, history, []string{"oldest", "2000000000.000000"}, `"text":"one"`},
		{"latest ignored", variant{IgnoreLatest: true}, history, []string{"latest", "1000000000.000000"}, `"text":"one"`},
		{"descending ignored", variant{IgnoreDescending: true}, history, []string{"descending", "false", "count", "6"}, `!"text":"one"`},
		{"ts as number", variant{NumberTS: true}, history, nil, `"ts":15`},
		{"edited as modified", variant{Edited: "modified"}, history, nil, `,"is_stared":false,"modified":15`},
		{"edited as modified", variant{Edited: "modified"}, history, nil, `!"edited"`},
		{"count of comments always", variant{CommentsCount: "always"}, history, nil, `"comments_count":0`},
		{"comments cut", variant{CommentsCut: 1}, "threads.comments", []string{"ts", "m2"}, `!another`},
		{"threads by activity", variant{ThreadsOrder: "activity"}, "threads.list", []string{"count", "1"}, `"text":"two"`},
		{"files by modified", variant{FilesOrder: "modified"}, "files.list", []string{"count", "1"}, `report.txt`},
		{"pinned_to", variant{PinnedTo: true}, history, nil, `"pinned_to":["`},
		{"no pinned_to", variant{}, history, nil, `!pinned_to`},
		{"build of 2026", variant{Build: "2026"}, "channels.list", nil, `"is_recent":false`},
		{"build of 2026", variant{Build: "2026"}, "channels.list", nil, `!is_archived`},
		{"no latest", variant{NoLatest: true}, "channels.list", []string{"include_unread_count", "1"}, `!"latest"`},
		{"revoked", variant{}, "auth.revoke", nil, `{"revoked":"true","ok":true}`},
		{"revoked is a boolean", variant{RevokedBool: true}, "auth.revoke", nil, `{"revoked":true,"ok":true}`},
		{"diff begins with nothing", variant{DiffFirst: "nothing"}, "channels.diff", nil, `{"channels_diff":[],`},
		{"users cut", variant{UsersCap: 1}, "users.list", nil, `"total":2`},
		{"users cut", variant{UsersCap: 1}, "users.list", nil, `!bob@`},
		{"clock of the server", variant{Skew: -2 * time.Hour}, "time.now", nil, `{"now":151608`},
		{"size lags", variant{SizeLag: time.Hour}, "files.list", nil, `"size":0`},
		{"size has come", variant{SizeLag: time.Second}, "files.list", nil, `!"size":0`},
		{"one event", variant{EventsObject: true}, "events.upcoming", nil, `{"messages":{"type":"message","subtype":"event"`},
	}
	const more = "edit m1 ann one\ncomment m2 ann last\nrevise f1 Second edition\nevent general ann 30 Call\npin m1 ann\ntime +1m\n"
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.check(t, small+more) })
	}
}

func TestErrorStatusAndForbiddenList(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{Variant: teamchattest.Variant{ErrorStatus: 403, ErrorType: "application/json"}})
	if resp, body := c.raw("items.info", "channel", "nowhere"); resp.StatusCode != 403 || !strings.Contains(body, "e_notfound") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := c.raw("files.download", "ticket", "none"); resp.StatusCode != 403 || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	c = login(t, teamchattest.Start(t, w, teamchattest.ServerOptions{Variant: teamchattest.Variant{ForbiddenList: true}}))
	id := c.channelID("general")
	w.SetReadable(id, false)
	if answer := c.get("channels.historyNoComments", "channel", id); answer["ok"] != true || len(elements(answer["messages"])) != 0 {
		t.Errorf("forbidden list: %v", answer)
	}
}

func TestDiffWithOneStatusTellsTheRestLater(t *testing.T) {
	w, c := serve(t, "channel a ann\nchannel b ann\nchannel c ann", teamchattest.ServerOptions{Variant: teamchattest.Variant{Diff: "d"}})
	c.get("channels.list")
	w.AddChannel("d")
	w.Rename("a", "alpha")
	w.RemoveChannel("b")
	for _, want := range []string{"added d", "renamed alpha", "deleted b", ""} {
		answer := c.get("channels.diff")
		got := ""
		if list := elements(answer["channels_diff"]); len(list) == 1 {
			got = answer["status"].(string) + " " + list[0]["name"].(string)
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
