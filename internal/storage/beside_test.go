package storage

import (
	"fmt"
	"testing"
	"time"

	"archiver/internal/record"
)

func TestPinsEventsAndConferencesComeBack(t *testing.T) {
	a := newArchive(t)
	event := record.EventState{Channel: "c", ID: "e", Title: "Meal", State: record.EventPresent, VCalendar: "V", Raw: []byte(`{}`)}
	other := event
	other.Channel, other.ID = "c/d", "f"
	page := Page{
		Channel: "c", Messages: messages(0, 3), Due: testTime.Add(time.Hour),
		Pins: []Pin{
			{TS: ts(1), Pin: record.Pin{Pinned: true, User: "ann", Raw: []byte(`{"user":"ann"}`)}},
			{TS: ts(2)}, {TS: ts(9), Pin: record.Pin{Pinned: true}},
		},
		Events:      []record.EventState{event, other},
		Conferences: []record.ConferenceState{{ID: "58", Title: "Review", Raw: []byte(`{}`)}},
	}
	if got := put(t, a, page); got.Entries != 7 || got.Annotations != 1 || got.Messages != 3 {
		t.Errorf("counts %+v", got)
	}
	before := fileState(t, a)
	if got := put(t, a, page); got != (Counts{}) || fileState(t, a) != before {
		t.Errorf("putting again wrote something: %+v", got)
	}
	for h, err := range a.Held(t.Context(), "c", Range{}) {
		if err != nil || h.Pinned != (h.TS == ts(1)) || h.Observed.IsZero() {
			t.Errorf("held %+v, %v", h, err)
		}
	}
	var story string
	for e, err := range a.Events(t.Context(), "c", 0) {
		story += fmt.Sprint(e.ID, err)
	}
	for c, err := range a.Conferences(t.Context(), 0) {
		story += fmt.Sprint(c.ID, err)
	}
	coverage, err := a.Coverage(t.Context(), "c")
	if story != "e<nil>58<nil>" || err != nil || !coverage.Due.Equal(testTime.Add(time.Hour)) {
		t.Errorf("%s, due %v, %v", story, coverage.Due, err)
	}
	put(t, a, Page{Channel: "c", Pins: []Pin{{TS: ts(1)}}, Proven: []record.Interval{{To: ts(2)}}})
	m, err := a.Message(t.Context(), "c", ts(1))
	if err != nil || m.Pinned || len(m.Annotations) != 2 || len(m.Versions) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	if coverage, _ = a.Coverage(t.Context(), "c"); !coverage.Due.Equal(testTime.Add(time.Hour)) {
		t.Error("another page took the due time away")
	}
	report, err := a.Verify(t.Context(), VerifyOptions{Data: true})
	if err != nil || len(report.Damage) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestUnfitEventsAndConferencesAreRefused(t *testing.T) {
	a := newArchive(t)
	for name, p := range map[string]*Page{
		"pin without a channel":     {Pins: []Pin{{TS: ts(1)}}},
		"due without a channel":     {Due: testTime},
		"event without a channel":   {Events: []record.EventState{{ID: "e"}}},
		"event without an id":       {Events: []record.EventState{{Channel: "c"}}},
		"conference without number": {Conferences: []record.ConferenceState{{Title: "x"}}},
	} {
		if err := a.Put(t.Context(), p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
