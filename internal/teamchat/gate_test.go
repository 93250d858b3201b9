package teamchat

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"

	"golang.org/x/sync/errgroup"
)

func TestFewerRequestsAtOnceWhenTheServerIsOverloaded(t *testing.T) {
	server := teamchattest.Start(t, teamchattest.NewWorld(teamchattest.WorldOptions{}), teamchattest.ServerOptions{})
	o := testOptions(Options{Connections: 8, URL: server.URL})
	o.Password = func(context.Context) (string, error) { return "secret", nil }
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	call := func(want int) {
		t.Helper()
		if _, err := c.Version(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := c.gate.bound(); got != want {
			t.Fatalf("%d requests at once, want %d", got, want)
		}
	}
	call(8)
	for _, test := range []struct {
		fault teamchattest.Fault
		want  int
	}{
		{teamchattest.Fault{Status: 429, RetryAfter: "0.001"}, 4},
		{teamchattest.Fault{Status: 500}, 4},
		{teamchattest.Fault{Status: 503}, 2},
		{teamchattest.Fault{Error: "ratelimited"}, 1},
		{teamchattest.Fault{Status: 429}, 1},
	} {
		server.Fault(test.fault)
		call(test.want)
	}
	for n := 1; n < 8*stretch; n++ { // the last call was a success
		call(min(1+(n+1)/stretch, 8))
	}
}

func TestRequestsAtOnceStayWithinTheBound(t *testing.T) {
	var now, most atomic.Int64
	handler := methods{methodHistory: inTurn(status(429, "1", ""), func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(100 * time.Millisecond)
		io.WriteString(w, emptyPage)
	})}
	inBubble(t, handler, Options{Connections: 8}, func(t *testing.T, c *Client) {
		if err := history(t.Context(), c); err != nil { // alone, so that nothing else is under way at the 429
			t.Fatal(err)
		}
		for _, want := range []int64{4, 5} {
			var group errgroup.Group
			for range stretch {
				group.Go(func() error { return history(t.Context(), c) })
			}
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			if got := most.Load(); got != want {
				t.Errorf("%d requests at once, want %d", got, want)
			}
		}
	})
}

func TestFewerRequestsAtOnceWhenTheServerBecomesSlow(t *testing.T) {
	var mu sync.Mutex
	delay := time.Duration(0)
	handler := methods{methodHistory: func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		d := delay
		mu.Unlock()
		time.Sleep(d)
		io.WriteString(w, emptyPage)
	}}
	tests := []struct {
		name          string
		before, after time.Duration
		least, most   int // requests at once
	}{
		{"as it always was", 2 * time.Second, 2 * time.Second, 8, 8},
		{"much slower", 100 * time.Millisecond, 2 * time.Second, 1, 4},
		{"slower, but fast", time.Millisecond, 400 * time.Millisecond, 8, 8},
		{"a little slower", time.Second, 2 * time.Second, 8, 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, handler, Options{Connections: 8}, func(t *testing.T, c *Client) {
				calls := func(d time.Duration, n int) {
					mu.Lock()
					delay = d
					mu.Unlock()
					for range n {
						if err := history(t.Context(), c); err != nil {
							t.Fatal(err)
						}
					}
				}
				calls(test.before, 30)
				calls(test.after, 6)
				if got := c.gate.bound(); got < test.least || got > test.most {
					t.Errorf("%d requests at once", got)
				}
				calls(test.before, 9*stretch)
				if got := c.gate.bound(); got != 8 {
					t.Errorf("%d requests at once in the end", got)
				}
			})
		})
	}
}
