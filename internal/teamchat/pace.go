package teamchat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// pace is what all calls know together: since when nothing succeeds, and until when the server wants quiet.
type pace struct {
	mu        sync.Mutex
	successes int64
	since     time.Time // the first failure after the last success; zero while the server works
	quiet     time.Time // the server asked for no requests until then
	asked     *Error    // with this answer; nil when it has answered since
}

// answered notes that the server works. It tells whether that ends a wait which the server had asked for.
func (p *pace) answered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.successes++
	p.since = time.Time{}
	waited := p.asked != nil && !time.Now().Before(p.quiet)
	if waited {
		p.asked = nil
	}
	return waited
}

// failed notes a failure. It gives how long nothing has succeeded, and how many calls had succeeded before.
func (p *pace) failed() (outage time.Duration, successes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.since.IsZero() {
		p.since = now
	}
	return now.Sub(p.since), p.successes
}

// ask keeps all calls quiet for wait, which doesn't count to an outage.
func (p *pace) ask(e *Error, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	until := now.Add(wait)
	if !until.After(p.quiet) {
		return
	}
	if !p.since.IsZero() {
		begin := now
		if p.quiet.After(now) {
			begin = p.quiet
		}
		p.since = p.since.Add(until.Sub(begin))
	}
	p.quiet, p.asked = until, e
}

// remaining is how long the server still wants quiet, and its answer that says so.
func (p *pace) remaining() (time.Duration, *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.quiet), p.asked
}

// admit waits for a place, for the quiet that the server asked for and for the rate limit, and counts the request. The
// place is the caller's when there is no error.
func (c *Client) admit(ctx context.Context, r *request) error {
	if err := c.gate.enter(ctx); err != nil {
		return fmt.Errorf("%s: %w", r.method, err)
	}
	if err := c.waitTurn(ctx, r); err != nil {
		c.gate.leave()
		return err
	}
	c.requests.Add(1)
	r.sent = time.Now()
	return nil
}

func (c *Client) waitTurn(ctx context.Context, r *request) error {
	if err := c.waitQuiet(ctx, r); err != nil {
		return err
	}
	if c.limiter != nil {
		if err := c.limiter.Wait(ctx); err != nil {
			if ctx.Err() == nil { // it would take longer than the deadline
				err = context.DeadlineExceeded
			}
			return fmt.Errorf("%s: %w", r.method, err)
		}
	}
	if most := c.options.MaxRequests; most > 0 && !r.free && !isBegun(ctx) && c.budgeted.Add(1) > most {
		return fmt.Errorf("%s: %w", r.method, ErrBudget)
	}
	return nil
}

// waitQuiet waits until the server takes requests again, or fails at once when that is too late.
func (c *Client) waitQuiet(ctx context.Context, r *request) error {
	for {
		wait, asked := c.pace.remaining()
		if wait <= 0 {
			return nil
		}
		deadline, limited := ctx.Deadline()
		if wait > c.options.MaxWait || limited && time.Now().Add(wait).After(deadline) {
			return tooLate(r, asked, wait)
		}
		if err := sleep(ctx, r, wait); err != nil {
			return err
		}
	}
}

func tooLate(r *request, asked *Error, wait time.Duration) error {
	e := &Error{Method: r.method, RetryAfter: wait, Status: http.StatusTooManyRequests}
	if asked != nil {
		e.Code, e.Details, e.Status = asked.Code, asked.Details, asked.Status
	}
	e.Err = fmt.Errorf("%w, at %s", ErrWait, time.Now().Add(wait).UTC().Format(time.RFC3339))
	return e
}

func sleep(ctx context.Context, r *request, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", r.method, ctx.Err())
	}
}

// retryAfter reads the wait that an answer of status 429 or 503 asks for, in seconds or as a date. A date is compared
// with the server's own clock where the answer gives it. Zero, and a date that has passed, ask for a moment: at least
// half of one and at most one and a half. What is negative or makes no sense asks for nothing.
func retryAfter(res *http.Response) time.Duration {
	if res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	const (
		moment = time.Second
		most   = 366 * 24 * time.Hour
	)
	value := strings.TrimSpace(res.Header.Get("Retry-After"))
	wait := time.Duration(-1)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
		wait = time.Duration(min(seconds, most.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(value); err == nil {
		wait = max(at.Sub(clock(res)), 0)
	}
	if wait == 0 {
		wait = moment/2 + rand.N(moment)
	}
	return max(wait, 0)
}

// clock is the server's clock, or our own if it does not say.
func clock(res *http.Response) time.Time {
	if now := date(res); !now.IsZero() {
		return now
	}
	return time.Now()
}

// date is the server's clock, zero if it does not say.
func date(res *http.Response) time.Time {
	t, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// begunKey is the key of what [Begun] notes.
type begunKey struct{}

// Begun gives a context whose calls do not count to Options.MaxRequests. It is for those that complete what an earlier,
// counted call began and that would be lost without them: no budget may keep work from ever getting done.
func Begun(ctx context.Context) context.Context { return context.WithValue(ctx, begunKey{}, true) }

func isBegun(ctx context.Context) bool { return ctx.Value(begunKey{}) != nil }
