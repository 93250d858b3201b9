package formattest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"
)

// entry is one thing learnt of one object.
type entry struct {
	change             int
	channel, class, op string
	first              bool
	key, thread        string
	observed           int64 // milliseconds since 1970
	body               string
}

// database is archive.db: bucket, key, value.
type database map[string]map[string][]byte

// readDatabase reads archive.db and checks the checksum of every value.
func readDatabase(dir string) (database, error) {
	file, err := bolt.Open(filepath.Join(dir, "archive.db"), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer file.Close()
	db := make(database)
	return db, file.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(bucket []byte, b *bolt.Bucket) error {
			db[string(bucket)] = make(map[string][]byte)
			return b.ForEach(func(key, stored []byte) error {
				value, sum := stored[:len(stored)-4], binary.BigEndian.Uint32(stored[len(stored)-4:])
				if sum != checksum(string(bucket), key, value) {
					return fmt.Errorf("%s %x: wrong checksum", bucket, key)
				}
				db[string(bucket)][string(key)] = bytes.Clone(value)
				return nil
			})
		})
	})
}

func checksum(bucket string, key, value []byte) uint32 {
	return crc32.Checksum(slices.Concat([]byte(bucket), []byte{0}, key, value), crc32.MakeTable(crc32.Castagnoli))
}

// entries gives all entries in the order of their change numbers.
func (db database) entries() (all []entry, err error) {
	channels := make(map[int]string)
	for id, number := range db["channels"] {
		channels[int(binary.BigEndian.Uint32(number))] = id
	}
	for _, bucket := range []string{"blocks", "tails"} {
		for key, value := range db[bucket] {
			entries, err := readBlock(value, channels)
			if err != nil {
				return nil, fmt.Errorf("%s %x: %w", bucket, key, err)
			}
			all = append(all, entries...)
		}
	}
	slices.SortFunc(all, func(x, y entry) int { return cmp.Compare(x.change, y.change) })
	return all, nil
}

// header is what a block begins with.
type header struct {
	version                                     byte
	stream, before, count, first, span, payload int
	min, max                                    string
}

func (c *cursor) header() header {
	return header{c.take(1)[0], c.uvarint(), c.uvarint(), c.uvarint(), c.uvarint(), c.uvarint(), c.uvarint(),
		string(c.text()), string(c.text())}
}

var operations = map[byte]string{1: "state", 2: "data", 3: "deleted", 4: "pins"}

func readBlock(value []byte, channels map[int]string) ([]entry, error) {
	c := cursor{value}
	h := c.header()
	if h.count == 0 || h.version != 1 {
		return nil, nil
	}
	payload, err := decompress(c.b)
	p, entries := cursor{payload}, make([]entry, h.count)
	if err != nil {
		return nil, err
	}
	ops, keys, threads, times, changes, bodies := p.take(h.count), p.strings(), p.strings(), p.ints(), p.ints(), p.rows()
	class, channel := classOf(h.stream, channels)
	for i, op := range ops {
		entries[i] = entry{h.first + int(changes[i]), channel, class, operations[op&127], op >= 128, keys[i], threads[i],
			times[i], bodies[i]}
	}
	return entries, nil
}

func classOf(stream int, channels map[int]string) (class, channel string) {
	if stream < 16 {
		return []string{"", "channel", "user", "event", "conference"}[stream], ""
	}
	return []string{"message", "file"}[stream%2], channels[stream/2-8]
}

// readBlob gives the content of a blob.
func readBlob(dir, sum string) ([]byte, error) {
	frames, err := os.ReadFile(filepath.Join(dir, "blobs", sum[:2], sum))
	if err != nil {
		return nil, err
	}
	return decompress(frames)
}

func decompress(frames []byte) ([]byte, error) {
	reader, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return reader.DecodeAll(frames, nil)
}
