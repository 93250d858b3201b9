package record

import (
	"encoding/base64"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

type eventLine struct {
	Record    string         `json:"record"`
	Channel   string         `json:"channel"`
	ID        string         `json:"id"`
	Title     string         `json:"title"`
	Start     string         `json:"start"`
	End       string         `json:"end"`
	State     EventPresence  `json:"state"`
	VCalendar string         `json:"vcalendar"`
	Versions  []stateLine    `json:"versions"`
	Raw       jsontext.Value `json:"raw,omitzero"`
	RawBase64 string         `json:"raw_base64,omitzero"`
}

type conferenceLine struct {
	Record    string         `json:"record"`
	ID        string         `json:"id"`
	Title     string         `json:"title"`
	Organizer string         `json:"organizer"`
	Start     string         `json:"start"`
	End       string         `json:"end"`
	Versions  []stateLine    `json:"versions"`
	Raw       jsontext.Value `json:"raw,omitzero"`
	RawBase64 string         `json:"raw_base64,omitzero"`
}

type stateLine struct {
	SHA256   string `json:"sha256"`
	Observed string `json:"observed,omitzero"`
}

func stateLines(states []State, stable bool) []stateLine {
	lines := make([]stateLine, 0, len(states))
	for _, s := range states {
		lines = append(lines, stateLine{s.SHA256, observed(s.Observed, stable)})
	}
	return lines
}

// evidence gives an object for a line: as it is, or in base64 where it is no valid JSON.
func evidence(raw []byte, stable bool) (jsontext.Value, string) {
	switch {
	case stable:
		return nil, ""
	case len(raw) == 0:
		return jsontext.Value("null"), ""
	case ValidJSON(raw):
		return raw, ""
	}
	return jsontext.Value("null"), base64.StdEncoding.EncodeToString(raw)
}

// formatSecond is a time in unix seconds as RFC 3339, "" for 0 and what lies beyond the years of RFC 3339.
func formatSecond(second int64) string {
	t := time.Unix(second, 0).UTC()
	if second == 0 || t.Year() < 1 || t.Year() > 9999 {
		return ""
	}
	return t.Format(time.RFC3339)
}

// Dump is the event's line of the dump, without a line end.
func (f *Event) Dump(stable bool) ([]byte, error) {
	l := eventLine{
		Record: "event", Channel: f.Channel, ID: f.ID, Title: f.Title, Start: formatSecond(f.Start), End: formatSecond(f.End),
		State: f.State, VCalendar: f.VCalendar, Versions: stateLines(f.Versions, stable),
	}
	l.Raw, l.RawBase64 = evidence(f.Raw, stable)
	return line(l)
}

// Dump is the conference's line of the dump, without a line end.
func (f *Conference) Dump(stable bool) ([]byte, error) {
	l := conferenceLine{
		Record: "conference", ID: f.ID, Title: f.Title, Organizer: f.Organizer, Start: formatSecond(f.Start), End: formatSecond(f.End),
		Versions: stateLines(f.Versions, stable),
	}
	l.Raw, l.RawBase64 = evidence(f.Raw, stable)
	return line(l)
}
