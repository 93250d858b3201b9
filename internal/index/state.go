package index

import (
	"encoding/binary"
	"fmt"

	"github.com/blevesearch/bleve_index_api"
	"github.com/go-json-experiment/json"
)

// state says how far an index has come. It is written in the same batch as the documents that bring it there.
type state struct {
	Change   uint64 `json:"change"`   // the newest entry of the archive that is indexed
	Messages uint64 `json:"messages"` //
	Channels uint32 `json:"channels"` // numbers given so far: 0 to Channels-1
	Archive  string `json:"archive"`  // storage.Archive.ID
}

// The keys under which an index keeps what is no document: the state, and the id of each channel number.
const (
	stateKey         = "archiver/state"
	channelKeyPrefix = "archiver/channel/"
)

func channelKey(number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(channelKeyPrefix), number)
}

func readState(r index.IndexReader) (state, error) {
	var s state
	raw, err := r.GetInternal([]byte(stateKey))
	if err != nil || raw == nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("%w: state: %w", ErrDamaged, err)
	}
	return s, nil
}

func (s state) encode() ([]byte, error) { return json.Marshal(s) }

// readChannels gives the channel ids by number, going on behind the known ones.
func readChannels(r index.IndexReader, known []string, count uint32) ([]string, error) {
	for n := uint32(len(known)); n < count; n++ {
		id, err := r.GetInternal(channelKey(n))
		if err != nil {
			return nil, err
		}
		if id == nil {
			return nil, fmt.Errorf("%w: channel number %d has no id", ErrDamaged, n)
		}
		known = append(known, string(id))
	}
	return known, nil
}
