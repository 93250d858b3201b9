package teamchat

import (
	"context"
	"strconv"
	"strings"
	"time"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

// ChannelsList gives every channel that the account sees, with permissions and activity.
func (c *Client) ChannelsList(ctx context.Context) (Answer, []Channel, error) {
	r := newRequest(methodChannels, "include_unread_count", "true", "include_permissions", "true",
		"collection_type", "0", "warning", "true").wants(list, "channels")
	r.free = true
	answer, err := c.call(ctx, r)
	if err != nil {
		return Answer{}, nil, err
	}
	channels := make([]Channel, len(answer.items))
	for i, raw := range answer.items {
		channels[i] = parseChannel(raw)
	}
	return answer.Answer, channels, nil
}

// ChannelsDiff gives what changed since this token's last ChannelsList or ChannelsDiff, and the answer as received.
// Reading it moves the server's base, so that an answer lost on the way is lost for good: after a temporary error the
// call is not repeated, and ChannelsList tells the truth. After a login the base is lost too, see [Client.Logins].
func (c *Client) ChannelsDiff(ctx context.Context) (Answer, []ChannelChange, []byte, error) {
	r := newRequest(methodChannelsDiff).wants(list, "channels_diff")
	r.once = true
	answer, err := c.call(ctx, r)
	if err != nil {
		return Answer{}, nil, nil, err
	}
	return answer.Answer, parseChanges(&answer.envelope), answer.object, nil
}

// ParseChannelsDiff reads an answer of ChannelsDiff that was kept.
func ParseChannelsDiff(body []byte) ([]ChannelChange, error) {
	e, err := parseEnvelope(body, []string{"channels_diff"})
	if err != nil {
		return nil, err
	}
	return parseChanges(&e), nil
}

// parseChanges reads all shapes that a server may choose: elements with a channel object or id, elements that are the
// channel, and one status at the top for all of them.
func parseChanges(e *envelope) []ChannelChange {
	var all struct {
		Status lenient.String `json:"status"`
	}
	_ = lenient.Unmarshal(e.object, &all) // an object that was read before
	changes := make([]ChannelChange, len(e.items))
	for i, raw := range e.items {
		var w struct {
			Status  lenient.String `json:"status"`
			Channel lenient.Raw    `json:"channel"`
		}
		if jsontext.Value(raw).Kind() == '{' {
			_ = lenient.Unmarshal(raw, &w) // likewise
		}
		if w.Status == "" {
			w.Status = all.Status
		}
		changes[i] = ChannelChange{strings.ToLower(string(w.Status)), changedChannel(raw, w.Channel)}
	}
	return changes
}

func changedChannel(element, inner []byte) Channel {
	switch jsontext.Value(inner).Kind() {
	case '{':
		return parseChannel(inner)
	case '"', '0':
		channel := parseChannel(element)
		id := envelope{value: inner}
		channel.ID = id.text()
		return channel
	}
	return parseChannel(element)
}

// ChannelInfo gives one channel.
func (c *Client) ChannelInfo(ctx context.Context, channel string) (Answer, Channel, error) {
	r := newRequest(methodChannel, "channel", channel, "include_unread_count", "true", "warning", "true")
	answer, err := c.call(ctx, r.wants(object, "channel"))
	if err != nil {
		return Answer{}, Channel{}, err
	}
	return answer.Answer, parseChannel(answer.items[0]), nil
}

// History is channels.historyNoComments.
func (c *Client) History(ctx context.Context, q HistoryQuery) (*MessagePage, error) {
	r := newRequest(methodHistory, "channel", q.Channel, "oldest", q.Oldest, "latest", q.Latest,
		"descending", strconv.FormatBool(q.Descending), "count", positive(q.Count), "page", positive(q.Page))
	if q.Inclusive {
		r.form.Set("inclusive", "true")
	}
	return c.messages(ctx, r)
}

// Threads is threads.list: the messages that have comments.
func (c *Client) Threads(ctx context.Context, q ListQuery) (*MessagePage, error) {
	return c.messages(ctx, newRequest(methodThreads, "channel", q.Channel, "count", positive(q.Count), "page", positive(q.Page)))
}

// Comments is threads.comments: the whole thread of the message ts.
func (c *Client) Comments(ctx context.Context, channel, ts string) (*MessagePage, error) {
	return c.messages(ctx, newRequest(methodComments, "channel", channel, "ts", ts))
}

// Files is files.list, newest first.
func (c *Client) Files(ctx context.Context, q ListQuery) (*MessagePage, error) {
	return c.messages(ctx, newRequest(methodFiles, "channel", q.Channel, "count", positive(q.Count), "page", positive(q.Page)))
}

// Pins is pins.list: the publicly pinned items of a channel or, for "", of all channels. A Message has the ts of the
// pinned item, also where the element only points to it.
func (c *Client) Pins(ctx context.Context, q ListQuery) (*MessagePage, error) {
	page, err := c.messages(ctx, newRequest(methodPins, "channel", q.Channel, "include_public", "true",
		"include_private", "false", "count", positive(q.Count), "page", positive(q.Page)))
	if err != nil {
		return nil, err
	}
	for i := range page.Messages {
		if m := &page.Messages[i]; m.TS == "" {
			m.TS, m.Parent = m.Parent, ""
		}
	}
	return page, nil
}

func (c *Client) messages(ctx context.Context, r *request) (*MessagePage, error) {
	answer, err := c.call(ctx, r.wants(list, "messages"))
	if err != nil {
		return nil, err
	}
	return answer.page(), nil
}

func (a *reply) page() *MessagePage {
	page := &MessagePage{Answer: a.Answer, Messages: make([]Message, len(a.items)), Paging: a.paging}
	for i, raw := range a.items {
		page.Messages[i] = parseMessage(raw)
	}
	return page
}

// Item is items.info.
func (c *Client) Item(ctx context.Context, channel, ts string) (Answer, Message, error) {
	answer, err := c.call(ctx, newRequest(methodItem, "channel", channel, "ts", ts).wants(object, "message"))
	if err != nil {
		return Answer{}, Message{}, err
	}
	return answer.Answer, parseMessage(answer.items[0]), nil
}

// Users is users.list, of a channel or, for "", of the whole server. complete is false when the answer says that it
// was cut short.
func (c *Client) Users(ctx context.Context, channel string) (a Answer, users []User, complete bool, err error) {
	answer, err := c.call(ctx, newRequest(methodUsers, "channel", channel).wants(list, "members", "users"))
	if err != nil {
		return Answer{}, nil, false, err
	}
	return answer.Answer, answer.users(), answer.isWhole(), nil
}

// SearchUsers is search.users without a condition: a page of the users of a channel or, for "", of the whole server.
// Where [Client.Users] is cut short it can give the others.
func (c *Client) SearchUsers(ctx context.Context, q ListQuery) (*UserPage, error) {
	r := newRequest(methodSearchUsers, "channel", q.Channel, "count", positive(q.Count), "page", positive(q.Page))
	answer, err := c.call(ctx, r.wants(list, "members", "users"))
	if err != nil {
		return nil, err
	}
	return &UserPage{answer.Answer, answer.users(), answer.paging}, nil
}

func (a *reply) users() []User {
	users := make([]User, len(a.items))
	for i, raw := range a.items {
		users[i] = User{userID(raw), raw}
	}
	return users
}

// isWhole tells whether a list that can't be paged says nothing of more.
func (a *reply) isWhole() bool {
	var w struct {
		Warning lenient.String `json:"warning"`
		More    lenient.Bool   `json:"has_more"`
	}
	_ = lenient.Unmarshal(a.object, &w) // an object that was read before
	cut := bool(w.More) || strings.Contains(string(w.Warning), "truncated")
	return !cut && a.paging.Pages <= 1 && a.paging.Total <= int64(len(a.items))
}

// UserInfo is users.info.
func (c *Client) UserInfo(ctx context.Context, user string) (Answer, User, error) {
	answer, err := c.call(ctx, newRequest(methodUser, "user", user).wants(object, "user"))
	if err != nil {
		return Answer{}, User{}, err
	}
	return answer.Answer, User{userID(answer.items[0]), answer.items[0]}, nil
}

// AuthTest gives the account that the token belongs to.
func (c *Client) AuthTest(ctx context.Context) (user string, err error) {
	answer, err := c.call(ctx, newRequest(methodAuthTest).wants(scalar, "user_id", "user"))
	if err != nil {
		return "", err
	}
	return answer.text(), nil
}

// Version gives the server's version.
func (c *Client) Version(ctx context.Context) (string, error) {
	answer, err := c.call(ctx, newRequest(methodVersion).wants(scalar, "version"))
	if err != nil {
		return "", err
	}
	return answer.text(), nil
}

// Now gives the server's clock, to the second.
func (c *Client) Now(ctx context.Context) (Answer, time.Time, error) {
	answer, err := c.call(ctx, newRequest(methodNow).wants(scalar, "now"))
	if err != nil {
		return Answer{}, time.Time{}, err
	}
	return answer.Answer, time.Unix(lenient.ParseInt(answer.text()), 0).UTC(), nil
}
