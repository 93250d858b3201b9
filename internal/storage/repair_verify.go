package storage

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"

	"archiver/internal/record"
)

// This file is what Verify says of entries that were lost and blobs that were set aside.

// repairLost is what can be done about entries that were lost.
const repairLost = "restore archive.db from a backup made before; what the server still has, archiver sync --full has fetched again"

// lostBlock counts the entries of a lost block. That the history is not whole is damage only where it is to be proven.
func (v *verifier) lostBlock(s *snapshot, e dirEntry) error {
	v.checked("entries lost", int64(e.count))
	if e.stream.class() == ClassMessage {
		v.holed[e.stream.channel()] = true
	}
	if v.o.Since == nil {
		return nil
	}
	channel := ""
	if ids, _, err := s.channels(); err == nil {
		channel, _ = idOf(ids, e.stream)
	}
	what := fmt.Sprintf("%d entries (%s) with changes from %d to %d were lost", e.count, e.stream.class(), e.first, e.last)
	if channel != "" {
		what = fmt.Sprintf("channel %s: %s", channel, what)
	}
	if at := s.lostAt(e); !at.IsZero() {
		what += ", which was found on " + at.Format(time.RFC3339)
	}
	v.found(place(bucketBlocks, uint64Key(e.number)), what, repairLost)
	return nil
}

// lostAt is when the entries of a block were found to be lost, zero if that is unknown.
func (s *snapshot) lostAt(e dirEntry) time.Time {
	repairs, err := s.repairs()
	if err != nil {
		return time.Time{} // told with the values
	}
	for _, r := range repairs {
		for _, l := range r.Lost {
			if l.First == e.first && l.Last == e.last && l.Class == e.stream.class().String() {
				return r.Time
			}
		}
	}
	return time.Time{}
}

// countAgain counts the messages of a channel that lost some by their keys, since first entries may be missing.
func (v *verifier) countAgain(ctx context.Context, n uint32, t *tally) error {
	var counted ChannelTotals
	sc := scope{class: ClassMessage, asOf: v.change}
	for more := true; more; {
		err := v.a.view(ctx, func(s *snapshot) error {
			ids, _, err := s.channels()
			if err != nil {
				return err
			}
			sc.channel = ids[n]
			var entries []record.Entry
			if entries, more, err = s.window(&sc); err != nil {
				return err
			}
			return eachKey(entries, func(entries []record.Entry) error { counted.countKey(entries); return nil })
		})
		if err != nil {
			return err
		}
	}
	t.messages, t.comments, t.newest = counted.Messages, counted.Comments, make(map[string]uint64)
	for i := range counted.Deleted {
		t.newest[string(binary.AppendUvarint(nil, uint64(i)))] = 1
	}
	return nil
}

// isLost tells whether a blob was found to be damaged or missing, and is told as lost.
func (v *verifier) isLost(ctx context.Context, sum string) bool {
	lost := false
	err := v.a.view(ctx, func(s *snapshot) error {
		value, err := s.get(bucketDamaged, damagedKey(damagedBlobs, []byte(sum)))
		lost = value != nil
		return err
	})
	return err == nil && lost
}

// withNameless gives, after the channels that are known, those whose states were lost.
func (a *Archive) withNameless(ctx context.Context, known iter.Seq2[*record.Channel, error]) iter.Seq2[*record.Channel, error] {
	return func(yield func(*record.Channel, error) bool) {
		seen := make(map[string]bool)
		for c, err := range known {
			if !yield(c, err) || err != nil {
				return
			}
			seen[c.ID] = true
		}
		var ids []string
		err := a.view(ctx, func(s *snapshot) (err error) { ids, err = s.nameless(seen); return err })
		if err != nil {
			yield(nil, err)
			return
		}
		for _, id := range ids {
			if !yield(&record.Channel{ID: id, Name: id, Names: []string{}, State: record.ChannelPresent, Members: []string{}}, nil) {
				return
			}
		}
	}
}

// nameless gives the ids of channels that are not seen, if states of channels were lost.
func (s *snapshot) nameless(seen map[string]bool) (ids []string, err error) {
	d, _, err := s.layout(streamChannels)
	if err != nil || !slices.ContainsFunc(d.blocks, func(e dirEntry) bool { return e.lost }) {
		return nil, err
	}
	_, numbers, err := s.channels()
	for id := range numbers {
		if !seen[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, err
}
