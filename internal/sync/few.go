package sync

import (
	"context"
	"slices"
	"time"

	"archiver/internal/storage"
	"archiver/internal/teamchat"

	"github.com/go-json-experiment/json"
)

// journalRead is the name in the journal of what runs of few requests have read.
const journalRead = "sync.read"

// progress is what runs of few requests have read since the last run that came to its end. Together such runs read
// everything once.
type progress struct {
	Since uint64              `json:"since"` // the archive's change number when the first of these runs began
	Rooms map[string]*reading `json:"rooms"` // by channel id
	Users time.Time           `json:"users"` // when the server's users were read

	kept bool // the journal holds it
}

// reading is how far a channel was read.
type reading struct {
	Latest int64     `json:"latest"` // its last activity as it was listed, see [room.listedActivity]
	At     time.Time `json:"at"`     // when its first part was read
	Parts  []string  `json:"parts"`  // that were read to their end
}

// loadProgress reads what earlier runs of few requests have read.
func (r *run) loadProgress(ctx context.Context) error {
	value, err := r.Archive.Journal(ctx, journalRead)
	if err != nil {
		return r.broken("read journal", err)
	}
	p := progress{Since: r.newest}
	if len(value) > 0 {
		if err := json.Unmarshal(value, &p); err != nil {
			r.Logger.Warn("journal of what was read", "err", err) // it is read again
		}
	}
	if p.kept = len(value) > 0; p.Rooms == nil {
		p.Rooms = make(map[string]*reading)
	}
	r.progress = p
	return nil
}

// keepProgress keeps what was read for the next run, once it is durable; of a run that came to its end nothing.
func (r *run) keepProgress(ctx context.Context) error {
	over := r.over(ctx)
	if over && !r.fewRequests() || !over && !r.progress.kept {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var value []byte
	if over {
		var err error
		if value, err = json.Marshal(r.progress); err != nil {
			return r.broken("write journal", err)
		}
	}
	if err := r.flush(ctx); err != nil {
		return r.broken("flush", err)
	}
	if err := r.Archive.SetJournal(ctx, journalRead, value); err != nil {
		return r.broken("write journal", err)
	}
	return nil
}

// beyond gives a context for the few calls without which an answer that was had would be lost: where requests are few,
// they do not count.
func (r *run) beyond(ctx context.Context) context.Context {
	if r.fewRequests() && !r.Full {
		return teamchat.Begun(ctx)
	}
	return ctx
}

// isFresh tells whether what was read at a time need not be read again, where requests are few.
func (r *run) isFresh(read time.Time) bool {
	return r.fewRequests() && r.Now().Sub(read).Abs() < r.QuietMaxAge
}

// resume finds which parts of the channel earlier runs of few requests have read, as long as nothing says that they are
// to be read again.
func (c *room) resume() {
	if !c.run.fewRequests() {
		return
	}
	latest := c.listedActivity()
	known := c.run.progress.Rooms[c.id]
	if known == nil || c.again || known.Latest != latest || latest == unsettled || !c.run.isFresh(known.At) {
		known = &reading{Latest: latest, At: c.run.Now().UTC()}
		c.run.progress.Rooms[c.id] = known
	}
	c.reading = known
}

// readPart reads a part of the channel. Where requests are few, it is done with its tasks before the next part begins, and
// is not read again by the next runs.
func (c *room) readPart(ctx context.Context, p part) error {
	if c.reading == nil {
		return p.read(ctx)
	}
	failed := c.failed.Swap(false)
	err := p.read(ctx)
	_ = c.tasks.Wait() // tasks name their problems and end the run by themselves
	if err == nil && !p.always && !c.failed.Load() && (p.owes || !c.halted.Load()) {
		c.reading.Parts = append(c.reading.Parts, p.name)
	}
	if failed {
		c.failed.Store(true)
	}
	return err
}

// hasRead tells whether an earlier run of few requests has read a part.
func (c *room) hasRead(p part) bool {
	return c.reading != nil && slices.Contains(c.reading.Parts, p.name)
}

// unsettled is what stands for a last activity in whose second more may have happened.
const unsettled = -1

// listedActivity is the channel's last activity as it was listed, in unix seconds; 0 is unknown.
func (c *room) listedActivity() int64 {
	if !c.run.started.IsZero() && c.latest > 0 && c.run.started.Unix() < c.latest+sameSecond {
		return unsettled
	}
	return c.latest
}

// noteWalk notes that the channel was read to its end from a time on.
func (c *room) noteWalk(ctx context.Context, began time.Time) {
	if c.reading != nil {
		began = c.reading.At
	}
	latest := max(c.listedActivity(), 0)
	_ = c.run.put(ctx, &storage.Page{Observed: began, Channel: c.id, Walked: &storage.Walked{Latest: latest, At: began}})
}
