package storage

import (
	"context"
	"encoding/binary"
	"slices"

	"archiver/internal/record"
)

// Class says what sort of object an entry belongs to.
type Class uint8

// The classes.
const (
	ClassMessage Class = iota + 1
	ClassFile
	ClassChannel
	ClassUser
	ClassEvent
	ClassConference
)

// String names a class as hashed records do.
func (c Class) String() string {
	switch c {
	case ClassMessage:
		return "message"
	case ClassFile:
		return "file"
	case ClassChannel:
		return "channel"
	case ClassEvent:
		return "event"
	case ClassConference:
		return "conference"
	default:
		return "user"
	}
}

// Changed is an entry with its place. Its Body is shared with others and must not be changed.
type Changed struct {
	Class   Class
	Channel string // id; of messages and files
	record.Entry
}

// Changes gives the entries after change number after, in order, at least one and about limit of them; none means
// that after is the newest. Entries that were lost are passed over.
func (a *Archive) Changes(ctx context.Context, after uint64, limit int) ([]Changed, error) {
	var found []Changed
	err := a.view(ctx, func(s *snapshot) error {
		channels, _, err := s.channels()
		if err != nil {
			return err
		}
		f := follower{snapshot: s, channels: channels, after: after, limit: max(limit, 1)}
		err = f.follow()
		found = f.found
		return err
	})
	return found, err
}

// follower collects entries in the order of their changes.
type follower struct {
	*snapshot
	channels []string
	after    uint64
	limit    int
	found    []Changed
}

func (f *follower) follow() error {
	c := f.bucket(bucketCommits).Cursor()
	for key, stored := c.Seek(uint64Key(f.after + 1)); key != nil && len(f.found) < f.limit; key, stored = c.Next() {
		value, err := unseal(bucketCommits, key, stored)
		if err != nil {
			return err
		}
		commit, err := parseCommit(value)
		if err != nil || len(key) != 8 {
			return damagedAt(bucketCommits, key, "%v", err)
		}
		last, total := binary.BigEndian.Uint64(key), commit.total()
		if total > last || f.after > last || last-total > f.after {
			return damagedAt(bucketCommits, key, "does not go on from change %d", f.after)
		}
		if err := f.commit(last-total+1, commit.segments); err != nil {
			return err
		}
	}
	if f.after < f.change && len(f.found) == 0 {
		return damaged(string(bucketCommits), "no commit holds change %d", f.after+1)
	}
	return nil
}

// commit collects the entries of a commit whose first change is first.
func (f *follower) commit(first uint64, segments []segment) error {
	for _, seg := range segments {
		last := first + seg.count - 1
		if f.after < last && len(f.found) < f.limit {
			if err := f.segment(seg.stream, f.after+1, last); err != nil {
				return err
			}
		}
		first = last + 1
	}
	return nil
}

// segment collects the entries of a stream with change numbers first to last.
func (f *follower) segment(st stream, first, last uint64) error {
	d, tail, err := f.layout(st)
	if err != nil {
		return err
	}
	i, _ := slices.BinarySearchFunc(d.blocks, first, func(e dirEntry, first uint64) int {
		if e.last < first {
			return -1
		}
		return 1
	})
	for ; i < len(d.blocks) && d.blocks[i].first <= last && d.blocks[i].number <= f.lastBlock; i++ {
		if err := f.block(d.blocks[i], last); err != nil {
			return err
		}
	}
	if tail.count > 0 && tail.first <= last && tail.last >= first {
		if err := f.block(tail, last); err != nil {
			return err
		}
	}
	if f.after < last && len(f.found) < f.limit {
		return damaged(string(bucketBlocks), "stream %d does not hold change %d", st, f.after+1)
	}
	return nil
}

// block collects the entries of a block up to change last.
func (f *follower) block(e dirEntry, last uint64) error {
	if e.lost {
		f.after = max(f.after, min(e.last, last))
		return nil
	}
	b, err := f.snapshot.block(e)
	if err != nil {
		return err
	}
	i, _ := slices.BinarySearchFunc(b.entries, f.after+1, func(e record.Entry, first uint64) int {
		if e.Change < first {
			return -1
		}
		return 1
	})
	for ; i < len(b.entries) && b.entries[i].Change <= last && len(f.found) < f.limit; i++ {
		if b.entries[i].Change != f.after+1 {
			return damaged(string(bucketBlocks), "stream %d does not hold change %d", e.stream, f.after+1)
		}
		changed, err := f.changed(e.stream, b.entries[i])
		if err != nil {
			return err
		}
		f.found = append(f.found, changed)
		f.after++
	}
	return nil
}

func (f *follower) changed(st stream, e record.Entry) (Changed, error) {
	c := Changed{Class: st.class(), Entry: e}
	if st < streamBase {
		return c, nil
	}
	if int(st.channel()) >= len(f.channels) {
		return c, damaged(string(bucketChannels), "no channel has number %d", st.channel())
	}
	c.Channel = f.channels[st.channel()]
	return c, nil
}
