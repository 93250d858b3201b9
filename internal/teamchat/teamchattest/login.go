package teamchattest

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

var errLogin = &apiError{code: "login_failed"}

// login is iwauthentication.login.plain.
func (c *call) login() error {
	name := c.form.Get("username")
	if !c.mayLogIn(name) || c.form.Get("password") != c.server.o.Password {
		return errLogin
	}
	c.welcome(name)
	return nil
}

// mayLogIn tells whether an account is the server's or a user's.
func (c *call) mayLogIn(name string) bool {
	_, known := c.w.userNum[name]
	return name != "" && (known || name == c.server.o.Account)
}

// welcome answers a login that succeeded.
func (c *call) welcome(name string) {
	var expires time.Time
	if ttl := c.server.o.TokenTTL; ttl > 0 {
		expires = c.server.o.Now().Add(ttl)
	}
	c.raw(`{"authorized":`)
	c.b = c.v.appendBool(c.b, true)
	c.text("token", c.server.sessions.open(name, expires))
	c.text("host", c.w.host)
	c.text("email", name)
	c.ok()
}

// refuseLogin answers a login that failed.
func (c *call) refuseLogin() {
	switch c.v.LoginFailure {
	case "a":
		c.raw(`{"authorized":false,"ok":true}`)
	case "c":
		c.status, c.contentType = 401, "text/plain; charset=utf-8"
		c.raw("Unauthorized\n")
	default:
		c.raw(`{"authorized":false,"ok":false,"error":"login_failed"}`)
	}
}

// logout is iwauthentication.logout.
func (c *call) logout() error {
	c.server.sessions.drop(c.form.Get("token"))
	c.raw(`{"ok":`)
	c.b = c.v.appendBool(c.b, true)
	c.raw("}")
	return nil
}

// revoke is auth.revoke. It ends the token of the call and no other.
func (c *call) revoke() error {
	c.server.sessions.drop(c.form.Get("token"))
	c.raw(`{"revoked":`)
	if c.v.RevokedBool {
		c.b = c.v.appendBool(c.b, true)
	} else {
		c.raw(`"true"`)
	}
	c.ok()
	return nil
}

// A login by digest is two calls: the first, with the name alone, gets a challenge, and the second answers it with the
// fields of RFC 2617 as parameters.

// challenge is what the first call gets and the second must give back as it was.
type challenge struct{ realm, nonce, qop, algorithm, method string }

func (c *call) challenge(nonce string) challenge {
	ch := challenge{c.w.domain, nonce, "auth", "md5", "POST"}
	if c.v.DigestNoQop {
		ch.qop = ""
	}
	if c.v.DigestAlgorithm != "" {
		ch.algorithm = c.v.DigestAlgorithm
	}
	if c.v.DigestMethod != "" {
		ch.method = c.v.DigestMethod
	}
	return ch
}

// digest is iwauthentication.login.digest.
func (c *call) digest() error {
	name := c.form.Get("username")
	switch {
	case name == "":
		return errLogin
	case !c.form.Has("response"):
		c.offer(c.challenge(c.server.sessions.nonce()))
		return nil
	case !c.mayLogIn(name) || !c.answersChallenge(name):
		return errLogin
	}
	c.welcome(name)
	return nil
}

// offer answers the first call.
func (c *call) offer(ch challenge) {
	c.raw(`{"realm":`)
	c.b = appendQuoted(c.b, ch.realm)
	c.text("nonce", ch.nonce)
	c.text("qop", ch.qop)
	c.text("algorithm", ch.algorithm)
	c.text("method", ch.method)
	c.ok()
}

// answersChallenge tells whether the call answers the challenge of its nonce. The nonce is used up by that, unless the
// variant lets it live on for answers with a greater nc.
func (c *call) answersChallenge(name string) bool {
	nonce, nc := c.form.Get("nonce"), c.form.Get("nc")
	count, err := strconv.ParseUint(nc, 16, 32)
	fresh := c.server.sessions.spend(nonce, count)
	ch := c.challenge(nonce)
	given := challenge{c.form.Get("realm"), nonce, c.form.Get("qop"), c.form.Get("algorithm"), c.form.Get("method")}
	right := c.form.Get("response") == ch.response(name, c.server.o.Password, nc, c.form.Get("cnonce"), c.form.Get("uri"))
	if !fresh || err != nil || len(nc) != 8 || given != ch || c.form.Get("cnonce") == "" || !right {
		return false
	}
	if c.v.DigestReuse {
		c.server.sessions.keepNonce(nonce, count)
	}
	return true
}

// response is the digest that proves the password, in lower-case hex.
func (ch challenge) response(name, password, nc, cnonce, uri string) string {
	a1 := md5Hex(name, ch.realm, password)
	if strings.EqualFold(ch.algorithm, "md5-sess") {
		a1 = md5Hex(a1, ch.nonce, cnonce)
	}
	a2 := md5Hex(ch.method, uri)
	if ch.qop == "" {
		return md5Hex(a1, ch.nonce, a2)
	}
	return md5Hex(a1, ch.nonce, nc, cnonce, ch.qop, a2)
}

// md5Hex is the MD5 of parts with colons between, as lower-case hex.
func md5Hex(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(sum[:])
}

// nonce gives a new one-time nonce.
func (s *sessions) nonce() string {
	random := make([]byte, 16)
	rand.Read(random)
	nonce := hex.EncodeToString(random)
	s.keepNonce(nonce, 0)
	return nonce
}

// keepNonce lets a nonce be answered with an nc above last.
func (s *sessions) keepNonce(nonce string, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nonces[nonce] = last
}

// spend takes a nonce away and tells whether it was there and count is greater than the last one.
func (s *sessions) spend(nonce string, count uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.nonces[nonce]
	delete(s.nonces, nonce)
	return known && count > last
}
