package sync

import (
	"bytes"
	"context"
	"errors"

	"archiver/internal/lenient"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/go-json-experiment/json/jsontext"
)

// Members of an entry of the channel that tell of something beside the messages.
var (
	markPin        = []byte(`"pinned_item"`)
	markEvent      = []byte(`"event"`)
	markConference = []byte(`"conference"`)
)

// notice owes what an entry of the channel tells of, if it is new or changed: the list of pins of one that something was
// pinned, an event and the lists of events, the lists of conferences.
func (c *room) notice(ctx context.Context, p *storage.Page, it item) error {
	raw := it.message.Raw
	pin, event, meeting := bytes.Contains(raw, markPin), bytes.Contains(raw, markEvent), bytes.Contains(raw, markConference)
	if !pin && !event && !meeting || c.beside.noticed[it.ts] {
		return nil
	}
	var w struct {
		Subtype    lenient.String `json:"subtype"`
		Event      lenient.Raw    `json:"event"`
		Conference lenient.Raw    `json:"conference"`
	}
	if lenient.Unmarshal(raw, &w) != nil {
		return nil
	}
	pin = w.Subtype == "pinned_item"
	event = w.Subtype == "event" || jsontext.Value(w.Event).Kind() == '{'
	meeting = w.Subtype == "conference" || jsontext.Value(w.Conference).Kind() == '{'
	if !pin && !event && !meeting {
		return nil
	}
	if meeting {
		c.run.conferences.learn(w.Conference)
	}
	c.beside.noticed[it.ts] = true
	news, err := c.isNews(ctx, it.ts, raw)
	if err != nil || !news && !(event && c.again) {
		return err
	}
	if pin {
		c.want(p, storage.DebtPins, allPins)
	}
	if event {
		c.noticeEvent(p, raw)
	}
	if meeting {
		c.run.conferences.owed.Store(true)
		p.Owe = append(p.Owe, c.debt(storage.DebtConferences, pastEvents), c.debt(storage.DebtConferences, upcomingEvents))
	}
	return nil
}

// isNews tells whether the archive does not hold a message, or another state of it.
func (c *room) isNews(ctx context.Context, ts record.TS, raw []byte) (bool, error) {
	if c.totals.Messages == 0 {
		return true, nil
	}
	m, err := c.run.Archive.Message(ctx, c.id, ts)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return true, nil
	case err != nil:
		return false, c.unreadable(ctx, "message "+string(ts), err)
	}
	return m.Deleted != nil || !m.SameState(record.Clean(raw)), nil
}

// noticeEvent owes an event that an entry shows, with the lists that tell more of it. What the entry says is kept until
// then.
func (c *room) noticeEvent(p *storage.Page, raw []byte) {
	shown := record.ParseEvent(raw)
	if shown.ID == "" {
		return
	}
	shown.Channel, shown.Pending = c.id, true
	if _, twice := c.beside.seen[shown.ID]; !twice && !c.again {
		p.Events = append(p.Events, shown)
	}
	c.beside.seen[shown.ID] = shown
	c.want(p, storage.DebtEvents, pastEvents, upcomingEvents, shown.ID)
}
