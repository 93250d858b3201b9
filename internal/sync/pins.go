package sync

import (
	"context"
	"errors"
	"fmt"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// pinList is one reading of a channel's list of public pins.
type pinList struct {
	room   *room
	gone   map[record.TS]bool // pinned as far as the archive knows, and not shown yet
	shown  int
	lost   int // elements without a usable ts
	answer teamchat.Answer
}

// readPins reads the list of pins if it is owed.
func (c *room) readPins(ctx context.Context) error {
	d, owed := c.beside.owed[owing{storage.DebtPins, allPins}]
	if !owed {
		return nil
	}
	return c.pay(ctx, d, lacksPins, c.listPins)
}

// listPins walks pins.list and gives the page of what is not pinned any more. A message is taken for that only when a
// complete list does not show it.
func (c *room) listPins(ctx context.Context) (*storage.Page, error) {
	l := &pinList{room: c}
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	asked := false
	proven, err := pager{
		size: c.run.PageSize,
		ask: func(ctx context.Context, count, page int) (*teamchat.MessagePage, error) {
			if asked {
				ctx = c.run.beyond(ctx)
			}
			asked = true
			return c.run.Client.Pins(ctx, teamchat.ListQuery{Channel: c.call, Count: count, Page: page})
		},
		take: l.take,
	}.walk(ctx)
	if err == nil && l.lost > 0 {
		err = fmt.Errorf("the server gives %d pins without a usable ts", l.lost)
	}
	if err != nil {
		return nil, err
	}
	p := c.page(l.answer)
	if complete, err := l.isComplete(ctx); err != nil || !proven || !complete {
		return p, err
	}
	for ts := range l.gone {
		p.Pins = append(p.Pins, storage.Pin{TS: ts})
	}
	return p, nil
}

// load finds what the archive knows as pinned.
func (l *pinList) load(ctx context.Context) error {
	c := l.room
	if err := c.run.flush(context.WithoutCancel(ctx)); err != nil {
		return c.run.broken("flush", err)
	}
	l.gone = make(map[record.TS]bool)
	for h, err := range c.run.Archive.Held(ctx, c.id, storage.Range{}) {
		if err != nil {
			return c.unreadable(ctx, "messages", err)
		}
		if h.Pinned {
			l.gone[h.TS] = true
		}
	}
	return nil
}

// take puts the pins of an answer, and the messages among them that the archive does not hold in the state shown.
func (l *pinList) take(ctx context.Context, page *teamchat.MessagePage) error {
	l.answer = page.Answer
	p := l.room.page(page.Answer)
	for i := range page.Messages {
		if err := l.add(ctx, p, &page.Messages[i]); err != nil {
			return err
		}
	}
	if len(p.Pins) == 0 {
		return nil
	}
	return l.room.run.put(ctx, p)
}

func (l *pinList) add(ctx context.Context, p *storage.Page, m *teamchat.Message) error {
	ts, err := record.ParseTS(m.TS)
	if err != nil {
		l.lost++
		return nil
	}
	l.shown++
	pin, public := record.ParsePin(m.Raw)
	if !public {
		return nil
	}
	delete(l.gone, ts)
	seen := record.Seen{Key: string(ts), Raw: record.Clean(m.Raw)}
	if parent, err := record.ParseTS(m.Parent); err == nil {
		seen.Thread = parent
	}
	known, err := l.room.knows(ctx, seen)
	if err != nil {
		return err
	}
	if !known {
		p.Messages = append(p.Messages, seen)
	}
	p.Pins = append(p.Pins, storage.Pin{TS: ts, Pin: pin})
	return nil
}

// knows tells whether the archive holds a message in the state that an answer shows. What the list of pins says beside
// is no annotation of the message.
func (c *room) knows(ctx context.Context, seen record.Seen) (bool, error) {
	m, err := c.run.Archive.Message(ctx, c.id, record.TS(seen.Key))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, c.unreadable(ctx, "message "+seen.Key, err)
	}
	return m.Deleted == nil && m.SameState(seen.Raw), nil
}

// asked is how many messages are asked for to see whether an empty list of pins is to be believed.
const asked = 5

// isComplete tells whether a list that was read to its end shows all pins. An empty one is what a server may show to
// those who lost their rights: then one of the messages that were pinned must be there to be read.
func (l *pinList) isComplete(ctx context.Context) (bool, error) {
	if l.shown > 0 || len(l.gone) == 0 {
		return true, nil
	}
	tries := 0
	for ts := range l.gone {
		_, m, err := l.room.run.Client.Item(l.room.run.beyond(ctx), l.room.call, string(ts))
		if found, wrong := record.ParseTS(m.TS); err == nil && wrong == nil && found == ts {
			return true, nil
		}
		if err != nil && !l.room.run.isLacking(lacksPins, err) {
			return false, err
		}
		if tries++; tries == asked {
			break
		}
	}
	return false, nil
}
