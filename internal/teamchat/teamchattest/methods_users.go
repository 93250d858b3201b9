package teamchattest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// usersList is users.list.
func (c *call) usersList() error {
	list := c.w.users[1:]
	if c.form.Get("channel") != "" {
		ch, err := c.channelParam()
		if err != nil {
			return c.forbidden("members", err)
		}
		list = nil
		for _, n := range ch.members {
			list = append(list, c.w.users[n])
		}
	}
	list = c.selectUsers(list)
	c.all("members", len(list), func(i int) { c.account(list[i]) })
	c.text("cache_ts", strconv.FormatInt(c.w.second(), 10))
	c.paging(window{count: max(len(list), defaultCount), page: 1, total: len(list)})
	c.ok()
	return nil
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
