package teamchat

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

// EventsHistory is events.history: the events of a channel that are over, as far back as the server goes.
func (c *Client) EventsHistory(ctx context.Context, channel string) (*MessagePage, error) {
	return c.messages(ctx, newRequest(methodEventsPast, "channel", channel))
}

// EventsUpcoming is events.upcoming: the events of a channel that are not over.
func (c *Client) EventsUpcoming(ctx context.Context, channel string) (*MessagePage, error) {
	return c.messages(ctx, newRequest(methodEventsNext, "channel", channel))
}

// Event is events.get: an event of a channel or, for "", a conference. id may have either of its forms, 12 hex digits
// or a ts. The server is asked by the hex digits, and again by the ts when it finds nothing; an id of another form
// is sent as it is.
func (c *Client) Event(ctx context.Context, channel, id string) (Answer, Calendar, error) {
	var failure error
	for i, form := range c.eventIDs(id) {
		answer, err := c.call(ctx, newRequest(methodEvent, "channel", channel, "evnid", form).wants(scalar, "vcalendar"))
		if err == nil {
			if i > 0 {
				c.eventsByTS.Store(tsOfHex(form) == "") // the form that works is tried first from now on
			}
			return answer.Answer, Calendar{answer.text(), answer.object}, nil
		}
		e := (*Error)(nil)
		if !errors.As(err, &e) || !e.doubtsID() {
			return Answer{}, Calendar{}, err
		}
		if failure == nil || e.NotFound() {
			failure = err
		}
	}
	return Answer{}, Calendar{}, failure
}

// doubtsID tells whether the server may know the thing by another id.
func (e *Error) doubtsID() bool {
	return e.NotFound() || e.speaks() && e.class() == unknown && !e.Temporary() && !e.Denied()
}

// eventIDs gives the forms of an event's id in the order in which to try them.
func (c *Client) eventIDs(id string) []string {
	digits, ts := id, tsOfHex(id)
	if ts == "" {
		digits, ts = hexOfTS(id), id
	}
	switch {
	case digits == "":
		return []string{id}
	case c.eventsByTS.Load():
		return []string{ts, digits}
	}
	return []string{digits, ts}
}

// tsOfHex gives the ts of 12 hex digits, "" of anything else: the first 8 are the second, the others the counter.
func tsOfHex(id string) string {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != 6 {
		return ""
	}
	n, _ := strconv.ParseUint(id, 16, 64)
	return fmt.Sprintf("%d.%06d", n>>16, n&0xffff)
}

// hexOfTS gives the 12 hex digits of a ts, "" of anything else.
func hexOfTS(ts string) string {
	whole, fraction, _ := strings.Cut(ts, ".")
	second, err1 := strconv.ParseUint(whole, 10, 32)
	counter, err2 := strconv.ParseUint(fraction, 10, 16)
	if err1 != nil || err2 != nil || len(fraction) != 6 {
		return ""
	}
	return fmt.Sprintf("%08x%04x", second, counter)
}

// Conferences is conferences.list: those of the account, whatever the channel.
func (c *Client) Conferences(ctx context.Context, q ConferencesQuery) (*ConferencePage, error) {
	r := newRequest(methodConferences, "type", "0", "count", positive(q.Count), "page", positive(q.Page))
	if q.Upcoming {
		r = newRequest(methodConferences, "type", "1", "days_future", positive(q.Days), "days_future_since", positive(q.Since))
	}
	answer, err := c.call(ctx, r.wants(list, "conferences"))
	if err != nil {
		return nil, err
	}
	page := &ConferencePage{answer.Answer, make([]Conference, len(answer.items)), answer.paging}
	for i, raw := range answer.items {
		page.Conferences[i] = parseConference(raw)
	}
	return page, nil
}

// parseConference sets only Raw for what is no object.
func parseConference(raw []byte) Conference {
	var w struct {
		ID    lenient.String `json:"meeting_id"`
		Title lenient.String `json:"title"`
		Start lenient.Int    `json:"start_date_time"`
		End   lenient.Int    `json:"end_date_time"`
	}
	if jsontext.Value(raw).Kind() != '{' || lenient.Unmarshal(raw, &w) != nil {
		return Conference{Raw: raw}
	}
	return Conference{string(w.ID), string(w.Title), int64(w.Start), int64(w.End), raw}
}
