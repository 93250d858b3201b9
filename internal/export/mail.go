package export

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"archiver/internal/mail"
	"archiver/internal/record"

	"github.com/go-json-experiment/json"
)

// mailer writes messages as mails, one for every version and one for a deletion. The plain text is the message's text;
// if there is something to tell of it, a line "-- " follows and X-TeamChat-Notes says how many lines.
//
//	Message-ID    m.<channel>-<ts>.<version>@<archive>.teamchat.invalid; of a deletion <version>-deleted. It is the same
//	              in every export of an archive
//	In-Reply-To   the first version of the thread's first message, also if that is not in the export
//	References    the same, and the version before
//	Date          when the message was sent, also of later versions
//	To            who could read the channel then
//	Subject       the channel, and how the first version of the thread's first message begins
type mailer struct {
	mailBook
	prefix  func(folder string) string // of lists of members
	current *mailChannel
	roots   map[record.TS]mailRoot // some of the channel's threads
	message mail.Message
	header  mail.Header
	texts   mailTexts
	notes   mailNotes
	nuls    int // removed in all
}

// maxRoots bounds what is remembered of threads.
const maxRoots = 1 << 14

// mailRoot is what mails of a thread say of its first message.
type mailRoot struct {
	subject  string // without the channel
	author   string // id
	exported bool
}

func newMailer(f *frame, prefix func(folder string) string) *mailer {
	return &mailer{mailBook: newMailBook(f), prefix: prefix, roots: map[record.TS]mailRoot{}}
}

// enter goes on to another channel.
func (m *mailer) enter(c *record.Channel) {
	m.current = m.newChannel(c, m.prefix(channelFolder(c)))
	clear(m.roots)
}

// finish tells what was lost.
func (m *mailer) finish(format string) {
	if m.nuls > 0 {
		m.frame.except("", strconv.Itoa(m.nuls)+" NUL bytes removed from texts in format "+format+", as mail cannot hold them")
	}
}

// mailVersion is what becomes one mail.
type mailVersion struct {
	record.Version
	number, of int
	event      mailEvent
}

type mailEvent string

const (
	mailCreated mailEvent = "created"
	mailEdited  mailEvent = "edited"
	mailDeleted mailEvent = "deleted"
)

// label tells the mails of a message apart. A deletion is not the version after the last: that may still come.
func (v mailVersion) label() string {
	if v.event == mailDeleted {
		return strconv.Itoa(v.number) + "-deleted"
	}
	return strconv.Itoa(v.number)
}

// newest tells whether the mail is of the message's last version.
func (v mailVersion) newest() bool { return v.number == v.of && v.event != mailDeleted }

// before is the label of the mail before; "" for the first.
func (v mailVersion) before() string {
	switch {
	case v.event == mailDeleted:
		return strconv.Itoa(v.number)
	case v.number > 1:
		return strconv.Itoa(v.number - 1)
	}
	return ""
}

// mailsOf gives a message's mails in order.
func mailsOf(item Item) func(yield func(mailVersion) bool) {
	versions := item.Versions
	if len(versions) == 0 {
		versions = []record.Version{{Text: item.Text, Change: item.Change}} // its state was never read
	}
	return func(yield func(mailVersion) bool) {
		v := mailVersion{of: len(versions), event: mailCreated}
		for i := range versions {
			v.Version, v.number = versions[i], i+1
			if !yield(v) {
				return
			}
			v.event = mailEdited
		}
		if v.event = mailDeleted; item.Deleted != nil {
			yield(v)
		}
	}
}

// write writes one mail.
func (m *mailer) write(w io.Writer, item Item, v mailVersion) error {
	root, err := m.root(item)
	if err != nil {
		return err
	}
	d := detailsOf(item.Message)
	m.compose(item, v, root, d)
	if err := m.fields(item, v, root, d); err != nil {
		return err
	}
	id := m.id(item.TS, v.label())
	if err := m.message.Begin(w, &m.header, id, m.texts.plain, m.texts.html); err != nil {
		return err
	}
	if v.newest() {
		if err := m.attach(m.attachment(item)); err != nil {
			return err
		}
	}
	return m.message.End()
}

// attach embeds a content.
func (m *mailer) attach(a mailAttachment) error {
	if a.name == "" || a.missing != "" {
		return nil
	}
	in, err := m.frame.src.Blob(a.SHA256)
	if err != nil {
		return err
	}
	return errors.Join(m.message.Attach(a.name, mail.MediaType(a.name), in), in.Close())
}

func (m *mailer) id(ts record.TS, label string) string {
	return "m." + m.current.key + "-" + safeTS(ts) + "." + label + "@" + m.host
}

// safeTS is a ts without its dot.
func safeTS(ts record.TS) string { return strings.Replace(string(ts), ".", "-", 1) }

// root looks up the first message of an item's thread.
func (m *mailer) root(item Item) (mailRoot, error) {
	ts := threadOf(item)
	if root, known := m.roots[ts]; known {
		return root, nil
	}
	found, ok := item, true
	if item.Thread != "" {
		var err error
		if found, ok, err = m.frame.src.Message(m.frame.contents.ctx, item.Channel, ts); err != nil {
			return mailRoot{}, err
		}
	}
	root := mailRoot{subject: "thread " + string(ts), exported: ok}
	if ok {
		root.subject, root.author = mailSubject(found.Message), found.User
	}
	if len(m.roots) >= maxRoots {
		clear(m.roots)
	}
	m.roots[ts] = root
	return root, nil
}

// maxSubjectBytes is how much of a text is looked at for a subject.
const maxSubjectBytes = 4 << 10

// mailSubject is how a message's first version begins, or what it is instead of a text.
func mailSubject(msg *record.Message) string {
	text := msg.Text
	if len(msg.Versions) > 0 {
		text = msg.Versions[0].Text
	}
	text = strings.TrimSpace(text)
	text = mailLine(text[:min(len(text), maxSubjectBytes)])
	n := 0
	for i := range text {
		if n++; n > maxSubject {
			return strings.TrimSpace(text[:i])
		}
	}
	switch {
	case text != "":
		return text
	case msg.FileName != "":
		return "file " + mailName(msg.FileName)
	}
	return "(" + string(msg.Kind) + " without text)"
}

func (m *mailer) subject(item Item, root mailRoot) string {
	subject := "[" + m.current.name + "] " + root.subject
	if item.Thread != "" {
		return "Re: " + subject
	}
	return subject
}

// compose makes the two forms of the text.
func (m *mailer) compose(item Item, v mailVersion, root mailRoot, d details) {
	t := &m.texts
	t.begin(m.subject(item, root))
	t.author(m.person(item.User), item.TS.Time().In(m.frame.zone))
	t.text(v.Text)
	m.nuls += t.nuls
	m.note(item, v, root, d)
	t.plain = append(t.plain, "\r\n"...)
	if len(m.notes.lines) > 0 {
		t.plain = append(t.plain, "-- \r\n"...)
		t.notes(m.notes.lines, "")
	}
	t.end()
}

// note collects what there is to tell of a mail.
func (m *mailer) note(item Item, v mailVersion, root mailRoot, d details) {
	n := &m.notes
	n.reset(&m.mailBook)
	if v.number > 1 {
		n.add("version ", strconv.Itoa(v.number), " of ", strconv.Itoa(v.of), ", first read ", v.Observed.UTC().Format(mailTime))
	}
	switch {
	case item.Thread == "":
	case root.exported:
		n.add("comment on a message of ", m.person(root.author).Name, ", ", item.Thread.Time().Format(mailTime))
	default:
		n.add("comment on message ", string(item.Thread), ", which is not in this export")
	}
	if item.Reason == ReasonContext {
		n.add("context: not selected itself")
	}
	if v.event == mailDeleted {
		n.deletion(item.Deleted)
	}
	if v.newest() {
		n.state(item, d)
		n.file(item, "")
	} else {
		n.file(item, ", in the mail of version "+strconv.Itoa(v.of))
	}
	if m.texts.nuls > 0 {
		n.add(strconv.Itoa(m.texts.nuls), " NUL bytes removed from the text")
	}
}

// fields makes the header.
func (m *mailer) fields(item Item, v mailVersion, root mailRoot, d details) error {
	to, err := m.current.members(item.TS.Time())
	if err != nil {
		return err
	}
	h := &m.header
	h.Reset()
	h.IDs("Message-ID", m.id(item.TS, v.label()))
	h.Date("Date", item.TS.Time())
	h.Addresses("From", m.person(item.User))
	h.Append(to)
	h.Text("Subject", m.subject(item, root))
	m.thread(item, v)
	h.Append(m.current.fields)
	h.Text("X-TeamChat-Message-ID", string(item.TS))
	h.Text("X-TeamChat-Thread-ID", string(item.Thread))
	h.Text("X-TeamChat-Author-ID", mail.Visible(item.User))
	h.Text("X-TeamChat-Kind", string(item.Kind))
	h.Text("X-TeamChat-Reason", string(item.Reason))
	h.Text("X-TeamChat-Version", strconv.Itoa(v.number)+"/"+strconv.Itoa(v.of))
	h.Text("X-TeamChat-Event", string(v.event))
	if !v.Observed.IsZero() {
		h.Text("X-TeamChat-Observed-At", formatTime(v.Observed))
	}
	if v.number == v.of {
		if err := m.stateFields(item, d); err != nil {
			return err
		}
	}
	h.Text("X-TeamChat-Archive-Seq", strconv.FormatUint(v.Change, 10))
	h.Text("X-TeamChat-Archive-Hash", v.SHA256)
	if n := len(m.notes.lines); n > 0 {
		h.Text("X-TeamChat-Notes", strconv.Itoa(n))
	}
	if n := m.texts.nuls; n > 0 {
		h.Text("X-TeamChat-Removed-NULs", strconv.Itoa(n))
	}
	return nil
}

// thread ties a mail to its thread and to the version before.
func (m *mailer) thread(item Item, v mailVersion) {
	var references []string
	if item.Thread != "" {
		references = append(references, m.id(item.Thread, "1"))
		m.header.IDs("In-Reply-To", references...)
	}
	if before := v.before(); before != "" {
		references = append(references, m.id(item.TS, before))
	}
	m.header.IDs("References", references...)
}

// stateFields tell what is known of the message as it is now.
func (m *mailer) stateFields(item Item, d details) error {
	h := &m.header
	if !d.edited.at.IsZero() {
		h.Text("X-TeamChat-Edited-At", d.edited.at.Format(time.RFC3339))
	}
	h.Text("X-TeamChat-Edited-By", mail.Visible(d.edited.by))
	if item.Deleted != nil {
		h.Text("X-TeamChat-Deleted-At", formatTime(item.Deleted.FirstMissing))
	}
	if err := m.reactions(d.reactions); err != nil {
		return err
	}
	a := m.attachment(item)
	h.Text("X-TeamChat-Attachment-Name", mail.Visible(a.name))
	h.Text("X-TeamChat-Attachment-SHA256", a.SHA256)
	h.Text("X-TeamChat-Attachment-Unavailable", mail.Visible(a.missing))
	return nil
}

// reactions writes them as JSON: [{"name":"heart","count":2,"users":["ann@example.com"]}].
func (m *mailer) reactions(list []reactionDetail) error {
	if len(list) == 0 {
		return nil
	}
	type reaction struct {
		Name  string   `json:"name"`
		Count int64    `json:"count"`
		Users []string `json:"users,omitempty"`
	}
	all := make([]reaction, len(list))
	for i, r := range list {
		all[i] = reaction{r.name, r.count, r.users}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	m.header.Encoded("X-TeamChat-Reactions", string(text))
	return nil
}
