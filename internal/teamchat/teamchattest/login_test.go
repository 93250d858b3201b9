package teamchattest_test

import (
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"archiver/internal/teamchat/teamchattest"

	"github.com/google/go-cmp/cmp"
)

// hash is the MD5 of parts with colons between, in hex.
func hash(parts ...string) string {
	return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":"))))
}

// answerTo answers a challenge as RFC 2617 says.
func answerTo(ch object, user, password, nc string) []string {
	value := func(name string) string { return ch[name].(string) }
	const cnonce, uri = "0a4f113b", "/teamchatapi/iwauthentication.login.digest"
	a1 := hash(user, value("realm"), password)
	if value("algorithm") == "md5-sess" {
		a1 = hash(a1, value("nonce"), cnonce)
	}
	response := hash(a1, value("nonce"), nc, cnonce, value("qop"), hash(value("method"), uri))
	if value("qop") == "" {
		response = hash(a1, value("nonce"), hash(value("method"), uri))
	}
	return []string{"username", user, "realm", value("realm"), "nonce", value("nonce"), "qop", value("qop"), "algorithm", value("algorithm"),
		"method", value("method"), "nc", nc, "cnonce", cnonce, "response", response, "uri", uri}
}

const digest, account = "iwauthentication.login.digest", "archive@example.com"

func TestDigestLogin(t *testing.T) {
	variants := map[string]teamchattest.Variant{
		"md5": {}, "md5-sess": {DigestAlgorithm: "md5-sess"}, "no qop": {DigestNoQop: true}, "AUTHENTICATE": {DigestMethod: "AUTHENTICATE"},
	}
	for name, v := range variants {
		t.Run(name, func(t *testing.T) {
			_, c := serve(t, small, teamchattest.ServerOptions{Variant: v})
			c.token = ""
			ch := c.get(digest, "username", account)
			want := object{"realm": "example.com", "nonce": ch["nonce"], "qop": "auth", "algorithm": "md5", "method": "POST", "ok": true}
			if diff := cmp.Diff(want, ch); name == "md5" && diff != "" {
				t.Errorf("challenge (-want +got):\n%s", diff)
			}
			answer := c.get(digest, answerTo(ch, account, "secret", "00000001")...)
			if answer["authorized"] != true || answer["ok"] != true || answer["email"] != account {
				t.Fatalf("login answered %v", answer)
			}
			c.token = answer["token"].(string)
			if c.get("auth.test")["user"] != account {
				t.Error("the token is not the account's")
			}
		})
	}
}

func TestDigestLoginIsRefused(t *testing.T) {
	_, c := serve(t, small, teamchattest.ServerOptions{})
	c.token = ""
	refused := object{"authorized": false, "ok": false, "error": "login_failed"}
	change := func(form []string, name, value string) []string {
		for i := 0; i < len(form); i += 2 {
			if form[i] == name {
				form[i+1] = value
			}
		}
		return form
	}
	tests := map[string]func(ch object) []string{
		"no name":         func(object) []string { return []string{"username", ""} },
		"wrong password":  func(ch object) []string { return answerTo(ch, account, "guess", "00000001") },
		"unknown account": func(ch object) []string { return answerTo(ch, "nobody@example.com", "secret", "00000001") },
		"nc is 0":         func(ch object) []string { return answerTo(ch, account, "secret", "00000000") },
		"nc is short":     func(ch object) []string { return answerTo(ch, account, "secret", "1") },
		"nc is no number": func(ch object) []string { return answerTo(ch, account, "secret", "0000000x") },
		"another realm":   func(ch object) []string { ch["realm"] = "other"; return answerTo(ch, account, "secret", "00000001") },
		"another algorithm": func(ch object) []string {
			ch["algorithm"] = "md5-sess"
			return answerTo(ch, account, "secret", "00000001")
		},
		"unknown nonce": func(ch object) []string { ch["nonce"] = "0"; return answerTo(ch, account, "secret", "00000001") },
		"another uri":   func(ch object) []string { return change(answerTo(ch, account, "secret", "00000001"), "uri", "/") },
		"upper case": func(ch object) []string {
			form := answerTo(ch, account, "secret", "00000001")
			return change(form, "response", strings.ToUpper(form[len(form)-3]))
		},
	}
	for name, form := range tests {
		ch := c.get(digest, "username", account)
		if diff := cmp.Diff(refused, c.get(digest, form(ch)...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDigestNonces(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		_, c := serve(t, small, teamchattest.ServerOptions{Variant: teamchattest.Variant{DigestReuse: reuse}})
		c.token = ""
		ch := c.get(digest, "username", account)
		try := func(password, nc string) any {
			return c.get(digest, answerTo(ch, account, password, nc)...)["authorized"]
		}
		got := []any{try("secret", "00000001"), try("secret", "00000002"), try("secret", "00000009"), try("secret", "00000009"), try("secret", "0000000a")}
		want := []any{true, reuse, reuse, false, false} // a failure ends the nonce
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reuse %v (-want +got):\n%s", reuse, diff)
		}
	}
}

func TestLoginFailures(t *testing.T) {
	for shape, want := range map[string]string{
		"": `200 {"authorized":false,"ok":false,"error":"login_failed"}`, "a": `200 {"authorized":false,"ok":true}`, "c": "401 Unauthorized\n",
	} {
		s := teamchattest.Start(t, teamchattest.NewWorld(teamchattest.WorldOptions{}), teamchattest.ServerOptions{Variant: teamchattest.Variant{LoginFailure: shape}})
		c := &caller{t: t, s: s}
		for _, method := range []string{"iwauthentication.login.plain", digest} {
			resp, body := c.raw(method, "username", "", "password", "x")
			if got := fmt.Sprint(resp.StatusCode, " ", body); got != want {
				t.Errorf("shape %q of %s: got %q, want %q", shape, method, got, want)
			}
		}
	}
}

func TestRevokeEndsOneToken(t *testing.T) {
	_, c := serve(t, small, teamchattest.ServerOptions{})
	other := login(t, c.s)
	if got := c.get("auth.revoke"); got["revoked"] != "true" || got["ok"] != true {
		t.Errorf("auth.revoke answered %v", got)
	}
	for _, method := range []string{"auth.revoke", "version"} {
		if got := c.get(method); got["error"] != "invalid_token" {
			t.Errorf("%s of a revoked token: %v", method, got)
		}
	}
	if got := other.get("version"); got["ok"] != true {
		t.Errorf("another token: %v", got)
	}
}

func TestDiffOfAnAccount(t *testing.T) {
	w, c := serve(t, "channel a ann", teamchattest.ServerOptions{Variant: teamchattest.Variant{DiffFirst: "account"}})
	c.get("channels.list")
	w.AddChannel("b")
	again := login(t, c.s)
	for _, want := range []string{"b", ""} {
		got := ""
		for _, e := range elements(again.get("channels.diff")["channels_diff"]) {
			got += e["channel"].(object)["name"].(string)
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
