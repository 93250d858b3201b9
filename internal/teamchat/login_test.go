package teamchat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoginAnswers(t *testing.T) {
	tests := []struct {
		name    string
		handle  http.HandlerFunc
		refused bool
	}{
		{"wrong password", answers(`{"authorized":false,"ok":false,"error":"login_failed"}`), true},
		{"not authorized, ok", answers(`{"authorized":false,"ok":true}`), true},
		{"not authorized, with a token", answers(`{"authorized":false,"token":"x","ok":true}`), true},
		{"no token", answers(`{"authorized":true,"token":"","ok":true}`), true},
		{"authorized, not ok", answers(`{"authorized":true,"token":"x","ok":false}`), true},
		{"nothing but ok", answers(`{"ok":true}`), true},
		{"no reason", answers(`{"ok":false}`), true},
		{"invalid_auth", answers(`{"error":"invalid_auth","ok":false}`), true},
		{"401", status(401, "", `{"ok":false}`), true},
		{"401 with HTML", status(401, "", "<html>"), true},
		{"403", status(403, "", ""), true},
		{"account without TeamChat", answers(`{"error":"gw_error","error_details":"e_teamchat_accessmode","ok":false}`), true},
		{"HTML", answers("<html>"), false},
		{"database", answers(`{"error":"gw_error","error_details":"e_db","ok":false}`), false},
		{"500", status(500, "", `{"ok":false}`), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var asked atomic.Int64
			handler := methods{methodLogin: func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				test.handle(w, r)
			}}
			inBubble(t, handler, Options{GiveUpAfter: time.Minute}, func(t *testing.T, c *Client) {
				err := c.Login(t.Context())
				e := (*Error)(nil)
				if !errors.As(err, &e) || e.LoginRefused() != test.refused || e.Temporary() == test.refused {
					t.Fatalf("got %v", err)
				}
				if !test.refused {
					return
				}
				if err := history(t.Context(), c); !errors.As(err, &e) || !e.LoginRefused() || asked.Load() != 1 {
					t.Errorf("a call after the refusal: %v; asked %d times", err, asked.Load())
				}
			})
		})
	}
}

func TestLoginSuccess(t *testing.T) {
	for _, body := range []string{
		`{"authorized":true,"token":"xoxp-1","ok":true}`,
		`{"authorized":"true","token":"xoxp-1","ok":1}`,
		"\ufeff" + `{"ok":"true","token":"xoxp-1","authorized":1}`,
	} {
		c := newTestClient(t, methods{methodLogin: answers(body)})
		if err := c.Login(t.Context()); err != nil || c.Logins() != 1 {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestNoPassword(t *testing.T) {
	want := errors.New("command ended with 1")
	c := newTestClient(t, methods{}, Options{Password: func(context.Context) (string, error) { return "", want }})
	if err := history(t.Context(), c); !errors.Is(err, want) || c.Requests() != 0 {
		t.Errorf("%v after %d requests", err, c.Requests())
	}
}

// expiring is a server whose tokens are good for a number of calls.
type expiring struct {
	mu       sync.Mutex
	calls    int // that a token is good for
	left     map[string]int
	logins   int
	refusal  http.HandlerFunc
	anything bool // take every token for bad
}

func (e *expiring) handler() methods {
	e.left = map[string]int{}
	return methods{
		methodLogin: func(w http.ResponseWriter, _ *http.Request) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.logins++
			token := fmt.Sprintf("xoxp-%d", e.logins)
			e.left[token] = e.calls
			fmt.Fprintf(w, `{"authorized":true,"token":%q,"ok":true}`, token)
		},
		methodHistory: func(w http.ResponseWriter, r *http.Request) {
			e.mu.Lock()
			token := r.PostFormValue("token")
			e.left[token]--
			good := e.left[token] >= 0 && !e.anything
			e.mu.Unlock()
			if !good {
				e.refusal(w, r)
				return
			}
			io.WriteString(w, emptyPage)
		},
	}
}

func TestTokenIsRenewed(t *testing.T) {
	for name, refusal := range map[string]http.HandlerFunc{
		"invalid_token":       answers(`{"error":"invalid_token","error_details":"","ok":false}`),
		"with 401":            status(401, "", `{"error":"invalid_token","ok":false}`),
		"401 alone":           status(401, "", "<html>"),
		"not_authed":          answers(`{"error":"not_authed","ok":false}`),
		"invalid_auth in 403": status(403, "", `{"error":"invalid_auth","ok":false}`),
	} {
		t.Run(name, func(t *testing.T) {
			server := &expiring{calls: 3, refusal: refusal}
			c := newTestClient(t, server.handler())
			for range 9 {
				if err := history(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			if c.Logins() != 3 || c.Requests() != 9+3+2 {
				t.Errorf("%d logins, %d requests", c.Logins(), c.Requests())
			}
		})
	}
}

func TestOneLoginForAllCalls(t *testing.T) {
	server := &expiring{calls: 1 << 20, refusal: answers(`{"error":"invalid_token","ok":false}`)}
	c := newTestClient(t, server.handler(), Options{Connections: 16})
	many := func() {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 5 {
					if err := history(t.Context(), c); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	many()
	if c.Logins() != 1 {
		t.Errorf("%d logins at first", c.Logins())
	}
	server.mu.Lock()
	clear(server.left)
	server.mu.Unlock()
	many()
	if c.Logins() != 2 || server.logins != 2 {
		t.Errorf("%d logins in the end", c.Logins())
	}
}

func TestTokenThatIsRefusedAtOnce(t *testing.T) {
	server := &expiring{anything: true, refusal: answers(`{"error":"invalid_token","ok":false}`)}
	c := newTestClient(t, server.handler())
	e := (*Error)(nil)
	if err := history(t.Context(), c); !errors.As(err, &e) || e.Code != "invalid_token" || e.Temporary() || e.LoginRefused() {
		t.Errorf("got %v", err)
	}
	if server.logins != 2 {
		t.Errorf("%d logins", server.logins)
	}
}

func TestCloseLogsOut(t *testing.T) {
	var token string
	c := newTestClient(t, methods{
		methodHistory: answers(emptyPage),
		methodLogout: func(w http.ResponseWriter, r *http.Request) {
			token = r.PostFormValue("token")
			io.WriteString(w, `{"ok":true}`)
		},
	})
	if err := c.Close(t.Context()); err != nil || c.Requests() != 0 {
		t.Errorf("without a login: %v", err)
	}
	if err := history(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil || token != testToken {
		t.Errorf("token %q, %v", token, err)
	}
}
