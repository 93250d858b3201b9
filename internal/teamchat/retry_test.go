package teamchat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const emptyPage = `{"messages":[],"ok":true}`

func TestToldWaits(t *testing.T) {
	good := answers(emptyPage)
	tests := []struct {
		name         string
		first        http.HandlerFunc
		least, most  time.Duration
		waits        int // that OnWait hears of
		withDeadline time.Duration
	}{
		{"seconds", status(429, "1", ""), time.Second, time.Second, 1, 0},
		{"minutes", status(429, "1800", `{"ok":false}`), 30 * time.Minute, 30 * time.Minute, 1, time.Hour},
		{"a fraction", status(429, "1.5", ""), 1500 * time.Millisecond, 1500 * time.Millisecond, 1, 0},
		{"unavailable", status(503, "60", "<html>"), time.Minute, time.Minute, 1, 0},
		{"no number", status(429, "", ""), 0, 250 * time.Millisecond, 1, 0},
		{"nonsense", status(429, "soon", ""), 0, 250 * time.Millisecond, 1, 0},
		{"negative", status(429, "-5", ""), 0, 250 * time.Millisecond, 1, 0},
		{"no number at all", status(429, "NaN", ""), 0, 250 * time.Millisecond, 1, 0},
		{"zero", status(429, "0", ""), 500 * time.Millisecond, 1500 * time.Millisecond, 1, 0},
		{"zero, unavailable", status(503, "0", ""), 500 * time.Millisecond, 1500 * time.Millisecond, 1, 0},
		{"by code", answers(`{"error":"ratelimited","ok":false}`), 0, 250 * time.Millisecond, 1, 0},
		{"unavailable without a number is no wait", status(503, "", ""), 0, 250 * time.Millisecond, 0, 0},
		{"date by the server's clock", func(w http.ResponseWriter, _ *http.Request) {
			server := time.Now().Add(-48 * time.Hour) // its clock is late
			w.Header().Set("Date", server.UTC().Format(http.TimeFormat))
			w.Header().Set("Retry-After", server.Add(90*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(429)
		}, 90 * time.Second, 90 * time.Second, 1, 0},
		{"date in the past", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(429)
		}, 500 * time.Millisecond, 1500 * time.Millisecond, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var waits []time.Duration
			o := Options{OnWait: func(d time.Duration) { waits = append(waits, d) }}
			inBubble(t, methods{methodHistory: inTurn(test.first, good)}, o, func(t *testing.T, c *Client) {
				ctx := t.Context()
				if test.withDeadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.withDeadline)
					defer cancel()
				}
				begin := time.Now()
				if err := history(ctx, c); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took < test.least || took > test.most {
					t.Errorf("waited %v", took)
				}
				if len(waits) != 2*test.waits || test.waits > 0 && (waits[0] < test.least || waits[1] != 0) {
					t.Errorf("OnWait heard %v", waits)
				}
			})
		})
	}
}

func TestToldWaitsUseUpNothing(t *testing.T) {
	var calls atomic.Int64
	handler := methods{methodHistory: func(w http.ResponseWriter, r *http.Request) {
		switch n := calls.Add(1); {
		case n%20 == 0 && n < 100:
			w.WriteHeader(500)
		case n < 100:
			status(429, "1800", "")(w, r)
		default:
			io.WriteString(w, emptyPage)
		}
	}}
	inBubble(t, handler, Options{GiveUpAfter: 10 * time.Minute}, func(t *testing.T, c *Client) {
		begin := time.Now()
		if err := history(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 95*30*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestToldWaitsThatAreTooLong(t *testing.T) {
	tests := []struct {
		name     string
		deadline time.Duration
	}{
		{"2h", 0},
		{"7200", 0},
		{"600", 5 * time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			after := strings.Replace(test.name, "2h", "7200", 1)
			inBubble(t, methods{methodHistory: status(429, after, "")}, Options{}, func(t *testing.T, c *Client) {
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				begin := time.Now()
				err := history(ctx, c)
				e := (*Error)(nil)
				if !errors.Is(err, ErrWait) || !errors.As(err, &e) || e.RetryAfter == 0 || !e.Temporary() {
					t.Fatalf("got %v", err)
				}
				if time.Since(begin) > time.Second {
					t.Errorf("took %v", time.Since(begin))
				}
				at := time.Now().Add(e.RetryAfter).UTC().Format(time.RFC3339)
				if !strings.Contains(err.Error(), "server asks to come back later, at "+at) {
					t.Errorf("text: %v", err)
				}
				before := c.Requests()
				if _, err := c.Threads(ctx, ListQuery{}); !errors.Is(err, ErrWait) || c.Requests() != before {
					t.Errorf("another call asked all the same: %v", err)
				}
			})
		})
	}
}

func TestAllCallsKeepAToldWait(t *testing.T) {
	var early atomic.Int64
	var until atomic.Int64
	handler := methods{methodHistory: func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Unix()
		switch end := until.Load(); {
		case end == 0:
			until.Store(now + 60)
			status(429, "60", "")(w, r)
		case now < end:
			early.Add(1)
			status(429, "60", "")(w, r)
		default:
			io.WriteString(w, emptyPage)
		}
	}}
	inBubble(t, handler, Options{}, func(t *testing.T, c *Client) {
		if err := c.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				if err := history(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if early.Load() > 0 {
			t.Errorf("%d requests came during the wait", early.Load())
		}
	})
}

func TestRetryUntilItWorks(t *testing.T) {
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"messages":[`)
	}
	reset := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	bad := []http.HandlerFunc{
		status(500, "", ""), status(502, "", "<html>"), status(503, "", ""), status(504, "", "<html>"), cut, reset,
		answers(""), answers("<html>"), answers(`{"messages":[`), answers(`{"error":"gw_error","error_details":"e_db","ok":false}`),
	}
	for i, first := range bad {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			inBubble(t, methods{methodHistory: inTurn(first, first, answers(emptyPage))}, Options{}, func(t *testing.T, c *Client) {
				if err := history(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				if c.Requests() != 4 { // and the login
					t.Errorf("%d requests", c.Requests())
				}
			})
		})
	}
}

func TestPermanentErrorReturnsAtOnce(t *testing.T) {
	c := newTestClient(t, methods{methodHistory: answers(`{"error":"gw_error","error_details":"e_rights","ok":false}`)})
	if err := history(t.Context(), c); err == nil || c.Requests() != 2 {
		t.Errorf("%v after %d requests", err, c.Requests())
	}
}

func TestOneFailingCallEndsWhileTheServerWorks(t *testing.T) {
	inBubble(t, methods{methodHistory: status(500, "", "")}, Options{}, func(t *testing.T, c *Client) {
		begin := time.Now()
		err := history(t.Context(), c)
		e := (*Error)(nil)
		if !errors.As(err, &e) || e.Status != 500 || errors.Is(err, ErrGaveUp) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("took %v", took)
		}
		if c.Requests() != 1+maxTries+1 { // login, tries, version
			t.Errorf("%d requests", c.Requests())
		}
	})
}

func TestOutage(t *testing.T) {
	var down atomic.Bool
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(502)
			return
		}
		methods{methodHistory: answers(emptyPage)}.ServeHTTP(w, r)
	})
	t.Run("that ends in time", func(t *testing.T) {
		inBubble(t, handler, Options{}, func(t *testing.T, c *Client) {
			down.Store(true)
			time.AfterFunc(9*time.Minute, func() { down.Store(false) })
			if err := history(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("that does not", func(t *testing.T) {
		inBubble(t, handler, Options{}, func(t *testing.T, c *Client) {
			down.Store(true)
			time.Sleep(time.Hour) // without a call, which is no outage
			begin := time.Now()
			err := history(t.Context(), c)
			e := (*Error)(nil)
			if !errors.Is(err, ErrGaveUp) || !errors.As(err, &e) || e.Status != 502 {
				t.Fatalf("got %v", err)
			}
			if took := time.Since(begin); took < 10*time.Minute || took > 11*time.Minute {
				t.Errorf("took %v", took)
			}
			before := c.Requests()
			if err := history(t.Context(), c); !errors.Is(err, ErrGaveUp) || c.Requests() != before+2 { // the call, version
				t.Errorf("a later call: %v after %d requests", err, c.Requests()-before)
			}
			down.Store(false)
			if err := history(t.Context(), c); err != nil {
				t.Errorf("when the server is back: %v", err)
			}
		})
	})
}

func TestDiffIsNotRepeated(t *testing.T) {
	c := newTestClient(t, methods{methodChannelsDiff: status(502, "", "")})
	if _, _, _, err := c.ChannelsDiff(t.Context()); err == nil || c.Requests() != 2 {
		t.Errorf("%v after %d requests", err, c.Requests())
	}
}

func TestCancelledCall(t *testing.T) {
	inBubble(t, methods{methodHistory: status(500, "", "")}, Options{}, func(t *testing.T, c *Client) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		if err := history(ctx, c); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	inBubble(t, methods{methodHistory: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}, Options{},
		func(t *testing.T, c *Client) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			e := (*Error)(nil)
			if err := history(ctx, c); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &e) {
				t.Errorf("got %v", err)
			}
		})
}

func TestSlowAnswers(t *testing.T) {
	drip := func(pause time.Duration, n int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"messages":[`)
			for range n {
				w.(http.Flusher).Flush()
				select {
				case <-time.After(pause):
				case <-r.Context().Done():
					return
				}
				io.WriteString(w, " ")
			}
			io.WriteString(w, `],"ok":true}`)
		}
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	tests := []struct {
		name   string
		handle http.HandlerFunc
		want   error
	}{
		{"drip that goes on", drip(50*time.Second, 10), nil},
		{"drip that takes too long", drip(50*time.Second, 20), errSlow},
		{"body that stops", drip(2*time.Minute, 1), errSilent},
		{"no answer", silent, errSilent},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, methods{methodHistory: test.handle}, Options{}, func(t *testing.T, c *Client) {
				if err := c.Login(t.Context()); err != nil {
					t.Fatal(err)
				}
				_, err := c.attempt(t.Context(), messagesRequest())
				if !errors.Is(err, test.want) {
					t.Fatalf("got %v", err)
				}
				if e := (*Error)(nil); errors.As(err, &e) && !e.Temporary() {
					t.Error("not temporary")
				}
			})
		})
	}
}
