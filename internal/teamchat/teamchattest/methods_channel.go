package teamchattest

// visible gives the rooms that the account sees.
func (w *World) visible() []*channel {
	list := make([]*channel, 0, len(w.channels))
	for _, c := range w.channels {
		if !c.unlisted {
			list = append(list, c)
		}
	}
	return list
}

// rooms is what a session remembers of a list.
func rooms(list []*channel) map[string]string {
	known := make(map[string]string, len(list))
	for _, c := range list {
		known[c.id] = c.name
	}
	return known
}

func (c *call) view() channelView {
	return channelView{
		unread:      c.boolParam("include_unread_count", false),
		permissions: c.boolParam("include_permissions", false),
		noMembers:   c.boolParam("exclude_members", false),
		warning:     c.boolParam("warning", false),
		caller:      c.w.userNum[c.session.user],
	}
}

// channelsList is channels.list.
func (c *call) channelsList() error {
	list := c.w.visible()
	c.server.sessions.rebase(c.session, func(map[string]string) map[string]string { return rooms(list) })
	list = c.collection(list)
	view := c.view()
	c.all("channels", len(list), func(i int) { c.channel(list[i], view) })
	c.ok()
	return nil
}

// collection narrows a list by collection_type: 0 all, 1 active, 2 inactive, 3 unread.
func (c *call) collection(list []*channel) []*channel {
	kind := c.intParam("collection_type")
	if kind == 0 {
		return list
	}
	var kept []*channel
	for _, ch := range list {
		if kind == 1 && !ch.archived || kind == 2 && ch.archived {
			kept = append(kept, ch)
		}
	}
	return kept
}

// channelInfo is channels.info.
func (c *call) channelInfo() error {
	ch, err := c.channelParam()
	if err == errNotFound {
		return err
	}
	c.raw(`{"channel":`)
	c.channel(ch, c.view())
	c.ok()
	return nil
}

// change is an element of channels.diff.
type change struct {
	status  string
	channel *channel // nil for a deleted one
	id      string
	name    string
	oldName string
}

// channelsDiff is channels.diff.
func (c *call) channelsDiff() error {
	list := c.w.visible()
	c.server.sessions.begin(c.session, func(account map[string]string) map[string]string {
		switch c.v.DiffFirst {
		case "nothing":
			return rooms(list)
		case "account":
			return account
		}
		return nil
	})
	var changes []change
	c.server.sessions.rebase(c.session, func(before map[string]string) map[string]string {
		after := rooms(list)
		changes = diff(before, list)
		if c.v.Diff == "d" {
			changes = withhold(changes, after)
		}
		return after
	})
	c.all("channels_diff", len(changes), func(i int) { c.change(changes[i]) })
	if c.v.Diff == "d" && len(changes) > 0 {
		c.text("status", changes[0].status)
	}
	c.ok()
	return nil
}

func diff(before map[string]string, now []*channel) []change {
	var added, renamed, deleted []change
	present := map[string]bool{}
	for _, ch := range now {
		present[ch.id] = true
		old, known := before[ch.id]
		switch {
		case !known:
			added = append(added, change{"added", ch, ch.id, ch.name, ""})
		case old != ch.name:
			renamed = append(renamed, change{"renamed", ch, ch.id, ch.name, old})
		}
	}
	for id, name := range sorted(before) {
		if !present[id] {
			deleted = append(deleted, change{"deleted", nil, id, name, ""})
		}
	}
	return append(append(added, renamed...), deleted...)
}

// withhold keeps the changes that share the first one's status, and puts the others off: they leave after as it was.
func withhold(changes []change, after map[string]string) []change {
	var told []change
	for _, ch := range changes {
		switch {
		case ch.status == changes[0].status:
			told = append(told, ch)
		case ch.status == "added":
			delete(after, ch.id)
		case ch.status == "renamed":
			after[ch.id] = ch.oldName
		default:
			after[ch.id] = ch.name
		}
	}
	return told
}

// change appends an element of channels.diff.
func (c *call) change(ch change) {
	if c.v.Diff == "d" {
		c.nested(ch)
		return
	}
	c.raw(`{"status":"` + ch.status + `"`)
	switch {
	case c.v.Diff == "c" || c.v.Diff == "b" && ch.channel == nil:
		c.text("id", c.v.id(ch.id))
		c.text("name", ch.name)
		if c.rec != nil && ch.channel != nil {
			c.rec.channel(c.w, ch.channel, true)
		}
		if ch.oldName != "" {
			c.text("old_name", ch.oldName)
		}
	case c.v.Diff == "b":
		c.text("id", c.v.id(ch.id))
		c.channelFields(ch.channel, c.view())
	default:
		c.raw(`,"channel":`)
		c.nested(ch)
	}
	c.end()
}

// nested appends the channel as an object of its own.
func (c *call) nested(ch change) {
	if ch.channel != nil {
		c.channel(ch.channel, c.view())
		return
	}
	c.raw(`{"id":`)
	c.b = appendQuoted(c.b, c.v.id(ch.id))
	c.text("name", ch.name)
	c.end()
}
