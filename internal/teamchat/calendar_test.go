package teamchat

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEventsVariants(t *testing.T) {
	const one = `{"type":"message","subtype":"event","ts":"1.000001","event":{"id":"000000010001"}}`
	tests := []struct {
		name, messages string
		want           []string
	}{
		{"array", `[` + one + `]`, []string{"1.000001||-1"}},
		{"one object", one, []string{"1.000001||-1"}},
		{"empty array", `[]`, []string{}},
		{"empty object", `{}`, []string{}},
		{"null", `null`, []string{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := `{"messages":` + test.messages + `,"ok":true}`
			c := newTestClient(t, methods{methodEventsPast: answers(body), methodEventsNext: answers(body)})
			past, err := c.EventsHistory(t.Context(), "c")
			next, err2 := c.EventsUpcoming(t.Context(), "c")
			if err = errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, brief(past.Messages)) + cmp.Diff(test.want, brief(next.Messages)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// knownBy serves an event whose id is known in one form only.
func knownBy(id, otherwise string, asked *[]string) methods {
	return methods{methodEvent: func(w http.ResponseWriter, r *http.Request) {
		got := r.PostForm.Get("evnid")
		*asked = append(*asked, got)
		if got == id {
			io.WriteString(w, `{"vcalendar":"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n","ok":true}`)
			return
		}
		io.WriteString(w, otherwise)
	}}
}

func TestEventIDs(t *testing.T) {
	const (
		digits, ts   = "5a5f4d8601cf", "1516195206.000463"
		notFound     = `{"error":"gw_error","error_details":"e_notfound","ok":false}`
		noRecord     = `{"error":"gw_error","error_details":"e_parameters","ok":false}`
		unknownCode  = `{"error":"bad_evnid","ok":false}`
		noRights     = `{"error":"gw_error","error_details":"e_rights","ok":false}`
		noMethod     = `{"error":"method_not_exist","ok":false}`
		found, other = true, false
	)
	tests := []struct {
		name, known, otherwise string
		ids                    []string
		asked                  []string
		last                   bool // whether the last one is found
	}{
		{"hex digits are known", digits, notFound, []string{digits, ts}, []string{digits, digits}, found},
		{"ts is known", ts, notFound, []string{digits, ts}, []string{digits, ts, ts}, found},
		{"ts is known, e_parameters", ts, noRecord, []string{digits}, []string{digits, ts}, found},
		{"ts is known, unknown code", ts, unknownCode, []string{digits}, []string{digits, ts}, found},
		{"upper case", "5A5F4D8601CF", notFound, []string{"5A5F4D8601CF"}, []string{"5A5F4D8601CF"}, found},
		{"other form", "584355239", notFound, []string{"584355239", digits}, []string{"584355239", digits, ts}, other},
		{"gone", "", notFound, []string{ts}, []string{digits, ts}, other},
		{"no rights", "", noRights, []string{digits}, []string{digits}, other},
		{"no such method", "", noMethod, []string{digits}, []string{digits}, other},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var asked []string
			c := newTestClient(t, knownBy(test.known, test.otherwise, &asked))
			var calendar Calendar
			var err error
			for _, id := range test.ids {
				_, calendar, err = c.Event(t.Context(), "c", id)
			}
			if diff := cmp.Diff(test.asked, asked); diff != "" {
				t.Error(diff)
			}
			e := (*Error)(nil)
			switch {
			case test.last && (err != nil || calendar.Text != "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" || !bytes.Contains(calendar.Raw, []byte(`VCALENDAR\r\n"`))):
				t.Errorf("%q, %v", calendar.Text, err)
			case !test.last && (!errors.As(err, &e) || e.NotFound() != (test.otherwise == notFound)):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEventIDGoesBackToHexDigits(t *testing.T) {
	var asked []string
	handler := knownBy("1516195206.000463", `{"error":"e_notfound","ok":false}`, &asked)
	c := newTestClient(t, handler)
	for range 2 {
		if _, _, err := c.Event(t.Context(), "c", "5a5f4d8601cf"); err != nil {
			t.Fatal(err)
		}
	}
	handler[methodEvent] = knownBy("5a5f4d8601cf", `{"error":"e_notfound","ok":false}`, &asked)[methodEvent]
	for range 2 {
		if _, _, err := c.Event(t.Context(), "c", "5a5f4d8601cf"); err != nil {
			t.Fatal(err)
		}
	}
	const digits, ts = "5a5f4d8601cf", "1516195206.000463"
	if diff := cmp.Diff([]string{digits, ts, ts, ts, digits, digits}, asked); diff != "" {
		t.Error(diff)
	}
}

func TestEventIDForms(t *testing.T) {
	for digits, ts := range map[string]string{
		"5a5f4d8601cf": "1516195206.000463",
		"5a5e1e5304d4": "1516117587.001236",
		"00000000ffff": "0.065535",
	} {
		if got := tsOfHex(digits); got != ts {
			t.Errorf("%s: %s", digits, got)
		}
		if got := hexOfTS(ts); got != digits {
			t.Errorf("%s: %s", ts, got)
		}
	}
	for _, id := range []string{"", "5a5f4d8601c", "5a5f4d8601cfa", "+a5f4d8601cf", "584355239", "1.5", "1.065536", "4294967296.000001", "1.00001x", "1@host.example"} {
		if tsOfHex(id) != "" || hexOfTS(id) != "" {
			t.Errorf("%q is read as %q, %q", id, tsOfHex(id), hexOfTS(id))
		}
	}
}

func TestConferenceVariants(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"plain", `{"conferences":[{"meeting_id":"584355239","title":"kour","start_date_time":0,"end_date_time":7}],"ok":true}`, "584355239 kour 0 7"},
		{"other types", `{"conferences":{"meeting_id":584355239,"title":null,"start_date_time":"5"},"ok":true}`, "584355239  5 0"},
		{"no object", `{"conferences":["584355239"],"ok":true}`, "  0 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newTestClient(t, methods{methodConferences: answers(test.body)})
			page, err := c.Conferences(t.Context(), ConferencesQuery{})
			if err != nil {
				t.Fatal(err)
			}
			if got := briefConferences(page.Conferences); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestConferenceIsLoggedWithoutItsPassword(t *testing.T) {
	var log bytes.Buffer
	conference := parseConference([]byte(`{"meeting_id":"1","password":"` + testPassword + `"}`))
	slog.New(slog.NewTextHandler(&log, nil)).Info("conference", "is", conference)
	if text := log.String(); hasSecret(text) || strings.Contains(text, "Raw") {
		t.Error(text)
	}
}
