package teamchattest

import (
	"encoding/base64"
	"net/url"
	"slices"

	"archiver/internal/record"
)

type channel struct {
	id       string // padded
	name     string
	group    string // owning account
	folder   uint64 // last component of the id
	creator  int32
	latest   int64 // second of the newest main message ever
	messages []message
	threads  []uint64            // main messages that have comments, ascending
	parents  map[uint64]uint64   // comment to main message
	ghosts   map[uint64]*message // deleted main messages whose comments stayed
	files    []*file             // ascending by id
	events   []*event            // ascending by id
	pins     []pin               // ascending by id
	hidden   int                 // how many messages are
	members  []int32             // in order of joining
	joined   map[int32]bool

	archived, unreadable, unlisted bool
}

// AddChannel adds a public channel and gives its id.
func (w *World) AddChannel(name string, members ...string) string {
	defer w.change()()
	return w.addChannel(name, w.newID(), members).id
}

func (w *World) addChannel(name string, folder uint64, members []string) *channel {
	c := &channel{name: name, group: "public-folders@" + w.domain, folder: folder,
		parents: map[uint64]uint64{}, joined: map[int32]bool{}}
	for _, m := range members {
		c.join(w.user(m))
	}
	if len(c.members) > 0 {
		c.creator = c.members[0]
	}
	c.setID()
	w.channels = append(w.channels, c)
	w.index(c)
	return c
}

// setID makes the id from the owning account and the folder.
func (c *channel) setID() {
	path := url.QueryEscape(c.group) + "&" + url.QueryEscape(`TeamChat\`+hexOf(c.folder))
	c.id = base64.StdEncoding.EncodeToString([]byte(path))
}

func (w *World) index(c *channel) {
	w.byID[record.ChannelID(c.id)] = c
	w.byName[c.name] = append(w.byName[c.name], c)
}

func (w *World) unindex(c *channel) {
	delete(w.byID, record.ChannelID(c.id))
	same := func(other *channel) bool { return other == c }
	w.byName[c.name] = slices.DeleteFunc(w.byName[c.name], same)
}

func (c *channel) join(user int32) {
	if user != 0 && !c.joined[user] {
		c.joined[user] = true
		c.members = append(c.members, user)
	}
}

// Rename gives a channel another name; its id stays.
func (w *World) Rename(channel, name string) {
	w.alter(channel, func(c *channelRef) { c.name = name })
}

// Move moves a channel to the group of another account ("sales@example.com"). It gives the channel's new id.
func (w *World) Move(channel, group string) (id string) {
	w.alter(channel, func(c *channelRef) {
		c.group = group
		c.setID()
		id = c.id
	})
	return id
}

// RemoveChannel removes a channel with all that is in it.
func (w *World) RemoveChannel(channel string) {
	defer w.change()()
	c := w.channel(channel)
	w.unindex(c)
	w.channels = slices.DeleteFunc(w.channels, func(other *channelRef) bool { return other == c })
}

// SetListed takes a channel out of the account's sight, as if it were removed, and brings it back.
func (w *World) SetListed(channel string, listed bool) {
	w.alter(channel, func(c *channelRef) { c.unlisted = !listed })
}

// SetReadable grants or withdraws the right items_read.
func (w *World) SetReadable(channel string, readable bool) {
	w.alter(channel, func(c *channelRef) { c.unreadable = !readable })
}

// Archive marks a channel as archived, or takes the mark away.
func (w *World) Archive(channel string, archived bool) {
	w.alter(channel, func(c *channelRef) { c.archived = archived })
}

// AddMember lets a user join a channel. It posts nothing.
func (w *World) AddMember(channel, user string) {
	w.alter(channel, func(c *channelRef) { c.join(w.user(user)) })
}

// RemoveMember lets a user leave a channel. It posts nothing.
func (w *World) RemoveMember(channel, user string) {
	w.alter(channel, func(c *channelRef) {
		n := w.user(user)
		delete(c.joined, n)
		c.members = slices.DeleteFunc(c.members, func(m int32) bool { return m == n })
	})
}

// channelRef lets parameters be called channel.
type channelRef = channel

// alter changes what a channel is known by.
func (w *World) alter(channel string, f func(*channelRef)) {
	defer w.change()()
	c := w.channel(channel)
	w.unindex(c)
	f(c)
	w.index(c)
}
