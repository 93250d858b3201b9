package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"archiver/internal/export"

	"github.com/go-json-experiment/json"
)

// frozen is what an export is made of beside the archive as of its change: what the query and the terms found, which the
// index would not tell again, and what was known of gaps, which later syncs close. The ledger keeps it, so that the same export can be
// made again.
type frozen struct {
	Picked map[string][]byte  `json:"picked,omitzero"` // by channel, the picks as uvarints, each less the one before; absent where messages are chosen one by one
	Notes  []export.Note      `json:"notes"`
	Terms  []export.TermCount `json:"terms"`
}

// frozen gives what the ledger keeps.
func (s *source) frozen() ([]byte, error) {
	f := frozen{Notes: s.notes, Terms: s.terms}
	if s.picked != nil {
		f.Picked = map[string][]byte{}
	}
	for channel, list := range s.picked {
		last := uint64(0)
		for _, p := range list {
			f.Picked[channel] = binary.AppendUvarint(f.Picked[channel], p-last)
			last = p
		}
	}
	return json.Marshal(f, json.Deterministic(true))
}

var errFrozen = errors.New("what the ledger keeps of the export cannot be read")

// thaw makes the selection that was frozen.
func (s *source) thaw(kept []byte) error {
	var f frozen
	if err := json.Unmarshal(kept, &f); err != nil {
		return fmt.Errorf("%w: %w", errFrozen, err)
	}
	s.notes, s.terms = f.Notes, f.Terms
	if f.Picked == nil {
		return nil
	}
	s.picked = map[string]picks{}
	for channel, list := range f.Picked {
		last := uint64(0)
		for len(list) > 0 {
			more, n := binary.Uvarint(list)
			if n <= 0 {
				return fmt.Errorf("%w: channel %s", errFrozen, channel)
			}
			last, list = last+more, list[n:]
			s.picked[channel] = append(s.picked[channel], last)
		}
	}
	return nil
}
