package teamchattest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"archiver/internal/record"
)

// message is a main message or a comment, kept small: there may be millions.
type message struct {
	id      uint64
	text    string // the inside of its JSON string
	user    int32
	subtype uint8
	hidden  bool  // from the account
	more    *more // nil for most
}

// more is what few messages have.
type more struct {
	members   string // JSON members of the subtype, each with a comma before it
	file      *file
	event     *event
	editor    int32
	edited    uint64 // id of the last edit, 0 without one
	reactions []reaction
	comments  []message // ascending
}

type reaction struct {
	name  string
	count int // may be more than there are users
	users []int32
}

// rest gives the message's more and makes it when there is none.
func (m *message) rest() *more {
	if m.more == nil {
		m.more = &more{}
	}
	return m.more
}

func (m *message) comments() []message {
	if m.more == nil {
		return nil
	}
	return m.more.comments
}

// search gives the place of the message with this id in a sorted list, or where it belongs.
func search(list []message, id uint64) (int, bool) {
	if n := len(list); n == 0 || list[n-1].id < id {
		return n, false
	}
	return slices.BinarySearchFunc(list, id, func(m message, id uint64) int { return cmp.Compare(m.id, id) })
}

// Item is a main message to post. The zero value of each member is left out, or chosen by the world.
type Item struct {
	TS      record.TS // "" is now; it must be free in the channel
	User    string
	Text    string
	Subtype string // "" is a text message
	Members string // further JSON members of the object, as in `"language":"go"`
	Hidden  bool   // the account does not see it, as a private message between others
}

// Post posts a text message.
func (w *World) Post(channel, user, text string) record.TS {
	return w.PostItem(channel, Item{User: user, Text: text})
}

// PostAt posts a text message under a given ts: one that arrives late, or from elsewhere.
func (w *World) PostAt(channel string, ts record.TS, user, text string) record.TS {
	return w.PostItem(channel, Item{TS: ts, User: user, Text: text})
}

// PostCode posts a code block.
func (w *World) PostCode(channel, user, language, text string) record.TS {
	return w.PostItem(channel, Item{User: user, Text: text, Subtype: "code_block", Members: codeMembers(language)})
}

func codeMembers(language string) string {
	return string(appendQuoted([]byte(`"language":`), language))
}

// PostItem posts a message of any kind. It panics on a ts that is no ts or taken.
func (w *World) PostItem(channel string, it Item) record.TS {
	defer w.change()()
	return w.postItem(w.channel(channel), it)
}

func (w *World) postItem(c *channel, it Item) record.TS { return w.postEntry(c, it, nil) }

// postEntry posts a message that points to something.
func (w *World) postEntry(c *channel, it Item, point func(*more)) record.TS {
	m := w.message(c, it.TS, it.User, it.Text)
	m.subtype, m.hidden = w.subtype(it.Subtype), it.Hidden
	if it.Members != "" {
		m.rest().members = "," + it.Members
	}
	if point != nil {
		point(m.rest())
	}
	c.insert(m)
	return tsOf(m.id)
}

// message makes a message that is in no list yet.
func (w *World) message(c *channel, ts record.TS, user, text string) message {
	id, ok := idOf(ts)
	if ts == "" {
		for id, ok = w.newID(), true; c.taken(id); id = w.newID() {
		}
	}
	if !ok || c.taken(id) {
		panic(fmt.Sprintf("teamchattest: ts %q in channel %q is taken or no ts", ts, c.name))
	}
	return message{id: id, user: w.user(user), text: w.text.quote(text)}
}

func (c *channel) taken(id uint64) bool {
	if c.ghosts[id] != nil {
		return true
	}
	_, main := search(c.messages, id)
	_, comment := c.parents[id]
	return main || comment
}

// taken tells whether a ts can't be given to a new item of a channel.
func (w *World) taken(channel string, ts record.TS) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	id, ok := idOf(ts)
	return !ok || w.channel(channel).taken(id)
}

// insert puts a main message where its id belongs.
func (c *channel) insert(m message) {
	i, _ := search(c.messages, m.id)
	c.messages = slices.Insert(c.messages, i, m)
	c.latest = max(c.latest, int64(m.id>>16))
	if m.hidden {
		c.hidden++
	}
}

// Comment comments on a main message. It gives "" when that is not there.
func (w *World) Comment(channel string, parent record.TS, user, text string) record.TS {
	return w.CommentAt(channel, parent, "", user, text)
}

// CommentAt comments on a main message under a given ts; "" is now.
func (w *World) CommentAt(channel string, parent, ts record.TS, user, text string) record.TS {
	defer w.change()()
	c := w.channel(channel)
	p, _ := c.message(parent)
	if p == nil || c.parents[p.id] != 0 {
		return ""
	}
	m := w.message(c, ts, user, text)
	c.comment(p, m)
	return tsOf(m.id)
}

// comment puts a comment under a main message.
func (c *channel) comment(parent *message, m message) {
	r := parent.rest()
	if len(r.comments) == 0 {
		i, _ := slices.BinarySearch(c.threads, parent.id)
		c.threads = slices.Insert(c.threads, i, parent.id)
	}
	i, _ := search(r.comments, m.id)
	r.comments = slices.Insert(r.comments, i, m)
	c.parents[m.id] = parent.id
}

// message finds a main message or a comment and, for a comment, its parent.
func (c *channel) message(ts record.TS) (m, parent *message) {
	id, ok := idOf(ts)
	if !ok {
		return nil, nil
	}
	return c.byID(id)
}

func (c *channel) byID(id uint64) (m, parent *message) {
	if i, ok := search(c.messages, id); ok {
		return &c.messages[i], nil
	}
	above, ok := c.parents[id]
	if !ok {
		return nil, nil
	}
	if parent = c.ghosts[above]; parent == nil {
		i, _ := search(c.messages, above)
		parent = &c.messages[i]
	}
	i, _ := search(parent.more.comments, id)
	return &parent.more.comments[i], parent
}

// Edit changes the text of a message or comment; the editor need not be the author. ts and place stay.
func (w *World) Edit(channel string, ts record.TS, editor, text string) bool {
	return w.onMessage(channel, ts, func(_ *channelRef, m, _ *message) {
		m.text = w.text.quote(text)
		r := m.rest()
		r.editor, r.edited = w.user(editor), w.newID()
	})
}

// React sets the one reaction that a user has on a message; name "" takes it away.
func (w *World) React(channel string, ts record.TS, user, name string) bool {
	return w.onMessage(channel, ts, func(_ *channelRef, m, _ *message) {
		r := m.rest()
		r.reactions = withoutReaction(r.reactions, w.user(user))
		if name != "" {
			r.reactions = withReaction(r.reactions, w.user(user), name)
		}
	})
}

func withoutReaction(list []reaction, user int32) []reaction {
	var kept []reaction
	for _, r := range list {
		if i := slices.Index(r.users, user); i >= 0 {
			r.users = slices.Delete(slices.Clone(r.users), i, i+1)
			r.count--
		}
		if r.count > 0 {
			kept = append(kept, r)
		}
	}
	return kept
}

func withReaction(list []reaction, user int32, name string) []reaction {
	for i := range list {
		if r := &list[i]; r.name == name {
			r.users = append(r.users, user)
			r.count++
			return list
		}
	}
	return append(list, reaction{name: name, count: 1, users: []int32{user}})
}

// Delete removes a message with its comments ([World.KeepComments]), or one comment. A file that was posted with it stays in the channel.
func (w *World) Delete(channel string, ts record.TS) bool {
	return w.onMessage(channel, ts, func(c *channelRef, m, parent *message) {
		if parent == nil {
			w.remove(c, m)
		} else {
			c.removeComment(parent, m)
		}
	})
}

// DeleteComment removes a comment; it does nothing to a main message.
func (w *World) DeleteComment(channel string, ts record.TS) (done bool) {
	w.onMessage(channel, ts, func(c *channelRef, m, parent *message) {
		if parent != nil {
			c.removeComment(parent, m)
			done = true
		}
	})
	return done
}

// Purge removes the newest main messages of a channel, so many, at once.
func (w *World) Purge(channel string, newest int) {
	defer w.change()()
	c := w.channel(channel)
	for range min(newest, len(c.messages)) {
		w.remove(c, &c.messages[len(c.messages)-1])
	}
}

// remove takes a main message and its comments out.
func (w *World) remove(c *channel, m *message) {
	comments := m.comments()
	if w.keepComments && len(comments) > 0 {
		ghost := *m
		c.haunt(&ghost)
		comments = nil
	}
	for _, comment := range comments {
		delete(c.parents, comment.id)
		c.unpin(comment.id)
	}
	if m.hidden {
		c.hidden--
	}
	c.unpin(m.id)
	c.forgetThread(m.id)
	i, _ := search(c.messages, m.id)
	c.messages = slices.Delete(c.messages, i, i+1)
}

// haunt keeps what the comments of a deleted message need.
func (c *channel) haunt(m *message) {
	if c.ghosts == nil {
		c.ghosts = map[uint64]*message{}
	}
	c.ghosts[m.id] = m
}

func (c *channel) removeComment(parent, m *message) {
	delete(c.parents, m.id)
	c.unpin(m.id)
	r := parent.more
	i, _ := search(r.comments, m.id)
	r.comments = slices.Delete(r.comments, i, i+1)
	if len(r.comments) == 0 {
		c.forgetThread(parent.id)
		delete(c.ghosts, parent.id)
	}
}

func (c *channel) forgetThread(id uint64) {
	if i, ok := slices.BinarySearch(c.threads, id); ok {
		c.threads = slices.Delete(c.threads, i, i+1)
	}
}

// onMessage changes a message or comment, if it is there.
func (w *World) onMessage(channel string, ts record.TS, f func(c *channelRef, m, parent *message)) bool {
	defer w.change()()
	c := w.channel(channel)
	m, parent := c.message(ts)
	if m == nil {
		return false
	}
	f(c, m, parent)
	return true
}

// matches tells whether a main message is found by a search.
func (m *message) matches(query string) bool {
	return strings.Contains(strings.ToLower(unquote(m.text)), query)
}
