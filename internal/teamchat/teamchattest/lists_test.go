package teamchattest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"

	"github.com/google/go-cmp/cmp"
)

func TestPaging(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	id := w.AddChannel("general")
	for i := range 2500 {
		w.Post(id, "ann@example.com", fmt.Sprint(i))
	}
	c := login(t, teamchattest.Start(t, w, teamchattest.ServerOptions{}))
	tests := []struct {
		name, count, page       string
		items                   int
		first                   string
		used, number, of, pages float64
	}{
		{"defaults", "", "", 100, "0", 100, 1, 2500, 25},
		{"page 0 is page 1", "10", "0", 10, "0", 10, 1, 2500, 250},
		{"second page", "10", "2", 10, "10", 10, 2, 2500, 250},
		{"count is capped at 1000", "5000", "1", 1000, "0", 1000, 1, 2500, 3},
		{"last page is short", "1000", "3", 500, "2000", 1000, 3, 2500, 3},
		{"past the end", "1000", "4", 0, "", 1000, 4, 2500, 3},
		{"far past the end", "1000", "99999", 0, "", 1000, 99999, 2500, 3},
		{"nonsense is the default", "many", "-4", 100, "0", 100, 1, 2500, 25},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := c.get("channels.historyNoComments", "channel", id, "descending", "false", "count", test.count, "page", test.page)
			list := elements(answer["messages"])
			first := ""
			if len(list) > 0 {
				first = list[0]["text"].(string)
			}
			if len(list) != test.items || first != test.first {
				t.Errorf("%d messages from %q, want %d from %q", len(list), first, test.items, test.first)
			}
			want := object{"count": test.used, "total": test.of, "page": test.number, "pages": test.pages}
			if diff := cmp.Diff(want, answer["paging"]); diff != "" {
				t.Errorf("paging (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThreads(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	id := c.channelID("general")
	m1, _ := w.Label("m1")
	m2, _ := w.Label("m2")
	m4, _ := w.Label("m4")
	c3, _ := w.Label("c3")
	expect := func(what, want, method string, form ...string) {
		t.Helper()
		if got := c.texts(method, append([]string{"channel", id}, form...)...); got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	expect("threads, newest first", "four two", "threads.list")
	expect("second page", "two", "threads.list", "count", "1", "page", "2")
	expect("search in parents", "two", "threads.list", "search", "W")
	expect("comments, oldest first", "a reply another", "threads.comments", "ts", string(m2.TS))
	expect("no comments", "", "threads.comments", "ts", string(m1.TS))
	w.DeleteComment(id, c3.TS)
	expect("a thread ends with its last comment", "two", "threads.list")
	expect("but its parent stays", "", "threads.comments", "ts", string(m4.TS))
	w.Comment(id, m1.TS, "bob@example.com", "late")
	expect("late comment", "two one", "threads.list")
	w.Delete(id, m2.TS)
	gone := object{"error": "gw_error", "error_details": "e_notfound", "ok": false}
	c1, _ := w.Label("c1")
	for what, answer := range map[string]object{
		"comments of a deleted parent":  c.get("threads.comments", "channel", id, "ts", string(m2.TS)),
		"comments of no message":        c.get("threads.comments", "channel", id, "ts", "1500000000.000000"),
		"comments of a comment":         c.get("threads.comments", "channel", id, "ts", string(c3.TS)),
		"a deleted message":             c.get("items.info", "channel", id, "ts", string(m2.TS)),
		"a comment of a deleted parent": c.get("items.info", "channel", id, "ts", string(c1.TS)),
		"no channel":                    c.get("threads.list", "channel", "nowhere"),
		"no user":                       c.get("users.info", "user", "nobody@example.com"),
	} {
		if diff := cmp.Diff(gone, answer); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	unknown := object{"error": "method_not_exist", "error_details": "", "ok": false}
	if diff := cmp.Diff(unknown, c.get("chat.explode")); diff != "" {
		t.Errorf("unknown method (-want +got):\n%s", diff)
	}
}

func TestFilesAndTickets(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	w, c := serve(t, small, teamchattest.ServerOptions{TicketTTL: time.Minute, Now: func() time.Time { return now }})
	id := c.channelID("general")
	f1, _ := w.Label("f1")
	list := elements(c.get("files.list", "channel", id)["messages"])
	if len(list) != 2 || list[0]["file"].(object)["name"] != "notes.txt" || list[0]["subtype"] != "file" {
		t.Fatalf("files.list, newest first: %v", list)
	}
	if up := elements(c.get("files.list", "channel", id, "descending", "false", "count", "1")["messages"]); up[0]["file"].(object)["name"] != "report.txt" {
		t.Errorf("files.list, oldest first: %v", up)
	}
	ticketOf := func(message object) string {
		f := message["file"].(object)
		if want := "https://mail.example.com/teamchatapi/files.download?ticket="; !strings.HasPrefix(f["url_private"].(string), want) {
			t.Errorf("url_private %v", f["url_private"])
		}
		return f["ticket"].(string)
	}
	entry := c.get("items.info", "channel", id, "ts", string(f1.TS))["message"].(object)
	if entry["file"].(object)["id"] != f1.File || entry["ts"] == list[1]["ts"] || entry["subtype"] != "file_share" {
		t.Errorf("entry %v of file %v", entry, list[1])
	}
	ticket := ticketOf(list[1])
	download := func(what, ticket, contentType, body string) {
		t.Helper()
		bare := &caller{t: t, s: c.s}
		resp, got := bare.raw("files.download", "ticket", ticket)
		if got != body || resp.Header.Get("Content-Type") != contentType || resp.ContentLength != int64(len(body)) || resp.StatusCode != 200 {
			t.Errorf("%s: %d %s %d %q", what, resp.StatusCode, resp.Header.Get("Content-Type"), resp.ContentLength, got)
		}
	}
	const refused, gone = `{"error":"no_permission","ok":false}`, `{"error":"gw_error","error_details":"e_notfound","ok":false}`
	const html = "text/html; charset=utf-8"
	download("content", ticket, "text/plain", "Quarterly report")
	w.Revise(id, f1.File, []byte("Second edition"))
	download("an old ticket names the present content", ticket, "text/plain", "Second edition")
	revised := elements(c.get("files.list", "channel", id)["messages"])[1]
	if f := revised["file"].(object); f["id"] != f1.File || f["size"] != 14.0 || f["modified"] == f["created"] || f["ticket"] == ticket {
		t.Errorf("revised file %v", f)
	}
	download("forged", ticket[:len(ticket)-8]+"AAAAAAAA", html, refused)
	now = now.Add(time.Minute)
	download("expired", ticket, html, refused)
	fresh := ticketOf(elements(c.get("files.list", "channel", id)["messages"])[1])
	w.SetReadable(id, false)
	download("not readable", fresh, html, refused)
	w.SetReadable(id, true)
	w.DeleteFile(id, f1.File, teamchattest.EntryStays)
	download("deleted", fresh, html, gone)
	if n := len(elements(c.get("files.list", "channel", id)["messages"])); n != 1 {
		t.Errorf("%d files after the deletion of one of two", n)
	}
}

func TestDeletedFileEntries(t *testing.T) {
	for fate, want := range map[string]string{"stays": "file_share with file", "stripped": "file_share", "gone": "e_notfound"} {
		w, c := serve(t, small, teamchattest.ServerOptions{})
		if err := w.Apply("unlink f1 " + fate); err != nil {
			t.Fatal(err)
		}
		f1, _ := w.Label("f1")
		answer := c.get("items.info", "channel", f1.Channel, "ts", string(f1.TS))
		got := fmt.Sprint(answer["error_details"])
		if m, ok := answer["message"].(object); ok {
			got = fmt.Sprint(m["subtype"])
			if m["file"] != nil {
				got += " with file"
			}
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", fate, got, want)
		}
	}
}

func TestChannelsDiff(t *testing.T) {
	w, c := serve(t, "channel a ann\nchannel b ann\nchannel c ann\nchannel d ann", teamchattest.ServerOptions{})
	changes := func(c *caller) string {
		var all []string
		for _, e := range elements(c.get("channels.diff")["channels_diff"]) {
			all = append(all, fmt.Sprintf("%s %s", e["status"], e["channel"].(object)["name"]))
		}
		return strings.Join(all, ", ")
	}
	expect := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	expect("first call of a token", changes(c), "added a, added b, added c, added d")
	expect("nothing changed", changes(c), "")
	w.Rename("b", "beta")
	w.RemoveChannel("c")
	w.AddChannel("e")
	moved := w.Move("d", "sales@example.com")
	expect("changes", changes(c), "added d, added e, renamed beta, deleted d, deleted c")
	expect("reading them moved the base", changes(c), "")
	w.SetListed("a", false)
	c.get("channels.list")
	expect("a list moves the base too", changes(c), "")
	w.SetListed("a", true)
	other := login(t, c.s)
	expect("each token has its own base", changes(other), "added a, added beta, added d, added e")
	expect("each token has its own base", changes(c), "added a")
	if got := c.channelID("d"); got != moved {
		t.Errorf("id after the move is %s, Move gave %s", got, moved)
	}
}

func TestMembersAndUsers(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	var members []string
	for i := range 301 {
		members = append(members, fmt.Sprintf("u%03d@example.com", i))
	}
	id := w.AddChannel("crowd", members...)
	w.AddUser("zoe@example.com", "Zoe Example")
	w.SetUserDeleted("u000@example.com", true)
	c := login(t, teamchattest.Start(t, w, teamchattest.ServerOptions{}))
	info := c.get("channels.info", "channel", id, "warning", "true")["channel"].(object)
	if n := len(elements(info["members"])); n != 300 || info["num_members"] != 301.0 || info["warning"] != "member_list_truncated" {
		t.Errorf("%d members of %v, warning %v", n, info["num_members"], info["warning"])
	}
	if info := c.get("channels.info", "channel", id)["channel"].(object); info["warning"] != nil {
		t.Errorf("warning %v without being asked for", info["warning"])
	}
	for what, test := range map[string]struct {
		form []string
		want int
	}{
		"all": {nil, 302}, "of a channel": {[]string{"channel", id}, 301}, "active": {[]string{"active_only", "1"}, 301},
		"named": {[]string{"users", "zoe@example.com;u007@example.com"}, 2},
	} {
		answer := c.get("users.list", test.form...)
		if n := len(elements(answer["members"])); n != test.want || answer["paging"].(object)["total"] != float64(n) || answer["cache_ts"] == nil {
			t.Errorf("%s: %d users, want %d; paging %v", what, n, test.want, answer["paging"])
		}
	}
	want := object{"id": "zoe@example.com", "name": "Zoe Example", "real_name": "Zoe Example", "email": "zoe@example.com", "deleted": false, "is_admin": false, "is_guest": false}
	if diff := cmp.Diff(want, c.get("users.info", "user", "zoe@example.com")["user"]); diff != "" {
		t.Errorf("users.info (-want +got):\n%s", diff)
	}
}

func TestChannelRights(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{Variant: teamchattest.Variant{}})
	id := c.channelID("general")
	w.SetReadable("general", false)
	for _, method := range []string{"channels.historyNoComments", "threads.list", "files.list", "users.list"} {
		want := object{"error": "gw_error", "error_details": "e_rights", "ok": false}
		if diff := cmp.Diff(want, c.get(method, "channel", id)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", method, diff)
		}
	}
	listed := elements(c.get("channels.list", "include_permissions", "true")["channels"])[0]
	if p := listed["permissions"].(object); p["items_read"] != false {
		t.Errorf("permissions %v", p)
	}
	w.RemoveChannel("general")
	if got := c.get("channels.historyNoComments", "channel", id)["error_details"]; got != "e_notfound" {
		t.Errorf("history of a removed channel: %v", got)
	}
}
