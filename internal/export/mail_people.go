package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"archiver/internal/mail"
	"archiver/internal/record"
)

const (
	maxRecipients = 500 // more become one address that stands for the channel's members
	maxMailName   = 200 // bytes of a name in a header
	maxSubject    = 70  // characters of the thread's first message
)

// mailBook has people and channels as mail names them: with addresses, and ids below a domain that nobody has (RFC
// 2606).
type mailBook struct {
	frame  *frame
	host   string // the domain of ids
	people map[string]mail.Address
}

func newMailBook(f *frame) mailBook {
	host := slug(f.sel.Archive)
	return mailBook{frame: f, host: host[:min(len(host), 12)] + ".teamchat.invalid", people: map[string]mail.Address{}}
}

// person gives an account. Who has no address of the common form gets one that is made of the id.
func (b *mailBook) person(id string) mail.Address {
	a, known := b.people[id]
	if !known {
		a = b.newPerson(id)
		b.people[id] = a
	}
	return a
}

func (b *mailBook) newPerson(id string) mail.Address {
	name, email := id, ""
	if u := b.frame.users[id]; u != nil {
		name, email = u.Name, u.Email
	}
	if id == "" {
		id, name = "(unknown)", "unknown author" // no account has an id with parentheses
	}
	for _, address := range []string{email, id} {
		if mail.IsAddress(address) {
			return mail.Address{Name: mailName(name), Address: address}
		}
	}
	sum := sha256.Sum256([]byte(id))
	return mail.Address{Name: mailName(name), Address: hex.EncodeToString(sum[:8]) + "@users.teamchat.invalid"}
}

// mailLine makes a text one line.
func mailLine(text string) string {
	return mail.Visible(strings.Join(strings.FieldsFunc(text, unicode.IsSpace), " "))
}

// mailName makes a name one line that is not too long for a header.
func mailName(name string) string {
	name = mailLine(name)
	if len(name) <= maxMailName {
		return name
	}
	n := maxMailName
	for !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}

// mailChannel is the channel whose mails are being written.
type mailChannel struct {
	*record.Channel
	book    *mailBook
	folder  string
	key     string // of the channel in ids of messages
	name    string // with its #
	prefix  string // of the paths of lists of members
	fields  []byte // header fields of all its mails
	lists   map[[32]byte]string
	changes []time.Time // when members changed
	passed  int         // changes before the newest mail; -1 before the first
	to      []byte      // header fields that name the members
}

func (b *mailBook) newChannel(c *record.Channel, prefix string) *mailChannel {
	sum := sha256.Sum256([]byte(c.ID))
	m := &mailChannel{
		Channel: c, book: b, folder: channelFolder(c), key: hex.EncodeToString(sum[:5]),
		name: "#" + mailName(c.Name), prefix: prefix, lists: map[[32]byte]string{}, passed: -1,
	}
	for _, change := range changesOf(c) {
		if change.what != changeRename {
			m.changes = append(m.changes, change.at)
		}
	}
	var h mail.Header
	h.List("List-Id", m.name, m.key+"."+b.host)
	h.Text("X-TeamChat-Conversation-ID", c.ID)
	h.Text("X-TeamChat-Conversation-Name", mail.Visible(c.Name))
	h.Text("X-TeamChat-Export-ID", b.frame.id)
	h.Text("Auto-Submitted", "auto-generated")
	m.fields = h.Bytes()
	return m
}

// members gives the header fields that name who could read the channel at a time. Times only go forward.
func (c *mailChannel) members(at time.Time) ([]byte, error) {
	passed := max(c.passed, 0)
	for passed < len(c.changes) && !c.changes[passed].After(at) {
		passed++
	}
	if passed == c.passed {
		return c.to, nil
	}
	var h mail.Header
	if err := c.recipients(&h, membersAt(c.Channel, at)); err != nil {
		return nil, err
	}
	c.passed, c.to = passed, h.Bytes()
	return c.to, nil
}

// recipients writes To. Too many are one address, and a file lists them.
func (c *mailChannel) recipients(h *mail.Header, ids []string) error {
	if len(ids) == 0 {
		h.Text("To", "undisclosed-recipients:;") // members are not known
		return nil
	}
	if len(ids) <= maxRecipients {
		list := make([]mail.Address, 0, len(ids))
		for _, id := range ids {
			list = append(list, c.book.person(id))
		}
		h.Addresses("To", list...)
		return nil
	}
	path, err := c.list(ids)
	if err != nil {
		return err
	}
	h.Addresses("To", mail.Address{Name: fmt.Sprintf("%s (%d members)", c.name, len(ids)), Address: c.key + "@channels.teamchat.invalid"})
	h.Text("X-TeamChat-Members-File", path)
	return nil
}

// list gives the file that lists members. It is written when they are first asked for.
func (c *mailChannel) list(ids []string) (string, error) {
	rows := appendRow(nil, []string{"id", "name", "address"})
	for _, id := range ids {
		p := c.book.person(id)
		rows = appendRow(rows, []string{strings.ToValidUTF8(id, "\uFFFD"), p.Name, p.Address})
	}
	sum := sha256.Sum256(rows)
	if path, written := c.lists[sum]; written {
		return path, nil
	}
	path := c.prefix + hex.EncodeToString(sum[:6]) + ".csv"
	out, err := c.book.frame.bundle.create(path)
	if err != nil {
		return "", err
	}
	if _, err := out.Write(rows); err != nil {
		return "", err
	}
	_, _, err = out.close()
	c.lists[sum] = path
	return path, err
}

// participants are the members at a slice's begin and whoever wrote in it, by id.
func (s *slice) participants() []string {
	at := s.begin
	if at.IsZero() {
		at = s.first()
	}
	ids := slices.Clone(s.channel.membersAt(at))
	for _, list := range [][]Item{s.items, s.parents} {
		for _, item := range list {
			ids = append(ids, item.User)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
