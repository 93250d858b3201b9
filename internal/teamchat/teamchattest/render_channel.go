package teamchattest

import "strings"

// memberLimit is how many members a channel object names.
const memberLimit = 300

// channelView is what a call asks of a channel object.
type channelView struct {
	unread, permissions, noMembers, warning bool
	caller                                  int32
}

// channel appends a channel object.
func (r *renderer) channel(c *channel, v channelView) {
	r.raw(`{"id":`)
	r.b = appendQuoted(r.b, r.v.id(c.id))
	r.channelFields(c, v)
	r.end()
}

// channelFields appends the members of a channel object after its id.
func (r *renderer) channelFields(c *channel, v channelView) {
	if r.rec != nil {
		r.rec.channel(r.w, c, v.noMembers || r.v.Members == "absent")
	}
	r.text("name", c.name)
	r.number("created", int64(c.folder>>16))
	r.user("creator", c.creator)
	r.text("group_email", c.group)
	r.text("group_folder_name", groupName(c.group))
	if r.v.Build == "2026" {
		r.flag("is_recent", false)
	} else {
		r.flag("is_archived", c.archived)
	}
	r.flag("is_member", c.joined[v.caller])
	r.flag("is_active", !c.archived)
	r.flag("is_auto_followed", false)
	r.flag("is_notifications", true)
	if v.unread {
		r.text("last_seen", "0.000000")
		if !r.v.NoLatest {
			r.number("latest", c.latest)
		}
		r.number("unread_count", 0)
		r.number("thread_unread_count", 0)
	}
	if r.v.Build != "2026" {
		r.number("num_members", int64(len(c.members)))
	}
	r.members(c, v)
	if v.permissions {
		r.raw(`,"permissions":{"items_read":`)
		r.b = r.v.appendBool(r.b, !c.unreadable)
		r.flag("items_write", !c.unreadable && !c.archived)
		r.raw("}")
	}
}

// members appends the list of members, cut at memberLimit.
func (r *renderer) members(c *channel, v channelView) {
	if r.v.Members == "absent" {
		return
	}
	members := c.members
	if v.noMembers {
		members = nil
	}
	cut := members[:min(len(members), memberLimit)]
	r.raw(`,"members":[`)
	for i, m := range cut {
		r.comma(i)
		if r.v.Members == "strings" {
			r.raw(r.w.users[m].quoted)
			continue
		}
		r.raw(`{"name":`)
		r.raw(r.w.users[m].quoted)
		r.raw("}")
	}
	r.raw("]")
	if v.warning && len(cut) < len(members) {
		r.text("warning", "member_list_truncated")
	}
}

// groupName is the display name of a group: of "public-folders@example.com", "Public".
func groupName(email string) string {
	name, _, _ := strings.Cut(email, "@")
	name, _, _ = strings.Cut(name, "-")
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// account appends a user object.
func (r *renderer) account(u *user) {
	r.raw(`{"id":`)
	r.raw(u.quoted)
	r.text("name", u.name)
	r.text("real_name", u.name)
	r.text("email", u.id)
	r.flag("deleted", u.deleted)
	r.flag("is_admin", false)
	r.flag("is_guest", u.guest)
	r.end()
}
