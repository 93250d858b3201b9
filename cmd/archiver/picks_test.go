package main

import (
	"slices"
	"testing"

	"archiver/internal/export"
	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestPicksKeepTheirOrderAndReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reasons := map[record.TS]export.Reason{}
		var list picks
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			ts := record.MakeTS(rapid.Int64Range(0, 9_999_999_999).Draw(t, "second"), rapid.IntRange(0, 999_999).Draw(t, "counter"))
			reason := rapid.SampledFrom([]export.Reason{export.ReasonHit, export.ReasonContext}).Draw(t, "reason")
			if _, known := reasons[ts]; known {
				continue
			}
			reasons[ts] = reason
			list = append(list, pick(ts, reason))
		}
		slices.Sort(list)
		last := record.TS("")
		for _, p := range list {
			ts, reason := unpick(p)
			if found, ok := list.find(ts); !ok || found != reason || reason != reasons[ts] || ts <= last {
				t.Errorf("%s after %s: %s, want %s", ts, last, reason, reasons[ts])
			}
			last = ts
		}
		if _, ok := list.find("1234567890.123456"); ok && reasons["1234567890.123456"] == "" {
			t.Error("found what was not picked")
		}
	})
}

func TestMergeKeepsHits(t *testing.T) {
	a, b := record.MakeTS(1, 0), record.MakeTS(2, 0)
	got := merge(picks{pick(a, export.ReasonHit)}, picks{pick(a, export.ReasonContext), pick(b, export.ReasonContext)})
	if !slices.Equal(got, picks{pick(a, export.ReasonHit), pick(b, export.ReasonContext)}) {
		t.Error(got)
	}
}

// TestFrozenSelectionsThaw keeps what a query found, as the ledger does.
func TestFrozenSelectionsThaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := &source{
			picked: drawPicks(t, "picked"), leftOut: drawPicks(t, "left out"), notes: []export.Note{{Where: "a", What: "b"}},
			terms: []export.TermList{{Kind: export.KindTerm, Terms: []export.FoundBy{{Term: "x", All: export.Found{Found: 3, Unique: 1}}}}},
			hits:  newListings(),
		}
		from.hits.add(0, "a", picks{pick("12.000000", export.ReasonHit)})
		kept, err := from.frozen()
		if err != nil {
			t.Fatal(err)
		}
		to := &source{}
		all := []cmp.Option{cmp.AllowUnexported(source{}, listings{}, listing{}, listed{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(source{}, "archive", "zone", "marks")}
		if err := to.thaw(kept); err != nil || (from.picked == nil) != (to.picked == nil) || !cmp.Equal(to, from, all...) {
			t.Fatalf("%v: %s", err, cmp.Diff(from, to, all...))
		}
	})
	for _, text := range []string{"", "[]", `{"picked":{"a":"gA=="}}`, `{"left_out":{"a":"gA=="}}`, `{"hits":{"sets":[1]}}`} {
		if err := (&source{}).thaw([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// drawPicks draws picks of some channels, or none.
func drawPicks(t *rapid.T, name string) map[string]picks {
	if !rapid.Bool().Draw(t, "any "+name) {
		return nil
	}
	drawn := map[string]picks{}
	for range rapid.IntRange(0, 3).Draw(t, "channels") {
		list := rapid.SliceOfNDistinct(rapid.Uint64(), 1, 50, rapid.ID).Draw(t, name)
		slices.Sort(list)
		drawn[rapid.StringN(1, 10, -1).Draw(t, "channel")] = list
	}
	return drawn
}
