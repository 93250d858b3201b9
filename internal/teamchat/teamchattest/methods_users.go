package teamchattest

import (
	"slices"
	"strconv"
	"strings"
)

// usersList is users.list.
func (c *call) usersList() error {
	list, err := c.usersIn()
	if err != nil {
		return c.forbidden("members", err)
	}
	list = c.selectUsers(list)
	total := len(list)
	if c.v.UsersCap > 0 {
		list = list[:min(total, c.v.UsersCap)]
	}
	c.all("members", len(list), func(i int) { c.account(list[i]) })
	c.cacheTS()
	c.paging(window{count: max(len(list), defaultCount), page: 1, total: total})
	c.ok()
	return nil
}

// searchUsers is search.users.
func (c *call) searchUsers() error {
	list, err := c.usersIn()
	if err != nil {
		return c.forbidden("members", err)
	}
	list = c.findUsers(c.selectUsers(list))
	win := c.window(len(list))
	c.list("members", win, func(i int) { c.account(list[i]) })
	c.cacheTS()
	c.paging(win)
	c.ok()
	return nil
}

func (c *call) cacheTS() { c.text("cache_ts", strconv.FormatInt(c.w.second(), 10)) }

// usersIn gives the users of the call's channel, or all without one.
func (c *call) usersIn() ([]*user, error) {
	if c.form.Get("channel") == "" {
		return c.w.users[1:], nil
	}
	ch, err := c.channelParam()
	if err != nil {
		return nil, err
	}
	var list []*user
	for _, n := range ch.members {
		list = append(list, c.w.users[n])
	}
	return list, nil
}

// selectUsers narrows a list by the parameters users and active_only.
func (c *call) selectUsers(list []*user) []*user {
	names := c.form.Get("users")
	active := c.boolParam("active_only", false)
	if names == "" && !active {
		return list
	}
	wanted := strings.Split(names, ";")
	return slices.DeleteFunc(slices.Clone(list), func(u *user) bool {
		return active && u.deleted || names != "" && !slices.Contains(wanted, u.id)
	})
}

// findUsers narrows a list by the parameters query and email_or_name, parts of an address or a name, and
// users_to_exclude.
func (c *call) findUsers(list []*user) []*user {
	excluded := strings.Split(c.form.Get("users_to_exclude"), ";")
	query, part := strings.ToLower(c.form.Get("query")), strings.ToLower(c.form.Get("email_or_name"))
	return slices.DeleteFunc(slices.Clone(list), func(u *user) bool {
		text := strings.ToLower(u.id + "\n" + u.name)
		return slices.Contains(excluded, u.id) || !strings.Contains(text, query) || !strings.Contains(text, part)
	})
}

// userInfo is users.info.
func (c *call) userInfo() error {
	id := c.form.Get("user")
	n := c.w.userNum[id]
	u := c.w.users[n]
	switch {
	case n == 0 && id == c.server.o.Account:
		u = newUser(id, id)
	case n == 0:
		return errNotFound
	}
	c.raw(`{"user":`)
	c.account(u)
	c.ok()
	return nil
}
