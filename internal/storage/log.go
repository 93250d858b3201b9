package storage

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"archiver/internal/merkle"
	"archiver/internal/record"

	"golang.org/x/mod/sumdb/tlog"
)

// The log has a leaf for every commit that added entries. Its hashes are kept as tiles (C2SP tlog-tiles): a tile of
// level l holds up to 256 hashes of subtrees of 256^l leaves.

const tileHeight = 8 // log2 of the hashes in a full tile

func tileKey(level int, number int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(level)}, uint64(number))
}

// Tree is the state of the log.
type Tree struct {
	Size int64 // leaves
	Root merkle.Hash
}

// tree computes the state of the log from its tiles.
func (s *snapshot) tree() (Tree, error) {
	counts, err := s.counts()
	if err != nil {
		return Tree{}, err
	}
	size := int64(counts[bucketCommits])
	root, err := logReader{s: s}.root(size)
	return Tree{size, root}, err
}

// logReader reads hashes of the log, by the numbers that package tlog gives them.
type logReader struct {
	s     *snapshot
	fresh map[int64]tlog.Hash // that are not in tiles yet
}

func (r logReader) root(size int64) (merkle.Hash, error) {
	if size == 0 {
		return (&merkle.Tree{}).Root(), nil
	}
	return tlog.TreeHash(size, r)
}

func (r logReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		var err error
		if h, ok := r.fresh[at]; ok {
			found[i] = h
		} else if found[i], err = r.stored(at); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// stored reads a hash from its tile.
func (r logReader) stored(at int64) (tlog.Hash, error) {
	t := tlog.TileForIndex(tileHeight, at)
	key := tileKey(t.L, t.N)
	data, err := r.s.get(bucketTiles, key)
	if err != nil {
		return tlog.Hash{}, err
	}
	h, err := tlog.HashFromTile(t, data, at)
	if err != nil {
		return tlog.Hash{}, damagedAt(bucketTiles, key, "%v", err)
	}
	return h, nil
}

// appendLog adds a leaf to the log and gives its state then.
func (b *batch) appendLog(leaf merkle.Hash) (Tree, error) {
	size := int64(b.counts[bucketCommits])
	r := logReader{b.snapshot, make(map[int64]tlog.Hash)}
	hashes, err := tlog.StoredHashes(size, leaf[:], r)
	if err != nil {
		return Tree{}, fmt.Errorf("log: %w", err)
	}
	for i, h := range hashes {
		r.fresh[tlog.StoredHashIndex(0, size)+int64(i)] = h
	}
	for _, t := range tlog.NewTiles(tileHeight, size, size+1) {
		data, err := tlog.ReadTileData(t, r)
		if err != nil {
			return Tree{}, fmt.Errorf("log: %w", err)
		}
		if err := b.put(bucketTiles, tileKey(t.L, t.N), data); err != nil {
			return Tree{}, err
		}
	}
	root, err := r.root(size + 1)
	return Tree{size + 1, root}, err
}

// generation is how often the database was written anew by Compact.
func (s *snapshot) generation() (uint64, error) {
	value, err := s.get(bucketMeta, []byte(metaGeneration))
	switch {
	case err != nil || value == nil:
		return 0, err
	case len(value) != 8:
		return 0, damagedAt(bucketMeta, []byte(metaGeneration), "is no number")
	}
	return binary.BigEndian.Uint64(value), nil
}

// newSalt makes a batch salt.
func newSalt() (s merkle.Salt) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

// hashed gives what is hashed of an entry.
func hashed(c Class, channel string, e *record.Entry) *merkle.Record {
	return &merkle.Record{
		Change: e.Change, Channel: channel, Class: c.String(), First: e.First, Key: e.Key,
		Observed: e.Observed.UnixMilli(), Op: e.Op.String(), Thread: string(e.Thread), Body: e.Body,
	}
}

// commitTo adds the new entries of a stream, which have their numbers, to the commitment of the transaction.
func (b *batch) commitTo(id stream, fresh []record.Entry) error {
	channel, err := b.channelID(id)
	if err != nil {
		return err
	}
	for i := range fresh {
		b.committer.Add(hashed(id.class(), channel, &fresh[i]))
	}
	return nil
}

// channelID is the id of the channel that a stream belongs to, "" for the streams of the whole server.
func (b *batch) channelID(id stream) (string, error) {
	if id < streamBase {
		return "", nil
	}
	if name, ok := b.names[id.channel()]; ok {
		return name, nil
	}
	ids, _, err := b.channels()
	if err != nil {
		return "", err
	}
	return idOf(ids, id)
}

// idOf gives the id of a stream's channel from the list by number.
func idOf(ids []string, id stream) (string, error) {
	if id < streamBase {
		return "", nil
	}
	if n := id.channel(); int(n) < len(ids) && ids[n] != "" {
		return ids[n], nil
	}
	return "", damaged(string(bucketChannels), "no channel has number %d", id.channel())
}
