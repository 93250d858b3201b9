package teamchattest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"archiver/internal/record"
)

func (c *call) authTest() error {
	c.raw(`{"user":`)
	c.b = appendQuoted(c.b, c.session.user)
	c.text("user_id", c.session.user)
	c.text("url", "/teamchatapi/auth.test")
	c.ok()
	return nil
}

func (c *call) version() error {
	c.raw(`{"version":"14.2.0.1"`)
	c.ok()
	return nil
}

func (c *call) timeNow() error {
	c.raw(`{"now":`)
	c.b = c.v.appendNumber(c.b, c.w.second()+int64(c.v.Skew/time.Second))
	c.ok()
	return nil
}

// documentedErrors are those that documentation.errors names.
var documentedErrors = []*apiError{
	errInvalidToken, errNoMethod, errNoPermission, errNotFound, errRights, errParameters, errLogin, {code: "unexpected_error"},
}

// documentationErrors is documentation.errors.
func (c *call) documentationErrors() error {
	c.all("errors", len(documentedErrors), func(i int) {
		c.raw(`{"error":`)
		c.b = appendQuoted(c.b, documentedErrors[i].code)
		c.text("error_details", documentedErrors[i].details)
		c.raw("}")
	})
	c.ok()
	return nil
}

// history is channels.historyNoComments.
func (c *call) history() error {
	ch, err := c.channelParam()
	if err != nil {
		return c.forbidden("messages", err)
	}
	list, err := c.bounded(ch.messages)
	if err != nil {
		return err
	}
	pick := func(i int) *message { return &list[i] }
	total := len(list)
	query := strings.ToLower(c.form.Get("search"))
	if query != "" || ch.hidden > 0 {
		found := c.matching(list, query)
		total, pick = len(found), func(i int) *message { return found[i] }
	}
	descending := c.descending()
	c.inChannel(ch)
	return c.page("messages", total, func(i int) {
		if descending {
			i = total - 1 - i
		}
		if m := pick(i); !m.hidden {
			c.message(m)
		}
	})
}

// descending is the order that the call asks for.
func (c *call) descending() bool { return c.v.IgnoreDescending || c.boolParam("descending", true) }

// bounded gives the messages between oldest and latest.
func (c *call) bounded(list []message) ([]message, error) {
	inclusive := (c.boolParam("inclusive", false) || c.v.AlwaysInclusive) && !c.v.IgnoreInclusive
	lo, hi := 0, len(list)
	if after, set, err := bound(c.form.Get("oldest"), !inclusive); err != nil {
		return nil, err
	} else if set && !c.v.IgnoreOldest {
		lo, _ = search(list, after)
	}
	if upTo, set, err := bound(c.form.Get("latest"), inclusive); err != nil {
		return nil, err
	} else if set && !c.v.IgnoreLatest {
		hi, _ = search(list, upTo)
	}
	return list[min(lo, hi):hi], nil
}

// bound reads a ts as the id of the first message behind it, or with it if behind is false. Zero is no bound.
func bound(text string, behind bool) (id uint64, set bool, err error) {
	if text == "" {
		return 0, false, nil
	}
	ts, err := record.ParseTS(text)
	if err != nil {
		return 0, false, errParameters
	}
	counter := uint64(ts.Counter())
	id = uint64(ts.Second())<<16 + min(counter, 1<<16)
	if behind && counter <= 0xffff {
		id++
	}
	return id, ts.Second() != 0 || counter != 0, nil
}

// matching gives the messages that a search finds. Hidden ones are among them where they take up places.
func (c *call) matching(list []message, query string) []*message {
	var found []*message
	for i := range list {
		m := &list[i]
		if m.hidden && !c.v.HiddenSlots || query != "" && !m.matches(query) {
			continue
		}
		found = append(found, m)
	}
	return found
}

// forbidden answers for a channel that can't be read.
func (c *call) forbidden(name string, err error) error {
	if err != errRights || !c.v.ForbiddenList {
		return err
	}
	return c.page(name, 0, nil)
}

// inChannel makes tickets for files of the channel.
func (c *call) inChannel(ch *channel) {
	c.in = ch
	c.ticket = func(f *file) string { return c.server.ticket(ch, f) }
}

// threads is threads.list.
func (c *call) threads() error {
	ch, err := c.channelParam()
	if err != nil {
		return c.forbidden("messages", err)
	}
	ids := ch.threads
	query := strings.ToLower(c.form.Get("search"))
	if query != "" || ch.hidden > 0 {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id uint64) bool {
			m, _ := ch.byID(id)
			return m.hidden || !m.matches(query)
		})
	}
	if c.v.ThreadsOrder == "activity" {
		ids = slices.Clone(ids)
		slices.SortFunc(ids, func(a, b uint64) int { return compareIDs(ch.activity(a), ch.activity(b)) })
	}
	c.inChannel(ch)
	return c.page("messages", len(ids), func(i int) {
		m, _ := ch.byID(ids[len(ids)-1-i])
		c.message(m)
	})
}

// activity is the newest comment of a thread.
func (c *channel) activity(thread uint64) uint64 {
	m, _ := c.byID(thread)
	return m.more.comments[len(m.more.comments)-1].id
}

func compareIDs(a, b uint64) int { return cmp.Compare(a, b) }

// comments is threads.comments.
func (c *call) comments() error {
	ch, m, parent, err := c.itemParam()
	if err != nil {
		return err
	}
	if m == nil {
		id, _ := idOf(record.TS(c.form.Get("ts")))
		m = ch.ghosts[id]
	}
	if m == nil || parent != nil || m.hidden {
		return errNotFound
	}
	list := m.comments()
	if c.v.CommentsCut > 0 {
		list = list[:min(len(list), c.v.CommentsCut)]
	}
	c.inChannel(ch)
	c.all("messages", len(list), func(i int) { c.comment(ch, m.id, &list[i]) })
	c.ok()
	return nil
}

// itemParam gives the message or comment that channel and ts name, nil if there is none. ts may be a 12-hex id.
func (c *call) itemParam() (ch *channel, m, parent *message, err error) {
	if ch, err = c.channelParam(); err != nil {
		return nil, nil, nil, err
	}
	text := c.form.Get("ts")
	ts, err := record.ParseTS(text)
	if err != nil {
		if ts, err = record.TSFromHex(text); err != nil {
			return nil, nil, nil, errParameters
		}
	}
	c.form.Set("ts", string(ts))
	if m, parent = ch.message(ts); m != nil && m.hidden {
		m = nil
	}
	return ch, m, parent, nil
}

// itemInfo is items.info: of a main message, a comment or a file.
func (c *call) itemInfo() error {
	ch, m, parent, err := c.itemParam()
	if err != nil {
		return err
	}
	c.inChannel(ch)
	c.raw(`{"message":`)
	switch {
	case parent != nil:
		c.comment(ch, parent.id, m)
	case m != nil:
		c.message(m)
	default:
		id, _ := idOf(record.TS(c.form.Get("ts")))
		i, found := searchFile(ch.files, id)
		if !found {
			return errNotFound
		}
		c.fileItem(ch.files[i])
	}
	c.ok()
	return nil
}

// filesList is files.list.
func (c *call) filesList() error {
	ch, err := c.channelParam()
	if err != nil {
		return c.forbidden("messages", err)
	}
	files := ch.files
	if query := strings.ToLower(c.form.Get("search")); query != "" {
		files = slices.DeleteFunc(slices.Clone(files), func(f *file) bool {
			return !strings.Contains(strings.ToLower(f.name), query)
		})
	}
	if c.v.FilesOrder == "modified" {
		files = slices.Clone(files)
		slices.SortStableFunc(files, func(a, b *file) int { return cmp.Compare(a.modified, b.modified) })
	}
	descending := c.descending()
	c.inChannel(ch)
	return c.page("messages", len(files), func(i int) {
		if descending {
			i = len(files) - 1 - i
		}
		c.fileItem(files[i])
	})
}

// download is files.download.
func (c *call) download() error {
	ch, f, err := c.server.redeem(c.form.Get("ticket"))
	if err != nil {
		return err
	}
	if c.rec != nil {
		c.rec.download(ch, f)
	}
	data := f.content
	c.file, c.size, c.contentType = &data, data.size, f.mime
	return nil
}
