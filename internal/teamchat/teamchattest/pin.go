package teamchattest

import (
	"slices"
	"strings"

	"archiver/internal/record"
)

// pin is the pin of a main message or a comment.
type pin struct {
	id     uint64
	item   uint64
	user   int32
	public bool
}

// Pin pins a main message or a comment. A public pin also posts its entry into the channel, whose ts it gives; a
// private one is the user's own. Pinning twice changes nothing.
func (w *World) Pin(channel string, ts record.TS, user string, public bool) (entry record.TS, ok bool) {
	defer w.change()()
	c := w.channel(channel)
	m, _ := c.message(ts)
	if m == nil {
		return "", false
	}
	p := pin{item: m.id, user: w.user(user), public: public}
	if slices.ContainsFunc(c.pins, p.same) {
		return "", true
	}
	p.id = w.newID()
	c.pins = append(c.pins, p)
	if public {
		entry = w.postItem(c, Item{User: user, Subtype: "pinned_item", Members: `"item":{"type":"message","ts":"` + string(ts) + `"}`})
	}
	return entry, true
}

// Unpin takes a pin away; the entry of a public one stays.
func (w *World) Unpin(channel string, ts record.TS, user string, public bool) bool {
	defer w.change()()
	c := w.channel(channel)
	id, _ := idOf(ts)
	before := len(c.pins)
	c.pins = slices.DeleteFunc(c.pins, pin{item: id, user: w.user(user), public: public}.same)
	return len(c.pins) < before
}

// same tells whether two pins are one: an item has one public pin, and one private pin a user.
func (p pin) same(other pin) bool {
	return p.item == other.item && p.public == other.public && (p.public || p.user == other.user)
}

// unpin takes the pins of an item away that is deleted.
func (c *channel) unpin(item uint64) {
	if len(c.pins) > 0 {
		c.pins = slices.DeleteFunc(c.pins, func(p pin) bool { return p.item == item })
	}
}

// pinned tells whether an item is pinned publicly.
func (c *channel) pinned(item uint64) bool {
	return slices.ContainsFunc(c.pins, func(p pin) bool { return p.public && p.item == item })
}

// pinIn is a pin with its channel.
type pinIn struct {
	pin
	in *channel
}

// pinsList is pins.list: of a channel, or of all that the account reads. A user sees his own private pins.
func (c *call) pinsList() error {
	channels, err := c.channelsParam()
	if err != nil {
		return c.forbidden("messages", err)
	}
	var list []pinIn
	for _, ch := range channels {
		for _, p := range ch.pins {
			if c.showsPin(ch, p) {
				list = append(list, pinIn{p, ch})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b pinIn) int { return compareIDs(a.id, b.id) })
	descending := c.descending()
	return c.page("messages", len(list), func(i int) {
		if descending {
			i = len(list) - 1 - i
		}
		c.pinItem(list[i])
	})
}

// showsPin tells whether the call asks for a pin.
func (c *call) showsPin(ch *channel, p pin) bool {
	if p.public && !c.boolParam("include_public", true) {
		return false
	}
	if !p.public && (!c.boolParam("include_private", false) || p.user != c.w.userNum[c.session.user]) {
		return false
	}
	m, parent := ch.byID(p.item)
	if parent != nil {
		return parent.matches(strings.ToLower(c.form.Get("search")))
	}
	return !m.hidden && m.matches(strings.ToLower(c.form.Get("search")))
}

// channelsParam gives the channel of the call, or without one all that the account reads.
func (c *call) channelsParam() ([]*channel, error) {
	if c.form.Get("channel") != "" {
		ch, err := c.channelParam()
		return []*channel{ch}, err
	}
	return slices.DeleteFunc(c.w.visible(), func(ch *channel) bool { return ch.unreadable }), nil
}

// pinItem appends an element of pins.list: the pinned item, its channel, and who pinned it when.
func (c *call) pinItem(p pinIn) {
	c.inChannel(p.in)
	if m, parent := p.in.byID(p.item); parent != nil {
		c.comment(p.in, parent.id, m)
	} else {
		c.message(m)
	}
	c.b = c.b[:len(c.b)-1] // the object goes on
	c.text("channel", c.v.id(p.in.id))
	c.raw(`,"pin":{"user":`)
	c.raw(c.w.users[p.user].quoted)
	c.ts("ts", p.id)
	c.number("created", int64(p.id>>16))
	c.flag("is_global", p.public)
	c.raw("}}")
}
