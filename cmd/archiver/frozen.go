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
	Picked  map[string][]byte `json:"picked,omitzero"`   // by channel, the picks as uvarints, each less the one before; absent where messages are chosen one by one
	LeftOut map[string][]byte `json:"left_out,omitzero"` // likewise, what earlier exports hold
	Notes   []export.Note     `json:"notes"`
	Terms   []export.TermList `json:"terms"`
	Hits    *listings         `json:"hits,omitzero"`
}

// frozen gives what the ledger keeps.
func (s *source) frozen() ([]byte, error) {
	f := frozen{Picked: packPicks(s.picked), LeftOut: packPicks(s.leftOut), Notes: s.notes, Terms: s.terms, Hits: s.hits}
	return json.Marshal(f, json.Deterministic(true))
}

func packPicks(picked map[string]picks) map[string][]byte {
	if picked == nil {
		return nil
	}
	packed := map[string][]byte{}
	for channel, list := range picked {
		last := uint64(0)
		for _, p := range list {
			packed[channel] = binary.AppendUvarint(packed[channel], p-last)
			last = p
		}
	}
	return packed
}

var errFrozen = errors.New("what the ledger keeps of the export cannot be read")

// thaw makes the selection that was frozen.
func (s *source) thaw(kept []byte) error {
	var f frozen
	err := json.Unmarshal(kept, &f)
	if err == nil {
		s.picked, err = unpackPicks(f.Picked)
	}
	if err == nil {
		s.leftOut, err = unpackPicks(f.LeftOut)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errFrozen, err)
	}
	s.notes, s.terms, s.hits = f.Notes, f.Terms, f.Hits
	return nil
}

func unpackPicks(packed map[string][]byte) (map[string]picks, error) {
	if packed == nil {
		return nil, nil
	}
	picked := map[string]picks{}
	for channel, list := range packed {
		last := uint64(0)
		for len(list) > 0 {
			more, n := binary.Uvarint(list)
			if n <= 0 {
				return nil, fmt.Errorf("messages of channel %s", channel)
			}
			last, list = last+more, list[n:]
			picked[channel] = append(picked[channel], last)
		}
	}
	return picked, nil
}
