package sync

import (
	"context"
	"errors"
	"hash/fnv"
	"net/http"
	"sync/atomic"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// beside is what a walk knows of the lists beside a channel's messages: of its pins and of its events. What is to be read
// of them is owed, in the same page as the entry of the channel that tells of it.
type beside struct {
	owed    map[owing]storage.Debt
	noticed map[record.TS]bool           // entries that were looked at in this run
	events  map[string]*record.Event     // what the archive knows, nil until it is needed
	shown   map[string]record.EventState // events as lists show them in this run
	listed  map[string]bool              // lists of events that this run has read
	seen    map[string]record.EventState // events as entries of the channel show them in this run
}

// owing names a debt of a channel.
type owing struct {
	kind storage.DebtKind
	key  string
}

func newBeside() beside {
	return beside{
		owed: make(map[owing]storage.Debt), noticed: make(map[record.TS]bool), listed: make(map[string]bool),
		shown: make(map[string]record.EventState), seen: make(map[string]record.EventState),
	}
}

// The keys of debts of lists; the debt of an event has its id.
const (
	allPins        = ""
	pastEvents     = "history"
	upcomingEvents = "upcoming"
)

// The methods that a server may lack.
const (
	lacksPins        = "pins.list"
	lacksPast        = "events.history"
	lacksUpcoming    = "events.upcoming"
	lacksEvent       = "events.get"
	lacksConferences = "conferences.list"
)

// newLacks tells of no method that the server lacks it.
func newLacks() map[string]*atomic.Bool {
	lacks := make(map[string]*atomic.Bool)
	for _, method := range []string{lacksPins, lacksPast, lacksUpcoming, lacksEvent, lacksConferences} {
		lacks[method] = new(atomic.Bool)
	}
	return lacks
}

// oweBeside takes a debt of an earlier run. It tells whether the debt is of this sort.
func (c *room) oweBeside(d storage.Debt) bool {
	switch d.Kind {
	case storage.DebtPins, storage.DebtEvents:
		c.beside.owed[owing{d.Kind, d.Key}] = d
	case storage.DebtConferences:
		c.run.conferences.owed.Store(true)
	default:
		return false
	}
	return true
}

// want owes something beside the messages, in a page if there is one.
func (c *room) want(p *storage.Page, kind storage.DebtKind, keys ...string) {
	for _, key := range keys {
		d, owed := c.beside.owed[owing{kind, key}]
		if !owed {
			d = c.debt(kind, key)
			c.beside.owed[owing{kind, key}] = d
		}
		if p != nil {
			p.Owe = append(p.Owe, d)
		}
	}
}

// period is the time within which everything is to be read again, 0 is for ever.
func (r *run) period() time.Duration { return time.Duration(max(r.AuditDays, 0)) * 24 * time.Hour }

// isPast tells whether a time has come at which something is due. One further off than a period was set by other options.
func (r *run) isPast(due time.Time) bool {
	left := due.Sub(r.Now())
	return r.period() > 0 && (left <= 0 || left > r.period())
}

// dueLists owes the lists of the channel when they are due, or when all is to be read again.
func (c *room) dueLists(ctx context.Context) error {
	if c.again {
		c.wantLists(nil)
		return nil
	}
	due := c.coverage.Due
	if due.IsZero() || c.leftOut() || !c.run.isPast(due) {
		return nil
	}
	p := &storage.Page{Observed: c.run.Now().UTC(), Channel: c.id, Due: c.run.Now().Add(c.run.period())}
	c.wantLists(p)
	return c.run.put(ctx, p)
}

func (c *room) wantLists(p *storage.Page) {
	c.want(p, storage.DebtPins, allPins)
	c.want(p, storage.DebtEvents, pastEvents, upcomingEvents)
}

// planLists sets when the lists of a channel that was read for the first time, or in full, are to be read again. Channels
// that come together are spread over the period, beginning so late that runs of the same day need no request more.
func (c *room) planLists(ctx context.Context) {
	if !c.completed || c.run.period() == 0 || !c.coverage.Due.IsZero() && !c.again {
		return
	}
	hash := fnv.New32a()
	hash.Write([]byte(c.id))
	spread := c.run.period() - storage.AuditRenewal
	after := storage.AuditRenewal + time.Duration(float64(spread)*float64(hash.Sum32())/(1<<32))
	_ = c.run.put(ctx, &storage.Page{Observed: c.run.Now().UTC(), Channel: c.id, Due: c.run.Now().Add(after)})
}

// readBeside reads what is owed beside the messages; all of it where everything is to be read again. It tells whether the
// run ends.
func (c *room) readBeside(ctx context.Context) (halted bool) {
	for _, read := range []func(context.Context) error{c.readPins, c.readEvents} {
		if err := read(ctx); err != nil {
			return c.fault(ctx, "", "beside the messages", err)
		}
	}
	return false
}

// pay does what is owed. What the server does not have, or does not give this account, is not to be had, and is asked for
// again when it is due. Any other fault that does not end the run becomes a problem, and the debt stays.
func (c *room) pay(ctx context.Context, d storage.Debt, method string, read func(context.Context) (*storage.Page, error)) error {
	p := c.page(teamchat.Answer{Received: c.run.Now().UTC()})
	if !c.run.lacks[method].Load() {
		got, err := read(ctx)
		switch {
		case err == nil:
			p = got
		case c.run.isLacking(method, err):
		case c.fault(ctx, "", string(d.Kind), err):
			return errHalt
		default:
			delete(c.beside.owed, owing{d.Kind, d.Key})
			d.Tries, d.Reason = d.Tries+1, err.Error()
			p.Owe = append(p.Owe, d)
			return c.run.put(ctx, p)
		}
	}
	delete(c.beside.owed, owing{d.Kind, d.Key})
	p.Paid = append(p.Paid, d)
	return c.run.put(ctx, p)
}

// isLacking tells whether an error says that the server does not have, or does not give this account, what a method gives,
// and notes a method that it does not have at all.
func (r *run) isLacking(method string, err error) bool {
	var e *teamchat.Error
	if !errors.As(err, &e) || e.Status == 0 || e.Temporary() || e.LoginRefused() {
		return false
	}
	switch {
	case e.Code == "method_not_exist", e.Code == "unknown_method", e.Status == http.StatusNotImplemented:
		if !r.lacks[method].Swap(true) {
			r.Logger.Info("the server does not have a method", "method", method, "err", err)
		}
	default:
		r.Logger.Debug("not to be had", "method", method, "err", err)
	}
	return true
}
