package teamchattest_test

import (
	"strings"
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

func TestVariants(t *testing.T) {
	type variant = teamchattest.Variant
	const history = "channels.historyNoComments"
	tests := []struct {
		name    string
		variant variant
		method  string
		form    []string
		has     string // "!" before what must not be there
	}{
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
		t.Run(test.name, func(t *testing.T) {
			w, err := teamchattest.ParseScenario(small + "edit m1 ann one")
			if err != nil {
				t.Fatal(err)
			}
			m1, _ := w.Label("m1")
			s := teamchattest.Start(t, w, teamchattest.ServerOptions{Variant: test.variant})
			c := &caller{t: t, s: s}
			_, body := c.raw("iwauthentication.login.plain", "username", "archive@example.com", "password", "secret")
			_, after, _ := strings.Cut(body, `"token":"`)
			c.token, _, _ = strings.Cut(after, `"`)
			_, body = c.raw(test.method, append([]string{"channel", m1.Channel}, test.form...)...)
			what, absent := strings.CutPrefix(test.has, "!")
			if strings.Contains(body, what) == absent {
				t.Errorf("want %s in %s", test.has, body)
			}
		})
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
