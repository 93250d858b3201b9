package index

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"archiver/internal/record"
)

func TestMatchOrdersWithLittleMemory(t *testing.T) {
	a := newArchive(t)
	r := rand.New(rand.NewPCG(9, 9))
	for round := range 6 {
		churn(t, a, r, round)
	}
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	var want []string
	if err := ix.Match(t.Context(), a, Request{IncludeVersions: true}, func(channel string, ts record.TS) error {
		want = append(want, channel+"/"+string(ts))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(want) || len(slices.Compact(slices.Clone(want))) != len(want) || len(want) < 100 {
		t.Fatalf("not in order, or not each once: %s", strings.Join(want, " "))
	}
	for _, limit := range []int{1, 10, 60, len(want) * 3} {
		var got []string
		err := ix.session(t.Context(), a, Request{Sort: oldest, IncludeVersions: true}, func(s *session) error {
			return newMatcher(s, limit, func(channel string, ts record.TS) error {
				got = append(got, channel+"/"+string(ts))
				return nil
			}).all()
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("sorting %d at once: %d messages, want %d; %v", limit, len(got), len(want), err)
		}
	}
}
