package storage

import (
	"context"
	"fmt"
	"iter"
	"time"

	"archiver/internal/record"
)

// Pin says of a message that it is pinned, or not any more.
type Pin struct {
	TS record.TS
	record.Pin
}

// applyPins adds what is new of pins to messages that the archive holds and that are there.
func (b *batch) applyPins(p *Page, observed time.Time, counts *Counts) error {
	if len(p.Pins) == 0 {
		return nil
	}
	_, o, t, err := b.messages(p.Channel)
	if err != nil {
		return err
	}
	for _, pin := range p.Pins {
		earlier, err := o.earlier(b.snapshot, string(pin.TS))
		if err != nil {
			return fmt.Errorf("message %s/%s: %w", p.Channel, pin.TS, err)
		}
		if !record.NextPin(earlier, pin.Pin) {
			continue
		}
		body, err := record.Body(pin.Pin)
		if err != nil {
			return fmt.Errorf("pin of %s/%s: %w", p.Channel, pin.TS, err)
		}
		e := record.Entry{
			Op: record.OpPins, Key: string(pin.TS), Thread: earlier[len(earlier)-1].Thread, Observed: observed, Body: body,
		}
		o.add(e)
		counts.count(e)
		t.count(e, earlier)
	}
	return nil
}

func (b *batch) applyEvents(p *Page, observed time.Time, counts *Counts) error {
	for _, state := range p.Events {
		body, err := record.Body(state)
		if err != nil {
			return fmt.Errorf("event %s: %w", state.Key(), err)
		}
		if _, err := b.state(streamEvents, state.Key(), body, observed, counts); err != nil {
			return fmt.Errorf("event %s: %w", state.Key(), err)
		}
	}
	return nil
}

func (b *batch) applyConferences(p *Page, observed time.Time, counts *Counts) error {
	for _, state := range p.Conferences {
		body, err := record.Body(state)
		if err != nil {
			return fmt.Errorf("conference %s: %w", state.ID, err)
		}
		if _, err := b.state(streamConferences, state.ID, body, observed, counts); err != nil {
			return fmt.Errorf("conference %s: %w", state.ID, err)
		}
	}
	return nil
}

// checkBeside is checkObjects for events and conferences.
func (p *Page) checkBeside() error {
	for _, e := range p.Events {
		if e.Channel == "" {
			return errNoChannel
		}
		if err := checkObject(e.ID, e.Raw); err != nil {
			return err
		}
		if err := checkObject(e.ID, []byte(e.VCalendar)); err != nil {
			return err
		}
	}
	for _, c := range p.Conferences {
		if err := checkObject(c.ID, c.Raw); err != nil {
			return err
		}
	}
	return nil
}

// besideSize is about the memory that pins, events and conferences take.
func (p *Page) besideSize() int64 {
	size := entryOverhead * (len(p.Pins) + len(p.Events) + len(p.Conferences))
	for _, pin := range p.Pins {
		size += len(pin.Raw)
	}
	for _, e := range p.Events {
		size += len(e.Raw) + len(e.VCalendar)
	}
	for _, c := range p.Conferences {
		size += len(c.Raw)
	}
	return int64(size)
}

// Events gives the calendar events of a channel as of change number asOf (0 means now), by id.
func (a *Archive) Events(ctx context.Context, channel string, asOf uint64) iter.Seq2[*record.Event, error] {
	prefix := channel + "/"
	all := read(ctx, a, scope{class: ClassEvent, from: prefix, to: prefix + "\xff", asOf: asOf}, record.FoldEvent)
	return func(yield func(*record.Event, error) bool) {
		for e, err := range all {
			if err == nil && e.Channel != channel {
				continue // its id begins like this one's
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Conferences gives the account's conferences as of change number asOf (0 means now), by id.
func (a *Archive) Conferences(ctx context.Context, asOf uint64) iter.Seq2[*record.Conference, error] {
	return read(ctx, a, scope{class: ClassConference, asOf: asOf}, record.FoldConference)
}
