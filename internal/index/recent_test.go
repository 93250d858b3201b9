package index

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestRecentHits(t *testing.T) {
	var r recent
	if r.get(1, "a") != nil {
		t.Error("something from nothing")
	}
	r.put(1, "a", &shown{text: "one"})
	if got := r.get(1, "a"); got == nil || got.text != "one" {
		t.Errorf("got %v", got)
	}
	if r.get(2, "a") != nil {
		t.Error("what the archive had before")
	}
	r.put(2, "b", &shown{text: "two"})
	if r.get(2, "a") != nil || r.get(2, "b") == nil {
		t.Error("another change does not begin anew")
	}
	r.put(2, "long", &shown{text: strings.Repeat("x", recentBytes)})
	if r.get(2, "long") != nil {
		t.Error("a text as large as all that may be kept")
	}
	for i := range 3 * recentBytes / shownBytes {
		r.put(2, fmt.Sprint(i), &shown{})
		if r.get(2, "b") == nil {
			t.Fatalf("what is asked for again and again is gone after %d others", i)
		}
	}
	if n := len(r.young) + len(r.old); n > recentBytes/shownBytes+2 {
		t.Errorf("%d are kept", n)
	}
}

// TestSearchesSideBySide has several goroutines fill what an index keeps in memory at once.
func TestSearchesSideBySide(t *testing.T) {
	a, ix := company(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for _, query := range []string{"ha OR hello", "turn*", "", "-hello"} {
				for _, sort := range []string{byScore, newest, oldest} {
					find(t, ix, a, query, Request{Sort: sort, Limit: 3})
				}
			}
		})
	}
	all.Wait()
}
