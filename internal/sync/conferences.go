package sync

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// journalConferences is the name in the journal of the time at which conferences are to be read again, in RFC 3339.
const journalConferences = "conferences.due"

// upcomingDays is how far ahead conferences are asked for: a century, since servers are not known to need no bound.
const upcomingDays = 36_500

// conferences are those of the account, which no channel has.
type conferences struct {
	owed atomic.Bool   // an entry of a channel told of one
	list chan *meeting // holds the list when nobody uses it
}

// meeting is what a run knows of conferences.
type meeting struct {
	known  map[string]*conference // by number
	read   map[string]bool        // lists that were read in this run
	failed bool                   // they could not be read
}

// conference is what tells an event that belongs to it, and what the event must not tell.
type conference struct {
	title     string
	start     int64
	passwords []string // never kept
}

func newConferences() conferences {
	list := make(chan *meeting, 1)
	list <- &meeting{known: make(map[string]*conference), read: make(map[string]bool)}
	return conferences{list: list}
}

// learn notes the password of a conference.
func (k *conferences) learn(raw []byte) {
	m := <-k.list
	defer func() { k.list <- m }()
	m.learn(record.ParseConference(raw), raw)
}

func (m *meeting) learn(state record.ConferenceState, raw []byte) {
	known := m.known[state.ID]
	if known == nil {
		known = &conference{}
		m.known[state.ID] = known
	}
	known.title, known.start = state.Title, state.Start
	for _, p := range record.Passwords(raw) {
		if !slices.Contains(known.passwords, p) {
			known.passwords = append(known.passwords, p)
		}
	}
}

// passwordsFor gives the passwords of conferences that an event belongs to, of which a text tells. If the text may tell
// of any, the conferences are read first.
func (k *conferences) passwordsFor(ctx context.Context, r *run, e *record.EventState, text string) ([]string, error) {
	if !record.MentionsMeeting(text) {
		return nil, nil
	}
	m := <-k.list
	defer func() { k.list <- m }()
	if err := r.readConferences(r.beyond(ctx), m); err != nil {
		return nil, err
	}
	plain := record.Unfold(text)
	var found []string
	for id, known := range m.known {
		if strings.Contains(plain, id) || known.start != 0 && known.start == e.Start && known.title == e.Title {
			found = append(found, known.passwords...)
		}
	}
	slices.Sort(found)
	return found, nil
}

// syncConferences reads the conferences when an entry of a channel told of one, in a full run, and when they are due.
func (r *run) syncConferences(ctx context.Context) {
	if r.over(ctx) {
		return
	}
	due, err := r.conferencesDue(context.WithoutCancel(ctx))
	if owed := r.conferences.owed.Swap(false); err != nil || !due && !owed {
		return
	}
	m := <-r.conferences.list
	defer func() { r.conferences.list <- m }()
	if m.failed {
		return
	}
	if err := r.readConferences(ctx, m); err != nil {
		if m.failed = true; !r.halts(ctx, err) {
			r.problem("", "conferences: "+err.Error())
		}
		return
	}
	if due {
		at := r.Now().Add(max(r.period(), storage.AuditRenewal)).UTC().Format(time.RFC3339)
		if err := r.Archive.SetJournal(context.WithoutCancel(ctx), journalConferences, []byte(at)); err != nil {
			_ = r.broken("write journal", err)
		}
	}
}

// conferencesDue tells whether the conferences are to be read whatever channels tell.
func (r *run) conferencesDue(ctx context.Context) (bool, error) {
	if len(r.Channels) > 0 {
		return false, nil
	}
	value, err := r.Archive.Journal(ctx, journalConferences)
	if err != nil {
		return false, r.broken("read journal", err)
	}
	at, err := time.Parse(time.RFC3339, string(value))
	return r.Full || err != nil || r.isPast(at), nil
}

// readConferences reads those lists of conferences that this run has not read, and pays what channels owe of them.
func (r *run) readConferences(ctx context.Context, m *meeting) error {
	for _, list := range []struct {
		key  string
		read func(context.Context, *meeting) error
	}{{pastEvents, r.listConferences}, {upcomingEvents, r.listUpcoming}} {
		if m.read[list.key] {
			continue
		}
		if !r.lacks[lacksConferences].Load() {
			if err := list.read(ctx, m); err != nil && !r.isLacking(lacksConferences, err) {
				return err
			}
		}
		m.read[list.key] = true
		ctx = r.beyond(ctx)
	}
	return r.payConferences(ctx)
}

// payConferences settles what channels owe, now that all conferences were read.
func (r *run) payConferences(ctx context.Context) error {
	if err := r.flush(context.WithoutCancel(ctx)); err != nil {
		return r.broken("flush", err)
	}
	debts, err := r.Archive.Debts(context.WithoutCancel(ctx), "")
	if err != nil {
		return r.broken("read debts", err)
	}
	debts = slices.DeleteFunc(debts, func(d storage.Debt) bool { return d.Kind != storage.DebtConferences })
	if len(debts) == 0 {
		return nil
	}
	return r.put(ctx, &storage.Page{Observed: r.Now().UTC(), Paid: debts})
}

// listConferences walks the list of conferences that began.
func (r *run) listConferences(ctx context.Context, m *meeting) error {
	asked := false
	_, err := pager{
		size: r.PageSize,
		ask: func(ctx context.Context, count, page int) (*teamchat.MessagePage, error) {
			if asked {
				ctx = r.beyond(ctx)
			}
			asked = true
			answer, err := r.Client.Conferences(ctx, teamchat.ConferencesQuery{Count: count, Page: page})
			if err != nil {
				return nil, err
			}
			return asMessages(answer), nil
		},
		take: func(ctx context.Context, page *teamchat.MessagePage) error { return r.takeConferences(ctx, m, page) },
	}.walk(ctx)
	return err
}

func (r *run) listUpcoming(ctx context.Context, m *meeting) error {
	page, err := r.Client.Conferences(ctx, teamchat.ConferencesQuery{Upcoming: true, Days: upcomingDays})
	if err != nil {
		return err
	}
	return r.takeConferences(ctx, m, asMessages(page))
}

// asMessages gives a page of conferences the form that a walk over pages knows.
func asMessages(page *teamchat.ConferencePage) *teamchat.MessagePage {
	list := make([]teamchat.Message, len(page.Conferences))
	for i, conference := range page.Conferences {
		list[i] = teamchat.Message{TS: conference.ID, Raw: conference.Raw}
	}
	return &teamchat.MessagePage{Answer: page.Answer, Messages: list, Paging: page.Paging}
}

// takeConferences puts the conferences of an answer, without their passwords.
func (r *run) takeConferences(ctx context.Context, m *meeting, page *teamchat.MessagePage) error {
	p := &storage.Page{Observed: page.Received}
	for i := range page.Messages {
		raw := page.Messages[i].Raw
		state := record.ParseConference(raw)
		m.learn(state, raw)
		p.Conferences = append(p.Conferences, state)
	}
	if len(p.Conferences) == 0 {
		return nil
	}
	if err := r.put(ctx, p); err != nil {
		return fmt.Errorf("put conferences: %w", err)
	}
	return nil
}
