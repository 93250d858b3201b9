package export

import (
	"fmt"
	"strings"

	"archiver/internal/rsmf"
)

const textTime = "2006-01-02 15:04:05 -07:00"

// appendText appends an event to the text that is searched: everything of it that people may look for.
func (w *rsmfFiles) appendText(b []byte, e *rsmf.Event) []byte {
	b = append(b, '[')
	b = e.Timestamp.In(w.frame.zone).AppendFormat(b, textTime)
	b = append(append(b, "] "...), w.person(e.Participant).Display...)
	switch e.Type {
	case rsmf.Join:
		b = append(b, " joined"...)
	case rsmf.Leave:
		b = append(b, " left"...)
	default:
		b = appendVisible(append(b, ": "...), e.Body)
	}
	b = append(b, "\r\n"...)
	for _, edit := range e.Edits {
		b = w.appendEdit(b, edit)
	}
	for _, a := range e.Attachments {
		b = appendBracket(b, "attachment", a.Display)
	}
	for _, r := range e.Reactions {
		b = appendBracket(b, "reaction", w.reactionText(r))
	}
	for _, c := range e.Custom {
		if c.Name != customReason {
			b = appendBracket(b, c.Name, c.Value)
		}
	}
	return b
}

func (w *rsmfFiles) appendEdit(b []byte, e rsmf.Edit) []byte {
	b = append(b, "  (edited"...)
	if !e.Timestamp.IsZero() {
		b = e.Timestamp.In(w.frame.zone).AppendFormat(append(b, ' '), textTime)
	}
	b = append(append(b, " by "...), w.person(e.Participant).Display...)
	if e.Previous != e.New {
		b = appendVisible(append(b, "; was: "...), e.Previous)
	}
	return append(b, ")\r\n"...)
}

func (w *rsmfFiles) reactionText(r rsmf.Reaction) string {
	var names []string
	for _, id := range r.Participants {
		names = append(names, w.person(id).Display)
	}
	text := fmt.Sprintf("%s x%d", r.Value, r.Count)
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	return text
}

func appendBracket(b []byte, name, value string) []byte {
	b = append(append(append(b, "  ["...), name...), ": "...)
	return append(appendVisible(b, value), "]\r\n"...)
}

// appendVisible appends text with line ends as MIME wants them (RFC 2046 section 4.1.1). A NUL, at which programs stop
// reading, becomes its picture.
func appendVisible(b []byte, text string) []byte {
	for {
		i := strings.IndexAny(text, "\x00\r\n")
		if i < 0 {
			return append(b, text...)
		}
		b = append(b, text[:i]...)
		switch {
		case text[i] == 0:
			b = append(b, "\u2400"...)
		case strings.HasPrefix(text[i:], "\r\n"):
			i++
			fallthrough
		default:
			b = append(b, "\r\n"...)
		}
		text = text[i+1:]
	}
}
