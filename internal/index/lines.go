package index

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"archiver/internal/index/timeline"
	"archiver/internal/record"
)

// This file keeps the timeline beside bleve's index. It follows the archive by a change number of its own, which is that
// of the index whenever CatchUp has ended; after a crash it may be behind. What is asked of it while the numbers differ is
// answered by bleve.

const (
	timelineFile  = "timeline.db" // in the directory of a generation
	timelineWait  = 10 * time.Second
	timelineBatch = 1 << 16 // messages that are applied together
)

// timeline gives the timeline of an archive's index; nil if there is none, which only a writer can mend.
func (ix *Index) timeline(archive string) (*timeline.Store, error) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.line != nil {
		return ix.line, nil
	}
	o := timeline.Options{Owner: archive, ReadOnly: ix.readOnly, Wait: timelineWait}
	err := guard(func() (err error) {
		ix.line, err = timeline.Open(filepath.Join(ix.dir, ix.generation.String(), timelineFile), o)
		return err
	})
	if errors.Is(err, timeline.ErrNone) {
		return nil, nil
	}
	return ix.line, timelineError(err)
}

// timelineError makes damage of the timeline damage of the index.
func timelineError(err error) error {
	if errors.Is(err, timeline.ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// viewTimeline calls f with a view of the timeline, if it holds the same change as a view of the index.
func (ix *Index) viewTimeline(ctx context.Context, at state, f func(*timeline.View) error) error {
	line, err := ix.timeline(at.Archive)
	if err != nil || line == nil {
		return err
	}
	return timelineError(guard(func() error {
		return line.View(ctx, func(v *timeline.View) error {
			if v.Change != at.Change {
				return nil
			}
			return f(v)
		})
	}))
}

// lines gathers messages for the timeline.
type lines struct {
	store   *timeline.Store
	pending []timeline.Put
	change  uint64
	applied uint64 // change that the timeline has
}

// lines brings the timeline to where the index stands.
func (f *follower) lines(ctx context.Context) (*lines, error) {
	store, err := f.ix.timeline(f.archive.ID())
	if err != nil {
		return nil, err
	}
	l := &lines{store: store}
	if err := store.View(ctx, func(v *timeline.View) error { l.applied = v.Change; return nil }); err != nil {
		return nil, timelineError(err)
	}
	if l.applied > f.state.Change { // a power cut took from bleve what it had
		if err := store.Reset(); err != nil {
			return nil, err
		}
		l.applied = 0
	}
	l.change = l.applied
	behind := follower{ix: f.ix, archive: f.archive, target: f.state.Change, state: state{Change: l.change}, ids: f.ids, numbers: f.numbers}
	for behind.state.Change < behind.target {
		g, err := behind.gather(ctx)
		if err != nil {
			return nil, err
		}
		messages, err := behind.current(ctx, g)
		if err != nil {
			return nil, err
		}
		if err := l.add(messages, behind.state.Change); err != nil {
			return nil, err
		}
	}
	return l, l.flush()
}

// current gives the messages of a group as the timeline has them.
func (f *follower) current(ctx context.Context, g *group) ([]timeline.Put, error) {
	var messages []timeline.Put
	for _, id := range g.order {
		docs, err := f.entriesOf(ctx, id, g.entries[id])
		if err != nil {
			return nil, err
		}
		messages = appendCurrent(messages, docs)
	}
	return messages, nil
}

// appendCurrent appends a message as the timeline has it, given all its versions.
func appendCurrent(dst []timeline.Put, docs []entry) []timeline.Put {
	if len(docs) == 0 {
		return dst
	}
	e := &docs[len(docs)-1]
	return append(dst, timeline.Put{Author: fold(e.user), Message: timeline.Message{
		Key:     timeline.Key{Second: e.key.ts.Second(), Counter: uint32(e.key.ts.Counter()), Channel: e.key.channel},
		Version: e.key.version, Kind: kindNumber(e.kind),
	}})
}

// kindNumber is the number of a kind in the timeline.
func kindNumber(kind record.Kind) uint8 {
	return uint8(max(0, slices.Index(kindValues, string(kind))))
}

// add takes messages that lead to a change.
func (l *lines) add(messages []timeline.Put, change uint64) error {
	l.pending, l.change = append(l.pending, messages...), change
	if len(l.pending) < timelineBatch {
		return nil
	}
	return l.flush()
}

// flush applies what was taken.
func (l *lines) flush() error {
	if l.applied == l.change {
		return nil
	}
	err := guard(func() error { return l.store.Apply(l.pending, l.change) })
	l.pending = l.pending[:0]
	l.applied = l.change
	return timelineError(err)
}
