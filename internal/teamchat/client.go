package teamchat

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Options configure a Client.
type Options struct {
	URL       string // of the server; the API is at URL/teamchatapi/
	AllowHTTP bool   // accept http:// beyond loopback

	Username string
	Password func(ctx context.Context) (string, error) // asked for at each login

	RootCAs     *x509.CertPool    // nil is the system's
	Transport   http.RoundTripper // nil is a transport of the client's own; tests wrap it
	Connections int               // at once, 0 is 4
	Rate        float64           // requests a second, 0 is no limit
	UserAgent   string

	MaxWait     time.Duration // longest wait that the server may ask for; a longer one is an error. 0 is 1 h
	GiveUpAfter time.Duration // without any success; told waits don't count. 0 is 10 min
	MaxRequests int64         // of all calls but login and channels.list; 0 is no limit. More gives ErrBudget

	Logger *slog.Logger // nil discards
}

// ErrBudget means that Options.MaxRequests are used up.
var ErrBudget = errors.New("request budget used up")

// Client talks to one TeamChat server as one account. Its methods may be called from several goroutines.
type Client struct{}

// New checks the options and gives a client that has not yet talked to the server.
func New(o Options) (*Client, error) { return nil, errors.ErrUnsupported }

// Close logs out, if logged in, and closes idle connections.
func (c *Client) Close(ctx context.Context) error { return errors.ErrUnsupported }

// Requests is how many HTTP requests were made, all of them counted.
func (c *Client) Requests() int64 { return 0 }

// BytesDownloaded is how many bytes of bodies were read.
func (c *Client) BytesDownloaded() int64 { return 0 }

// Login gets a token. Other methods log in by themselves when there is none or the server no longer knows it.
func (c *Client) Login(ctx context.Context) error { return errors.ErrUnsupported }

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

// ChannelsList gives every channel that the account sees, with permissions and activity.
func (c *Client) ChannelsList(ctx context.Context) (Answer, []Channel, error) {
	return Answer{}, nil, errors.ErrUnsupported
}

// ChannelChange is an element of channels.diff.
type ChannelChange struct {
	Status  string // added, renamed, deleted
	Channel Channel
}

// ChannelsDiff gives what changed since this token's last ChannelsList or ChannelsDiff, and the answer as received.
// Reading it moves the server's base.
func (c *Client) ChannelsDiff(ctx context.Context) (Answer, []ChannelChange, []byte, error) {
	return Answer{}, nil, nil, errors.ErrUnsupported
}

// ParseChannelsDiff reads an answer of ChannelsDiff that was kept.
func ParseChannelsDiff(body []byte) ([]ChannelChange, error) { return nil, errors.ErrUnsupported }

// ChannelInfo gives one channel.
func (c *Client) ChannelInfo(ctx context.Context, channel string) (Answer, Channel, error) {
	return Answer{}, Channel{}, errors.ErrUnsupported
}

// HistoryQuery selects main messages. Zero values are not sent.
type HistoryQuery struct {
	Channel        string
	Oldest, Latest string // ts
	Inclusive      bool
	Descending     bool // always sent
	Count, Page    int
}

// History is channels.historyNoComments.
func (c *Client) History(ctx context.Context, q HistoryQuery) (*MessagePage, error) {
	return nil, errors.ErrUnsupported
}

// ListQuery selects a page of a list. Zero values are not sent.
type ListQuery struct {
	Channel     string
	Count, Page int
}

// Threads is threads.list: the messages that have comments.
func (c *Client) Threads(ctx context.Context, q ListQuery) (*MessagePage, error) {
	return nil, errors.ErrUnsupported
}

// Comments is threads.comments: the whole thread of the message ts.
func (c *Client) Comments(ctx context.Context, channel, ts string) (*MessagePage, error) {
	return nil, errors.ErrUnsupported
}

// Item is items.info.
func (c *Client) Item(ctx context.Context, channel, ts string) (Answer, Message, error) {
	return Answer{}, Message{}, errors.ErrUnsupported
}

// Files is files.list, newest first.
func (c *Client) Files(ctx context.Context, q ListQuery) (*MessagePage, error) {
	return nil, errors.ErrUnsupported
}

// Download is the body of a file while it is read.
type Download struct {
	io.ReadCloser
	Length int64 // from Content-Length, -1 when not given
}

// Download is files.download with a ticket alone. A JSON error or an HTML page in place of the file is an error, also
// with status 200. The body fails with io.ErrUnexpectedEOF when it is shorter than its declared length.
func (c *Client) Download(ctx context.Context, ticket string) (*Download, error) {
	return nil, errors.ErrUnsupported
}

// User is an account as users.list gives it.
type User struct {
	ID  string
	Raw []byte
}

// Users is users.list, of a channel or, for "", of the whole server. complete is false when the answer says that it
// was cut short.
func (c *Client) Users(ctx context.Context, channel string) (a Answer, users []User, complete bool, err error) {
	return Answer{}, nil, false, errors.ErrUnsupported
}

// UserInfo is users.info.
func (c *Client) UserInfo(ctx context.Context, user string) (Answer, User, error) {
	return Answer{}, User{}, errors.ErrUnsupported
}

// AuthTest gives the account that the token belongs to.
func (c *Client) AuthTest(ctx context.Context) (user string, err error) {
	return "", errors.ErrUnsupported
}

// Version gives the server's version.
func (c *Client) Version(ctx context.Context) (string, error) { return "", errors.ErrUnsupported }

// Now gives the server's clock.
func (c *Client) Now(ctx context.Context) (Answer, time.Time, error) {
	return Answer{}, time.Time{}, errors.ErrUnsupported
}
