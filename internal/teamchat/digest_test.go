package teamchat

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDigestResponse(t *testing.T) {
	// The example of RFC 2617, 3.5. The others apply the formulas of 3.2.2 to it.
	const username, password, cnonce, uri = "Mufasa", "Circle Of Life", "0a4f113b", "/dir/index.html"
	const realm, nonce = "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093"
	tests := []struct {
		name      string
		challenge challenge
		want      string
	}{
		{"qop auth", challenge{realm, nonce, "auth", "MD5", "GET"}, "6629fae49393a05397450978507c4ef1"},
		{"auth among others", challenge{realm, nonce, "auth-int, auth", "", "GET"}, "6629fae49393a05397450978507c4ef1"},
		{"no qop", challenge{realm, nonce, "", "md5", "GET"}, "670fd8c2df070c60b045671b8b24ff02"},
		{"md5-sess", challenge{realm, nonce, "auth", "MD5-sess", "GET"}, "8e3825c57e897f5a0dec6c2d4e5059d0"},
	}
	for _, test := range tests {
		if got := test.challenge.response(username, password, cnonce, uri); got != test.want {
			t.Errorf("%s: %s", test.name, got)
		}
	}
	without, post := challenge{Nonce: nonce}, challenge{Nonce: nonce, Method: "POST"}
	if without.response("a", "b", cnonce, uri) != post.response("a", "b", cnonce, uri) {
		t.Error("a challenge without a method is not answered as for POST")
	}
}

// byDigest are methods whose login is by digest: a challenge, then what handle says.
func byDigest(challenge string, handle http.HandlerFunc) methods {
	return methods{methodHistory: answers(emptyPage), methodDigest: func(w http.ResponseWriter, r *http.Request) {
		if r.PostForm.Has("response") {
			handle(w, r)
			return
		}
		io.WriteString(w, challenge)
	}}
}

const (
	testChallenge = `{"realm":"Real \"m\"","nonce":"n+/=1","qop":"auth","algorithm":"MD5","method":"AUTHENTICATE","ok":true}`
	testWelcome   = `{"authorized":true,"token":"` + testToken + `","ok":true}`
)

func TestDigestGivesTheChallengeBack(t *testing.T) {
	c := newTestClient(t, byDigest(testChallenge, func(w http.ResponseWriter, r *http.Request) {
		for name, want := range map[string]string{
			"username": "archive@example.com", "realm": `Real "m"`, "nonce": "n+/=1", "qop": "auth", "algorithm": "MD5",
			"method": "AUTHENTICATE", "nc": "00000001", "uri": "/teamchatapi/iwauthentication.login.digest",
		} {
			if got := r.PostForm.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
		if len(r.PostForm.Get("cnonce")) < 20 || len(r.PostForm) != 10 || strings.Contains(r.PostForm.Encode(), testPassword) {
			t.Errorf("parameters %v", r.PostForm)
		}
		io.WriteString(w, testWelcome)
	}), Options{Auth: "digest", MaxRequests: 1})
	if err := history(t.Context(), c); err != nil || c.Logins() != 1 || c.Requests() != 3 {
		t.Errorf("%v after %d requests", err, c.Requests())
	}
}

func TestDigestRefusals(t *testing.T) {
	refuse := answers(`{"authorized":false,"error":"login_failed","ok":false}`)
	tests := []struct {
		name, challenge string
		handle          http.HandlerFunc
		want            string
		requests        int64
	}{
		{"wrong password", testChallenge, refuse, "login_failed", 2},
		{"wrong password, ok", testChallenge, answers(`{"authorized":false,"ok":true}`), "not authorized", 2},
		{"wrong password, 401", testChallenge, status(401, "", "Unauthorized"), "HTTP 401 answer is no JSON object, 12 bytes", 2},
		{"no such account", `{"error":"login_failed","ok":false}`, refuse, "login_failed", 1},
		{"no digest", `{"error":"method_not_exist","ok":false}`, refuse, "method_not_exist", 1},
		{"unknown algorithm", `{"nonce":"n","algorithm":"SHA-256","ok":true}`, refuse, "challenge can't be answered: algorithm sha-256", 1},
		{"unknown protection", `{"nonce":"n","qop":"auth-int","ok":true}`, refuse, "challenge can't be answered: qop auth-int", 1},
		{"empty nonce", `{"nonce":"","ok":true}`, refuse, "challenge can't be answered: it has no nonce", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newTestClient(t, byDigest(test.challenge, test.handle), Options{Auth: "digest"})
			err := c.Login(t.Context())
			e := (*Error)(nil)
			if !errors.As(err, &e) || !e.LoginRefused() || e.Temporary() || err.Error() != methodDigest+": "+test.want {
				t.Fatalf("got %v", err)
			}
			if err := history(t.Context(), c); !errors.As(err, &e) || c.Requests() != test.requests {
				t.Errorf("%v after %d requests", err, c.Requests())
			}
		})
	}
}

func TestDigestChallengeWithoutNonce(t *testing.T) {
	c := newTestClient(t, byDigest(`{"ok":true}`, nil), Options{Auth: "digest", GiveUpAfter: time.Millisecond})
	e := (*Error)(nil)
	if err := c.Login(t.Context()); !errors.As(err, &e) || !strings.Contains(err.Error(), "answer has no nonce") {
		t.Errorf("got %v", err)
	}
}

func TestDigestUsesANonceOnce(t *testing.T) {
	var nonces []string
	handler := methods{methodDigest: func(w http.ResponseWriter, r *http.Request) {
		nonce := r.PostForm.Get("nonce")
		switch {
		case nonce == "":
			io.WriteString(w, strings.Replace(testChallenge, "n+/=1", strings.Repeat("n", len(nonces)+1), 1))
			return
		case slices.Contains(nonces, nonce):
			t.Errorf("nonce %s comes again", nonce)
		}
		nonces = append(nonces, nonce)
		switch len(nonces) {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			status(503, "7", `{"ok":false}`)(w, r)
		case 3:
			io.WriteString(w, "<html>")
		default:
			io.WriteString(w, testWelcome)
		}
	}}
	inBubble(t, handler, Options{Auth: "digest"}, func(t *testing.T, c *Client) {
		if err := c.Login(t.Context()); err != nil || len(nonces) != 4 || c.Requests() != 8 {
			t.Errorf("%v after %d requests", err, c.Requests())
		}
	})
}

func TestUnknownWayToLogIn(t *testing.T) {
	if _, err := New(Options{URL: "https://mail.example.com", Auth: "basic"}); err == nil || !strings.Contains(err.Error(), `"basic"`) {
		t.Errorf("got %v", err)
	}
}

func TestRevoke(t *testing.T) {
	const invalid = `{"error":"invalid_token","ok":false}`
	tests := []struct {
		name, body  string
		want, fails bool
	}{
		{"text", `{"revoked":"true","ok":true}`, true, false},
		{"boolean", `{"revoked":true,"ok":true}`, true, false},
		{"number", `{"ok":true,"revoked":1}`, true, false},
		{"without ok", `{"revoked":"true"}`, true, false},
		{"ok alone", `{"ok":true}`, true, false},
		{"not revoked", `{"revoked":false,"ok":true}`, false, false},
		{"not revoked, text", `{"revoked":"false","ok":true}`, false, false},
		{"refused", invalid, false, true},
		{"HTML", "<html>", false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var token string
			c := newTestClient(t, methods{methodHistory: answers(emptyPage), methodRevoke: func(w http.ResponseWriter, r *http.Request) {
				token = r.PostForm.Get("token")
				io.WriteString(w, test.body)
			}}, Options{MaxRequests: 2})
			if got, err := c.Revoke(t.Context()); got || err != nil || c.Requests() != 0 {
				t.Errorf("without a login: %v, %v", got, err)
			}
			if err := history(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			got, err := c.Revoke(t.Context())
			if got != test.want || (err != nil) != test.fails || token != testToken || c.Requests() != 3 {
				t.Errorf("%v, %v with token %q after %d requests", got, err, token, c.Requests())
			}
			if err := history(t.Context(), c); err != nil || (c.Logins() == 2) != test.want {
				t.Errorf("%v after %d logins", err, c.Logins())
			}
		})
	}
}
