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
	Files    uint64 `json:"files"`    // the newest entry up to which the text inside files is indexed
	Channels int    `json:"channels"` // numbers given so far: 0 to Channels-1
	Archive  string `json:"archive"`  // storage.Archive.ID
}

// The keys under which an index keeps what is no document: the state, and the ids of channels by number, in chunks,
// since bleve writes all such values anew with every batch.
const (
	stateKey         = "archiver/state"
	channelKeyPrefix = "archiver/channels/"
	channelChunk     = 512 // ids under one key
)

func channelKey(chunk int) []byte {
	return binary.BigEndian.AppendUint32([]byte(channelKeyPrefix), uint32(chunk))
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
func readChannels(r index.IndexReader, known []string, count int) ([]string, error) {
	for len(known) < count {
		chunk := len(known) / channelChunk
		raw, err := r.GetInternal(channelKey(chunk))
		if err != nil {
			return nil, err
		}
		var ids []string
		if err := json.Unmarshal(raw, &ids); err != nil {
			return nil, fmt.Errorf("%w: ids of channels from number %d on: %w", ErrDamaged, chunk*channelChunk, err)
		}
		known = append(known[:chunk*channelChunk:chunk*channelChunk], ids...)
		if len(known) < min(count, (chunk+1)*channelChunk) {
			return nil, fmt.Errorf("%w: %d channels have an id, want %d", ErrDamaged, len(known), count)
		}
	}
	return known, nil
}

// channelChunks gives the values that hold the ids from number first on, by key.
func channelChunks(ids []string, first int) (map[string][]byte, error) {
	out := map[string][]byte{}
	for chunk := first / channelChunk; chunk*channelChunk < len(ids); chunk++ {
		raw, err := json.Marshal(ids[chunk*channelChunk : min(len(ids), (chunk+1)*channelChunk)])
		if err != nil {
			return nil, err
		}
		out[string(channelKey(chunk))] = raw
	}
	return out, nil
}
