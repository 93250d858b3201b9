package teamchat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestProbe(t *testing.T) {
	tests := []struct {
		name   string
		method string
		params map[string]string
		form   string // as the server gets it
		handle http.HandlerFunc
		status int
		body   string
	}{
		{"with the token", "api.test", map[string]string{"a": "", "b": "ž&="}, "a=&b=%C5%BE%26%3D&token=" + testToken, answers(`{"ok":true}`), 200, `{"ok":true}`},
		{"echo", "api.test", map[string]string{"a": "1"}, "a=1&token=" + testToken, answers(`{"args":{"a":"1","token":"` + testToken + `","t":"` + testToken + `"}}`), 200, `{"args":{"a":"1","token":"","t":"xoxp-"}}`},
		{"without a token", "version", map[string]string{"token": ""}, "", answers(`{"error":"invalid_token","ok":false}`), 200, `{"error":"invalid_token","ok":false}`},
		{"with another token", "version", map[string]string{"token": "bogus"}, "token=bogus", status(401, "", `{"e":"a Bogus token"}`), 401, `{"e":""}`},
		{"bogus method", "archiver.no.such.method", nil, "token=" + testToken, nil, 200, `{"error":"method_not_exist","error_details":"","ok":false}`},
		{"array", "users.identity", nil, "token=" + testToken, answers("\ufeff[1]"), 200, "\ufeff[1]"},
		{"server error", methodFiles, map[string]string{"count": "5000"}, "count=5000&token=" + testToken, status(500, "", `{"ok":false}`), 500, `{"ok":false}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			handler := methods{}
			if test.handle != nil {
				handler[test.method] = func(w http.ResponseWriter, r *http.Request) {
					if got := r.PostForm.Encode(); r.Method != http.MethodPost || got != test.form {
						t.Errorf("%s with %s", r.Method, got)
					}
					test.handle(w, r)
				}
			}
			c := newTestClient(t, handler, Options{MaxRequests: 1})
			status, body, err := c.Probe(t.Context(), test.method, test.params)
			if err != nil || status != test.status || string(body) != test.body {
				t.Errorf("%d %q, %v", status, body, err)
			}
			if want := int64(2 - min(1, strings.Count(test.name, "without a")+strings.Count(test.name, "another"))); c.Requests() != want {
				t.Errorf("%d requests", c.Requests())
			}
			if _, _, err := c.Probe(t.Context(), test.method, nil); !errors.Is(err, ErrBudget) {
				t.Errorf("beyond the budget: %v", err)
			}
		})
	}
}

func TestProbeGet(t *testing.T) {
	c := newTestClient(t, methods{"version": func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.RawQuery != "a=b" || r.ContentLength != 0 {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		io.WriteString(w, `{"version":"14.2","ok":true}`)
	}})
	if status, body, err := c.ProbeGet(t.Context(), "version", map[string]string{"a": "b"}); err != nil || status != 200 || len(body) == 0 || c.Requests() != 1 {
		t.Errorf("%d %q, %v", status, body, err)
	}
}

func TestProbeFails(t *testing.T) {
	tests := []struct {
		name   string
		handle http.HandlerFunc
		status int
		err    string
	}{
		{"HTML", status(502, "", "<html>"+testToken), 502, "HTTP 502 answer is a page of HTML, 24 bytes"},
		{"cut", answers(`{"token":"` + testToken), 200, "answer is cut short after 28 bytes: unexpected EOF"},
		{"empty", answers(""), 200, "empty answer"},
		{"reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newTestClient(t, methods{methodVersion: test.handle})
			status, body, err := c.Probe(t.Context(), methodVersion, nil)
			if err == nil || err.Error() != methodVersion+": "+test.err || status != test.status || body != nil || c.Requests() != 2 {
				t.Errorf("%d %q, %v after %d requests", status, body, err, c.Requests())
			}
		})
	}
}

func TestProbeOnlyReads(t *testing.T) {
	c := newTestClient(t, methods{})
	for _, method := range []string{
		"", "chat.postMessage", "chat.delete", "pins.add", "channels.leave", "files.edit", methodRevoke, methodLogin, methodLogout,
		"http.download", "rtm.start", "users.setInfo", "threads.follow", "events.do", "Channels.List", "no.such.method",
		"archiver.", "archiver./../chat.delete", "archiver.?x=1", "../version",
	} {
		if _, _, err := c.Probe(t.Context(), method, nil); err == nil || c.Requests() != 0 {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestProbeHeedsAWait(t *testing.T) {
	handler := methods{methodVersion: inTurn(status(429, "90", `{"ok":false}`), answers(`{"version":"1","ok":true}`))}
	inBubble(t, handler, Options{}, func(t *testing.T, c *Client) {
		begin := time.Now()
		if status, _, err := c.Probe(t.Context(), methodVersion, nil); err != nil || status != 429 || time.Since(begin) > time.Second {
			t.Errorf("%d, %v after %v", status, err, time.Since(begin))
		}
		if _, err := c.Version(t.Context()); err != nil || time.Since(begin) < 90*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

func TestCapture(t *testing.T) {
	var mu sync.Mutex
	var got []string
	capture := func(method string, status int, body []byte) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprintf("%s %d %s", method, status, body))
	}
	handler := byDigest(testChallenge, answers(testWelcome))
	handler[methodHistory] = inTurn(
		answers("<html>"),
		answers(`{"messages":[{"file":{"ticket":"`+testTicket+`"}}`), // cut
		status(503, "", `{"error":"`+testToken+`","ok":false}`),
		answers(`{"messages":[{"file":{"ticket":"`+testTicket+`","url_private":"?ticket=`+testTicket+`"}}],"ok":true}`),
	)
	c := newTestClient(t, handler, Options{Capture: capture, Auth: "digest"})
	page, err := c.History(t.Context(), HistoryQuery{Channel: "c"})
	if err != nil || page.Messages[0].File.Ticket != testTicket {
		t.Fatalf("the caller's answer: %+v, %v", page, err)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		methodDigest + " 200 " + testChallenge,
		methodDigest + ` 200 {"authorized":true,"token":"","ok":true}`,
		methodHistory + ` 503 {"error":"xoxp-","ok":false}`,
		methodHistory + ` 200 {"messages":[{"file":{"ticket":"","url_private":"?ticket="}}],"ok":true}`,
		methodLogout + ` 200 {"ok":true}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestDocumentedErrors(t *testing.T) {
	for body, want := range map[string]string{
		`{"errors":[{"error":"x"}],"ok":true}`: `{"errors":[{"error":"x"}],"ok":true}`,
		` {"errors":{"x":1}} `:                 `{"errors":{"x":1}}`,
		`{"ok":1,"x":"e_notfound"}`:            `{"ok":1,"x":"e_notfound"}`,
		`{"error":"x","ok":false}`:             "",
	} {
		c := newTestClient(t, methods{methodErrors: answers(body)})
		_, got, err := c.DocumentedErrors(t.Context())
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%s: %s, %v", body, got, err)
		}
	}
}
