package teamchattest

import (
	"slices"
	"strings"
)

// mention is a message that mentions the caller.
type mention struct {
	in        *channel
	m, parent *message
}

// mentionsList is mentions.list: main messages and comments that mention the caller.
func (c *call) mentionsList() error {
	channels, err := c.channelsParam()
	if err != nil {
		return c.forbidden("messages", err)
	}
	var list []mention
	for _, ch := range channels {
		list = append(list, c.mentionsIn(ch)...)
	}
	slices.SortStableFunc(list, func(a, b mention) int { return compareIDs(a.m.id, b.m.id) })
	descending := c.descending()
	return c.page("messages", len(list), func(i int) {
		if descending {
			i = len(list) - 1 - i
		}
		c.inChannel(list[i].in)
		if list[i].parent != nil {
			c.comment(list[i].in, list[i].parent.id, list[i].m)
		} else {
			c.message(list[i].m)
		}
	})
}

func (c *call) mentionsIn(ch *channel) (list []mention) {
	query := strings.ToLower(c.form.Get("search"))
	for i := range ch.messages {
		m := &ch.messages[i]
		if m.hidden || query != "" && !m.matches(query) {
			continue
		}
		if c.mentionsCaller(m) {
			list = append(list, mention{ch, m, nil})
		}
		for j := range m.comments() {
			if comment := &m.more.comments[j]; c.mentionsCaller(comment) {
				list = append(list, mention{ch, comment, m})
			}
		}
	}
	return list
}

// mentionsCaller looks for @[user@domain], @[user] and @[@all@].
func (c *call) mentionsCaller(m *message) bool {
	if !strings.Contains(m.text, "@[") {
		return false
	}
	local, domain, _ := strings.Cut(c.session.user, "@")
	return strings.Contains(m.text, "@["+c.session.user+"]") || strings.Contains(m.text, "@[@all@]") ||
		domain == c.w.domain && strings.Contains(m.text, "@["+local+"]")
}
