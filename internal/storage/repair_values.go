package storage

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"archiver/internal/record"
)

// repairChannels reads the numbers of channels. One that is damaged is derived, when exactly one number is unused.
func (r *repairer) repairChannels() error {
	want := int(r.counts[bucketChannels])
	bad, misplaced := r.unsound(bucketChannels)
	if len(bad) == 1 {
		n, used := r.unusedNumber(want)
		id := r.channelWithout(used, string(bad[0].key))
		if n == 0 || id == "" {
			return errBeyond
		}
		if _, err := r.clear(bucketChannels); err != nil {
			return err
		}
		if err := r.batch.put(bucketChannels, []byte(id), uint32Key(n)); err != nil {
			return err
		}
	} else if misplaced && len(bad) == 0 {
		if _, err := r.clear(bucketChannels); err != nil {
			return err
		}
	}
	r.caches.forget()
	var err error
	if r.ids, _, err = r.channels(); err != nil {
		return errBeyond
	}
	if r.channel != "" {
		r.only = uint32(max(slices.Index(r.ids, r.channel), 0))
		if r.only == 0 {
			return errBeyond
		}
	}
	return nil
}

// unusedNumber gives the only number up to want that no channel has, 0 if there are several, and the ids that have one.
func (r *repairer) unusedNumber(want int) (uint32, map[string]bool) {
	numbers, ids := make(map[uint32]bool), make(map[string]bool)
	c := r.bucket(bucketChannels).Cursor()
	for key, stored := c.First(); key != nil; key, stored = c.Next() {
		if value, err := unseal(bucketChannels, key, stored); err == nil && len(value) == 4 {
			numbers[binary.BigEndian.Uint32(value)], ids[string(key)] = true, true
		}
	}
	var unused []uint32
	for n := uint32(1); int(n) <= want; n++ {
		if !numbers[n] {
			unused = append(unused, n)
		}
	}
	if len(unused) != 1 {
		return 0, ids
	}
	return unused[0], ids
}

// channelWithout gives the id of the channel that has no number: the one that the damaged entry shows, unless the states
// of channels know another.
func (r *repairer) channelWithout(used map[string]bool, shown string) string {
	known := make(map[string]bool)
	s, err := r.fresh()
	if err == nil {
		err = s.each(scope{class: ClassChannel}, func(entries []record.Entry) error {
			known[entries[0].Key] = true
			return nil
		})
	}
	if err != nil || known[shown] {
		return shown
	}
	var without []string
	for id := range known {
		if !used[id] {
			without = append(without, id)
		}
	}
	if len(without) != 1 {
		return ""
	}
	return without[0]
}

// repairValues removes what is damaged of the bookkeeping, and notes which channels it concerns.
func (r *repairer) repairValues() error {
	for _, in := range []bucket{bucketCoverage, bucketThreads, bucketDebts, bucketMissing, bucketTotals} {
		if err := r.repairKept(in); err != nil {
			return err
		}
	}
	if r.only != 0 {
		return nil
	}
	for _, in := range []bucket{bucketRuns, bucketJournal, bucketNotes, bucketDamaged} {
		if _, err := r.clear(in); err != nil {
			return err
		}
	}
	return nil
}

// repairKept removes damaged values that belong to channels.
func (r *repairer) repairKept(in bucket) error {
	bad, err := r.clear(in)
	if err != nil {
		return err
	}
	for _, v := range bad {
		n := uint32(0)
		if len(v.key) >= 4 {
			n = binary.BigEndian.Uint32(v.key)
		}
		switch {
		case in == bucketTotals: // are derived
		case n == 0 || int(n) >= len(r.ids):
			r.oweAll()
		default:
			r.owing[n] = true
		}
	}
	return nil
}

// oweAll notes that all channels are to be read again.
func (r *repairer) oweAll() {
	for n := range r.ids[1:] {
		if r.concerns(uint32(n) + 1) {
			r.owing[uint32(n)+1] = true
		}
	}
}

// owe makes the next run of sync read again what lost something.
func (r *repairer) owe() error {
	for _, n := range slices.Sorted(maps.Keys(r.owing)) {
		if err := r.delete(bucketCoverage, uint32Key(n)); err != nil {
			return err
		}
		d := Debt{Channel: r.ids[n], Kind: DebtChannel, Reason: reasonDamaged, Since: r.now}
		if err := r.batch.owe(d); err != nil {
			return err
		}
		if err := r.distrustThreads(n); err != nil {
			return err
		}
	}
	return nil
}

// distrustThreads makes the next read of the channel's threads be compared with what the archive holds.
func (r *repairer) distrustThreads(n uint32) error {
	if !r.holed[n] {
		return nil
	}
	changed := make(map[string]Thread)
	err := r.scan(bucketThreads, uint32Key(n), uint32Key(n), func(key, value []byte) error {
		t, err := parseThread(key, value)
		t.Digest = [8]byte{}
		changed[string(key)] = t
		return err
	})
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(changed)) {
		t := changed[key]
		if err := r.batch.put(bucketThreads, []byte(key), t.append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// countTotals counts the totals anew of channels that lost messages or their totals.
func (r *repairer) countTotals() error {
	s, err := r.fresh()
	if err != nil {
		return err
	}
	for n := uint32(1); int(n) < len(r.ids); n++ {
		known := r.bucket(bucketTotals).Get(uint32Key(n)) != nil
		if !r.concerns(n) || known && !r.count[n] || r.total[messagesOf(n)]+r.total[filesOf(n)] == 0 {
			continue
		}
		t, err := s.countKeys(r.ids[n], 0)
		if err == nil {
			t.Change, err = s.newestOf(n)
		}
		if errors.Is(err, ErrDamaged) { // beyond repair
			continue
		}
		if err != nil {
			return err
		}
		if err := r.batch.put(bucketTotals, uint32Key(n), t.append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// countKeys counts the messages of a channel as of a change, each by its key.
func (s *snapshot) countKeys(channel string, asOf uint64) (t ChannelTotals, err error) {
	err = s.each(scope{class: ClassMessage, channel: channel, asOf: asOf}, func(entries []record.Entry) error {
		t.countKey(entries)
		return nil
	})
	return t, err
}

// countKey counts a message by its entries, of which the first ones may have been lost.
func (t *ChannelTotals) countKey(entries []record.Entry) {
	last := entries[len(entries)-1]
	e := record.Entry{First: true, Key: last.Key, Thread: last.Thread}
	t.count(e, nil)
	if last.Op == record.OpDeleted {
		t.Deleted++
	}
}

// newestOf is the newest change of a message or file of a channel.
func (s *snapshot) newestOf(n uint32) (uint64, error) {
	newest := uint64(0)
	for _, id := range []stream{messagesOf(n), filesOf(n)} {
		d, tail, err := s.layout(id)
		if err != nil {
			return 0, err
		}
		newest = max(newest, tail.last)
		if n := len(d.blocks); n > 0 {
			newest = max(newest, d.blocks[n-1].last)
		}
	}
	return newest, nil
}
