package record

import (
	"strconv"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind says what sort of item a message is.
type Kind string

// The kinds of a message. A comment is text unless its subtype says otherwise; a pin entry is system.
const (
	KindText       Kind = "text"
	KindCode       Kind = "code"
	KindFile       Kind = "file"
	KindEvent      Kind = "event"
	KindConference Kind = "conference"
	KindMail       Kind = "mail"
	KindSystem     Kind = "system"
	KindOther      Kind = "other"
)

// kinds maps the subtype of an item to its kind; a subtype that is not here is KindOther.
var kinds = map[string]Kind{
	"":                KindText,
	"message_comment": KindText,
	"file_comment":    KindText,
	"code_block":      KindCode,
	"file_share":      KindFile,
	"file":            KindFile,
	"event":           KindEvent,
	"conference":      KindConference,
	"mail_share":      KindMail,
	"channel_join":    KindSystem,
	"channel_invite":  KindSystem,
	"channel_create":  KindSystem,
	"pinned_item":     KindSystem,
}

// Fields is what the archive understands of a message's raw object.
type Fields struct {
	User          string
	Text          string
	Kind          Kind
	FileID        string
	FileName      string // "" when the object carries no file
	CommentsCount int64  // -1 when the object does not say
	Reactions     int    // distinct reactions on the message
	Edited        bool   // the server's mark

	state stateFields
}

type wireMessage struct {
	User    lenient.String  `json:"user"`
	Text    *lenient.String `json:"text"`
	Subtype lenient.String  `json:"subtype"`

	Language *lenient.String `json:"language"`
	File     *struct {
		ID   lenient.String `json:"id"`
		Name lenient.String `json:"name"`
	} `json:"file"`
	Event *struct {
		Title *lenient.String `json:"title"`
		Start lenient.Raw     `json:"start"`
		End   lenient.Raw     `json:"end"`
	} `json:"event"`
	Conference *struct {
		Title *lenient.String `json:"title"`
	} `json:"conference"`
	Comment *struct {
		User    lenient.String  `json:"user"`
		Comment *lenient.String `json:"comment"`
	} `json:"comment"`
	Edited        lenient.Raw     `json:"edited"`
	Reactions     lenient.List    `json:"reactions"`
	CommentsCount *lenient.String `json:"comments_count"`
}

// ParseMessage reads a message's raw object. What does not parse stays zero: an object that is no JSON at all is of
// KindOther.
func ParseMessage(raw []byte) Fields {
	var w wireMessage
	if err := lenient.Unmarshal(raw, &w); err != nil {
		return Fields{Kind: KindOther, CommentsCount: -1, state: stateFields{kind: KindOther}}
	}
	kind, known := kinds[string(w.Subtype)]
	if !known {
		kind = KindOther
	}
	f := Fields{User: string(w.User), Kind: kind, CommentsCount: -1, Edited: isEdited(w.Edited), Reactions: len(w.Reactions)}
	f.state = stateFields{kind: kind, text: w.Text, language: w.Language}
	if w.CommentsCount != nil {
		f.CommentsCount = lenient.ParseInt(string(*w.CommentsCount))
	}
	if c := w.Comment; c != nil {
		if f.User == "" {
			f.User = string(c.User)
		}
		if f.state.text == nil {
			f.state.text = c.Comment
		}
	}
	if w.File != nil {
		f.FileID, f.FileName = string(w.File.ID), string(w.File.Name)
	}
	if e := w.Event; e != nil {
		f.state.eventTitle, f.state.eventStart, f.state.eventEnd = e.Title, canonicalTime(e.Start), canonicalTime(e.End)
	}
	if w.Conference != nil {
		f.state.conferenceTitle = w.Conference.Title
	}
	if f.state.text != nil {
		f.Text = string(*f.state.text)
	}
	return f
}

// isEdited reads the server's mark, an object in the default dialect; false and 0 are no mark.
func isEdited(raw []byte) bool {
	switch string(raw) {
	case "", "false", "0", `""`, `"false"`, `"0"`:
		return false
	}
	return true
}

// stateFields is the content of a message that makes a version; nil means absent.
type stateFields struct {
	conferenceTitle, eventTitle, language, text *lenient.String
	eventStart, eventEnd                        []byte
	kind                                        Kind
}

// canonical is the RFC 8785 form of the state, an object whose names are the dotted paths in order.
func (s stateFields) canonical(fileName string) []byte {
	b := append(make([]byte, 0, 128), '{')
	member := func(name string) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, name), ':')
	}
	text := func(name string, value *lenient.String) {
		if value != nil {
			member(name)
			b = appendQuoted(b, string(*value))
		}
	}
	literal := func(name string, value []byte) {
		if value != nil {
			member(name)
			b = append(b, value...)
		}
	}
	text("conference.title", s.conferenceTitle)
	literal("event.end", s.eventEnd)
	literal("event.start", s.eventStart)
	text("event.title", s.eventTitle)
	if fileName != "" {
		name := lenient.String(fileName)
		text("file.name", &name)
	}
	kind := lenient.String(s.kind)
	text("kind", &kind)
	text("language", s.language)
	text("text", s.text)
	return append(b, '}')
}

// appendQuoted appends s as RFC 8785 section 3.2.2.2 writes strings.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// canonicalTime is the RFC 8785 form of an event's time: a whole number also where the server quotes it.
func canonicalTime(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	if raw[0] == '"' {
		if n, err := strconv.ParseInt(string(unquote(raw)), 10, 64); err == nil {
			return strconv.AppendInt(nil, n, 10)
		}
	}
	value := jsontext.Value(append([]byte(nil), raw...))
	if err := value.Canonicalize(lenient.Options); err != nil {
		return appendQuoted(nil, string(raw))
	}
	return value
}
