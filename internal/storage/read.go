package storage

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"archiver/internal/record"
)

// windowEntries is how many entries a reader takes out of the database at once, about.
const windowEntries = 2048

// Range narrows what Messages gives. Zero values do not narrow.
type Range struct {
	From, To record.TS // both included
	AsOf     uint64    // change number; 0 means now
}

// Channels gives the channels as of change number asOf (0 means now), by id. Those of now whose states were lost come
// last, named by their ids.
func (a *Archive) Channels(ctx context.Context, asOf uint64) iter.Seq2[*record.Channel, error] {
	known := read(ctx, a, scope{class: ClassChannel, asOf: asOf}, record.FoldChannel)
	if asOf != 0 {
		return known
	}
	return a.withNameless(ctx, known)
}

// Users gives the users as of change number asOf (0 means now), by id.
func (a *Archive) Users(ctx context.Context, asOf uint64) iter.Seq2[*record.User, error] {
	return read(ctx, a, scope{class: ClassUser, asOf: asOf}, record.FoldUser)
}

// Files gives the files of a channel as of change number asOf (0 means now), by id.
func (a *Archive) Files(ctx context.Context, channel string, asOf uint64) iter.Seq2[*record.File, error] {
	return read(ctx, a, scope{class: ClassFile, channel: channel, asOf: asOf},
		func(entries []record.Entry) (*record.File, error) { return record.FoldFile(channel, entries) })
}

// Messages gives the messages of a channel by ts, main messages and comments mixed. Memory stays flat; the archive
// is not held between the messages of different windows, so that a writer can work meanwhile. What a message's Raw
// holds is shared with others and must not be changed.
func (a *Archive) Messages(ctx context.Context, channel string, r Range) iter.Seq2[*record.Message, error] {
	return read(ctx, a, scope{ClassMessage, channel, string(r.From), string(r.To), r.AsOf},
		func(entries []record.Entry) (*record.Message, error) { return record.FoldMessage(channel, entries) })
}

// Outlines gives the messages of a channel like Messages, but of each no more than record.FoldOutline does. It is much
// faster.
func (a *Archive) Outlines(ctx context.Context, channel string, r Range) iter.Seq2[*record.Message, error] {
	return read(ctx, a, scope{ClassMessage, channel, string(r.From), string(r.To), r.AsOf},
		func(entries []record.Entry) (*record.Message, error) { return record.FoldOutline(channel, entries) })
}

// Held is what the archive knows of a message without looking at its content.
type Held struct {
	TS       record.TS
	Thread   record.TS // the parent of a comment
	Observed time.Time // when its newest entry was read
	Deleted  bool
	Pinned   bool // for all who read the channel
}

// Held gives the messages of a channel by ts like Messages, and is much faster.
func (a *Archive) Held(ctx context.Context, channel string, r Range) iter.Seq2[*Held, error] {
	return read(ctx, a, scope{ClassMessage, channel, string(r.From), string(r.To), r.AsOf},
		func(entries []record.Entry) (*Held, error) {
			pinned := record.IsPinned(entries)
			last := entries[len(entries)-1]
			for last.Op == record.OpPins {
				entries = entries[:len(entries)-1]
				last = entries[len(entries)-1]
			}
			return &Held{record.TS(last.Key), last.Thread, last.Observed, last.Op == record.OpDeleted, pinned}, nil
		})
}

// Estimate is about how many entries the messages of a range have. It looks at no message.
func (a *Archive) Estimate(ctx context.Context, channel string, r Range) (int, error) {
	count := 0
	err := a.viewChannel(ctx, channel, func(s *snapshot, n uint32) error {
		d, tail, err := s.layout(messagesOf(n))
		if err != nil {
			return err
		}
		for _, e := range append(d.overlapping(string(r.From), string(r.To), s.lastBlock), tail) {
			count += e.within(string(r.From), string(r.To))
		}
		return nil
	})
	return count, err
}

// within is about how many entries of a block lie in a range: all, or half of them where it reaches beyond the range.
func (e *dirEntry) within(from, to string) int {
	switch {
	case e.count == 0 || e.max < from || to != "" && e.min > to:
		return 0
	case e.min < from || to != "" && e.max > to:
		return (e.count + 1) / 2
	}
	return e.count
}

// Message gives one message, or ErrNotFound.
func (a *Archive) Message(ctx context.Context, channel string, ts record.TS) (*record.Message, error) {
	return first(a.Messages(ctx, channel, Range{From: ts, To: ts}), "message "+channel+"/"+string(ts))
}

// File gives one file as of change number asOf (0 means now), or ErrNotFound.
func (a *Archive) File(ctx context.Context, channel, id string, asOf uint64) (*record.File, error) {
	return first(read(ctx, a, scope{class: ClassFile, channel: channel, from: id, to: id, asOf: asOf},
		func(entries []record.Entry) (*record.File, error) { return record.FoldFile(channel, entries) }),
		"file "+channel+"/"+id)
}

// Channel gives one channel, or ErrNotFound.
func (a *Archive) Channel(ctx context.Context, id string) (*record.Channel, error) {
	return first(read(ctx, a, scope{class: ClassChannel, from: id, to: id}, record.FoldChannel), "channel "+id)
}

func first[T any](found iter.Seq2[*T, error], name string) (*T, error) {
	for v, err := range found {
		return v, err
	}
	return nil, fmt.Errorf("%s: %w", name, ErrNotFound)
}

// scope is what a reader asks for.
type scope struct {
	class    Class
	channel  string
	from, to string // keys, both included; "" is no bound
	asOf     uint64
}

// read gives the objects of a scope by key, each folded from its entries.
func read[T any](
	ctx context.Context, a *Archive, sc scope, fold func([]record.Entry) (*T, error),
) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for more := true; more; {
			var entries []record.Entry
			err := a.view(ctx, func(s *snapshot) (err error) {
				entries, more, err = s.window(&sc)
				return err
			})
			if err != nil {
				yield(nil, err)
				return
			}
			for len(entries) > 0 {
				n := sameKey(entries)
				of := entries[:n]
				entries = entries[n:]
				if !hasObject(of) {
					continue
				}
				object, err := fold(of)
				if !yield(object, err) || err != nil {
					return
				}
			}
		}
	}
}

// hasObject tells whether the entries of a key hold an object. Those that do not are all that is left of one that was
// lost, and count for nothing.
func hasObject(entries []record.Entry) bool {
	return slices.ContainsFunc(entries, func(e record.Entry) bool { return e.Op.HasObject() })
}

// sameKey is how many of the entries at the beginning have one key.
func sameKey(entries []record.Entry) int {
	n := 1
	for n < len(entries) && entries[n].Key == entries[0].Key {
		n++
	}
	return n
}

// locate finds the stream of a scope; ok is false when the archive knows no such channel.
func (s *snapshot) locate(sc *scope) (st stream, ok bool, err error) {
	switch sc.class {
	case ClassChannel:
		return streamChannels, true, nil
	case ClassUser:
		return streamUsers, true, nil
	case ClassEvent:
		return streamEvents, true, nil
	case ClassConference:
		return streamConferences, true, nil
	}
	n, ok, err := s.number(sc.channel)
	if sc.class == ClassFile {
		return filesOf(n), ok, err
	}
	return messagesOf(n), ok, err
}

// window takes the next entries of a scope, by key and change, and moves the scope behind them. An open asOf is fixed
// at the first window.
func (s *snapshot) window(sc *scope) (entries []record.Entry, more bool, err error) {
	if sc.asOf == 0 {
		sc.asOf = s.change
	}
	st, ok, err := s.locate(sc)
	if err != nil || !ok {
		return nil, false, err
	}
	d, tail, err := s.layout(st)
	if err != nil {
		return nil, false, err
	}
	blocks := d.overlapping(sc.from, sc.to, s.lastBlock)
	if tail.count > 0 && tail.max >= sc.from && (sc.to == "" || tail.min <= sc.to) {
		blocks = append(blocks, tail)
	}
	blocks = slices.DeleteFunc(blocks, func(e dirEntry) bool { return e.first > sc.asOf })
	blocks, end := cutWindow(blocks, sc.from)
	for _, e := range blocks {
		b, err := s.block(e)
		if err != nil {
			return nil, false, err
		}
		entries = b.collect(entries, sc, end)
	}
	slices.SortStableFunc(entries, func(x, y record.Entry) int {
		return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.Change, y.Change))
	})
	sc.from = end
	return entries, end != "", nil
}

// cutWindow picks the blocks for a window that begins at from, and the key at which it ends; "" means the end of all.
// A window takes at least as many entries from blocks that it opens as from those that reach into it, so that blocks
// with overlapping keys are read a few times at most, and not more than are needed.
func cutWindow(blocks []dirEntry, from string) (picked []dirEntry, end string) {
	slices.SortStableFunc(blocks, func(x, y dirEntry) int { return cmp.Compare(x.min, y.min) })
	reaching, opened := 0, 0
	for i, e := range blocks {
		switch {
		case e.min <= from:
			reaching += e.count
		case opened >= max(windowEntries, reaching) && e.min > blocks[i-1].min:
			return blocks[:i], e.min
		default:
			opened += e.count
		}
	}
	return blocks, ""
}

// collect appends the entries of the block that lie in the scope, and before the key end.
func (b *block) collect(dst []record.Entry, sc *scope, end string) []record.Entry {
	i, _ := slices.BinarySearchFunc(b.order, sc.from, func(i int32, from string) int {
		return cmp.Compare(b.entries[i].Key, from)
	})
	for _, at := range b.order[i:] {
		e := &b.entries[at]
		if sc.to != "" && e.Key > sc.to || end != "" && e.Key >= end {
			break
		}
		if e.Change <= sc.asOf {
			dst = append(dst, *e)
		}
	}
	return dst
}
