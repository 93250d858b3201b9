package rsmf

import (
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Manifests are encoded by hand: they are most of what is written, and encoding by reflection takes several times as long.

// flushBytes is from which length on the buffer is written out.
const flushBytes = 64 << 10

// writeManifest writes a manifest, members in the order of the types' fields. participants is their encoded list.
func (w *Writer) writeManifest(out io.Writer, m *Manifest, participants []byte) error {
	w.buf = quoted(append(w.buf[:0], `{"version":`...), m.Version)
	w.buf = append(append(w.buf, `,"participants":`...), participants...)
	w.buf = appendList(append(w.buf, `,"conversations":`...), m.Conversations, appendConversation)
	w.buf = append(w.buf, `,"events":[`...)
	for i := range m.Events {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = appendEvent(w.buf, &m.Events[i])
		if len(w.buf) < flushBytes {
			continue
		}
		if _, err := out.Write(w.buf); err != nil {
			return err
		}
		w.buf = w.buf[:0]
	}
	w.buf = append(optional(append(w.buf, ']'), "eventcollectionid", m.EventCollectionID), '}')
	_, err := out.Write(w.buf)
	return err
}

// quoted appends a string. Bytes that are no UTF-8 become U+FFFD.
func quoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// optional appends a member unless it is empty. It is not the first of its object.
func optional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return quoted(member(dst, name), value)
}

func member(dst []byte, name string) []byte {
	return append(append(append(dst, `,"`...), name...), `":`...)
}

func appendList[T any](dst []byte, list []T, appendOne func([]byte, *T) []byte) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOne(dst, &list[i])
	}
	return append(dst, ']')
}

// optionalList appends a member unless it is nil.
func optionalList[T any](dst []byte, name string, list []T, appendOne func([]byte, *T) []byte) []byte {
	if list == nil {
		return dst
	}
	return appendList(member(dst, name), list, appendOne)
}

func appendString(dst []byte, s *string) []byte { return quoted(dst, *s) }

func appendParticipant(dst []byte, p *Participant) []byte {
	dst = quoted(append(dst, `{"id":`...), p.ID)
	dst = optional(dst, "display", p.Display)
	dst = optional(dst, "email", p.Email)
	dst = optional(dst, "account_id", p.AccountID)
	return append(optionalList(dst, "custom", p.Custom, appendCustom), '}')
}

func appendCustom(dst []byte, c *Custom) []byte {
	dst = quoted(append(dst, `{"name":`...), c.Name)
	return append(quoted(append(dst, `,"value":`...), c.Value), '}')
}

func appendConversation(dst []byte, c *Conversation) []byte {
	dst = quoted(append(dst, `{"id":`...), c.ID)
	dst = optional(dst, "display", c.Display)
	dst = quoted(append(dst, `,"platform":`...), c.Platform)
	dst = optional(dst, "type", c.Type)
	dst = appendList(append(dst, `,"participants":`...), c.Participants, appendString)
	dst = optional(dst, "custodian", c.Custodian)
	return append(optionalList(dst, "custom", c.Custom, appendCustom), '}')
}

// appendEvent appends an event. Its id, which may be missing, is the first member: the comma before it is overwritten.
func appendEvent(dst []byte, e *Event) []byte {
	start := len(dst)
	dst = optional(dst, "id", e.ID)
	dst = quoted(member(dst, "type"), e.Type)
	dst[start] = '{'
	dst = optional(dst, "parent", e.Parent)
	dst = optional(dst, "body", e.Body)
	dst = optional(dst, "participant", e.Participant)
	dst = optional(dst, "conversation", e.Conversation)
	dst = optionalTime(dst, e.Timestamp)
	if e.Deleted {
		dst = append(dst, `,"deleted":true`...)
	}
	dst = optionalList(dst, "reactions", e.Reactions, appendReaction)
	dst = optionalList(dst, "attachments", e.Attachments, appendAttachmentRef)
	dst = optionalList(dst, "edits", e.Edits, appendEdit)
	return append(optionalList(dst, "custom", e.Custom, appendCustom), '}')
}

func optionalTime(dst []byte, t Time) []byte {
	if t.IsZero() {
		return dst
	}
	return append(t.UTC().AppendFormat(append(dst, `,"timestamp":"`...), timeFormat), '"')
}

func optionalNumber(dst []byte, name string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(member(dst, name), n, 10)
}

func appendReaction(dst []byte, r *Reaction) []byte {
	dst = quoted(append(dst, `{"value":`...), r.Value)
	dst = optionalNumber(dst, "count", r.Count)
	return append(optionalList(dst, "participants", r.Participants, appendString), '}')
}

func appendAttachmentRef(dst []byte, a *AttachmentRef) []byte {
	dst = quoted(append(dst, `{"id":`...), a.ID)
	dst = optional(dst, "display", a.Display)
	return append(optionalNumber(dst, "size", a.Size), '}')
}

func appendEdit(dst []byte, e *Edit) []byte {
	dst = optionalTime(quoted(append(dst, `{"participant":`...), e.Participant), e.Timestamp)
	dst = optional(dst, "previous", e.Previous)
	return append(optional(dst, "new", e.New), '}')
}
