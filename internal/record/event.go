package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

// EventPresence says whether the server has an event.
type EventPresence string

// The states of an event.
const (
	EventPresent EventPresence = "present"
	EventGone    EventPresence = "gone" // the server says that there is no such event any more
)

// EventState is the body of a calendar event's entry.
type EventState struct {
	Channel   string         `json:"channel"`
	ID        string         `json:"id"`
	Title     string         `json:"title"`
	Start     int64          `json:"start"` // unix seconds, 0 when not given
	End       int64          `json:"end"`   // likewise
	State     EventPresence  `json:"state"`
	VCalendar string         `json:"vcalendar"`         // iCalendar (RFC 5545), without passwords
	Pending   bool           `json:"pending,omitzero"`  // VCalendar was not read yet as it belongs to the rest
	Unlisted  bool           `json:"unlisted,omitzero"` // lists do not show it any more, though it is there
	Raw       jsontext.Value `json:"raw,omitzero"`      // the object of a list of events, as CleanEvent leaves it
}

// Key is the key of the event's entries. No id holds a slash.
func (s *EventState) Key() string { return s.Channel + "/" + s.ID }

// Event is the logical form of a calendar event.
type Event struct {
	EventState
	Versions []State // oldest first
	Change   uint64
}

// State is one state of an event or a conference that was read.
type State struct {
	SHA256   string // hex, over the state's canonical JSON (RFC 8785)
	Observed time.Time
	Change   uint64
}

// FoldEvent builds an event from its entries, oldest first.
func FoldEvent(entries []Entry) (*Event, error) {
	f := &Event{}
	for _, e := range entries {
		var s EventState
		if err := lenient.Unmarshal(e.Body, &s); err != nil {
			return nil, fmt.Errorf("event %s: %w", e.Key, err)
		}
		if len(s.Raw) == 0 {
			s.Raw = f.Raw
		}
		f.EventState, f.Change = s, e.Change
		if !s.Pending && s.State == EventPresent {
			f.Versions = appendState(f.Versions, s.canonical(), e)
		}
	}
	return f, nil
}

// IsHearsay tells whether nothing is known of the event but what the channel's entry says of it.
func (f *Event) IsHearsay() bool {
	return len(f.Versions) == 0 && len(f.Raw) == 0 && f.State == EventPresent
}

// canonical is the RFC 8785 form of what makes a version.
func (s *EventState) canonical() []byte {
	b := strconv.AppendInt([]byte(`{"end":`), s.End, 10)
	b = strconv.AppendInt(append(b, `,"start":`...), s.Start, 10)
	b = appendQuoted(append(b, `,"title":`...), s.Title)
	return append(appendQuoted(append(b, `,"vcalendar":`...), s.VCalendar), '}')
}

func appendState(states []State, canonical []byte, e Entry) []State {
	sum := sha256.Sum256(canonical)
	next := State{hex.EncodeToString(sum[:]), e.Observed, e.Change}
	if n := len(states); n > 0 && states[n-1].SHA256 == next.SHA256 {
		return states
	}
	return append(states, next)
}

// ParseEvent reads an object that shows an event, an element of a list or the entry of a channel: the members event or,
// without it, those of the object itself. The id is in hex where it is the ts of an item.
func ParseEvent(raw []byte) EventState {
	var item struct {
		TS    lenient.String `json:"ts"`
		Event lenient.Raw    `json:"event"`
	}
	var w struct {
		ID    lenient.String `json:"id"`
		Title lenient.String `json:"title"`
		Start lenient.Int    `json:"start"`
		End   lenient.Int    `json:"end"`
	}
	_ = lenient.Unmarshal(raw, &item) // what can't be read has no id
	if jsontext.Value(item.Event).Kind() == '{' {
		raw = item.Event
	}
	_ = lenient.Unmarshal(raw, &w)
	id := firstNonEmpty(string(w.ID), string(item.TS))
	if ts, err := ParseTS(id); err == nil {
		id = firstNonEmpty(ts.Hex(), id)
	}
	return EventState{
		ID: strings.ReplaceAll(id, "/", "_"), Title: string(w.Title), Start: int64(w.Start), End: int64(w.End), State: EventPresent,
	}
}

// SameEvent tells whether two states name the event alike and give it the same time.
func SameEvent(a, b EventState) bool {
	return a.Title == b.Title && a.Start == b.Start && a.End == b.End
}

// SameCalendar tells whether two iCalendar texts are the same, but for the times at which they were made (DTSTAMP).
func SameCalendar(a, b string) bool { return a == b || withoutStamps(a) == withoutStamps(b) }

func withoutStamps(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "DTSTAMP") {
			b.WriteString(line)
		}
	}
	return b.String()
}
