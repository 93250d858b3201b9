package teamchat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	maxTries    = 8 // of a call that fails while the server works otherwise
	maxFetches  = 5 // the same, of a download: there may be many whose file is at fault
	maxRenewals = 3 // logins for one call
	maxDoubling = 7 // the longest pause is the first one times 2^7
)

// persist makes try succeed, or ends with the error that makes further tries pointless:
//
//   - a permanent error, at once;
//   - a temporary one after maxTries, or when nothing succeeded for Options.GiveUpAfter, if the server answers other
//     calls all the same: then it is this call alone that fails;
//   - ErrGaveUp when nothing succeeded for Options.GiveUpAfter and the server does not answer;
//   - a wait that the server asks for and that is too long. Other such waits don't count as tries.
func (c *Client) persist(ctx context.Context, r *request, try func() error) error {
	p := patience{client: c, request: r}
	for {
		s, err := c.authorize(ctx, r)
		if err != nil {
			return err
		}
		if err = try(); err == nil {
			c.worked(s)
			return nil
		}
		if err = p.consider(ctx, err, s); err != nil {
			return err
		}
	}
}

// worked notes a success with a session, which is nil for calls without a token.
func (c *Client) worked(s *session) {
	if s != nil {
		s.proven.Store(true)
	}
	c.gate.worked()
	if c.pace.answered() {
		c.options.OnWait(0)
	}
}

// patience is what one call has seen so far.
type patience struct {
	client   *Client
	request  *request
	tries    int   // failed ones
	told     int   // answers that asked for a wait
	renewals int   // of the token
	others   int64 // calls of the whole client that had succeeded before the first failure
}

// consider waits until the call may be repeated, or gives the error to end with.
func (p *patience) consider(ctx context.Context, err error, s *session) error {
	e := (*Error)(nil)
	if !errors.As(err, &e) || errors.Is(err, ErrWait) {
		return err
	}
	if c := p.client; e.overloaded() && c.gate.halve(p.request.sent) {
		c.log.Info("server has too much to do", "method", e.Method, "status", e.Status, "requests at once", c.gate.bound())
	}
	switch {
	case e.tokenRefused():
		return p.renew(e, s)
	case !e.Temporary():
		if e.Status != 0 {
			p.client.worked(nil)
		}
		return err
	case e.told():
		return p.wait(e)
	case p.request.once:
		return err
	}
	return p.retry(ctx, e)
}

// renew drops the session that the server refused, unless it is fresh and this call has had a new one already.
func (p *patience) renew(e *Error, s *session) error {
	if s == nil { // a ticket alone was not enough
		if p.request.method != methodDownload || p.client.downloadsNeedToken.Swap(true) && p.renewals > 0 {
			return e
		}
		p.renewals++
		return nil
	}
	if p.renewals > 0 && !s.proven.Load() || p.renewals >= maxRenewals {
		return e
	}
	p.renewals++
	p.client.log.Info("token no longer valid", "method", e.Method, "code", e.Code)
	p.client.login.current.CompareAndSwap(s, nil)
	return nil
}

// wait makes all calls wait as the server asks. Where it does not say how long, the pauses grow as for a retry.
func (p *patience) wait(e *Error) error {
	d := e.RetryAfter
	if d == 0 {
		d = p.client.pause(p.told)
	}
	p.told++
	p.client.pace.ask(e, d)
	p.client.log.Warn("server asks to wait", "method", e.Method, "status", e.Status, "wait", d)
	p.client.options.OnWait(d)
	return nil // the next try waits before it is made
}

// retry waits a little, if there is hope.
func (p *patience) retry(ctx context.Context, e *Error) error {
	c := p.client
	outage, successes := c.pace.failed()
	if p.tries == 0 {
		p.others = successes
	}
	p.tries++
	left := c.options.GiveUpAfter - outage
	switch {
	case p.tries >= p.most() && (successes > p.others || c.alive(ctx)):
		return e
	case left <= 0 && c.alive(ctx):
		return e
	case left <= 0:
		return fmt.Errorf("%w, nothing succeeded for %v: %w", ErrGaveUp, c.options.GiveUpAfter, e)
	}
	pause := min(c.pause(p.tries-1), left)
	level := slog.LevelInfo
	if p.tries > 2 {
		level = slog.LevelWarn
	}
	c.log.Log(ctx, level, "call fails, will be repeated", "method", e.Method, "try", p.tries, "pause", pause, "err", e)
	return sleep(ctx, p.request, pause)
}

// most is how often the call may fail while the server works otherwise.
func (p *patience) most() int {
	if p.request.method == methodDownload {
		return maxFetches
	}
	return maxTries
}

// pause is the one before retry n, counted from 0: exponential with full jitter.
func (c *Client) pause(n int) time.Duration {
	return rand.N(c.options.Backoff<<min(n, maxDoubling)) + 1
}

// alive asks once for the server's version, to tell a server that is down from one that fails for one call only. A
// refusal, as for the token that is not sent, is a sign of life too.
func (c *Client) alive(ctx context.Context) bool {
	_, err := c.attempt(ctx, newRequest(methodVersion).wants(scalar, "version"))
	e := (*Error)(nil)
	if err != nil && (!errors.As(err, &e) || e.Err != nil || e.Temporary()) {
		return false
	}
	c.worked(nil)
	return true
}
