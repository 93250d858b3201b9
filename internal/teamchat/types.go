package teamchat

import (
	"io"
	"log/slog"
	"time"
)

// Answer says where and when something was received.
type Answer struct {
	Received time.Time // when the body was complete, UTC
	Date     time.Time // the server's Date header; zero if absent
}

// Paging is what a list says of itself; zero values are unknown.
type Paging struct {
	Count, Total, Page, Pages int64
	Present                   bool
}

// Message is an item of a list: what the client needs of it, and the object as received.
type Message struct {
	TS            string // as received; "" when the object has none
	Parent        string // ts of the commented message, "" for a main message
	CommentsCount int64  // -1 when the object does not say
	File          *File  // nil without one
	Raw           []byte
}

// File is a file object.
type File struct {
	ID, Name string
	Size     int64  // bytes, -1 when the object does not say
	Modified string // as received
	Created  string
	Ticket   string // from the member ticket or from a ticket= in a url_* member. A secret
	Raw      []byte // the file object as received
}

// LogValue keeps the ticket out of logs.
func (f *File) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", f.ID), slog.String("name", f.Name), slog.Int64("size", f.Size))
}

// MessagePage is the answer of the calls that give messages.
type MessagePage struct {
	Answer
	Messages []Message
	Paging   Paging
}

// Channel is an element of channels.list.
type Channel struct {
	ID         string // as received
	Name       string
	Latest     int64    // unix seconds, 0 when not given
	Members    []string // user ids as far as the list goes
	NumMembers int64    // -1 when not given
	Truncated  bool     // Members is cut short
	Readable   bool     // false only if permissions say items_read=false
	Raw        []byte
}

// ChannelChange is an element of channels.diff.
type ChannelChange struct {
	Status  string // added, renamed, deleted; lower case
	Channel Channel
}

// User is an account as users.list gives it.
type User struct {
	ID  string
	Raw []byte
}

// UserPage is the answer of search.users.
type UserPage struct {
	Answer
	Users  []User
	Paging Paging
}

// Calendar is an event or a conference with all its properties.
type Calendar struct {
	Text string // iCalendar (RFC 5545), with bytes that are no UTF-8 replaced
	Raw  []byte // the answer as received
}

// Conference is an element of conferences.list.
type Conference struct {
	ID         string // meeting_id as received: digits, which a host may follow
	Title      string
	Start, End int64  // unix seconds, 0 when not set
	Raw        []byte // as received. It can hold the password of the meeting, which must not be kept: clean it first
}

// LogValue keeps the password out of logs.
func (c Conference) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", c.ID), slog.String("title", c.Title), slog.Int64("start", c.Start))
}

// ConferencePage is the answer of conferences.list. Servers are not known to say how many pages there are.
type ConferencePage struct {
	Answer
	Conferences []Conference
	Paging      Paging
}

// HistoryQuery selects main messages. Zero values are not sent.
type HistoryQuery struct {
	Channel        string
	Oldest, Latest string // ts
	Inclusive      bool
	Descending     bool // always sent
	Count, Page    int
}

// ListQuery selects a page of a list. Zero values are not sent.
type ListQuery struct {
	Channel     string
	Count, Page int
}

// ConferencesQuery selects conferences. Zero values are not sent.
type ConferencesQuery struct {
	Upcoming    bool // those that will begin, else those that began; always sent
	Count, Page int  // of those that began
	Days, Since int  // of the upcoming ones: how many days, and how many days from now the first of them is
}

// Download is the body of a file while it is read. It holds one of the client's connections until it is closed.
type Download struct {
	io.ReadCloser
	Length int64 // of the bytes to come, -1 when the server does not say: then only the declared size can prove it whole
}
