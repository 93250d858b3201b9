package sync

import (
	"context"
	"errors"
	"slices"
	"strings"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// readEvents reads what is owed of a channel's events: first the lists, and then each event that is new or changed.
func (c *room) readEvents(ctx context.Context) error {
	for _, list := range []struct {
		key, method string
		ask         func(context.Context, string) (*teamchat.MessagePage, error)
	}{
		{pastEvents, lacksPast, c.run.Client.EventsHistory},
		{upcomingEvents, lacksUpcoming, c.run.Client.EventsUpcoming},
	} {
		d, owed := c.beside.owed[owing{storage.DebtEvents, list.key}]
		if !owed {
			continue
		}
		err := c.pay(ctx, d, list.method, func(ctx context.Context) (*storage.Page, error) {
			page, err := list.ask(ctx, c.call)
			if err != nil {
				return nil, err
			}
			return c.takeEvents(ctx, page, list.key)
		})
		if err != nil {
			return err
		}
	}
	return c.payEvents(ctx)
}

// payEvents reads the events that are owed.
func (c *room) payEvents(ctx context.Context) error {
	if err := c.missedEvents(ctx); err != nil {
		return err
	}
	var owed []storage.Debt
	for key, d := range c.beside.owed {
		if key.kind == storage.DebtEvents && key.key != pastEvents && key.key != upcomingEvents {
			owed = append(owed, d)
		}
	}
	slices.SortFunc(owed, func(a, b storage.Debt) int { return strings.Compare(a.Key, b.Key) })
	for _, d := range owed {
		err := c.pay(ctx, d, lacksEvent, func(ctx context.Context) (*storage.Page, error) { return c.readEvent(ctx, d.Key) })
		if err != nil {
			return err
		}
	}
	return nil
}

// knownEvents gives what the archive knows of the channel's events.
func (c *room) knownEvents(ctx context.Context) (map[string]*record.Event, error) {
	if c.beside.events != nil {
		return c.beside.events, nil
	}
	if err := c.run.flush(context.WithoutCancel(ctx)); err != nil {
		return nil, c.run.broken("flush", err)
	}
	known := make(map[string]*record.Event)
	for e, err := range c.run.Archive.Events(ctx, c.id, 0) {
		if err != nil {
			return nil, c.unreadable(ctx, "events", err)
		}
		known[e.ID] = e
	}
	c.beside.events = known
	return known, nil
}

// takeEvents gives the page of a list of events, which owes those that are new or changed.
func (c *room) takeEvents(ctx context.Context, page *teamchat.MessagePage, list string) (*storage.Page, error) {
	known, err := c.knownEvents(ctx)
	if err != nil {
		return nil, err
	}
	p := c.page(page.Answer)
	for i := range page.Messages {
		if err := c.takeEvent(ctx, p, known, page.Messages[i].Raw); err != nil {
			return nil, err
		}
	}
	c.beside.listed[list] = true
	return p, nil
}

func (c *room) takeEvent(ctx context.Context, p *storage.Page, known map[string]*record.Event, raw []byte) error {
	shown := record.ParseEvent(raw)
	if shown.ID == "" {
		c.run.Logger.Warn("the list of events has an entry without an id", "channel", c.id)
		return nil
	}
	passwords, err := c.run.conferences.passwordsFor(ctx, c.run, &shown, string(raw))
	if err != nil {
		return err
	}
	shown.Channel, shown.Raw = c.id, record.CleanEvent(raw, passwords)
	c.beside.shown[shown.ID] = shown
	before, ok := known[shown.ID]
	same := ok && before.State == record.EventPresent && !before.Pending && !before.Unlisted &&
		record.SameEvent(before.EventState, shown) && record.SameJSON(before.Raw, shown.Raw)
	if same && !c.again {
		return nil
	}
	if !same {
		if shown.Pending = true; ok {
			shown.VCalendar = before.VCalendar
		}
		p.Events = append(p.Events, shown)
	}
	c.want(p, storage.DebtEvents, shown.ID)
	return nil
}

// missedEvents owes the events that lists showed once and do not show any more, now that all lists were read; in a full
// run all others as well.
func (c *room) missedEvents(ctx context.Context) error {
	if !c.beside.listed[pastEvents] || !c.beside.listed[upcomingEvents] {
		return nil
	}
	known, err := c.knownEvents(ctx)
	if err != nil {
		return err
	}
	p := c.page(teamchat.Answer{Received: c.run.Now().UTC()})
	for id, e := range known {
		_, shown := c.beside.shown[id]
		if !shown && e.State == record.EventPresent && (c.again || len(e.Raw) > 0 && !e.Unlisted) {
			c.want(p, storage.DebtEvents, id)
		}
	}
	if len(p.Owe) == 0 {
		return nil
	}
	return c.run.put(ctx, p)
}

// readEvent reads an event by itself and gives the page of what becomes of it.
func (c *room) readEvent(ctx context.Context, id string) (*storage.Page, error) {
	known, err := c.knownEvents(ctx)
	if err != nil {
		return nil, err
	}
	state := c.eventState(id, known[id])
	answer, calendar, err := c.run.Client.Event(ctx, c.call, id)
	var refusal *teamchat.Error
	if errors.As(err, &refusal) && refusal.NotFound() {
		p := c.page(teamchat.Answer{Received: c.run.Now().UTC()})
		state.State = record.EventGone
		p.Events = append(p.Events, state)
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	passwords, err := c.run.conferences.passwordsFor(ctx, c.run, &state, calendar.Text)
	if err != nil {
		return nil, err
	}
	_, shown := c.beside.shown[id]
	state.Unlisted = !shown && len(state.Raw) > 0 && c.beside.listed[pastEvents] && c.beside.listed[upcomingEvents]
	if text := record.BlankCalendar(calendar.Text, passwords); !record.SameCalendar(state.VCalendar, text) {
		state.VCalendar = text
	}
	p := c.page(answer)
	p.Events = append(p.Events, state)
	return p, nil
}

// eventState is what is known of an event: as lists show it in this run, else as the archive or an entry of the channel
// knows it.
func (c *room) eventState(id string, before *record.Event) record.EventState {
	state := record.EventState{Channel: c.id, ID: id, State: record.EventPresent}
	if before != nil {
		state = before.EventState
	}
	if seen, ok := c.beside.seen[id]; ok {
		state.Title, state.Start, state.End = seen.Title, seen.Start, seen.End
	}
	if shown, ok := c.beside.shown[id]; ok {
		state.Title, state.Start, state.End, state.Raw = shown.Title, shown.Start, shown.End, shown.Raw
	}
	state.State, state.Pending, state.Unlisted = record.EventPresent, false, false
	return state
}
