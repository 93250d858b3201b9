package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"archiver/internal/record"
)

// RepairOptions say what Repair looks at.
type RepairOptions struct {
	Channel  string                  // id of the only channel to repair, whose blobs are left alone; "" is everything
	Progress func(done, total int64) // as of Verify, which tells what is damaged
}

// Lost is a stretch of one stream whose entries were lost.
type Lost struct {
	Channel string `json:"channel"` // id; "" for what belongs to no channel
	Class   string `json:"class"`   // of the objects: message, file, channel, user, event, conference
	Entries int    `json:"entries"`
	First   uint64 `json:"first"` // change number
	Last    uint64 `json:"last"`
}

// Repaired is what one Repair did. It is kept in the archive, but for Left.
type Repaired struct {
	Time    time.Time `json:"time"`
	Entries int       `json:"entries"` // lost, of all streams
	Lost    []Lost    `json:"lost,omitzero"`
	Values  []string  `json:"values,omitzero"` // places of values that were set aside; of some, the same is there again
	Blobs   []string  `json:"blobs,omitzero"`  // SHA-256 of blobs that were set aside, or are missing
	Left    []Damage  `json:"left,omitzero"`   // what could not be repaired
}

// Nothing tells whether the archive was sound.
func (r *Repaired) Nothing() bool {
	return r.Entries+len(r.Lost)+len(r.Values)+len(r.Blobs)+len(r.Left) == 0
}

// errBeyond means that what the repair would go by is damaged.
var errBeyond = errors.New("beyond repair")

// Repair looks for damage and makes the archive whole without what was lost, so that the rest can be read and the next
// run of sync fetches again what the server still has: damaged blocks and tails become lost blocks, damaged values of the
// bookkeeping are derived anew or removed, damaged blobs are set aside, and what that concerns is owed. All that is
// taken out of use is kept in the bucket damaged, or as a file. It is one transaction; after a crash, another Repair
// comes to the same.
//
// Damage that cannot be repaired is left as it is, and told. The archive must be open for writing.
func (a *Archive) Repair(ctx context.Context, o RepairOptions) (*Repaired, error) {
	done, err := a.repair(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("repair archive %s: %w", a.dir, err)
	}
	return done, nil
}

func (a *Archive) repair(ctx context.Context, o RepairOptions) (*Repaired, error) {
	if a.writer == nil {
		return nil, ErrReadOnly
	}
	var found []Damage
	if o.Channel == "" {
		var err error
		if found, err = a.damage(ctx, o); err != nil || len(found) == 0 {
			return &Repaired{}, err
		}
	}
	done, err := a.replaceDamaged(ctx, o, found)
	if errors.Is(err, errBeyond) || len(found) > 0 && errors.Is(err, ErrDamaged) {
		return &Repaired{Left: beyond(found)}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, sum := range done.Blobs {
		if err := a.blobs.SetAside(sum); err != nil {
			return nil, err
		}
	}
	if o.Channel == "" {
		done.Left, err = a.damage(ctx, o)
		done.Left = beyond(done.Left)
	}
	return done, err
}

// replaceDamaged does the repair of the database. Readers wait meanwhile, since what they hold of blocks is to change.
func (a *Archive) replaceDamaged(ctx context.Context, o RepairOptions, found []Damage) (done *Repaired, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.caches.forget()
	err = a.keepItem(ctx, item{alone: true, keep: func(b *batch) error {
		r := newRepairer(b, o, found)
		done = r.done
		return r.run()
	}})
	return done, err
}

// beyond are findings that a repair has left.
func beyond(found []Damage) []Damage {
	for i := range found {
		if found[i].Repair == repairDatabase {
			found[i].Repair = repairBackup
		}
	}
	return found
}

// damage is what Verify finds, without what the next commits mend.
func (a *Archive) damage(ctx context.Context, o RepairOptions) ([]Damage, error) {
	report, err := a.Verify(ctx, VerifyOptions{Data: true, Progress: o.Progress})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(report.Damage, func(d Damage) bool { return d.Repair == repairSelf }), nil
}

// repairer does one repair within a transaction.
type repairer struct {
	*batch
	channel string            // id of the only channel, or ""
	only    uint32            // its number, or 0
	found   map[string]Damage // by place
	ids     []string          // of channels, by number
	now     time.Time
	done    *Repaired

	total map[stream]uint64 // entries, as the commits say
	owing map[uint32]bool   // channels that are to be read again
	holed map[uint32]bool   // channels that lost entries
	count map[uint32]bool   // channels whose totals are to be counted anew
}

func newRepairer(b *batch, o RepairOptions, found []Damage) *repairer {
	r := &repairer{
		batch: b, channel: o.Channel, found: make(map[string]Damage), now: b.c.a.o.Now().UTC().Truncate(time.Millisecond),
		total: make(map[stream]uint64), owing: make(map[uint32]bool), holed: make(map[uint32]bool), count: make(map[uint32]bool),
	}
	r.done = &Repaired{Time: r.now}
	for _, d := range found {
		r.found[d.Where] = d
	}
	b.c.open = newTailCache()
	return r
}

func (r *repairer) run() error {
	for _, step := range []func() error{
		r.readCommits, r.repairChannels, r.repairLog, r.repairValues, r.repairStreams, r.countTotals, r.repairBlobs, r.owe, r.note,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	delete(r.c.refused, r.channel)
	if r.channel == "" {
		clear(r.c.refused)
	}
	return nil
}

// readCommits adds up what the commits say. All that was lost is measured by them: without them nothing is repaired.
func (r *repairer) readCommits() error {
	if bad, misplaced := r.unsound(bucketCommits); misplaced || len(bad) > 0 {
		return errBeyond
	}
	change := uint64(0)
	return r.scan(bucketCommits, nil, nil, func(key, value []byte) error {
		c, err := parseCommit(value)
		if err != nil {
			return errBeyond
		}
		for _, seg := range c.segments {
			r.total[seg.stream] += seg.count
		}
		if change += c.total(); !bytes.Equal(key, uint64Key(change)) {
			return errBeyond
		}
		return nil
	})
}

// concerns tells whether a channel is to be repaired.
func (r *repairer) concerns(n uint32) bool { return r.only == 0 || n == r.only }

// fresh gives a view of what the repair has come to, past the caches.
func (r *repairer) fresh() (*snapshot, error) {
	c := &caches{
		codec: r.caches.codec, blocks: newLRU[blockID](cachedBlockBytes, (*block).size),
		directories: newLRU[stream](cachedDirectories, func(d *directory) int { return minCachedDirectory + len(d.blocks) }),
	}
	return newSnapshot(r.tx, c)
}

// repairBlobs owes the files whose bytes are damaged or missing.
func (r *repairer) repairBlobs() error {
	sums := make(map[string]bool)
	for where, d := range r.found {
		if sum, ok := strings.CutPrefix(where, blobPlace); ok && d.Repair == repairBlob {
			sums[sum] = true
			r.done.Blobs = append(r.done.Blobs, sum)
		}
	}
	slices.Sort(r.done.Blobs)
	for _, sum := range r.done.Blobs {
		if err := r.batch.put(bucketDamaged, damagedKey(damagedBlobs, []byte(sum)), appendTime(nil, r.now)); err != nil {
			return err
		}
	}
	if len(sums) == 0 {
		return nil
	}
	s, err := r.fresh()
	if err != nil {
		return err
	}
	for _, id := range r.ids[1:] {
		if err := r.oweFiles(s, id, sums); err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
	}
	return nil
}

// oweFiles owes the files of a channel that refer to one of the blobs.
func (r *repairer) oweFiles(s *snapshot, channel string, sums map[string]bool) error {
	return s.each(scope{class: ClassFile, channel: channel}, func(entries []record.Entry) error {
		f, err := record.FoldFile(channel, entries)
		if err != nil || !slices.ContainsFunc(f.Versions, func(v record.Revision) bool { return sums[v.SHA256] }) {
			return err
		}
		return r.batch.owe(Debt{Channel: channel, Kind: DebtFile, Key: f.ID, Reason: reasonDamaged, Since: r.now})
	})
}

// each calls f with the entries of each key of a scope.
func (s *snapshot) each(sc scope, f func([]record.Entry) error) error {
	for more := true; more; {
		var entries []record.Entry
		var err error
		if entries, more, err = s.window(&sc); err != nil {
			return err
		}
		if err := eachKey(entries, f); err != nil {
			return err
		}
	}
	return nil
}

// eachKey calls f with the entries of each key, in their order, unless all that is left of them is no object.
func eachKey(entries []record.Entry, f func([]record.Entry) error) error {
	for len(entries) > 0 {
		n := sameKey(entries)
		if hasObject(entries[:n]) {
			if err := f(entries[:n]); err != nil {
				return err
			}
		}
		entries = entries[n:]
	}
	return nil
}

// note records the repair, if there was something to repair.
func (r *repairer) note() error {
	if r.done.Nothing() {
		return nil
	}
	last, _ := r.lastRepair()
	value, err := json.Marshal(r.done)
	if err != nil {
		return err
	}
	return r.batch.put(bucketDamaged, damagedKey(damagedRepair, uint64Key(last+1)), value)
}

// Repairs gives the repairs that the archive went through, oldest first.
func (a *Archive) Repairs(ctx context.Context) (list []Repaired, err error) {
	err = a.view(ctx, func(s *snapshot) error { list, err = s.repairs(); return err })
	return list, err
}

func (s *snapshot) repairs() ([]Repaired, error) {
	var list []Repaired
	prefix := damagedKey(damagedRepair, nil)
	err := s.scan(bucketDamaged, prefix, prefix, func(key, value []byte) error {
		var r Repaired
		if err := json.Unmarshal(value, &r); err != nil {
			return damagedAt(bucketDamaged, key, "%v", err)
		}
		list = append(list, r)
		return nil
	})
	return list, err
}
