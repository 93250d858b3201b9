package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

// ConferenceState is the body of a conference's entry.
type ConferenceState struct {
	ID        string         `json:"id"` // the meeting's number
	Title     string         `json:"title"`
	Organizer string         `json:"organizer"` // address, or else name
	Start     int64          `json:"start"`     // unix seconds, 0 of an ad-hoc meeting
	End       int64          `json:"end"`       // likewise
	Raw       jsontext.Value `json:"raw"`       // as CleanConference leaves it
}

// Conference is the logical form of a conference.
type Conference struct {
	ConferenceState
	Versions []State // oldest first
	Change   uint64
}

// FoldConference builds a conference from its entries, oldest first.
func FoldConference(entries []Entry) (*Conference, error) {
	f := &Conference{}
	for _, e := range entries {
		var s ConferenceState
		if err := lenient.Unmarshal(e.Body, &s); err != nil {
			return nil, fmt.Errorf("conference %s: %w", e.Key, err)
		}
		f.ConferenceState, f.Change = s, e.Change
		f.Versions = appendState(f.Versions, s.canonical(), e)
	}
	return f, nil
}

// canonical is the RFC 8785 form of what makes a version.
func (s *ConferenceState) canonical() []byte {
	b := strconv.AppendInt([]byte(`{"end":`), s.End, 10)
	b = appendQuoted(append(b, `,"organizer":`...), s.Organizer)
	b = strconv.AppendInt(append(b, `,"start":`...), s.Start, 10)
	return append(appendQuoted(append(b, `,"title":`...), s.Title), '}')
}

// ParseConference reads an element of the list of conferences. One without a number gets one from its content.
func ParseConference(raw []byte) ConferenceState {
	s := ConferenceState{Raw: CleanConference(raw)}
	var w struct {
		ID        lenient.String `json:"meeting_id"`
		Title     lenient.String `json:"title"`
		Organizer lenient.Raw    `json:"organizer"`
		Parsed    lenient.List   `json:"organizer_parsed"`
		Start     lenient.Int    `json:"start_date_time"`
		End       lenient.Int    `json:"end_date_time"`
	}
	_ = lenient.Unmarshal(raw, &w) // what can't be read has no number
	s.ID, s.Title, s.Start, s.End = MeetingID(string(w.ID)), string(w.Title), int64(w.Start), int64(w.End)
	s.Organizer = organizer(append(w.Parsed, w.Organizer))
	if s.ID == "" {
		sum := sha256.Sum256(s.Raw)
		s.ID = hex.EncodeToString(sum[:6])
	}
	return s
}

// MeetingID gives the number of a meeting, which a host may follow after @ or _.
func MeetingID(id string) string {
	if i := strings.IndexAny(id, "@_"); i > 0 {
		return id[:i]
	}
	return id
}

// organizer gives the first address of some people, or else the first name.
func organizer(people [][]byte) string {
	first := ""
	for _, raw := range people {
		var text lenient.String
		if jsontext.Value(raw).Kind() == '"' && lenient.Unmarshal(raw, &text) == nil {
			return firstNonEmpty(string(text), first)
		}
		var w struct {
			Email lenient.String `json:"email"`
			Name  lenient.String `json:"name"`
		}
		if jsontext.Value(raw).Kind() != '{' || lenient.Unmarshal(raw, &w) != nil {
			continue
		}
		if w.Email != "" {
			return string(w.Email)
		}
		first = firstNonEmpty(first, string(w.Name))
	}
	return first
}
