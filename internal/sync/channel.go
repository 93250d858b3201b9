package sync

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"

	"golang.org/x/sync/errgroup"
)

// room reads one channel. Its fields belong to the goroutine that walks; tasks beside the walk only put pages.
type room struct {
	run     *run
	id      string // without padding
	call    string // the id as the server gave it
	name    string
	latest  int64                // last activity as listed, unix seconds; 0 is unknown
	pin     int64                // items of later seconds came after the run began; 0 is unknown
	members *record.ChannelState // state to complete with all members, nil when they are known
	tasks   errgroup.Group       // comments and files under way

	rights   string                        // digest of what the account may do
	totals   storage.ChannelTotals         // before this run
	coverage storage.Coverage              // likewise
	missing  map[record.TS]storage.Missing // marks, of this run too
	doubtful bool                          // lists did not show a message that is there
	mute     bool                          // the server does not say whether a message is there

	proven   string // "" or the end of the proven range that starts at the channel's beginning
	again    bool   // everything is to be read again
	indebted bool   // earlier runs owe something
	threads  registry
	replies  *replies // the comments of threads, nil while the channel is not read
	files    map[string]file
	owed     map[string]storage.Debt // files that earlier runs owe, until they are begun

	threadsOwed map[record.TS]storage.Debt // comments that earlier runs owe

	start   string // part to begin with, "" is the first
	turn    int    // how many parts come before those that an earlier run came to, 0 when all do
	reached string // part that was begun last
	turned  bool   // it is one of those that an earlier run came to

	beside  beside   // of the lists beside the messages
	reading *reading // of runs of few requests, else nil

	stale []stale // threads that may be read again, once the channel is read
	fresh int     // the other threads

	failed    atomic.Bool // something could not be read
	halted    atomic.Bool // because of the run's end
	vanished  bool        // the server refuses the channel as a whole
	finished  bool        // nothing was left out because of the run's end
	completed bool        // everything was read
}

func newRoom(r *run, id string, listed teamchat.Channel) *room {
	c := &room{run: r, id: id, call: listed.ID, name: listed.Name, latest: listed.Latest, pin: listed.Latest}
	c.rights = rightsOf(r.Client.Username(), listed.Raw)
	if c.pin == 0 && !r.started.IsZero() {
		c.pin = r.started.Unix() + pinSlack
	}
	return c
}

// pinSlack is by how many seconds an item's ts may be later than the server's clock said when the item was there.
const pinSlack = 2

// read reads the channel to its end, or as far as it can.
func (c *room) read(ctx context.Context) {
	began := c.run.Now().UTC()
	c.steps(ctx)
	c.rest(ctx)
	if c.run.wasHarmed(c.id) {
		_ = c.run.mend(ctx) // its error ends the run
	}
	c.finished = !c.halted.Load()
	if c.finished && !c.failed.Load() {
		c.completed = true
		c.run.totals.completed.Add(1)
		c.walked(ctx, began)
		c.planLists(ctx)
	}
	if c.finished {
		c.run.durable.Store(true)
	}
	c.release()
	c.run.totals.done.Add(1)
	c.run.report(c.name)
}

// release lets go of what was needed to read the channel. What the audit needs to know of threads stays.
func (c *room) release() {
	if c.run.AuditDays > 0 && !c.run.Full {
		for ts, t := range c.threads.all() {
			if t.known && !t.asked && c.run.Now().Sub(t.readAt()) >= storage.AuditRenewal {
				c.stale = append(c.stale, stale{room: c, thread: ts, at: t.readAt(), weight: 1})
			} else if t.known {
				c.fresh++
			}
		}
	}
	c.threads, c.replies, c.files, c.owed, c.threadsOwed, c.missing = nil, nil, nil, nil, nil, nil
	c.beside = beside{}
}

// rest waits for what is under way, and settles what that leaves to do.
func (c *room) rest(ctx context.Context) {
	_ = c.tasks.Wait() // tasks name their problems and end the run by themselves
	if err := c.compareThreads(ctx); err != nil {
		c.fault(ctx, "", "comments", err)
	}
}

// The names of some parts.
const (
	partHistory = "history" // tells whether the channel can be read at all
	partFiles   = "files"
	partMembers = "members"
)

// steps reads the parts of a channel in turn; a part that fails keeps only a vanished channel from the next.
func (c *room) steps(ctx context.Context) {
	if err := c.loadSound(ctx); err != nil {
		return
	}
	c.resume()
	if c.dueLists(ctx) != nil || !c.again && c.readBeside(ctx) {
		return
	}
	for i, part := range c.parts() {
		c.reached, c.turned = part.name, c.turn > 0 && i >= c.turn
		if c.spares(part.name) || c.hasRead(part) {
			continue
		}
		if err := c.readPart(ctx, part); err != nil && c.fault(ctx, "", part.name, err) || c.vanished {
			return
		}
	}
	c.readBeside(ctx)
}

// fault deals with an error of the part or the item called what. It tells whether the run ends; if not, the error has
// become a problem.
func (c *room) fault(ctx context.Context, ts record.TS, what string, err error) (halted bool) {
	if c.run.halts(ctx, err) {
		c.halted.Store(true)
		return true
	}
	c.failed.Store(true)
	where := c.id
	if ts != "" {
		where += "/" + string(ts)
	}
	var refusal *teamchat.Error
	if what == partHistory && errors.As(err, &refusal) && (refusal.NotFound() || refusal.Denied()) {
		c.vanished = true
		what = "the channel was lost during the run: " + what
	}
	c.run.problem(where, what+": "+err.Error())
	return false
}

// load reads what the archive knows of the channel.
func (c *room) load(ctx context.Context) error {
	c.replies = newReplies()
	a := c.run.Archive
	var err error
	if c.coverage, err = a.Coverage(ctx, c.id); err != nil {
		return c.unreadable(ctx, "coverage", err)
	}
	for _, proven := range c.coverage.Proven {
		if proven.From == "" {
			c.proven = string(proven.To)
		}
	}
	if c.totals, err = a.Totals(ctx, c.id); err != nil {
		return c.unreadable(ctx, "totals", err)
	}
	if err := c.loadThreads(ctx); err != nil {
		return c.unreadable(ctx, "threads", err)
	}
	if err := c.loadFiles(ctx); err != nil {
		return c.unreadable(ctx, "files", err)
	}
	if err := c.loadDebts(ctx); err != nil {
		return c.unreadable(ctx, "debts", err)
	}
	return nil
}

// loadThreads reads the registry of threads and the marks of missing messages.
func (c *room) loadThreads(ctx context.Context) error {
	known, err := c.run.Archive.Threads(ctx, c.id)
	if err != nil {
		return err
	}
	c.threads = make(registry, len(known))
	for ts, t := range known {
		entry := thread{count: t.Count, known: true}
		if !t.Read.IsZero() {
			entry.read = t.Read.UnixMilli()
		}
		c.threads.set(ts, entry)
		c.replies.know(ts, t.Digest)
	}
	marks, err := c.run.Archive.Missing(ctx, c.id)
	if err != nil {
		return err
	}
	c.missing = make(map[record.TS]storage.Missing)
	for _, m := range marks[c.id] {
		c.missing[m.TS] = m
		if c.threads.has(m.Thread) && c.run.Now().Sub(m.FirstMissing) >= twiceApart {
			t := c.threads.get(m.Thread)
			t.lost = true
			c.threads.set(m.Thread, t)
		}
	}
	return nil
}

// unreadable deals with an error of reading the archive: it ends the run, unless the run ends anyway. Damage ends what
// needs it, and is repaired once the channel is read.
func (c *room) unreadable(ctx context.Context, what string, err error) error {
	c.failed.Store(true)
	if ctx.Err() == nil && errors.Is(err, storage.ErrDamaged) {
		c.run.harmed(c.id, err)
		return fmt.Errorf("read %s: %w", what, err)
	}
	c.halted.Store(true)
	if ctx.Err() != nil {
		return errHalt
	}
	return c.run.broken("read "+what+" of "+c.id, err)
}

func (c *room) loadDebts(ctx context.Context) error {
	debts, err := c.run.Archive.Debts(ctx, c.id)
	if err != nil {
		return err
	}
	c.owed, c.threadsOwed, c.beside = make(map[string]storage.Debt), make(map[record.TS]storage.Debt), newBeside()
	c.indebted = len(debts) > 0
	for _, d := range debts {
		switch d.Kind {
		case storage.DebtThread:
			ts := record.TS(d.Key)
			t := c.threads.get(ts)
			t.owed = true
			c.threads.set(ts, t)
			c.threadsOwed[ts] = d
		case storage.DebtFile:
			c.owed[d.Key] = d
		case storage.DebtChannel:
			c.again = true
		default:
			c.oweBeside(d)
		}
	}
	c.again = c.again || c.run.Full
	return nil
}

// spawn runs a task beside the walk. It blocks while the run has as many tasks as it allows.
func (c *room) spawn(ctx context.Context, task func()) error {
	select {
	case c.run.slots <- struct{}{}:
	case <-ctx.Done():
		return errHalt
	}
	c.tasks.Go(func() error {
		defer func() { <-c.run.slots }()
		if !c.run.over(ctx) {
			task()
		} else {
			c.halted.Store(true)
		}
		c.run.report(c.name)
		return nil
	})
	return nil
}

// page begins a page of the channel for an answer.
func (c *room) page(a teamchat.Answer) *storage.Page {
	return &storage.Page{Observed: a.Received, Channel: c.id}
}

// debt is something that the channel owes.
func (c *room) debt(kind storage.DebtKind, key string) storage.Debt {
	return storage.Debt{Channel: c.id, Kind: kind, Key: key, Since: c.run.Now().UTC()}
}
