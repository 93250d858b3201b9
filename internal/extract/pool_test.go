package extract

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// newPool makes a pool whose workers are this test program.
func newPool(t testing.TB, kind string, l Limits) *Pool {
	t.Helper()
	t.Setenv(workerVariable, kind)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := NewPool(PoolOptions{Command: []string{exe}, Limits: l, Cache: pdfCache(t), Workers: 2})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestPoolReadsLikeAnExtractor(t *testing.T) {
	dir, all := samples(t)
	p, x := newPool(t, "serve", DefaultLimits()), newExtractor(t, DefaultLimits())
	var wait sync.WaitGroup
	for i, s := range all {
		if i%4 > 0 {
			continue
		}
		want, _ := x.Extract(t.Context(), s.Path, s.read(t, dir))
		data := s.read(t, dir)
		wait.Go(func() {
			got, err := p.Extract(t.Context(), s.Path, data)
			if err != nil || got != want {
				t.Errorf("%s: %v, %s %q, %d bytes of text; in this process %s %q, %d", s.Path, err, got.Status, got.Reason, len(got.Text),
					want.Status, want.Reason, len(want.Text))
			}
		})
	}
	wait.Wait()
	if p.mu.Lock(); len(p.idle) > 2 {
		t.Errorf("%d processes", len(p.idle))
	}
	p.mu.Unlock()
}

func TestPoolSurvivesItsWorkers(t *testing.T) {
	short := DefaultLimits()
	short.Time = 100*time.Millisecond - grace
	for _, test := range []struct{ kind, reason string }{
		{"hang later", "longer than the limit"},
		{"crash", "panic: of this test"},
		{"eat", "out of memory"},
		{"babble", "crashed"},
	} {
		t.Run(test.kind, func(t *testing.T) {
			limits := DefaultLimits()
			if strings.HasPrefix(test.kind, "hang") {
				limits = short
			}
			if test.kind == "eat" && runtime.GOOS != "linux" {
				t.Skip("memory is not bounded here")
			}
			p := newPool(t, test.kind, limits)
			r, err := p.Extract(t.Context(), "a.txt", []byte("text"))
			if err != nil || r.Status != Failed || !strings.Contains(r.Reason, test.reason) {
				t.Errorf("%v, %+v; want failed, %q", err, r, test.reason)
			}
			t.Setenv(workerVariable, "serve")
			limits.Time = time.Minute
			p.options.Limits = limits
			if r, err = p.Extract(t.Context(), "a.txt", []byte("text")); err != nil || r.Text != "text" {
				t.Errorf("the next file: %v, %+v", err, r)
			}
		})
	}
}

// A file that the worker of earlier files dies of is read again by a fresh one.
func TestPoolTriesAgainWithAFreshWorker(t *testing.T) {
	p := newPool(t, "serve", DefaultLimits())
	if _, err := p.Extract(t.Context(), "a.txt", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := p.idle[0].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r, err := p.Extract(t.Context(), "b.txt", []byte("two"))
	if err != nil || r.Text != "two" {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestPoolEndsWithItsContext(t *testing.T) {
	p := newPool(t, "hang", DefaultLimits())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := p.Extract(ctx, "a.txt", []byte("text")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestPoolWithoutProgram(t *testing.T) {
	p := NewPool(PoolOptions{Command: []string{"/no/such/program"}, Limits: DefaultLimits()})
	if _, err := p.Extract(t.Context(), "a.txt", []byte("text")); err == nil {
		t.Error("no error")
	}
}
