package index

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"archiver/internal/index/timeline"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve_index_api"
	"golang.org/x/sync/errgroup"
)

const (
	changesRead = 1000 // entries asked of the archive at a time
	batchSize   = 2000 // messages that make a batch; 1000 take a sixth more CPU, 4000 gain little
)

// CatchUp follows the archive's changes from where the index stands to the newest one at the time of the call. Every
// batch is durable and holds the cursor that belongs to it, so that a CatchUp that is cut short, by whatever, goes on
// from there. progress, when set, is called with change numbers. ErrDamaged means that the index cannot belong to the
// archive or cannot be read; only Rebuild helps.
//
// CatchUp may run beside searches and beside writers of the archive; calls exclude each other.
func (ix *Index) CatchUp(ctx context.Context, a *storage.Archive, progress func(done, total uint64)) error {
	ix.following.Lock()
	defer ix.following.Unlock()
	f := follower{ix: ix, archive: a, target: a.Change(), builder: newBuilder()}
	if err := f.load(); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	line, err := f.lines(ctx)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if f.state.Change >= f.target {
		return nil
	}
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	batches := make(chan *commit)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(batches)
		return f.produce(gctx, batches)
	})
	g.Go(func() error {
		for c := range batches {
			if err := guard(func() error { return ix.bleve.Batch(c.batch) }); err != nil {
				return fmt.Errorf("commit up to change %d: %w", c.change, err)
			}
			if err := line.add(c.messages, c.change); err != nil {
				return err
			}
			progress(c.change, f.target)
		}
		return nil
	})
	if err := errors.Join(g.Wait(), line.flush()); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}

// follower turns changes of an archive into batches.
type follower struct {
	ix      *Index
	archive *storage.Archive
	target  uint64
	state   state
	ids     []string          // of channels, by number
	numbers map[string]uint32 // of channels
	builder *builder
}

// commit is a batch with the change number it brings the index to.
type commit struct {
	batch    *bleve.Batch
	messages []timeline.Put
	change   uint64
}

// load reads where the index stands.
func (f *follower) load() error {
	return f.ix.read(func(r index.IndexReader, at state) error {
		if err := at.check(f.archive); err != nil {
			return err
		}
		ids, err := f.ix.channelIDs(r, at)
		if err != nil {
			return err
		}
		f.state, f.ids, f.numbers = at, slices.Clone(ids), make(map[string]uint32, len(ids))
		f.state.Archive = f.archive.ID()
		for n, id := range ids {
			f.numbers[id] = uint32(n)
		}
		return nil
	})
}

// produce makes batches until the target is reached.
func (f *follower) produce(ctx context.Context, out chan<- *commit) error {
	for f.state.Change < f.target {
		group, err := f.gather(ctx)
		if err != nil {
			return err
		}
		c, err := f.commit(ctx, group)
		if err != nil {
			return err
		}
		select {
		case out <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// group is the messages of some successive changes, in the order in which they came up.
type group struct {
	order   []messageID
	entries map[messageID][]record.Entry
}

type messageID struct{ channel, ts string }

// gather reads changes until they concern enough messages or the target is reached.
func (f *follower) gather(ctx context.Context) (*group, error) {
	g := &group{entries: make(map[messageID][]record.Entry, batchSize)}
	for f.state.Change < f.target && len(g.order) < batchSize {
		changes, err := f.archive.Changes(ctx, f.state.Change, changesRead)
		if err != nil {
			return nil, fmt.Errorf("changes after %d: %w", f.state.Change, err)
		}
		changes = slices.DeleteFunc(changes, func(c storage.Changed) bool { return c.Change > f.target })
		if len(changes) == 0 { // the rest was lost
			f.state.Change = f.target
			break
		}
		for _, c := range changes {
			g.add(c)
		}
		f.state.Change = changes[len(changes)-1].Change
	}
	return g, nil
}

func (g *group) add(c storage.Changed) {
	if c.Class != storage.ClassMessage {
		return
	}
	id := messageID{c.Channel, c.Key}
	if _, ok := g.entries[id]; !ok {
		g.order = append(g.order, id)
	}
	g.entries[id] = append(g.entries[id], c.Entry)
}

// commit makes the batch of a group: all documents of its messages, and the state that they lead to.
func (f *follower) commit(ctx context.Context, g *group) (*commit, error) {
	batch := f.ix.bleve.NewBatch()
	clear(f.builder.keywords)
	messages := make([]timeline.Put, 0, len(g.order))
	for _, id := range g.order {
		entries := g.entries[id]
		if entries[0].First {
			f.state.Messages++
		}
		docs, err := f.entriesOf(ctx, id, entries)
		if err != nil {
			return nil, err
		}
		for i := range docs {
			doc, err := f.builder.document(&docs[i])
			if err != nil {
				return nil, err
			}
			if err := batch.IndexAdvanced(doc); err != nil {
				return nil, err
			}
		}
		messages = appendCurrent(messages, docs)
	}
	return &commit{batch, messages, f.state.Change}, f.setState(batch)
}

// entriesOf gives the entries of all versions of a message. What changed it is either all there is of it, or the
// archive is asked for the whole: that may be newer than the change at hand, and comes up again then.
func (f *follower) entriesOf(ctx context.Context, id messageID, entries []record.Entry) ([]entry, error) {
	number := f.number(id.channel)
	if entries[0].First && len(entries) == 1 {
		return []entry{firstOf(id.channel, number, &entries[0])}, nil
	}
	m, err := f.message(ctx, id, entries)
	if err != nil {
		return nil, fmt.Errorf("message %s/%s: %w", id.channel, id.ts, err)
	}
	return versionsOf(m, number), nil
}

func (f *follower) message(ctx context.Context, id messageID, entries []record.Entry) (*record.Message, error) {
	if entries[0].First {
		return record.FoldMessage(id.channel, entries)
	}
	return f.archive.Message(ctx, id.channel, record.TS(id.ts))
}

// number gives the number of a channel, a new one at first sight.
func (f *follower) number(channel string) uint32 {
	n, ok := f.numbers[channel]
	if !ok {
		n = uint32(len(f.ids))
		f.numbers[channel] = n
		f.ids = append(f.ids, channel)
	}
	return n
}

// setState adds to the batch what the index keeps beside documents.
func (f *follower) setState(batch *bleve.Batch) error {
	if len(f.ids) > f.state.Channels {
		chunks, err := channelChunks(f.ids, f.state.Channels)
		if err != nil {
			return err
		}
		for key, ids := range chunks {
			batch.SetInternal([]byte(key), ids)
		}
		f.state.Channels = len(f.ids)
	}
	raw, err := f.state.encode()
	if err != nil {
		return err
	}
	batch.SetInternal([]byte(stateKey), raw)
	return nil
}
