package export

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"archiver/internal/record"
)

// mailTime is the time of something that a note tells, UTC.
const mailTime = "2006-01-02 15:04:05Z"

// mailNotes are what there is to tell of a message beside its text: one line each, in brackets.
type mailNotes struct {
	book  *mailBook
	lines []string
}

func (n *mailNotes) reset(b *mailBook) { n.book, n.lines = b, n.lines[:0] }

func (n *mailNotes) add(parts ...string) {
	n.lines = append(n.lines, "["+mailLine(strings.Join(parts, ""))+"]")
}

// state tells what the newest object says.
func (n *mailNotes) state(item Item, d details) {
	if item.Edited {
		n.add("edited", n.when(" ", d.edited.at), n.by(d.edited.by))
	}
	if d.language != "" {
		n.add("code: ", d.language)
	}
	if e := d.event; e != nil {
		n.add("event: ", e.title, n.when(", from ", e.start), n.when(" to ", e.end))
	}
	if c := d.conference; c != nil {
		n.add("conference: ", c.title, n.when(", from ", c.start), n.when(" to ", c.end), n.by(c.organizer))
	}
	if d.pinned != "" {
		n.add("pinned message: ", string(d.pinned))
	}
	for _, r := range d.reactions {
		n.add("reaction: ", reactionNote(n.book, r))
	}
}

func (n *mailNotes) when(before string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return before + t.UTC().Format(mailTime)
}

func (n *mailNotes) by(user string) string {
	if user == "" {
		return ""
	}
	return " by " + n.book.person(user).Name
}

func reactionNote(b *mailBook, r reactionDetail) string {
	note := r.name + " x" + strconv.FormatInt(r.count, 10)
	if len(r.users) == 0 {
		return note
	}
	names := make([]string, len(r.users))
	for i, user := range r.users {
		names[i] = b.person(user).Name
	}
	return note + ": " + strings.Join(names, ", ")
}

func (n *mailNotes) deletion(d *record.Deletion) {
	n.add("deleted between ", d.LastSeen.UTC().Format(mailTime), " and ", d.FirstMissing.UTC().Format(mailTime))
}

// file tells of a message's file. where says where its content is embedded.
func (n *mailNotes) file(item Item, where string) {
	a := n.book.attachment(item)
	if a.name == "" {
		return
	}
	if a.missing != "" {
		n.add("attachment unavailable: ", a.name, " (", a.missing, ")")
	} else {
		n.add(fmt.Sprintf("attachment: %s (%d bytes, SHA-256 %s)%s", a.name, a.Size, a.SHA256, where))
	}
	if item.File == nil {
		return
	}
	if item.File.State != record.FileStored && a.missing == "" {
		n.add("attachment as last archived: the file is ", string(item.File.State), " ", item.File.Reason)
	}
	for _, r := range item.File.Versions[:max(0, len(item.File.Versions)-1)] {
		if path := n.book.frame.contents.path(r.SHA256); path != "" {
			n.add("earlier content of ", a.name, ": ", path)
		}
	}
}

// mailAttachment is a message's file as a mail has it.
type mailAttachment struct {
	record.Revision
	name    string // "" without a file
	missing string // why there is no content; "" if there is
}

func (b *mailBook) attachment(item Item) (a mailAttachment) {
	if item.FileID == "" {
		return a
	}
	if a.name = item.FileName; a.name == "" {
		a.name = "file " + item.FileID
	}
	content, ok := newest(item.File)
	switch {
	case item.File == nil:
		a.missing = "the archive knows of no such file"
	case !ok:
		a.missing = strings.TrimSpace(string(item.File.State) + " " + item.File.Reason)
	case b.frame.contents.path(content.SHA256) == "":
		a.missing = "its content could not be read: SHA-256 " + content.SHA256
	}
	a.Revision = content
	return a
}
