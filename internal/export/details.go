package export

import (
	"time"

	"archiver/internal/lenient"
	"archiver/internal/record"

	"github.com/go-json-experiment/json/jsontext"
)

// details is what a message's newest object says beside its text, as formats for people show it. It never has a
// password. What the object does not say, or does not say in a way that can be read, is zero.
type details struct {
	edited     editDetail
	reactions  []reactionDetail // in the order of the object
	language   string           // of code
	event      *eventDetail
	conference *conferenceDetail
	pinned     record.TS // of a pin entry: the message that was pinned
}

// editDetail is the server's mark of an edit.
type editDetail struct {
	at time.Time // UTC; zero if the mark does not say
	by string    // id of the editor, who need not be the author
}

// reactionDetail is one reaction and who chose it. The count may be larger than the number of users known.
type reactionDetail struct {
	name  string // the short name, without colons
	count int64
	users []string // ids
}

// eventDetail is a calendar event that a message announces.
type eventDetail struct {
	id         string
	title      string
	start, end time.Time // UTC; zero if not given
}

// conferenceDetail is a meeting that a message announces.
type conferenceDetail struct {
	id         string // the meeting's number
	title      string
	organizer  string    // address, or else name
	start, end time.Time // UTC; zero of an ad-hoc meeting
}

// hasDetails tells whether a message may have any. Most have none, and their objects need not be read.
func hasDetails(m *record.Message) bool {
	return m.Edited || m.Reactions > 0 || m.Kind != record.KindText && m.Kind != record.KindFile
}

// detailsOf reads a message's newest object.
func detailsOf(m *record.Message) (d details) {
	if !hasDetails(m) {
		return d
	}
	var w struct {
		Edited     lenient.Raw    `json:"edited"`
		Reactions  lenient.List   `json:"reactions"`
		Language   lenient.String `json:"language"`
		Event      lenient.Raw    `json:"event"`
		Conference lenient.Raw    `json:"conference"`
		Item       lenient.Raw    `json:"item"`
	}
	if lenient.Unmarshal(m.Raw, &w) != nil {
		return d // no JSON object: nothing is known
	}
	d.edited = readEdit(w.Edited)
	d.language = string(w.Language)
	for _, raw := range w.Reactions {
		if r, ok := readReaction(raw); ok {
			d.reactions = append(d.reactions, r)
		}
	}
	if isObject(w.Event) {
		e := record.ParseEvent(m.Raw)
		d.event = &eventDetail{id: e.ID, title: e.Title, start: unixTime(e.Start), end: unixTime(e.End)}
	}
	if isObject(w.Conference) {
		d.conference = readConference(w.Conference)
	}
	if m.Kind == record.KindSystem {
		d.pinned = readPinned(w.Item)
	}
	return d
}

func isObject(raw []byte) bool { return jsontext.Value(raw).Kind() == '{' }

// unixTime gives the moment of unix seconds, zero for 0.
func unixTime(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// readEdit reads {"user":"ann@example.com","ts":"1516117700.000000"}.
func readEdit(raw []byte) (d editDetail) {
	var w struct {
		User lenient.String `json:"user"`
		TS   lenient.String `json:"ts"`
	}
	if !isObject(raw) || lenient.Unmarshal(raw, &w) != nil {
		return d
	}
	d.by = string(w.User)
	if ts, err := record.ParseTS(string(w.TS)); err == nil {
		d.at = ts.Time()
	}
	return d
}

// readReaction reads {"name":"thumbsup","count":2,"users":["bob@example.com"]}; users may be objects.
func readReaction(raw []byte) (r reactionDetail, ok bool) {
	var w struct {
		Name  lenient.String `json:"name"`
		Count lenient.Int    `json:"count"`
		Users lenient.List   `json:"users"`
	}
	if !isObject(raw) || lenient.Unmarshal(raw, &w) != nil {
		return r, false
	}
	r.name, r.count = string(w.Name), int64(w.Count)
	for _, user := range w.Users {
		if id := readUser(user); id != "" {
			r.users = append(r.users, id)
		}
	}
	return r, true
}

// readUser reads an account, a string or an object.
func readUser(raw []byte) string {
	if !isObject(raw) {
		var id lenient.String
		_ = lenient.Unmarshal(raw, &id) // what is no scalar names nobody
		return string(id)
	}
	var w struct {
		ID   lenient.String `json:"id"`
		User lenient.String `json:"user"`
		Name lenient.String `json:"name"`
	}
	_ = lenient.Unmarshal(raw, &w)
	for _, id := range []lenient.String{w.ID, w.User, w.Name} {
		if id != "" {
			return string(id)
		}
	}
	return ""
}

func readConference(raw []byte) *conferenceDetail {
	c := record.ParseConference(raw)
	var w struct {
		ID lenient.String `json:"meeting_id"`
	}
	_ = lenient.Unmarshal(raw, &w)
	if w.ID == "" {
		c.ID = "" // made up for what has none
	}
	return &conferenceDetail{id: c.ID, title: c.Title, organizer: c.Organizer, start: unixTime(c.Start), end: unixTime(c.End)}
}

// readPinned reads {"type":"message","ts":"1516117587.001236"}.
func readPinned(raw []byte) record.TS {
	var w struct {
		TS lenient.String `json:"ts"`
	}
	if !isObject(raw) || lenient.Unmarshal(raw, &w) != nil {
		return ""
	}
	ts, err := record.ParseTS(string(w.TS))
	if err != nil {
		return ""
	}
	return ts
}
