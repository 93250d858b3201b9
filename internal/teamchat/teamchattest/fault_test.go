package teamchattest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// attempt makes a call that may fail in any way and says in a word how it went.
func attempt(c *caller, method string) string {
	resp, err := http.PostForm(c.s.URL+"/teamchatapi/"+method, url.Values{"token": {c.token}})
	if err != nil {
		return "no answer"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "cut"
	case resp.StatusCode != 200:
		return resp.Status + " " + resp.Header.Get("Retry-After")
	case len(body) == 0:
		return "empty"
	case strings.HasPrefix(string(body), "<"):
		return "html"
	case !jsontext.Value(body).IsValid():
		return "no JSON"
	case bytes.Contains(body, []byte("invalid_token")):
		return "invalid_token"
	case bytes.Contains(body, []byte(`{"error":"gw_error","error_details":"e_db","ok":false}`)):
		return "e_db"
	}
	return "ok"
}

func TestFaults(t *testing.T) {
	tests := []struct {
		fault teamchattest.Fault
		want  string
	}{
		{teamchattest.Fault{Status: 429, RetryAfter: "7"}, "429 Too Many Requests 7"},
		{teamchattest.Fault{Status: 503, RetryAfter: "Fri, 01 Mar 2024 09:00:00 GMT"}, "503 Service Unavailable Fri, 01 Mar 2024 09:00:00 GMT"},
		{teamchattest.Fault{Status: 500}, "500 Internal Server Error "},
		{teamchattest.Fault{HTML: true}, "html"},
		{teamchattest.Fault{Empty: true}, "empty"},
		{teamchattest.Fault{Reset: true}, "no answer"},
		{teamchattest.Fault{Drop: true}, "no answer"},
		{teamchattest.Fault{Truncate: 20}, "no JSON"},
		{teamchattest.Fault{Cut: 20}, "cut"},
		{teamchattest.Fault{CutOpen: 20}, "no JSON"},
		{teamchattest.Fault{Drip: time.Millisecond}, "ok"},
		{teamchattest.Fault{Delay: time.Millisecond}, "ok"},
		{teamchattest.Fault{InvalidToken: true}, "invalid_token"},
		{teamchattest.Fault{Error: "gw_error e_db"}, "e_db"},
		{teamchattest.Fault{Redirect: "/login"}, "html"},
		{teamchattest.Fault{BOM: true}, "no JSON"},
		{teamchattest.Fault{Gzip: true}, "ok"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			_, c := serve(t, small, teamchattest.ServerOptions{})
			test.fault.Method, test.fault.At = "auth.test", 2
			c.s.Fault(test.fault)
			http.DefaultClient.CloseIdleConnections()
			got := []string{attempt(c, "auth.test"), attempt(c, "version"), attempt(c, "auth.test")}
			if diff := cmp.Diff([]string{"ok", "ok", test.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if after := attempt(c, "auth.test"); after != "ok" && !test.fault.InvalidToken {
				t.Errorf("afterwards: %s", after)
			}
		})
	}
}

func TestFaultsOfSeveralRequests(t *testing.T) {
	_, c := serve(t, small, teamchattest.ServerOptions{})
	c.s.Fault(teamchattest.Fault{At: c.s.TotalRequests() + 2, Times: 2, Status: 500})
	c.s.Fault(teamchattest.Fault{Method: "version", Times: -1, Empty: true})
	var got []string
	for _, method := range []string{"auth.test", "auth.test", "version", "version", "auth.test", "version"} {
		got = append(got, strings.Fields(attempt(c, method))[0])
	}
	if diff := cmp.Diff([]string{"ok", "500", "500", "empty", "ok", "empty"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.s.ClearFaults()
	if got := attempt(c, "version"); got != "ok" {
		t.Errorf("after ClearFaults: %s", got)
	}
}

func TestChangesAtRequests(t *testing.T) {
	_, c := serve(t, small, teamchattest.ServerOptions{})
	id := c.channelID("general")
	post := func(text string) func(*teamchattest.World) {
		return func(w *teamchattest.World) { w.Post("general", "ann@example.com", text) }
	}
	c.s.OnRequest(c.s.TotalRequests()+2, post("at a request"))
	c.s.OnMethod("channels.historyNoComments", 3, post("at a call"))
	for _, want := range []string{"", "at a request", "at a call"} {
		if got := c.texts("channels.historyNoComments", "channel", id, "count", "1"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if n, total := c.s.Requests("channels.historyNoComments"), c.s.TotalRequests(); n != 3 || total != 5 {
		t.Errorf("%d calls of %d requests, want 3 of 5", n, total)
	}
}

func TestFaultsOfEachKindAtARequest(t *testing.T) {
	for name, fault := range teamchattest.Faults() {
		for _, method := range []string{"", "version"} {
			_, c := serve(t, small, teamchattest.ServerOptions{})
			fault.Method, fault.At = method, 2
			if method == "" {
				fault.At += c.s.TotalRequests()
			}
			c.s.Fault(fault)
			http.DefaultClient.CloseIdleConnections()
			first, second := attempt(c, "version"), attempt(c, "version")
			clear := name == "gzip" || name == "slow drip"
			if first != "ok" || (second == "ok") != clear {
				t.Errorf("%s at the second %q: %s, %s", name, method, first, second)
			}
		}
	}
}

func TestFaultsOfSomeRequests(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	id := c.channelID("general")
	m2, _ := w.Label("m2")
	m4, _ := w.Label("m4")
	c.s.Fault(teamchattest.Fault{Method: "threads.comments", Times: -1, Status: 500,
		Match: func(form url.Values) bool { return form.Get("ts") == string(m2.TS) }})
	status := func(ts string) int {
		resp, _ := c.raw("threads.comments", "channel", id, "ts", ts)
		return resp.StatusCode
	}
	if got := []int{status(string(m2.TS)), status(string(m4.TS)), status(string(m2.TS))}; !cmp.Equal(got, []int{500, 200, 500}) {
		t.Errorf("statuses %v", got)
	}
}
