package teamchattest

import (
	"cmp"
	"slices"

	"archiver/internal/record"
)

// Event is a calendar event of a channel. Times are unix seconds.
type Event struct {
	User        string // organizer
	Title       string
	Start, End  int64
	Location    string
	Description string
	Attendees   []string
	Repeat      string // value of an RRULE, "" for a single event
	VCalendar   string // the whole text that events.get gives, "" for one made of the other fields
}

// event is the event item; the entry in the chat points to it and has another id.
type event struct {
	Event
	id       uint64
	sequence int // how often it was changed
}

// AddEvent adds an event and posts its entry. It gives the entry's ts and the event's 12-hex id, which differ.
func (w *World) AddEvent(channel string, e Event) (ts record.TS, id string) {
	defer w.change()()
	c := w.channel(channel)
	added := w.addEvent(c, w.newID(), e)
	return w.postEntry(c, Item{User: e.User, Subtype: "event"}, func(m *more) { m.event = added }), hexOf(added.id)
}

// PostEvent adds an event of which no more is known than its title and its times, and posts its entry; start and end
// are unix seconds.
func (w *World) PostEvent(channel, user, title string, start, end int64) record.TS {
	ts, _ := w.AddEvent(channel, Event{User: user, Title: title, Start: start, End: end})
	return ts
}

func (w *World) addEvent(c *channel, id uint64, e Event) *event {
	w.user(e.User)
	added := &event{Event: e, id: id}
	i, _ := searchEvent(c.events, id)
	c.events = slices.Insert(c.events, i, added)
	return added
}

func searchEvent(list []*event, id uint64) (int, bool) {
	return slices.BinarySearchFunc(list, id, func(e *event, id uint64) int { return cmp.Compare(e.id, id) })
}

// ChangeEvent replaces what an event says; its entry in the chat says so too.
func (w *World) ChangeEvent(channel, id string, e Event) bool {
	defer w.change()()
	c := w.channel(channel)
	i, ok := searchEvent(c.events, hexID(id))
	if ok {
		w.user(e.User)
		c.events[i].Event = e
		c.events[i].sequence++
	}
	return ok
}

// RemoveEvent removes an event and its entry with the comments.
func (w *World) RemoveEvent(channel, id string) bool {
	defer w.change()()
	c := w.channel(channel)
	i, ok := searchEvent(c.events, hexID(id))
	if !ok {
		return false
	}
	gone := c.events[i]
	c.events = slices.Delete(c.events, i, i+1)
	for i := len(c.messages) - 1; i >= 0; i-- {
		if m := &c.messages[i]; m.more != nil && m.more.event == gone {
			w.remove(c, m)
		}
	}
	return true
}

// eventsHistory is events.history: what is over, the newest first.
func (c *call) eventsHistory() error {
	return c.events(func(e *event, now int64) bool { return e.End < now },
		func(a, b *event) int { return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(b.id, a.id)) })
}

// eventsUpcoming is events.upcoming: what is not over, the next first.
func (c *call) eventsUpcoming() error {
	return c.events(func(e *event, now int64) bool { return e.End >= now },
		func(a, b *event) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.id, b.id)) })
}

func (c *call) events(which func(e *event, now int64) bool, order func(a, b *event) int) error {
	ch, err := c.channelParam()
	if err != nil {
		return c.forbidden("messages", err)
	}
	var list []*event
	for _, e := range ch.events {
		if which(e, c.w.second()) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, order)
	if c.v.EventsObject && len(list) == 1 {
		c.raw(`{"messages":`)
		c.eventItem(list[0])
	} else {
		c.all("messages", len(list), func(i int) { c.eventItem(list[i]) })
	}
	c.ok()
	return nil
}

// eventsGet is events.get: of an event of a channel, or of a conference without one. evnid is hex or a ts, or the
// number of a meeting.
func (c *call) eventsGet() error {
	e, err := c.eventParam()
	if err != nil {
		return err
	}
	c.raw(`{"vcalendar":`)
	c.b = appendQuoted(c.b, e.calendar(c.w, c.form.Get("exception_date")))
	c.ok()
	return nil
}

func (c *call) eventParam() (*event, error) {
	evnid := c.form.Get("evnid")
	if c.form.Get("channel") == "" {
		for _, conf := range c.conferences() {
			if conf.id == anyID(evnid) || conf.meeting() == evnid {
				return conf.event(), nil
			}
		}
		return nil, errNotFound
	}
	ch, err := c.channelParam()
	if err != nil {
		return nil, err
	}
	i, ok := searchEvent(ch.events, anyID(evnid))
	if !ok {
		return nil, errNotFound
	}
	return ch.events[i], nil
}

// anyID is the id of a ts or of 12 hex digits, 0 for anything else.
func anyID(text string) uint64 {
	ts, err := record.ParseTS(text)
	if err != nil {
		return hexID(text)
	}
	id, _ := idOf(ts)
	return id
}

// eventItem appends an element of events.history and events.upcoming.
func (r *renderer) eventItem(e *event) {
	r.raw(`{"type":"message","subtype":"event"`)
	r.text("user", e.User)
	r.ts("ts", e.id)
	r.number("created", int64(e.id>>16))
	r.event(e)
	r.end()
}

// event appends the member event.
func (r *renderer) event(e *event) {
	r.raw(`,"event":{"id":"`)
	r.b = appendHex(r.b, e.id)
	r.raw(`"`)
	r.text("title", e.Title)
	r.number("start", e.Start)
	r.number("end", e.End)
	r.raw("}")
}
