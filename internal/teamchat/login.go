package teamchat

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"archiver/internal/lenient"
)

// The ways to log in.
const (
	authPlain  = "plain"
	authDigest = "digest"
)

var errNotAuthorized = errors.New("not authorized")

// session is one login. It prints without its token.
type session struct {
	token  string
	proven atomic.Bool // a call succeeded with it
}

func (*session) String() string   { return "session" }
func (*session) GoString() string { return "session" }

// login holds the session that all calls share.
type login struct {
	current atomic.Pointer[session] // nil when there is none or it was refused
	count   atomic.Int64
	turn    chan struct{} // held by the one call that logs in
	refused *Error        // the server's last word on this account; guarded by turn
}

// Login gets a token unless there is one. Other methods do so by themselves, also when the server no longer knows the
// token, but not again after the server has refused the account: then only Login asks anew.
func (c *Client) Login(ctx context.Context) error {
	return c.inTurn(ctx, func() error {
		c.login.refused = nil
		_, err := c.logIn(ctx)
		return err
	})
}

// authorize gives the session for a request and sets its token, with a login if there is none.
func (c *Client) authorize(ctx context.Context, r *request) (*session, error) {
	if r.open && !(r.method == methodDownload && c.downloadsNeedToken.Load()) {
		return nil, nil
	}
	s := c.login.current.Load()
	if s == nil {
		err := c.inTurn(ctx, func() (err error) {
			s, err = c.logIn(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	r.form.Set("token", s.token)
	return s, nil
}

// inTurn calls do while no other call logs in.
func (c *Client) inTurn(ctx context.Context, do func() error) error {
	select {
	case c.login.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", c.loginMethod(), ctx.Err())
	}
	defer func() { <-c.login.turn }()
	return do()
}

// logIn gives the current session if another call got one meanwhile, else a new one. The caller has the turn.
func (c *Client) logIn(ctx context.Context) (*session, error) {
	if s := c.login.current.Load(); s != nil {
		return s, nil
	}
	if c.login.refused != nil {
		return nil, c.login.refused
	}
	token, err := c.requestToken(ctx)
	if e := (*Error)(nil); errors.As(err, &e) && e.LoginRefused() {
		c.login.refused = e
	}
	if err != nil {
		return nil, err
	}
	s := &session{token: token}
	c.login.current.Store(s)
	c.login.count.Add(1)
	c.log.Info("logged in", "user", c.options.Username)
	return s, nil
}

// requestToken logs in by the way that is configured. Only ok, authorized and a token together are a success.
func (c *Client) requestToken(ctx context.Context) (string, error) {
	if c.options.Password == nil {
		return "", errors.New("password: none is configured")
	}
	password, err := c.options.Password(ctx)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	logIn := c.plainLogin
	if c.options.Auth == authDigest {
		logIn = c.digestLogin
	}
	answer, err := logIn(ctx, password)
	if err != nil {
		return "", err
	}
	var w struct {
		Authorized lenient.Bool   `json:"authorized"`
		Token      lenient.String `json:"token"`
	}
	if err := lenient.Unmarshal(answer.object, &w); err != nil || !w.Authorized || w.Token == "" {
		return "", &Error{Method: c.loginMethod(), Status: 200, Err: errNotAuthorized}
	}
	return string(w.Token), nil
}

func (c *Client) loginMethod() string {
	if c.options.Auth == authDigest {
		return methodDigest
	}
	return methodLogin
}

// plainLogin is iwauthentication.login.plain.
func (c *Client) plainLogin(ctx context.Context, password string) (*reply, error) {
	r := newRequest(methodLogin, "username", c.options.Username, "password", password)
	r.open, r.free = true, true
	return c.call(ctx, r)
}

// Revoke is auth.revoke of the token in use, and tells whether the server says that it is revoked. Without a login
// there is nothing to revoke. It asks once. A later call logs in anew.
func (c *Client) Revoke(ctx context.Context) (revoked bool, err error) {
	s := c.login.current.Load()
	if s == nil {
		return false, nil
	}
	r := newRequest(methodRevoke).wants(anything, "revoked")
	r.free = true
	r.form.Set("token", s.token)
	answer, err := c.attempt(ctx, r)
	if err != nil {
		return false, err
	}
	var w lenient.Bool
	_ = lenient.Unmarshal(answer.value, &w) // a value that was read before, or none
	if answer.found && !bool(w) {
		return false, nil
	}
	c.login.current.CompareAndSwap(s, nil)
	return true, nil
}
