package storage

import (
	"testing"
	"time"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
)

func TestAuditsFollowWhatWasRead(t *testing.T) {
	type read struct {
		from, to record.TS
		after    time.Duration
	}
	day := 24 * time.Hour
	tests := []struct {
		name  string
		reads []read
		want  []Audit // At as time after testTime
		at    time.Duration
	}{
		{"first reads of one hour are one", []read{{"", "b", 0}, {"b", "d", time.Minute}}, []Audit{{"", "d", testTime}}, 0},
		{"what is apart stays apart", []read{{"", "b", 0}, {"c", "d", 0}}, []Audit{{"", "b", testTime}, {"c", "d", testTime}}, -1},
		{"not renewed within half a day", []read{{"", "d", 0}, {"b", "c", day/2 - 1}}, []Audit{{"", "d", testTime}}, 0},
		{"later reads cut", []read{{"", "d", 0}, {"b", "c", day}},
			[]Audit{{"", "b", testTime}, {"b", "c", testTime.Add(day)}, {"c", "d", testTime}}, 0},
		{"later reads go beyond", []read{{"", "b", 0}, {"a", "d", day}}, []Audit{{"", "a", testTime}, {"a", "d", testTime.Add(day)}}, 0},
		{"all read again", []read{{"", "b", 0}, {"b", "d", day / 4}, {"", "d", day}}, []Audit{{"", "d", testTime.Add(day)}}, day},
		{"an old page that comes late", []read{{"", "d", day}, {"", "d", 0}}, []Audit{{"", "d", testTime.Add(day)}}, day},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newArchive(t)
			for _, r := range test.reads {
				i := []record.Interval{{From: r.from, To: r.to}}
				put(t, a, Page{Channel: "c", Observed: testTime.Add(r.after), Audited: i})
			}
			put(t, a, Page{Channel: "c", Proven: []record.Interval{{To: "d"}}})
			c, err := a.Coverage(t.Context(), "c")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, c.Audits); diff != "" {
				t.Errorf("audits (-want +got):\n%s", diff)
			}
			var want time.Time
			if test.at >= 0 {
				want = testTime.Add(test.at)
			}
			if got := c.Audited(); !got.Equal(want) {
				t.Errorf("audited %v, want %v", got, want)
			}
		})
	}
}

func TestMarksOfMissingMessages(t *testing.T) {
	a := newArchive(t)
	mark := Missing{TS: ts(1), LastSeen: testTime, FirstMissing: testTime.Add(time.Hour), Rights: "r"}
	marks := func() []Missing {
		t.Helper()
		m, err := a.Missing(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return m["c"]
	}
	steps := []struct {
		name string
		page Page
		want []Missing
	}{
		{"of what is not there", Page{Missing: []Missing{mark}}, nil},
		{"set", Page{Messages: messages(0, 4), Missing: []Missing{mark}}, []Missing{mark}},
		{"set again", Page{Missing: []Missing{{TS: mark.TS, FirstMissing: testTime.Add(2 * time.Hour), Rights: "r"}}}, []Missing{mark}},
		{"other rights", Page{Missing: []Missing{{TS: mark.TS, Rights: "s"}}}, []Missing{{TS: mark.TS, Rights: "s"}}},
		{"seen again", Page{Messages: messages(1, 2)}, nil},
		{"of two", Page{Missing: []Missing{mark, {TS: ts(3), Thread: ts(1)}}}, []Missing{mark, {TS: ts(3), Thread: ts(1)}}},
		{"deleted", Page{
			Threads: []Thread{{TS: ts(1), Count: 1}}, Owe: []Debt{{Channel: "c", Kind: DebtThread, Key: string(ts(1))}},
		}, []Missing{mark, {TS: ts(3), Thread: ts(1)}}},
		{"deleted", Page{Deleted: []Deleted{{TS: ts(1)}}}, []Missing{{TS: ts(3), Thread: ts(1)}}},
		{"of what is deleted", Page{Missing: []Missing{mark}}, []Missing{{TS: ts(3), Thread: ts(1)}}},
	}
	for _, step := range steps {
		step.page.Channel = "c"
		put(t, a, step.page)
		if diff := cmp.Diff(step.want, marks()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	threads, err := a.Threads(t.Context(), "c")
	if err != nil || len(threads) > 0 {
		t.Errorf("the thread of a deleted message is still registered: %v, %v", threads, err)
	}
	if debts, err := a.Debts(t.Context(), "c"); err != nil || len(debts) > 0 {
		t.Errorf("the thread of a deleted message is still owed: %v, %v", debts, err)
	}
}

func TestEstimateOfARange(t *testing.T) {
	a := newArchive(t)
	put(t, a, Page{Channel: "c", Messages: messages(0, 6000)})
	put(t, a, Page{Channel: "c", Messages: messages(6000, 6100)})
	for _, test := range []struct{ from, to, least, most int }{{0, 6100, 6100, 6100}, {1000, 3000, 1500, 2500}, {7000, 8000, 0, 0}} {
		n, err := a.Estimate(t.Context(), "c", Range{From: ts(test.from), To: ts(test.to)})
		if err != nil || n < test.least || n > test.most {
			t.Errorf("%d to %d: %d, %v", test.from, test.to, n, err)
		}
	}
	held := 0
	for h, err := range a.Held(t.Context(), "c", Range{From: ts(10), To: ts(19)}) {
		if err != nil || h.TS != ts(10+held) || h.Deleted || !h.Observed.Equal(testTime) {
			t.Errorf("%+v, %v", h, err)
		}
		held++
	}
	if held != 10 {
		t.Errorf("%d messages", held)
	}
}
