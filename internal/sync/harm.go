package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"archiver/internal/storage"
)

// mostRepairs is how often one channel is repaired in a run.
const mostRepairs = 5

// harm is the damage of the archive that a run has come across.
type harm struct {
	mu       sync.Mutex
	met      map[string]error // by channel: what is still to be repaired
	repaired map[string]int   // how often, by channel

	repairing sync.Mutex // held during a repair
}

// harmed notes that the archive's part of a channel is damaged, so that mend repairs it.
func (r *run) harmed(channel string, err error) {
	h := &r.harm
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.met == nil {
		h.met, h.repaired = make(map[string]error), make(map[string]int)
	}
	if _, known := h.met[channel]; !known {
		h.met[channel] = err
	}
}

// take gives the damage that is to be repaired, and forgets it.
func (h *harm) take() map[string]error {
	h.mu.Lock()
	defer h.mu.Unlock()
	met := h.met
	h.met = make(map[string]error)
	return met
}

// wasHarmed tells whether damage of a channel was met in this run.
func (r *run) wasHarmed(channel string) bool {
	r.harm.mu.Lock()
	defer r.harm.mu.Unlock()
	return r.harm.met[channel] != nil || r.harm.repaired[channel] > 0
}

// mend repairs the channels whose damage was met. What was lost is owed, and a problem of the run.
func (r *run) mend(ctx context.Context) error {
	r.harm.repairing.Lock()
	defer r.harm.repairing.Unlock()
	met := r.harm.take()
	for _, channel := range slices.Sorted(maps.Keys(met)) {
		if err := r.mendChannel(ctx, channel, met[channel]); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) mendChannel(ctx context.Context, channel string, met error) error {
	repaired, err := r.Archive.Repair(context.WithoutCancel(ctx), storage.RepairOptions{Channel: channel})
	if err != nil {
		return r.broken("repair "+channel, err)
	}
	r.harm.mu.Lock()
	before := r.harm.repaired[channel]
	r.harm.repaired[channel]++
	r.harm.mu.Unlock()
	switch {
	case repaired.Nothing() && before == 0, before >= mostRepairs: // it is no damage of this channel
		return r.broken("channel "+channel, met)
	case !repaired.Nothing():
		r.problem(channel, fmt.Sprintf("the archive was damaged and was repaired: %d of its entries were lost; the next run reads the channel again (%v)", repaired.Entries, met))
	}
	return nil
}

// flush waits for all pages to be durable, and repairs what kept some from it.
func (r *run) flush(ctx context.Context) error {
	var err error
	for range mostRepairs {
		if err = r.Archive.Flush(ctx); !errors.Is(err, storage.ErrDamaged) {
			return err
		}
		if err := r.mend(ctx); err != nil {
			return err
		}
	}
	return err
}

// loadSound is load, after a repair where the archive's part of the channel is damaged.
func (c *room) loadSound(ctx context.Context) error {
	err := c.load(ctx)
	if !errors.Is(err, storage.ErrDamaged) {
		return err
	}
	if err := c.run.mend(ctx); err != nil {
		c.halted.Store(true)
		return err
	}
	c.failed.Store(false)
	return c.load(ctx)
}
