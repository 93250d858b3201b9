package teamchattest_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// object is a JSON object.
type object = map[string]any

// caller speaks to a server as a logged in account.
type caller struct {
	t     *testing.T
	s     *teamchattest.Server
	token string
}

func login(t *testing.T, s *teamchattest.Server) *caller {
	t.Helper()
	c := &caller{t: t, s: s}
	answer := c.get("iwauthentication.login.plain", "username", "archive@example.com", "password", "secret")
	token, _ := answer["token"].(string)
	if !regexp.MustCompile(`^xoxp-[0-9a-f]{64}$`).MatchString(token) {
		t.Fatalf("login answered %v", answer)
	}
	c.token = token
	return c
}

// serve starts a server of a scenario and logs in.
func serve(t *testing.T, scenario string, o teamchattest.ServerOptions) (*teamchattest.World, *caller) {
	t.Helper()
	w, err := teamchattest.ParseScenario(scenario)
	if err != nil {
		t.Fatal(err)
	}
	return w, login(t, teamchattest.Start(t, w, o))
}

// raw posts a form of name and value pairs, the token with it.
func (c *caller) raw(method string, pairs ...string) (*http.Response, string) {
	c.t.Helper()
	form := url.Values{}
	if c.token != "" {
		form.Set("token", c.token)
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	resp, err := http.PostForm(c.s.URL+"/teamchatapi/"+method, form)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(body)
}

// get posts a form and decodes the answer.
func (c *caller) get(method string, pairs ...string) object {
	c.t.Helper()
	_, body := c.raw(method, pairs...)
	var answer object
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		c.t.Fatalf("%s: %v in %s", method, err, body)
	}
	return answer
}

// texts gives the texts of a list of messages, with a space between.
func (c *caller) texts(method string, pairs ...string) string {
	c.t.Helper()
	var texts []string
	for _, m := range elements(c.get(method, pairs...)["messages"]) {
		texts = append(texts, m["text"].(string))
	}
	return strings.Join(texts, " ")
}

func elements(list any) []object {
	var all []object
	if values, ok := list.([]any); ok {
		for _, v := range values {
			all = append(all, v.(object))
		}
	}
	return all
}

// channelID gives the id of a channel by its name.
func (c *caller) channelID(name string) string {
	c.t.Helper()
	for _, ch := range elements(c.get("channels.list")["channels"]) {
		if ch["name"] == name {
			return ch["id"].(string)
		}
	}
	c.t.Fatalf("no channel %q", name)
	return ""
}

const small = `host mail.example.com
time 2018-01-16T08:26:27Z
user ann Ann Example
user bob Bob Example
channel general ann bob
m1 = post general ann one
m2 = post general ann two
m3 = post general bob three
m4 = post general bob four
m5 = post general bob five
c1 = comment m2 bob a reply
c2 = comment m2 ann another
c3 = comment m4 ann fine
f1 = upload general ann report.txt Quarterly report
f2 = upload general bob notes.txt Notes
`

func TestLoginAndTokens(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	o := teamchattest.ServerOptions{TokenTTL: time.Hour, Now: func() time.Time { return now }}
	_, c := serve(t, small, o)
	token := c.token
	refused := object{"authorized": false, "ok": false, "error": "login_failed"}
	for _, form := range [][]string{
		{"username", "archive@example.com", "password", "wrong"},
		{"username", "archive@example.com"},
		{"username", "nobody@example.com", "password", "secret"},
		{"password", "secret"},
	} {
		if diff := cmp.Diff(refused, c.get("iwauthentication.login.plain", form...)); diff != "" {
			t.Errorf("login with %q (-want +got):\n%s", form, diff)
		}
	}
	want := object{"user": "archive@example.com", "user_id": "archive@example.com", "url": "/teamchatapi/auth.test", "ok": true}
	if diff := cmp.Diff(want, c.get("auth.test")); diff != "" {
		t.Errorf("auth.test (-want +got):\n%s", diff)
	}
	invalid := object{"error": "invalid_token", "error_details": "", "ok": false}
	expect := func(what string, want object) {
		t.Helper()
		if diff := cmp.Diff(want, c.get("version")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	good := object{"version": "14.2.0.1", "ok": true}
	expect("live token", good)
	c.token = "xoxp-" + strings.Repeat("0", 64)
	expect("unknown token", invalid)
	c.token = token
	now = now.Add(time.Hour)
	expect("expired token", invalid)
	c = login(t, c.s)
	expect("new token", good)
	c.get("iwauthentication.logout")
	expect("after logout", invalid)
}

func TestFormsAreReadFromQueryAndBody(t *testing.T) {
	_, c := serve(t, small, teamchattest.ServerOptions{})
	id := c.channelID("general")
	query := url.Values{"token": {c.token}, "channel": {id}, "count": {"1"}}.Encode()
	address := c.s.URL + "/teamchatapi/channels.historyNoComments?" + query
	for name, req := range map[string]func() (*http.Response, error){
		"GET with a query":            func() (*http.Response, error) { return http.Get(address) },
		"POST with a query":           func() (*http.Response, error) { return http.Post(address, "application/json", nil) },
		"body of another type, wins":  func() (*http.Response, error) { return http.Post(address, "text/plain", strings.NewReader("count=2")) },
		"body beside the query, wins": func() (*http.Response, error) { return http.PostForm(address, url.Values{"count": {"2"}}) },
	} {
		resp, err := req()
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		want := 1
		if strings.HasSuffix(name, "wins") {
			want = 2
		}
		if got := strings.Count(string(body), `"is_stared"`); got != want {
			t.Errorf("%s: %d messages, want %d: %s", name, got, want, body)
		}
	}
}

func TestObjectsHaveTheDefaultLayout(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	id := c.channelID("general")
	if plain, _ := base64.StdEncoding.DecodeString(id); !regexp.MustCompile(`^public-folders%40example\.com&TeamChat%5C[0-9a-f]{12}$`).Match(plain) {
		t.Errorf("channel id holds %q", plain)
	}
	m2, _ := w.Label("m2")
	c1, _ := w.Label("c1")
	w.Edit(id, m2.TS, "ann@example.com", "two!")
	w.React(id, m2.TS, "bob@example.com", "thumbsup")
	sec, counter := m2.TS.Second(), m2.TS.Counter()
	main := c.get("items.info", "channel", id, "ts", string(m2.TS))["message"].(object)
	edited := main["edited"].(object)["ts"]
	want := object{"type": "message", "user": "ann@example.com", "text": "two!", "ts": fmt.Sprintf("%d.%06d", sec, counter),
		"created": float64(sec + int64(counter&1)), "is_stared": false,
		"edited":    object{"user": "ann@example.com", "ts": edited},
		"reactions": []any{object{"name": "thumbsup", "count": 1.0, "users": []any{"bob@example.com"}}}, "comments_count": 2.0}
	if diff := cmp.Diff(want, main); diff != "" {
		t.Errorf("main message (-want +got):\n%s", diff)
	}
	comment := elements(c.get("threads.comments", "channel", id, "ts", string(m2.TS))["messages"])[0]
	created := float64(c1.TS.Second() + int64(c1.TS.Counter()&1))
	want = object{"type": "message", "user": "bob@example.com", "text": "a reply", "is_stared": false, "subtype": "message_comment", "ts": string(c1.TS),
		"comment":  object{"id": c1.TS.Hex(), "created": created, "timestamp": created, "user": "bob@example.com", "comment": "a reply", "channel": id, "is_intro": false},
		"fs_intro": false, "message": object{"type": "message", "ts": string(m2.TS)}}
	if diff := cmp.Diff(want, comment); diff != "" {
		t.Errorf("comment (-want +got):\n%s", diff)
	}
}

func TestChannelObject(t *testing.T) {
	_, c := serve(t, small, teamchattest.ServerOptions{})
	answer := c.get("channels.list", "include_unread_count", "true", "include_permissions", "1")
	got := elements(answer["channels"])[0]
	id := got["id"].(string)
	plain, _ := base64.StdEncoding.DecodeString(id)
	folder := string(plain[len(plain)-12:])
	var created int64
	fmt.Sscanf(folder[:8], "%x", &created)
	want := object{"id": id, "name": "general", "created": float64(created), "creator": "ann@example.com", "group_email": "public-folders@example.com",
		"group_folder_name": "Public", "is_archived": false, "is_member": false, "is_active": true, "is_auto_followed": false, "is_notifications": true,
		"last_seen": "0.000000", "latest": got["latest"], "unread_count": 0.0, "thread_unread_count": 0.0, "num_members": 2.0,
		"members":     []any{object{"name": "ann@example.com"}, object{"name": "bob@example.com"}},
		"permissions": object{"items_read": true, "items_write": true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
	bare := elements(c.get("channels.list", "exclude_members", "true")["channels"])[0]
	for _, name := range []string{"last_seen", "latest", "unread_count", "thread_unread_count", "permissions"} {
		delete(want, name)
	}
	want["members"] = []any{}
	if diff := cmp.Diff(want, bare); diff != "" {
		t.Errorf("bare channel (-want +got):\n%s", diff)
	}
}

func TestHistoryBoundsAndOrder(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	id := c.channelID("general")
	m2, _ := w.Label("m2")
	m4, _ := w.Label("m4")
	second := fmt.Sprint(m2.TS.Second())
	tests := []struct {
		name string
		form []string
		want string
	}{
		{"default is newest first", nil, "  five four three two one"},
		{"ascending", []string{"descending", "false"}, "one two three four five  "},
		{"bounds are left out", []string{"oldest", string(m2.TS), "latest", string(m4.TS)}, "three"},
		{"inclusive keeps them", []string{"oldest", string(m2.TS), "latest", string(m4.TS), "inclusive", "true"}, "four three two"},
		{"inclusive as 1", []string{"oldest", string(m4.TS), "inclusive", "1"}, "  five four"},
		{"latest alone", []string{"latest", string(m2.TS)}, "one"},
		{"zero is no bound", []string{"oldest", "0.000000", "latest", "0", "count", "1", "page", "7"}, "one"},
		{"from a bare second", []string{"oldest", second, "latest", second + ".999999", "inclusive", "1"}, "two"},
		{"bounds the wrong way", []string{"oldest", string(m4.TS), "latest", string(m2.TS)}, ""},
		{"search in main texts", []string{"search", "E", "descending", "0"}, "one three five"},
		{"no comment is found", []string{"search", "reply"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := c.texts("channels.historyNoComments", append([]string{"channel", id}, test.form...)...)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
