package main

import (
	"maps"
	"slices"
	"testing"

	"archiver/internal/export"
	"archiver/internal/record"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// TestListingsKnowEveryList compares listings, also those that were kept and read again, with a set for every message.
func TestListingsKnowEveryList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, want := newListings(), map[string]map[record.TS][]int{"a": {}, "b": {}}
		for list := range rapid.IntRange(0, 6).Draw(t, "lists") {
			for _, channel := range []string{"a", "b"} {
				seconds := rapid.SliceOfNDistinct(rapid.Int64Range(0, 12), 0, 12, rapid.ID).Draw(t, "messages")
				slices.Sort(seconds)
				var messages picks
				for _, second := range seconds {
					ts := record.MakeTS(second, 7)
					reason := rapid.SampledFrom([]export.Reason{export.ReasonHit, export.ReasonContext}).Draw(t, "reason")
					messages = append(messages, pick(ts, reason))
					want[channel][ts] = append(want[channel][ts], list)
				}
				l.add(list, channel, messages)
			}
		}
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var read listings
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		for channel := range maps.Keys(want) {
			for second := range int64(13) {
				ts := record.MakeTS(second, 7)
				if got := l.of(channel, ts); !slices.Equal(got, want[channel][ts]) {
					t.Errorf("%s/%s: %v, want %v", channel, ts, got, want[channel][ts])
				}
				if got := read.of(channel, ts); !slices.Equal(got, want[channel][ts]) {
					t.Errorf("%s/%s, read again: %v, want %v", channel, ts, got, want[channel][ts])
				}
			}
		}
		if l.of("c", "1.000000") != nil || l.of("a", record.MakeTS(1, 8)) != nil {
			t.Error("a message that was never added is on a list")
		}
	})
}

func TestDamagedListingsAreAnError(t *testing.T) {
	for _, text := range []string{`[]`, `{"sets":[0]}`, `{"sets":[7,0]}`, `{"sets":[0,0],"channels":{"a":"gA=="}}`,
		`{"sets":[0,0],"channels":{"a":"AQ=="}}`, `{"sets":[0,0],"channels":{"a":"AQk="}}`} {
		var l listings
		if err := json.Unmarshal([]byte(text), &l); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
