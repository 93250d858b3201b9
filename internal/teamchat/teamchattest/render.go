package teamchattest

import (
	"strconv"
	"strings"
	"time"
)

// renderer appends JSON by hand: the server shall cost little beside what is measured against it. Objects begin with a
// member written literally, so that all that follow begin with a comma.
type renderer struct {
	b      []byte
	v      *Variant
	w      *World
	in     *channel // of the messages
	ticket func(*file) string
	rec    *recorder // nil if the answer does not count
}

func trimPadding(id string) string { return strings.TrimRight(id, "=") }

func (r *renderer) raw(s string) { r.b = append(r.b, s...) }

func (r *renderer) name(name string) {
	r.b = append(r.b, ',', '"')
	r.b = append(r.b, name...)
	r.b = append(r.b, '"', ':')
}

func (r *renderer) text(name, value string) {
	r.name(name)
	r.b = appendQuoted(r.b, value)
}

func (r *renderer) number(name string, value int64) {
	r.name(name)
	r.b = r.v.appendNumber(r.b, value)
}

func (v *Variant) appendNumber(b []byte, value int64) []byte {
	if v.NumberText {
		b = append(b, '"')
		b = strconv.AppendInt(b, value, 10)
		return append(b, '"')
	}
	return strconv.AppendInt(b, value, 10)
}

func (r *renderer) flag(name string, value bool) {
	r.name(name)
	r.b = r.v.appendBool(r.b, value)
}

func (v *Variant) appendBool(b []byte, value bool) []byte {
	switch {
	case v.Bools == "text":
		return strconv.AppendQuote(b, strconv.FormatBool(value))
	case v.Bools == "number" && value:
		return append(b, '1')
	case v.Bools == "number":
		return append(b, '0')
	}
	return strconv.AppendBool(b, value)
}

func (r *renderer) ts(name string, id uint64) {
	r.name(name)
	if r.v.NumberTS {
		r.b = appendTS(r.b, id)
		return
	}
	r.b = append(r.b, '"')
	r.b = appendTS(r.b, id)
	r.b = append(r.b, '"')
}

func (r *renderer) user(name string, n int32) {
	r.name(name)
	r.b = append(r.b, r.w.users[n].quoted...)
}

// quoted appends text that was kept in its quoted form.
func (r *renderer) quoted(name, inside string) {
	r.name(name)
	r.b = append(r.b, '"')
	r.b = append(r.b, inside...)
	r.b = append(r.b, '"')
}

// end closes an object.
func (r *renderer) end() {
	if r.v.ExtraFields {
		r.raw(`,"x_build":{"n":[1,2.50,"\u00e9"]},"x_hint":null`)
	}
	r.b = append(r.b, '}')
}

// comma separates the elements of a list.
func (r *renderer) comma(i int) {
	if i > 0 {
		r.b = append(r.b, ',')
	}
}

// created is the second in which the row of an id was made: the id comes first, at times a second before.
func created(id uint64) int64 { return int64(id>>16) + int64(id&1) }

// message appends a main message.
func (r *renderer) message(m *message) {
	if r.rec != nil {
		r.rec.message(r.w, r.in, m, 0)
	}
	r.raw(`{"type":"message"`)
	r.user("user", m.user)
	r.quoted("text", m.text)
	r.ts("ts", m.id)
	r.number("created", created(m.id))
	r.flag("is_stared", false)
	if m.subtype != 0 {
		r.text("subtype", r.w.subtypes[m.subtype])
	}
	r.variantMarks(m)
	if m.more != nil {
		r.more(m.more)
	}
	r.end()
}

// variantMarks appends what some servers say of every message.
func (r *renderer) variantMarks(m *message) {
	if r.v.Edited == "modified" {
		r.number("modified", m.modified())
	}
	if r.v.CommentsCount == "always" && len(m.comments()) == 0 {
		r.number("comments_count", 0)
	}
	if r.v.PinnedTo && r.in.pinned(m.id) {
		r.raw(`,"pinned_to":[`)
		r.b = appendQuoted(r.b, r.v.id(r.in.id))
		r.raw("]")
	}
}

// modified is the second of the last edit, or else of creation.
func (m *message) modified() int64 {
	if m.more != nil && m.more.edited != 0 {
		return int64(m.more.edited >> 16)
	}
	return created(m.id)
}

// more appends what few messages have.
func (r *renderer) more(m *more) {
	r.raw(m.members)
	if m.file != nil {
		r.name("file")
		r.file(m.file)
	}
	if m.event != nil {
		r.event(m.event)
	}
	r.marks(m)
	if n := len(m.comments); n > 0 {
		switch r.v.CommentsCount {
		case "", "always":
			r.number("comments_count", int64(n))
		case "text":
			r.text("comments_count", strconv.Itoa(n))
		}
	}
}

// marks appends the edited mark and the reactions.
func (r *renderer) marks(m *more) {
	if m.edited != 0 && !r.v.NoEdited && r.v.Edited == "" {
		r.raw(`,"edited":{"user":`)
		r.raw(r.w.users[m.editor].quoted)
		r.ts("ts", m.edited)
		r.raw("}")
	}
	if len(m.reactions) == 0 {
		return
	}
	r.raw(`,"reactions":[`)
	for i := range m.reactions {
		r.comma(i)
		r.reaction(&m.reactions[i])
	}
	r.raw("]")
}

func (r *renderer) reaction(re *reaction) {
	r.raw(`{"name":`)
	r.b = appendQuoted(r.b, re.name)
	r.number("count", int64(re.count))
	r.raw(`,"users":[`)
	for i, u := range re.users {
		r.comma(i)
		r.raw(r.w.users[u].quoted)
	}
	r.raw("]}")
}

// comment appends a comment on a main message.
func (r *renderer) comment(c *channel, parent uint64, m *message) {
	if r.rec != nil {
		r.rec.message(r.w, c, m, parent)
	}
	r.raw(`{"type":"message"`)
	r.user("user", m.user)
	r.quoted("text", m.text)
	r.flag("is_stared", false)
	r.raw(`,"subtype":"message_comment"`)
	r.ts("ts", m.id)
	r.raw(`,"comment":{"id":"`)
	r.b = appendHex(r.b, m.id)
	r.raw(`"`)
	r.number("created", created(m.id))
	r.number("timestamp", created(m.id))
	r.user("user", m.user)
	r.quoted("comment", m.text)
	r.text("channel", r.v.id(c.id))
	r.flag("is_intro", false)
	r.raw("}")
	r.flag("fs_intro", false)
	r.raw(`,"message":{"type":"message"`)
	r.ts("ts", parent)
	r.raw("}")
	if r.v.Edited == "modified" {
		r.number("modified", m.modified())
	}
	if m.more != nil {
		r.more(m.more)
	}
	r.end()
}

// fileItem appends an element of files.list.
func (r *renderer) fileItem(f *file) {
	r.raw(`{"type":"message","subtype":"file"`)
	r.user("user", f.user)
	r.ts("ts", f.id)
	r.number("created", int64(f.id>>16))
	r.name("file")
	r.file(f)
	r.end()
}

func (r *renderer) file(f *file) {
	if r.rec != nil {
		r.rec.file(r.in, f, r.size(f))
	}
	r.raw(`{"id":"`)
	r.b = appendHex(r.b, f.id)
	r.raw(`"`)
	r.number("created", int64(f.id>>16))
	r.number("modified", f.modified)
	r.text("name", f.name)
	r.text("title", f.name)
	r.text("mimetype", f.mime)
	r.number("size", r.size(f))
	r.user("user", f.user)
	if f.flagged {
		r.flag("link_invalid", true)
		r.end()
		return
	}
	ticket := r.ticket(f)
	r.text("ticket", ticket)
	r.text("url_private", "https://"+r.w.host+"/teamchatapi/files.download?ticket="+ticketEscaper.Replace(ticket))
	r.end()
}

// size is what is said of a file's size, which may lag.
func (r *renderer) size(f *file) int64 {
	if lag := int64(r.v.SizeLag / time.Second); lag > 0 && r.w.second() < f.modified+lag {
		return f.before
	}
	return f.content.size
}

// ticketEscaper percent-encodes what a ticket may hold.
var ticketEscaper = strings.NewReplacer(",", "%2C", "+", "%2B", "/", "%2F", "=", "%3D")
