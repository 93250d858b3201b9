package storage

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"archiver/internal/record"
)

// applyBookkeeping stores what a page says beside its evidence: first what it settles, then what it creates, so that
// a debt that is in both stays owed.
func (b *batch) applyBookkeeping(p *Page) error {
	if err := b.applyCoverage(p); err != nil {
		return err
	}
	for _, t := range p.Threads {
		if err := b.register(p.Channel, t); err != nil {
			return err
		}
	}
	for _, d := range p.Paid {
		n, ok, err := b.known(d.Channel)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := b.delete(bucketDebts, d.storeKey(n)); err != nil {
			return err
		}
	}
	for _, d := range p.Owe {
		if err := b.owe(d); err != nil {
			return err
		}
	}
	return nil
}

// known is number, with the channels of this transaction.
func (b *batch) known(channel string) (uint32, bool, error) {
	if n, ok := b.added[channel]; ok {
		return n, true, nil
	}
	return b.number(channel)
}

// applyCoverage stores what a page says of its channel's coverage.
func (b *batch) applyCoverage(p *Page) error {
	if len(p.Proven)+len(p.Audited) == 0 && p.Walked == nil && p.Due.IsZero() {
		return nil
	}
	n, err := b.channel(p.Channel)
	if err != nil {
		return err
	}
	c, err := b.coverage(n)
	if err != nil {
		return err
	}
	for _, i := range p.Proven {
		c.Proven = record.Cover(c.Proven, i)
	}
	for _, i := range p.Audited {
		c.Audits = audited(c.Audits, i, p.Observed.UTC().Truncate(time.Millisecond))
	}
	if w := p.Walked; w != nil && (w.Latest != c.Walked.Latest || isDue(c.Walked.At, w.At)) {
		c.Walked = Walked{w.Latest, w.At.UTC().Truncate(time.Millisecond)}
	}
	if !p.Due.IsZero() {
		c.Due = p.Due.UTC().Truncate(time.Millisecond)
	}
	return b.put(bucketCoverage, uint32Key(n), c.append(nil))
}

// register stores the registry entry of a thread. One that says nothing new keeps its time for a while.
func (b *batch) register(channel string, t Thread) error {
	n, err := b.channel(channel)
	if err != nil {
		return err
	}
	key := threadKey(n, t.TS)
	old, err := b.get(bucketThreads, key)
	if err != nil {
		return err
	}
	if t.Read = t.Read.UTC().Truncate(time.Millisecond); t.Read.Before(time.UnixMilli(1)) {
		t.Read = time.Time{}
	}
	if old != nil {
		earlier, err := parseThread(key, old)
		if err != nil {
			return err
		}
		if !isDue(earlier.Read, t.Read) {
			t.Read = earlier.Read
		}
	}
	return b.put(bucketThreads, key, t.append(nil))
}

// owe stores a debt. One that was owed before keeps the time since when.
func (b *batch) owe(d Debt) error {
	n, err := b.channel(d.Channel)
	if err != nil {
		return err
	}
	key := d.storeKey(n)
	old, err := b.get(bucketDebts, key)
	if err != nil {
		return err
	}
	if old != nil {
		earlier, err := parseDebt(d.Channel, key, old)
		if err != nil {
			return err
		}
		if !earlier.Since.IsZero() && (d.Since.IsZero() || earlier.Since.Before(d.Since)) {
			d.Since = earlier.Since
		}
	}
	return b.put(bucketDebts, key, d.append(nil))
}

func (c *Coverage) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c.Proven)))
	for _, i := range c.Proven {
		dst = appendText(dst, string(i.From))
		dst = appendText(dst, string(i.To))
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.Audits)))
	for _, a := range c.Audits {
		dst = appendText(dst, string(a.From))
		dst = appendText(dst, string(a.To))
		dst = appendTime(dst, a.At)
	}
	dst = binary.AppendVarint(dst, c.Walked.Latest)
	dst = appendTime(dst, c.Walked.At)
	if c.Due.IsZero() {
		return dst
	}
	return appendTime(dst, c.Due)
}

func (s *snapshot) coverage(n uint32) (Coverage, error) {
	var c Coverage
	value, err := s.get(bucketCoverage, uint32Key(n))
	if err != nil || value == nil {
		return c, err
	}
	d := decoder{rest: value}
	for range d.number(uint64(len(value))) {
		c.Proven = append(c.Proven, record.Interval{From: record.TS(d.text()), To: record.TS(d.text())})
	}
	if len(d.rest) > 0 { // archives of the first version of the program say no more
		for range d.number(uint64(len(value))) {
			c.Audits = append(c.Audits, Audit{From: record.TS(d.text()), To: record.TS(d.text()), At: d.time()})
		}
		c.Walked = Walked{Latest: d.varint(), At: d.time()}
	}
	if len(d.rest) > 0 {
		c.Due = d.time()
	}
	if d.err != nil {
		return Coverage{}, damagedAt(bucketCoverage, uint32Key(n), "%v", d.err)
	}
	return c, nil
}

func threadKey(n uint32, ts record.TS) []byte { return appendTS(uint32Key(n), ts) }

func (t *Thread) append(dst []byte) []byte {
	dst = binary.AppendVarint(dst, t.Count)
	dst = binary.AppendUvarint(dst, uint64(t.Comments))
	return appendTime(append(dst, t.Digest[:]...), t.Read)
}

func parseThread(key, value []byte) (Thread, error) {
	if len(key) < 4 {
		return Thread{}, damagedAt(bucketThreads, key, "key is too short")
	}
	ts, ok := unpackTS(key[4:])
	d := decoder{rest: value}
	t := Thread{TS: ts, Count: d.varint(), Comments: d.number(1 << 40)}
	copy(t.Digest[:], d.bytes(len(t.Digest)))
	if len(d.rest) > 0 { // archives of the first version of the program say no more
		t.Read = d.time()
	}
	if d.err != nil || !ok {
		return Thread{}, damagedAt(bucketThreads, key, "is no registry entry")
	}
	return t, nil
}

// debtKinds gives the kinds of debt their bytes in keys.
var debtKinds = map[DebtKind]byte{DebtThread: 1, DebtFile: 2, DebtChannel: 3}

const otherDebt = 0xff // followed by the name and a zero byte

func (d *Debt) storeKey(n uint32) []byte {
	key := uint32Key(n)
	if kind, ok := debtKinds[d.Kind]; ok {
		key = append(key, kind)
	} else {
		key = append(append(append(key, otherDebt), d.Kind...), 0)
	}
	return append(key, d.Key...)
}

func (d *Debt) append(dst []byte) []byte {
	dst = appendText(dst, string(d.Kind))
	dst = appendText(dst, d.Key)
	dst = appendText(dst, d.Reason)
	dst = binary.AppendUvarint(dst, uint64(max(d.Tries, 0)))
	dst = appendTime(dst, d.Since)
	return appendTime(dst, d.NotBefore)
}

func parseDebt(channel string, key, value []byte) (Debt, error) {
	d := decoder{rest: value}
	debt := Debt{Channel: channel, Kind: DebtKind(d.text()), Key: d.text(), Reason: d.text(), Tries: d.number(1 << 40)}
	debt.Since, debt.NotBefore = d.time(), d.time()
	if d.err != nil {
		return Debt{}, damagedAt(bucketDebts, key, "%v", d.err)
	}
	return debt, nil
}

// appendTime stores a time in whole milliseconds; the zero time stays zero.
func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(dst, 0)
	}
	return binary.AppendVarint(dst, t.UnixMilli())
}

func (d *decoder) time() time.Time {
	if ms := d.varint(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// channelTotals gives the counters of a channel, to be changed in this transaction.
func (b *batch) channelTotals(n uint32) (*ChannelTotals, error) {
	if t, ok := b.totals[n]; ok {
		return t, nil
	}
	t, err := b.snapshot.channelTotals(n)
	if err != nil {
		return nil, err
	}
	b.totals[n] = &t
	return &t, nil
}

func (t *ChannelTotals) append(dst []byte) []byte {
	for _, n := range []uint64{uint64(t.Messages), uint64(t.Comments), uint64(t.Deleted), t.Change} {
		dst = binary.AppendUvarint(dst, n)
	}
	dst = appendText(dst, string(t.First))
	return appendText(dst, string(t.Last))
}

func (s *snapshot) channelTotals(n uint32) (ChannelTotals, error) {
	value, err := s.get(bucketTotals, uint32Key(n))
	if err != nil || value == nil {
		return ChannelTotals{}, err
	}
	d := decoder{rest: value}
	t := ChannelTotals{Messages: d.number(1 << 60), Comments: d.number(1 << 60), Deleted: d.number(1 << 60)}
	t.Change = d.uvarint()
	t.First, t.Last = record.TS(d.text()), record.TS(d.text())
	if d.err != nil {
		return ChannelTotals{}, damagedAt(bucketTotals, uint32Key(n), "%v", d.err)
	}
	return t, nil
}

// Coverage gives the coverage of a channel; an unknown channel has none.
func (a *Archive) Coverage(ctx context.Context, channel string) (Coverage, error) {
	var c Coverage
	err := a.viewChannel(ctx, channel, func(s *snapshot, n uint32) (err error) {
		c, err = s.coverage(n)
		return err
	})
	c.Channel = channel
	return c, err
}

// viewChannel is view for one channel; f is not called for a channel that the archive has never seen.
func (a *Archive) viewChannel(ctx context.Context, channel string, f func(s *snapshot, n uint32) error) error {
	return a.view(ctx, func(s *snapshot) error {
		n, ok, err := s.number(channel)
		if err != nil || !ok {
			return err
		}
		return f(s, n)
	})
}

// Threads gives the registry of a channel's threads.
func (a *Archive) Threads(ctx context.Context, channel string) (map[record.TS]Thread, error) {
	threads := make(map[record.TS]Thread)
	err := a.viewChannel(ctx, channel, func(s *snapshot, n uint32) error {
		return s.scan(bucketThreads, uint32Key(n), uint32Key(n), func(key, value []byte) error {
			t, err := parseThread(key, value)
			threads[t.TS] = t
			return err
		})
	})
	return threads, err
}

// Debts gives the debts of a channel, of all channels for "", in the order of channel, kind and key.
func (a *Archive) Debts(ctx context.Context, channel string) ([]Debt, error) {
	var debts []Debt
	err := a.view(ctx, func(s *snapshot) error {
		return s.scanChannels(bucketDebts, channel, func(id string, key, value []byte) error {
			d, err := parseDebt(id, key, value)
			debts = append(debts, d)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(debts, func(x, y Debt) int {
		return cmp.Or(cmp.Compare(x.Channel, y.Channel), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Key, y.Key))
	})
	return debts, nil
}

// ChannelTotals are the counters of one channel, kept with every commit.
type ChannelTotals struct {
	Messages int       // main messages, deleted ones too
	Comments int       // comments, deleted ones too
	Deleted  int       // messages and comments that are deleted now
	First    record.TS // of the main messages; "" when there are none
	Last     record.TS
	Change   uint64 // newest change of a message or file of the channel
}

// Totals gives the counters of a channel.
func (a *Archive) Totals(ctx context.Context, channel string) (ChannelTotals, error) {
	var t ChannelTotals
	err := a.viewChannel(ctx, channel, func(s *snapshot, n uint32) (err error) {
		t, err = s.channelTotals(n)
		return err
	})
	return t, err
}
