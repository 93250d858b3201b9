package reconcile

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// channel compares one channel.
type channel struct {
	run  *run
	pair *pair
	row  *Row

	coverage storage.Coverage
	debts    map[storage.DebtKind]map[string]bool
	newest   record.TS // the greatest ts in the archive, of comments too
	counted  bool      // history says how many comments messages have
	tallies  map[record.TS]*tally
	linked   map[string]bool // files that history shows
	sample   *sampler
	sampled  []record.TS // comments of the sample
}

// tally is the comments of a thread on both sides.
type tally struct{ source, archived int }

func (c *channel) thread(ts record.TS) *tally {
	t := c.tallies[ts]
	if t == nil {
		t = &tally{}
		c.tallies[ts] = t
	}
	return t
}

// note counts an item for which a reason holds.
func (c *channel) note(kind Kind, what, id string) {
	at := slices.IndexFunc(c.row.Reasons, func(r Reason) bool { return r.Kind == kind && r.What == what })
	if at < 0 {
		at = len(c.row.Reasons)
		c.row.Reasons = append(c.row.Reasons, Reason{Kind: kind, What: what})
	}
	r := &c.row.Reasons[at]
	if r.Count++; id != "" && len(r.Items) < maxNamed {
		r.Items = append(r.Items, id)
	}
}

// unread notes that the server could not be read to the end.
func (c *channel) unread(err error) { c.note(Unread, err.Error(), "") }

// compare reads both sides. An error of the server leaves the counts of the source unknown.
func (c *channel) compare(ctx context.Context) error {
	p := c.pair
	c.row.ChannelID, c.row.Reasons = p.id, []Reason{}
	if p.archived != nil {
		c.row.ChannelName = p.archived.Name
	}
	if p.listed != nil {
		c.row.ChannelName = p.listed.Name
	}
	if err := c.load(ctx); err != nil {
		return err
	}
	if kind := c.closed(); kind != "" {
		c.note(kind, "channel", "")
		return c.countArchive(ctx)
	}
	err := c.read(ctx)
	if err == nil {
		return nil
	}
	c.row.SourceMessages, c.row.SourceComments, c.row.SourceFiles = -1, -1, -1
	c.row.Sampled, c.row.Differing, c.row.Reasons = 0, 0, []Reason{}
	if err := c.countArchive(ctx); err != nil {
		return err
	}
	return err
}

// closed is why a channel can't be read, "" if it can.
func (c *channel) closed() Kind {
	switch {
	case c.run.excluded(c.pair, c.row.ChannelName):
		return Excluded
	case c.pair.listed == nil:
		return Gone
	case !c.pair.listed.Readable:
		return Forbidden
	}
	return ""
}

// load reads the archive's bookkeeping.
func (c *channel) load(ctx context.Context) (err error) {
	id := c.pair.id
	c.row.SourceMessages, c.row.SourceComments, c.row.SourceFiles = -1, -1, -1
	if c.coverage, err = c.run.Archive.Coverage(ctx, id); err != nil {
		return err
	}
	debts, err := c.run.Archive.Debts(ctx, id)
	if err != nil {
		return err
	}
	c.debts = make(map[storage.DebtKind]map[string]bool)
	for _, d := range debts {
		if c.debts[d.Kind] == nil {
			c.debts[d.Kind] = make(map[string]bool)
		}
		c.debts[d.Kind][d.Key] = true
	}
	totals, err := c.run.Archive.Totals(ctx, id)
	if err != nil {
		return err
	}
	c.sample = newSampler(c.run.Seed, id, totals.Messages+totals.Comments-totals.Deleted, c.run.Sample)
	c.tallies, c.linked = make(map[record.TS]*tally), make(map[string]bool)
	return nil
}

// countArchive counts what the archive has, without the server.
func (c *channel) countArchive(ctx context.Context) error {
	c.row.ArchivedMessages, c.row.ArchivedComments, c.row.ArchivedFiles = 0, 0, 0
	for h, err := range c.run.Archive.Held(ctx, c.pair.id, storage.Range{}) {
		switch {
		case err != nil:
			return err
		case h.Deleted:
		case h.Thread != "":
			c.row.ArchivedComments++
		default:
			c.row.ArchivedMessages++
		}
	}
	for f, err := range c.run.Archive.Files(ctx, c.pair.id, 0) {
		if err != nil {
			return err
		}
		if f.State == record.FileStored {
			c.row.ArchivedFiles++
		}
	}
	return nil
}

// read compares messages, then comments, then files, then the sample.
func (c *channel) read(ctx context.Context) error {
	if c.run.end.Load() != nil {
		return errStopped
	}
	steps := []func(context.Context) error{c.compareMessages, c.compareComments, c.compareFiles, c.checkComments}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	c.row.Difference = c.row.SourceMessages - c.row.ArchivedMessages
	return nil
}

// held gives what the archive has, message by message: the archived side of a merge.
type held struct {
	channel *channel
	next    func() (*storage.Held, error, bool)
	main    *storage.Held // the next main message, nil at the end
	chosen  bool          // for the sample
}

// advance goes to the next main message. Comments on the way are counted.
func (h *held) advance() error {
	c := h.channel
	for {
		m, err, ok := h.next()
		if err != nil || !ok {
			h.main = nil
			return err
		}
		c.newest = max(c.newest, m.TS)
		if m.Deleted {
			continue
		}
		chosen := c.sample.next()
		if m.Thread == "" {
			h.main, h.chosen = m, chosen
			c.row.ArchivedMessages++
			return nil
		}
		c.row.ArchivedComments++
		c.thread(m.Thread).archived++
		if chosen {
			c.sampled = append(c.sampled, m.TS)
		}
	}
}

// compareMessages merges the main messages of both sides.
func (c *channel) compareMessages(ctx context.Context) error {
	c.row.SourceMessages = 0
	next, stop := iter.Pull2(c.run.Archive.Held(ctx, c.pair.id, storage.Range{}))
	defer stop()
	h := &held{channel: c, next: next}
	if err := h.advance(); err != nil {
		return err
	}
	err := c.history(ctx, func(it item) error { return c.take(ctx, h, it) })
	for err == nil && h.main != nil {
		c.note(Absent, "message", string(h.main.TS))
		err = h.advance()
	}
	return err
}

// take compares a main message of the server.
func (c *channel) take(ctx context.Context, h *held, it item) error {
	c.row.SourceMessages++
	if n := it.message.CommentsCount; n >= 0 {
		c.counted = true
		if n > 0 {
			c.thread(it.ts).source = int(n)
		}
	}
	if f := it.message.File; f != nil && f.ID != "" {
		c.linked[strings.Clone(f.ID)] = true
	}
	for h.main != nil && h.main.TS < it.ts {
		c.note(Absent, "message", string(h.main.TS))
		if err := h.advance(); err != nil {
			return err
		}
	}
	if h.main == nil || h.main.TS > it.ts {
		c.note(c.whyMissing(it.ts), "message", string(it.ts))
		return nil
	}
	if h.chosen {
		if err := c.check(ctx, it.ts, it.message.Raw); err != nil {
			return err
		}
	}
	return h.advance()
}

// whyMissing explains a main message that only the server has.
func (c *channel) whyMissing(ts record.TS) Kind {
	proven := c.coverage.Proven
	covered := slices.ContainsFunc(proven, func(p record.Interval) bool { return p.From <= ts && ts <= p.To })
	switch {
	case c.run.isNew(ts):
		return New
	case c.pair.archived == nil:
		return Unknown
	case len(c.debts[storage.DebtChannel]) > 0:
		return Debt
	case covered:
		return Unexplained
	case len(proven) > 0 && ts > proven[len(proven)-1].To:
		return New
	}
	return Gap
}

// compareComments holds the counts of each thread against what is archived, and looks into the threads of which the
// server has more.
func (c *channel) compareComments(ctx context.Context) error {
	if !c.counted {
		if err := c.threads(ctx); err != nil {
			return err
		}
	}
	c.row.SourceComments = 0
	for _, parent := range slices.Sorted(maps.Keys(c.tallies)) {
		t := c.tallies[parent]
		if t.source > t.archived {
			if err := c.lookInto(ctx, parent, t); err != nil {
				return err
			}
		}
		for range t.archived - t.source {
			c.note(Absent, "comment", "")
		}
		c.row.SourceComments += t.source
	}
	return nil
}

// lookInto finds the comments of a thread that only the server has.
func (c *channel) lookInto(ctx context.Context, parent record.TS, t *tally) error {
	list, err := c.shown(ctx, parent, t)
	if err != nil {
		return err
	}
	for _, ts := range list {
		_, err := c.run.Archive.Message(ctx, c.pair.id, ts)
		if errors.Is(err, storage.ErrNotFound) {
			c.note(c.whyCommentMissing(ctx, parent, ts), "comment", string(ts))
		} else if err != nil {
			return err
		}
	}
	for range t.source - max(len(list), t.archived) {
		c.note(Unexplained, "comment", "") // counted by the server, but not shown
	}
	return nil
}

// maxRecounts is how often a thread is counted again that shows less than was counted.
const maxRecounts = 5

// shown gives the comments of a thread. Where they are fewer than was counted some may have been deleted since, so that
// the thread is counted again.
func (c *channel) shown(ctx context.Context, parent record.TS, t *tally) (list []record.TS, err error) {
	for range maxRecounts {
		if list, err = c.comments(ctx, parent); err != nil || t.source <= len(list) {
			return list, err
		}
		if t.source, err = c.recount(ctx, parent, t.source); err != nil || t.source <= len(list) {
			return list, err
		}
	}
	return list, nil
}

// whyCommentMissing explains a comment that only the server has.
func (c *channel) whyCommentMissing(ctx context.Context, parent, ts record.TS) Kind {
	switch {
	case c.run.isNew(ts):
		return New
	case c.pair.archived == nil:
		return Unknown
	case c.debts[storage.DebtThread][string(parent)], len(c.debts[storage.DebtChannel]) > 0:
		return Debt
	case ts > c.newest && len(c.coverage.Proven) > 0:
		return New
	}
	if _, err := c.run.Archive.Message(ctx, c.pair.id, parent); err != nil {
		return c.whyMissing(parent)
	}
	return Unexplained
}

// compareFiles compares the lists of files.
func (c *channel) compareFiles(ctx context.Context) error {
	listed, err := c.files(ctx)
	if err != nil {
		return err
	}
	c.row.SourceFiles = len(listed)
	for f, err := range c.run.Archive.Files(ctx, c.pair.id, 0) {
		if err != nil {
			return err
		}
		there := listed[f.ID] || c.linked[f.ID]
		if f.State == record.FileStored {
			c.row.ArchivedFiles++
		}
		switch {
		case f.State == record.FileStored && !there:
			c.note(Absent, "file", f.ID)
		case f.State == record.FilePending && there:
			c.note(Debt, "file", f.ID)
		case f.State == record.FileRefused && there, f.State == record.FileGone && listed[f.ID]:
			c.note(Refused, "file", f.ID)
		}
		delete(listed, f.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(listed)) {
		c.note(c.whyFileMissing(id), "file", id)
	}
	return nil
}

// whyFileMissing explains a file that only the server has.
func (c *channel) whyFileMissing(id string) Kind {
	ts, err := record.TSFromHex(id)
	switch {
	case err == nil && c.run.isNew(ts):
		return New
	case c.pair.archived == nil:
		return Unknown
	case c.debts[storage.DebtFile][id], len(c.debts[storage.DebtChannel]) > 0:
		return Debt
	case err == nil && ts > c.newest && len(c.coverage.Proven) > 0:
		return New
	}
	return Unexplained
}
