package teamchat

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"archiver/internal/lenient"
)

// A login by digest is RFC 2617 with parameters in place of headers. A first call, with the name alone, gets a
// challenge; a second one gives the challenge back as it was, with a response that proves the password.

// digestURI is what the response is computed for.
const digestURI = "/teamchatapi/" + methodDigest

// nonceCount is the first use of a nonce, and the only one.
const nonceCount = "00000001"

var errChallenge = errors.New("challenge can't be answered")

// challenge is what the server gives and gets back.
type challenge struct {
	Realm     lenient.String `json:"realm"`
	Nonce     lenient.String `json:"nonce"`
	QOP       lenient.String `json:"qop"`
	Algorithm lenient.String `json:"algorithm"`
	Method    lenient.String `json:"method"`
}

// digestLogin is iwauthentication.login.digest. A nonce is good for one response, even one that got lost, so that a
// repetition begins with a new challenge.
func (c *Client) digestLogin(ctx context.Context, password string) (answer *reply, err error) {
	err = c.persist(ctx, c.digestRequest(), func() error {
		challenge, err := c.challenge(ctx)
		if err != nil {
			return err
		}
		answer, err = c.attempt(ctx, c.digestRequest(challenge.answer(c.options.Username, password, rand.Text())...))
		return err
	})
	return answer, err
}

// digestRequest is one of the two calls.
func (c *Client) digestRequest(parameters ...string) *request {
	r := newRequest(methodDigest, append(parameters, "username", c.options.Username)...)
	r.open, r.free = true, true
	return r
}

// challenge makes the first call.
func (c *Client) challenge(ctx context.Context) (*challenge, error) {
	r := c.digestRequest().wants(scalar, "nonce")
	answer, err := c.attempt(ctx, r)
	if err != nil {
		return nil, err
	}
	got := new(challenge)
	_ = lenient.Unmarshal(answer.object, got) // an object that was read before
	if reason := got.refusal(); reason != "" {
		return nil, &Error{Method: methodDigest, Status: http.StatusOK, Err: fmt.Errorf("%w: %s", errChallenge, r.clean(reason))}
	}
	return got, nil
}

// refusal says why a challenge can't be answered, "" if it can.
func (ch *challenge) refusal() string {
	switch algorithm := strings.ToLower(string(ch.Algorithm)); {
	case ch.Nonce == "":
		return "it has no nonce"
	case algorithm != "" && algorithm != "md5" && algorithm != "md5-sess":
		return "algorithm " + algorithm
	case ch.QOP != "" && ch.protection() == "":
		return "qop " + string(ch.QOP)
	}
	return ""
}

// protection is the qop of the response: auth as the server writes it, also where it offers others beside.
func (ch *challenge) protection() string {
	for offer := range strings.SplitSeq(string(ch.QOP), ",") {
		if offer = strings.TrimSpace(offer); strings.EqualFold(offer, "auth") {
			return offer
		}
	}
	return ""
}

// answer gives the parameters of the second call.
func (ch *challenge) answer(username, password, cnonce string) []string {
	return []string{
		"realm", string(ch.Realm), "nonce", string(ch.Nonce), "qop", ch.protection(),
		"algorithm", string(ch.Algorithm), "method", string(ch.Method),
		"nc", nonceCount, "cnonce", cnonce, "uri", digestURI,
		"response", ch.response(username, password, cnonce, digestURI),
	}
}

// response proves the password (RFC 2617, 3.2.2).
func (ch *challenge) response(username, password, cnonce, uri string) string {
	a1 := md5Hex(username, string(ch.Realm), password)
	if strings.EqualFold(string(ch.Algorithm), "md5-sess") {
		a1 = md5Hex(a1, string(ch.Nonce), cnonce)
	}
	method := string(ch.Method)
	if method == "" {
		method = http.MethodPost
	}
	a2 := md5Hex(method, uri)
	if qop := ch.protection(); qop != "" {
		return md5Hex(a1, string(ch.Nonce), nonceCount, cnonce, qop, a2)
	}
	return md5Hex(a1, string(ch.Nonce), a2)
}

// md5Hex is the MD5 of the parts with colons between them, in lower-case hex.
func md5Hex(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(sum[:])
}
