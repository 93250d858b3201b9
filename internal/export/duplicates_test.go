package export

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDuplicatesAreNamed(t *testing.T) {
	src := searched(small(), "h")
	sel := smallSelection
	sel.DuplicatesOf = []string{"EXP-2025-000001", "EXP-2025-000002"}
	src.earlier = map[record.TS]*Earlier{
		"1500000000.000001": {Export: "EXP-2025-000001", Slice: "s", Number: "TC00000007", Of: 2},
		"1500000001.000000": {Export: "EXP-2025-000001", Older: true, Of: 1},
	}
	dir, s := exportTo(t, sel, src, "ndjson")
	if want := (&DuplicateCounts{Exports: sel.DuplicatesOf, Messages: 1, Older: 1}); !cmp.Equal(s.Duplicates, want) {
		t.Errorf("counted %+v, want %+v", s.Duplicates, want)
	}
	rows := linesOf(strings.ReplaceAll(tree(t, dir)["data/reports/duplicates.csv"], "\r\n", "\n"))
	want := []string{
		"\ufeffstatus,channel_id,channel_name,item_id,thread_id,sent_utc,author_id,sha256,earlier_export,earlier_state,earlier_slice,earlier_number,earlier_exports",
		"exported,chan-a,general,1500000000.000001,,2017-07-14T02:40:00Z,ann@x,SUM,EXP-2025-000001,same,s,TC00000007,2",
		"exported,chan-a,general,1500000001.000000,1500000000.000001,2017-07-14T02:40:01Z,bob@x,SUM,EXP-2025-000001,older,,,1",
	}
	for i := range rows {
		if cells := strings.Split(rows[i], ","); i > 0 {
			rows[i] = strings.Replace(rows[i], cells[7], "SUM", 1)
		}
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsLeftOutIsStatedEverywhere(t *testing.T) {
	src := searched(small(), "h")
	src.leftOut = []Item{src.items[0], src.items[3]} // all of chan-c
	src.items = src.items[1:3]
	src.earlier = map[record.TS]*Earlier{}
	for _, item := range src.leftOut {
		src.earlier[item.TS] = &Earlier{Export: "EXP-2025-000001", Of: 1}
	}
	sel := smallSelection
	sel.DuplicatesOf, sel.ExcludeDuplicates = []string{"EXP-2025-000001"}, true
	dir, s := exportTo(t, sel, &holding{source: src, held: small()}, "ndjson")
	preview, err := Preview(t.Context(), Options{}, sel, src)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*DuplicateCounts{s.Duplicates, preview.Duplicates} {
		if want := (&DuplicateCounts{Exports: sel.DuplicatesOf, LeftOut: 2}); !cmp.Equal(d, want) {
			t.Errorf("counted %+v, want %+v", d, want)
		}
	}
	files := tree(t, dir)
	for name, want := range map[string]string{
		"data/reports/duplicates.csv":     "left out,chan-c,",
		"data/reports/items.csv":          `duplicate,"left out, as EXP-2025-000001 has it",message,chan-a,general,1500000000.000001`,
		"data/reports/summary.csv":        "left_out_as_in_earlier_exports,2\r\n",
		"data/reports/statistics.csv":     "term,h,all,,,1000,2000,10,0,0,0,0,0,0,1\r\n",
		"data/reports/reconciliation.csv": "present,1,0,1,0,0,0,0,0,0,0,0,1,0,all that earlier exports do not hold is exported\r\n",
		"data/custody/custody.json":       `"left_out": 2`,
		"data/custody/custody.html":       "2 are left out because they are in them",
		"data/README.txt":                 "2 more were selected and are left out",
		"data/reports/settings.json":      `"exclude_duplicates": true`,
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not have %q:\n%s", name, want, files[name])
		}
	}
	if strings.Contains(files["data/ndjson/messages.ndjson"], "hello") {
		t.Error("what is left out is there")
	}
}

// holding is a source that holds more than it selects.
type holding struct {
	*source
	held *source
}

func (c *holding) Held(ctx context.Context, channel string) (Held, error) {
	return c.held.Held(ctx, channel)
}

// TestDocumentsAreFoundAgain: what the ledger keeps of an export tells for every message the slice that it was in.
func TestDocumentsAreFoundAgain(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		src := randomChat(r)
		unit := rapid.SampledFrom(Units()).Draw(r, "unit")
		l := Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")}
		id, err := l.Begin(Made{Started: testTime}, nil)
		if err != nil {
			r.Fatal(err)
		}
		keeper := newDocumentKeeper()
		cut := slicesOf(t, src, unit, smallSelection.Zone)
		for _, s := range cut {
			s.number = "N" + s.name
			if err := keeper.slice(s); err != nil {
				r.Fatal(err)
			}
		}
		kept := (&frame{kept: keeper}).documents()
		if err := l.Keep(id, kept); err != nil {
			r.Fatal(err)
		}
		zone, err := time.LoadLocation(smallSelection.Zone)
		if err != nil {
			r.Fatal(err)
		}
		for _, s := range cut {
			found, err := l.Documents(id, s.channel.ID)
			if err != nil {
				r.Fatal(err)
			}
			for _, item := range s.items {
				if d := found.Of(item, unit, zone); d.Name != s.name || d.Number != "N"+s.name {
					r.Errorf("%s by %s: in %q, want %q", item.TS, unit, d.Name, s.name)
				}
			}
		}
	})
}

func TestKeyOfDocumentName(t *testing.T) {
	c := &record.Channel{ID: "chan-a", Name: "a_p02 2024"}
	for _, key := range []string{"2024-01-15", "2024-01-15_12h", "2024-W03", "2024-01", "all", "thread_1516195206-000463"} {
		for _, part := range []string{"", "_p02", "_p103"} {
			if got := keyOf(c.ID, channelFolder(c)+"_"+key+part); got != key {
				t.Errorf("%s, part %q: %s", key, part, got)
			}
		}
	}
	if got := keyOf("chan-b", channelFolder(c)+"_all"); got != "" {
		t.Errorf("of another channel: %s", got)
	}
}

func TestNoDocumentsWithoutSlices(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")}
	for range 2 {
		found, err := l.Documents("EXP-2026-000001", "chan-a")
		if err != nil || found.Of(small().items[0], UnitDay, time.UTC) != (Document{}) {
			t.Errorf("%v, %v", found, err)
		}
		if _, err := l.Begin(Made{Started: testTime}, nil); err != nil {
			t.Fatal(err)
		}
		if err := l.Keep("EXP-2026-000001", map[string][]Document{"chan-b": {{Name: "b"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Documents("EXP-2026-000001", "chan-b"); !errors.Is(err, ErrLedgerDamaged) {
		t.Errorf("a name that is none: %v", err)
	}
}
