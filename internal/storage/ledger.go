package storage

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// Run is the record of one run of sync.
type Run struct {
	ID       uint64    `json:"id"` // given by BeginRun
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Outcome  string    `json:"outcome"`          // running, complete, incomplete, failed, interrupted
	Summary  []byte    `json:"summary,omitzero"` // JSON of the run's outcome object
}

// BeginRun records that a run starts and gives it its number.
func (a *Archive) BeginRun(ctx context.Context) (Run, error) {
	r := Run{Started: a.o.Now().UTC(), Outcome: "running"}
	err := a.keep(ctx, func(b *batch) error {
		r.ID = 1
		if key, _ := b.bucket(bucketRuns).Cursor().Last(); len(key) == 8 {
			r.ID = binary.BigEndian.Uint64(key) + 1
		}
		return b.storeRun(r)
	})
	if err != nil {
		return Run{}, fmt.Errorf("begin run: %w", err)
	}
	return r, nil
}

// EndRun records how a run ended.
func (a *Archive) EndRun(ctx context.Context, r Run) error {
	if err := a.keep(ctx, func(b *batch) error { return b.storeRun(r) }); err != nil {
		return fmt.Errorf("end run %d: %w", r.ID, err)
	}
	return nil
}

func (b *batch) storeRun(r Run) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return b.put(bucketRuns, uint64Key(r.ID), value)
}

// Runs gives the newest runs, newest first, at most limit.
func (a *Archive) Runs(ctx context.Context, limit int) ([]Run, error) {
	var runs []Run
	err := a.view(ctx, func(s *snapshot) error {
		c := s.bucket(bucketRuns).Cursor()
		for key, stored := c.Last(); key != nil && len(runs) < limit; key, stored = c.Prev() {
			value, err := unseal(bucketRuns, key, stored)
			if err != nil {
				return err
			}
			var r Run
			if err := json.Unmarshal(value, &r); err != nil {
				return damagedAt(bucketRuns, key, "%v", err)
			}
			runs = append(runs, r)
		}
		return nil
	})
	return runs, err
}

// SetJournal keeps an answer that the server gives only once (channels.diff) until it has been acted on; nil clears
// it. Journal reads it.
func (a *Archive) SetJournal(ctx context.Context, name string, value []byte) error {
	err := a.keep(ctx, func(b *batch) error {
		if value == nil {
			return b.delete(bucketJournal, []byte(name))
		}
		return b.put(bucketJournal, []byte(name), append(make([]byte, 0, len(value)+checksumSize), value...))
	})
	if err != nil {
		return fmt.Errorf("journal %s: %w", name, err)
	}
	return nil
}

// Journal gives what SetJournal kept, nil if nothing.
func (a *Archive) Journal(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	err := a.view(ctx, func(s *snapshot) error {
		kept, err := s.get(bucketJournal, []byte(name))
		if kept != nil {
			value = append([]byte{}, kept...)
		}
		return err
	})
	return value, err
}
