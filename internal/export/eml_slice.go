package export

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"archiver/internal/record"
)

// slicedEML writes every slice as one mail: data/eml/<channel>/<slice>.eml. It is from the author of the slice's first
// message to those who could read the channel at the slice's begin and to all who wrote in it. The text is the
// transcript, in HTML an element article with the id m-<ts> for each message. Each content of the slice's files is
// attached once. Message-ID is s.<channel>-<slice>.<beginning of the source hash>@<archive>.teamchat.invalid.
type slicedEML struct {
	*mailer
	attached map[string]bool // SHA-256 of what the mail has
}

func newSlicedEML(f *frame) (sliceSink, error) {
	return &slicedEML{mailer: newMailer(f, emlMembers), attached: map[string]bool{}}, nil
}

func (w *slicedEML) close() error {
	w.finish("eml")
	return nil
}

func (w *slicedEML) slice(s *slice) error {
	if w.current == nil || w.current.Channel != s.channel.Channel {
		w.enter(s.channel.Channel)
	}
	out, err := w.frame.bundle.create("data/eml/" + s.folder + "/" + s.name + ".eml")
	if err != nil {
		return err
	}
	if err := w.writeSlice(out, s); err != nil {
		return errors.Join(err, out.abandon())
	}
	_, _, err = out.close()
	return err
}

func (w *slicedEML) writeSlice(out *output, s *slice) error {
	w.transcribe(s)
	sum := s.sourceHash()
	id := "s." + w.current.key + "-" + strings.TrimPrefix(s.name, s.folder+"_") + "." + sum[:12] + "@" + w.host
	if err := w.sliceFields(s, id, sum); err != nil {
		return err
	}
	if err := w.message.Begin(out, &w.header, id, w.texts.plain, w.texts.html); err != nil {
		return err
	}
	clear(w.attached)
	for item := range s.shown() {
		a := w.attachment(item)
		if w.attached[a.SHA256] {
			continue
		}
		w.attached[a.SHA256] = true
		if err := w.attach(a); err != nil {
			return err
		}
	}
	return w.message.End()
}

// shown gives the slice's messages and the parents among them, by ts; context tells parents.
func (s *slice) shown() func(yield func(item Item, context bool) bool) {
	return func(yield func(Item, bool) bool) {
		items, parents := s.items, s.parents
		for len(items) > 0 || len(parents) > 0 {
			context := len(items) == 0 || len(parents) > 0 && parents[0].TS < items[0].TS
			list := &items
			if context {
				list = &parents
			}
			if !yield((*list)[0], context) {
				return
			}
			*list = (*list)[1:]
		}
	}
}

func (w *slicedEML) sliceSubject(s *slice) string {
	subject := w.current.name + " " + s.title + " (" + w.frame.zone.String() + ")"
	if s.parts > 1 {
		subject += " part " + strconv.Itoa(s.part) + "/" + strconv.Itoa(s.parts)
	}
	return subject
}

// transcribe makes the two forms of the transcript.
func (w *slicedEML) transcribe(s *slice) {
	w.texts.begin(w.sliceSubject(s))
	for item, context := range s.shown() {
		w.entry(s, item, context)
	}
	w.texts.end()
	w.nuls += w.texts.nuls
}

// entry appends a message to the transcript.
func (w *slicedEML) entry(s *slice, item Item, context bool) {
	t := &w.texts
	at, author := item.TS.Time().In(w.frame.zone), w.person(item.User)
	t.plain = at.AppendFormat(append(t.plain, '['), transcriptTime)
	t.plain = append(append(append(t.plain, "] "...), author.Name...), ": "...)
	t.html = append(append(append(t.html, `<article id="m-`...), item.TS...), "\">\r\n"...)
	t.author(author, at)
	t.text(item.Text)
	t.plain = append(t.plain, "\r\n"...)
	w.earlier(item)
	w.entryNotes(s, item, context)
	t.notes(w.notes.lines, "  ")
	t.html = append(t.html, "</article>\r\n"...)
}

// earlier appends the versions before the last.
func (w *slicedEML) earlier(item Item) {
	t := &w.texts
	for i, v := range item.Versions[:max(0, len(item.Versions)-1)] {
		label := "version " + strconv.Itoa(i+1) + " of " + strconv.Itoa(len(item.Versions)) + ": "
		t.plain = append(append(t.plain, "  "...), label...)
		t.html = append(append(append(t.html, "<p>"...), label...), "</p>\r\n"...)
		t.text(v.Text)
		t.plain = append(t.plain, "\r\n"...)
	}
}

// entryNotes collects what there is to tell of a message in the transcript.
func (w *slicedEML) entryNotes(s *slice, item Item, context bool) {
	n := &w.notes
	n.reset(&w.mailBook)
	switch {
	case context:
		n.add("context: the message that comments here answer; it stands in another slice")
	case item.Reason == ReasonContext:
		n.add("context: not selected itself")
	}
	if item.Thread != "" {
		n.add("comment on message ", string(item.Thread), s.unlessShown(item))
	}
	n.state(item, detailsOf(item.Message))
	if item.Deleted != nil {
		n.deletion(item.Deleted)
	}
	n.file(item, "")
}

// unlessShown tells that a comment's root is not in the export.
func (s *slice) unlessShown(item Item) string {
	for _, list := range [][]Item{s.items, s.parents} {
		if _, found := slices.BinarySearchFunc(list, item.Thread, func(i Item, ts record.TS) int { return cmp.Compare(i.TS, ts) }); found {
			return ""
		}
	}
	return ", which is not in this export"
}

func (w *slicedEML) sliceFields(s *slice, id, sum string) error {
	h := &w.header
	h.Reset()
	h.IDs("Message-ID", id)
	h.Date("Date", s.first().In(w.frame.zone))
	h.Addresses("From", w.person(s.items[0].User))
	if err := w.current.recipients(h, s.participants()); err != nil {
		return err
	}
	h.Text("Subject", w.sliceSubject(s))
	h.Append(w.current.fields)
	h.Text("X-TeamChat-Slice", s.name)
	h.Text("X-TeamChat-Slice-Time-Zone", w.frame.zone.String())
	if !s.begin.IsZero() {
		h.Text("X-TeamChat-Slice-Begin", s.begin.Format(time.RFC3339))
		h.Text("X-TeamChat-Slice-End", s.end.Format(time.RFC3339))
	}
	h.Text("X-TeamChat-Slice-Part", strconv.Itoa(s.part)+"/"+strconv.Itoa(s.parts))
	h.Text("X-TeamChat-Slice-Previous", s.previous)
	h.Text("X-TeamChat-Slice-Next", s.next)
	h.Text("X-TeamChat-First", string(s.items[0].TS))
	h.Text("X-TeamChat-Last", string(s.items[len(s.items)-1].TS))
	w.sliceCounts(s)
	h.Text("X-TeamChat-Source-Hash", sum)
	if n := w.texts.nuls; n > 0 {
		h.Text("X-TeamChat-Removed-NULs", strconv.Itoa(n))
	}
	return nil
}

func (w *slicedEML) sliceCounts(s *slice) {
	edited, deleted, context := 0, 0, len(s.parents)
	for _, item := range s.items {
		if item.IsEdited() {
			edited++
		}
		if item.Deleted != nil {
			deleted++
		}
		if item.Reason == ReasonContext {
			context++
		}
	}
	h := &w.header
	h.Text("X-TeamChat-Messages", strconv.Itoa(len(s.items)))
	h.Text("X-TeamChat-Edited", strconv.Itoa(edited))
	h.Text("X-TeamChat-Deleted", strconv.Itoa(deleted))
	h.Text("X-TeamChat-Context", strconv.Itoa(context))
}
