package export

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"archiver/internal/record"
	"archiver/internal/rsmf"
)

// customs are properties that the format has no place for. Empty ones, which it forbids, are left out.
type customs []rsmf.Custom

func (c *customs) add(name, value string) {
	if value != "" {
		*c = append(*c, rsmf.Custom{Name: name, Value: value})
	}
}

func (c *customs) list(name string, values []string) { c.add(name, strings.Join(values, ", ")) }

func (c *customs) time(name string, t time.Time) {
	if !t.IsZero() {
		c.add(name, rsmf.Time{Time: t}.String())
	}
}

// Names of custom properties that others than those who write them look at.
const (
	customReason  = "Reason"  // why the message is in the export
	customContext = "Context" // the message belongs to another slice
)

// itemEvent shows a message of the slice.
func (d *rsmfSlice) itemEvent(item Item) rsmf.Event {
	c := make(customs, 0, 2)
	e := d.messageEvent(item, &c)
	d.attach(&e, item, &c)
	e.Custom = c
	return e
}

// contextEvent shows a message of another slice that comments here answer. Its file is in that slice.
func (d *rsmfSlice) contextEvent(item Item) rsmf.Event {
	var c customs
	c.add(customContext, "thread root from "+item.TS.Time().In(d.frame.zone).Format(time.DateOnly)+", outside this slice")
	e := d.messageEvent(item, &c)
	if item.FileID != "" {
		name := cmp.Or(item.FileName, item.FileID)
		if content, ok := newest(item.File); ok {
			name += fmt.Sprintf(", %d bytes, SHA-256 %s", content.Size, content.SHA256)
		}
		c.add("File in the slice of the message", name)
	}
	e.Custom = c
	return e
}

// messageEvent shows a message without its file.
func (d *rsmfSlice) messageEvent(item Item, c *customs) rsmf.Event {
	e := rsmf.Event{
		ID: string(item.TS), Type: rsmf.Message, Body: item.Text, Participant: participantID(item.User),
		Conversation: d.conversation(), Timestamp: rsmf.Time{Time: item.TS.Time()}, Deleted: item.Deleted != nil,
	}
	c.add(customReason, string(item.Reason))
	if item.Kind != record.KindText {
		c.add("Kind", string(item.Kind))
	}
	if item.User == "" {
		c.add("Author", "not given by the server")
	}
	d.setParent(&e, item, c)
	if del := item.Deleted; del != nil {
		c.add("Deleted", "last seen "+rsmf.Time{Time: del.LastSeen}.String()+", first missing "+rsmf.Time{Time: del.FirstMissing}.String())
	}
	details := detailsOf(item.Message)
	e.Edits = edits(item, details.edited, c)
	e.Reactions = reactions(details.reactions)
	addDetails(c, details)
	addAnnotations(c, item)
	return e
}

// setParent ties a comment to its thread. A root that is not in the file, or later than the comment, may not be named as
// the parent.
func (d *rsmfSlice) setParent(e *rsmf.Event, item Item, c *customs) {
	switch {
	case item.Thread == "":
	case !d.has(item.Thread):
		c.add("Thread root", string(item.Thread)+", not in this export")
	case item.Thread == item.TS || item.Thread.Second() > item.TS.Second():
		c.add("Thread root", string(item.Thread))
	default:
		e.Parent = string(item.Thread)
	}
}

// edits gives one edit for each version after the first. The server's mark is that of the newest.
func edits(item Item, mark editDetail, c *customs) []rsmf.Edit {
	var list []rsmf.Edit
	for i, v := range item.Versions[min(1, len(item.Versions)):] {
		list = append(list, rsmf.Edit{
			Participant: participantID(item.User), Timestamp: rsmf.Time{Time: v.Observed}, Previous: item.Versions[i].Text, New: v.Text,
		})
	}
	if len(list) == 0 && item.Edited {
		list = []rsmf.Edit{{Participant: participantID(item.User), New: item.Text}}
		c.add("Earlier text", "not known: the message had been edited before it was first read")
	}
	if len(list) == 0 {
		return nil
	}
	newest := &list[len(list)-1]
	if item.Edited && mark.by != "" {
		newest.Participant = participantID(mark.by)
	}
	if item.Edited && !mark.at.IsZero() {
		newest.Timestamp.Time = mark.at
	}
	for i := range list {
		notBefore(&list[i], item, c)
	}
	return list
}

// notBefore gives an edit the time of its message if it would be earlier, which the format forbids. A time that is not
// known stays so.
func notBefore(e *rsmf.Edit, item Item, c *customs) {
	sent := item.TS.Time()
	if e.Timestamp.IsZero() || !e.Timestamp.Before(sent) {
		return
	}
	c.time("Time of edit as given", e.Timestamp.Time)
	e.Timestamp.Time = sent
}

func reactions(list []reactionDetail) []rsmf.Reaction {
	var shown []rsmf.Reaction
	for _, r := range list {
		reaction := rsmf.Reaction{Value: cmp.Or(r.name, "unknown"), Count: r.count}
		for _, user := range r.users {
			reaction.Participants = append(reaction.Participants, participantID(user))
		}
		shown = append(shown, reaction)
	}
	return shown
}

func addDetails(c *customs, d details) {
	c.add("Language", d.language)
	if e := d.event; e != nil {
		c.add("Event", e.title)
		c.time("Event start", e.start)
		c.time("Event end", e.end)
		c.add("Event id", e.id)
	}
	if m := d.conference; m != nil {
		c.add("Conference", m.title)
		c.add("Conference number", m.id)
		c.add("Conference organizer", m.organizer)
		c.time("Conference start", m.start)
		c.time("Conference end", m.end)
	}
	c.add("Pinned message", string(d.pinned))
}

// addAnnotations tells of pins and of what else was seen to change around the message.
func addAnnotations(c *customs, item Item) {
	if item.Pinned {
		c.add("Pinned", "for all")
	}
	for _, a := range item.Annotations {
		seen := rsmf.Time{Time: a.Observed}.String()
		switch {
		case a.Pin == nil:
			c.add("Seen to differ", seen+": "+strings.Join(a.What, ", "))
		case a.Pin.Pinned:
			c.add("Seen pinned", strings.TrimSpace(seen+" "+a.Pin.User))
		default:
			c.add("Seen unpinned", seen)
		}
	}
}

// changeEvent shows a change of the channel.
func (d *rsmfSlice) changeEvent(change channelChange, n int) rsmf.Event {
	e := rsmf.Event{
		ID: fmt.Sprintf("change-%05d", n), Participant: participantID(change.who), Conversation: d.conversation(),
		Timestamp: rsmf.Time{Time: change.at},
	}
	switch change.what {
	case changeJoin:
		e.Type = rsmf.Join
	case changeLeave:
		e.Type = rsmf.Leave
	default:
		e.Type, e.Participant, e.Body = rsmf.History, systemID, "renamed to "+change.name
		if d.version() == rsmf.Version1 {
			e.Type = rsmf.Unknown
		}
	}
	e.Custom = []rsmf.Custom{{Name: "Time", Value: "when the change was seen; it came after the sync before"}}
	return e
}
