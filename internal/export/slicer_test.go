package export

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// collector keeps the slices that it is given.
type collector struct{ slices []*slice }

func (c *collector) slice(s *slice) error { kept := *s; c.slices = append(c.slices, &kept); return nil }
func (c *collector) close() error         { return nil }

// slicesOf cuts a source's messages as an export would.
func slicesOf(t testing.TB, src Source, unit Unit, zone string) []*slice {
	t.Helper()
	f, err := newFrame(t.Context(), Selection{Zone: zone}, src)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBundle(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.discard()
	f.bundle, f.progress, f.rendering.Slice = b, func() {}, unit
	if f.contents, err = newContents(t.Context(), src, b); err != nil {
		t.Fatal(err)
	}
	got := &collector{}
	s, err := newSlicer(t.Context(), f, []sliceSink{got})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.walk(t.Context(), []sink{f.tally, f.contents, s}); err != nil {
		t.Fatal(err)
	}
	return got.slices
}

// shape shows slices in a line each.
func shape(list []*slice) []string {
	var lines []string
	for _, s := range list {
		line := fmt.Sprintf("%s %d/%d", s.title, s.part, s.parts)
		for _, p := range s.parents {
			line += " <" + string(p.TS) + ">"
		}
		for _, item := range s.items {
			line += " " + string(item.TS)
		}
		lines = append(lines, line)
	}
	return lines
}

// posts is a source of one channel with plain messages at the given times; a second ts makes a comment on it.
func posts(pairs ...[2]record.TS) *source {
	s := small()
	s.channels, s.items, s.files = s.channels[:1], nil, map[string][]*record.File{}
	for _, p := range pairs {
		s.items = append(s.items, message("chan-a", p[0], p[1], `{"user":"ann@x","text":"hi"}`))
	}
	return s
}

func at(t *testing.T, moment string) record.TS {
	t.Helper()
	when, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		t.Fatal(err)
	}
	return record.MakeTS(when.Unix(), 0)
}

func TestSliceUnits(t *testing.T) {
	a, b := at(t, "2024-01-14T22:59:59Z"), at(t, "2024-01-14T23:00:00Z") // two days in Prague
	c, d := at(t, "2024-01-31T22:59:59Z"), at(t, "2024-01-31T23:30:00Z") // two months there
	src := posts([2]record.TS{a}, [2]record.TS{b, a}, [2]record.TS{c}, [2]record.TS{d, b})
	for unit, want := range map[Unit][]string{
		UnitDay: {
			fmt.Sprintf("2024-01-14 1/1 %s", a), fmt.Sprintf("2024-01-15 1/1 <%s> %s", a, b),
			fmt.Sprintf("2024-01-31 1/1 %s", c), fmt.Sprintf("2024-02-01 1/1 <%s> %s", b, d),
		},
		Unit12h: {
			fmt.Sprintf("2024-01-14 from 12:00 1/1 %s", a), fmt.Sprintf("2024-01-15 from 0:00 1/1 <%s> %s", a, b),
			fmt.Sprintf("2024-01-31 from 12:00 1/1 %s", c), fmt.Sprintf("2024-02-01 from 0:00 1/1 <%s> %s", b, d),
		},
		Unit8h: {
			fmt.Sprintf("2024-01-14 from 16:00 1/1 %s", a), fmt.Sprintf("2024-01-15 from 0:00 1/1 <%s> %s", a, b),
			fmt.Sprintf("2024-01-31 from 16:00 1/1 %s", c), fmt.Sprintf("2024-02-01 from 0:00 1/1 <%s> %s", b, d),
		},
		UnitWeek: {
			fmt.Sprintf("2024-W02 1/1 %s", a), fmt.Sprintf("2024-W03 1/1 <%s> %s", a, b),
			fmt.Sprintf("2024-W05 1/1 <%s> %s %s", b, c, d),
		},
		UnitMonth: {fmt.Sprintf("2024-01 1/1 %s %s %s", a, b, c), fmt.Sprintf("2024-02 1/1 <%s> %s", b, d)},
		UnitWhole: {fmt.Sprintf("everything 1/1 %s %s %s %s", a, b, c, d)},
		UnitThread: {
			fmt.Sprintf("thread %s 1/1 %s %s", a, a, b), fmt.Sprintf("2024-01-31 1/1 %s", c),
			fmt.Sprintf("thread %s 1/1 <%s> %s", b, b, d),
		},
	} {
		if diff := cmp.Diff(want, shape(slicesOf(t, src, unit, "Europe/Prague"))); diff != "" {
			t.Errorf("%s: %s", unit, diff)
		}
	}
}

func TestSliceWindowsFollowTheClocks(t *testing.T) {
	for day, hours := range map[string]float64{"2024-03-31": 23, "2024-10-27": 25, "2024-05-05": 24} {
		s := slicesOf(t, posts([2]record.TS{at(t, day+"T12:00:00Z")}), UnitDay, "Europe/Prague")[0]
		if got := s.end.Sub(s.begin).Hours(); got != hours || s.title != day {
			t.Errorf("%s: %s of %v hours, want %v", day, s.title, got, hours)
		}
	}
	// On 2018-11-04 clocks in São Paulo went from 0:00 to 1:00.
	s := slicesOf(t, posts([2]record.TS{at(t, "2018-11-04T03:00:00Z")}), UnitDay, "America/Sao_Paulo")[0]
	if got := s.begin.Format(time.RFC3339); got != "2018-11-04T01:00:00-02:00" || s.end.Sub(s.begin) != 23*time.Hour {
		t.Errorf("from %s to %s", got, s.end)
	}
}

func TestDayOfTooManyMessagesBecomesParts(t *testing.T) {
	src := posts()
	start := at(t, "2024-01-15T10:00:00Z").Second()
	for i := range maxSliceEvents + 1 {
		src.items = append(src.items, message("chan-a", record.MakeTS(start, i), "", `{"user":"ann@x","text":"hi"}`))
	}
	src.items = append(src.items, message("chan-a", record.MakeTS(start+1, 0), record.MakeTS(start, 0), `{"user":"bob@x","text":"late"}`))
	got := slicesOf(t, src, UnitDay, "UTC")
	if len(got) != 2 || len(got[0].items) != maxSliceEvents || len(got[1].items) != 2 || len(got[1].parents) != 1 {
		t.Fatalf("%d slices", len(got))
	}
	if got[1].name != got[0].name+"_p02" || got[0].next != got[1].name || got[1].previous != got[0].name || got[1].parts != 2 {
		t.Errorf("names %s, %s", got[0].name, got[1].name)
	}
	if !got[0].end.Equal(got[1].begin) || got[1].end.Sub(got[0].begin) != 24*time.Hour {
		t.Errorf("windows to %s, from %s", got[0].end, got[1].begin)
	}
}

func TestRootThatIsLaterThanItsCommentIsNoParentFromElsewhere(t *testing.T) {
	a, b := at(t, "2024-01-15T10:00:00Z"), at(t, "2024-01-15T11:00:00Z")
	got := shape(slicesOf(t, posts([2]record.TS{a, b}, [2]record.TS{b}), UnitDay, "UTC"))
	if diff := cmp.Diff([]string{fmt.Sprintf("2024-01-15 1/1 %s %s", a, b)}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryMessageIsInOneSlice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		src := posts()
		var roots []record.TS
		ts := int64(1_700_000_000)
		for range rapid.IntRange(0, 40).Draw(rt, "messages") {
			ts += rapid.Int64Range(1, 200_000).Draw(rt, "gap")
			item := message("chan-a", record.MakeTS(ts, 0), "", `{"user":"ann@x","text":"hi"}`)
			if len(roots) > 0 && rapid.Bool().Draw(rt, "comment") {
				item.Thread = rapid.SampledFrom(roots).Draw(rt, "root")
			} else {
				roots = append(roots, item.TS)
			}
			src.items = append(src.items, item)
		}
		unit := rapid.SampledFrom(Units()).Draw(rt, "unit")
		zone := rapid.SampledFrom([]string{"UTC", "Europe/Prague", "Asia/Kathmandu", "America/St_Johns"}).Draw(rt, "zone")
		var got, names []string
		for _, s := range slicesOf(t, src, unit, zone) {
			names = append(names, s.name)
			for _, item := range s.items {
				got = append(got, string(item.TS))
				if when := item.TS.Time(); !s.begin.IsZero() && (when.Before(s.begin) || !when.Before(s.end)) {
					rt.Errorf("%s: %s is not in its window", s.name, item.TS)
				}
				hasRoot := func(i Item) bool { return i.TS == item.Thread }
				if item.Thread != "" && !slices.ContainsFunc(s.items, hasRoot) && !slices.ContainsFunc(s.parents, hasRoot) {
					rt.Errorf("%s: %s has no parent", s.name, item.TS)
				}
			}
		}
		slices.Sort(got)
		var want []string
		for _, item := range src.items {
			want = append(want, string(item.TS))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Error(diff)
		}
		slices.Sort(names)
		if len(slices.Compact(names)) < len(names) {
			rt.Errorf("names are not unique")
		}
	})
}

func TestChannelFolder(t *testing.T) {
	for name, want := range map[string]string{
		"general": "general", "Žlutý kůň!": "zluty-kun", "../../etc": "etc", "日本": "channel", "a  --  b": "a-b",
		"nul": "nul",
	} {
		if got := slug(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if channelFolder(&record.Channel{ID: "aB"}) == channelFolder(&record.Channel{ID: "Ab"}) {
		t.Error("ids that differ in case have one folder")
	}
}

// Periods are those of the calendar whatever came before, also where clocks go back over midnight, as they did in
// St. John's until 2011.
func TestWindowsHoldWhatTheCalendarSays(t *testing.T) {
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"America/St_Johns", "Africa/Casablanca", "Pacific/Apia", "Europe/Prague"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	changes := []int64{
		time.Date(2010, 11, 7, 2, 31, 0, 0, time.UTC).Unix(), time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC).Unix(),
		time.Date(2014, 6, 28, 2, 0, 0, 0, time.UTC).Unix(), time.Date(2014, 10, 26, 1, 0, 0, 0, time.UTC).Unix(),
	}
	seconds := rapid.OneOf(rapid.Int64Range(-60, 60), rapid.Int64Range(-4000, 4000), rapid.Int64Range(-200_000, 200_000))
	rapid.Check(t, func(rt *rapid.T) {
		zone, unit := rapid.SampledFrom(zones).Draw(rt, "zone"), rapid.SampledFrom(Units()).Draw(rt, "unit")
		near := rapid.SampledFrom(changes).Draw(rt, "near")
		s := slicer{frame: &frame{zone: zone, rendering: Rendering{Slice: unit}}, plans: map[string]*channelPlan{}}
		for _, after := range rapid.SliceOfN(seconds, 2, 40).Draw(rt, "seconds") {
			item := Item{Message: &record.Message{Channel: "c", TS: record.MakeTS(near+after, 0)}}
			want := unit.period(item, zone, nil)
			if got := s.period(item); got.key != want.key || !got.begin.Equal(want.begin) || !got.end.Equal(want.end) {
				rt.Fatalf("%s: %+v, want %+v", item.TS, got, want)
			}
		}
	})
}
