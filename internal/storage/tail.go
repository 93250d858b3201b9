package storage

import (
	"container/list"
	"hash/maphash"
	"slices"

	"archiver/internal/record"
)

const cachedTailBytes = 8 << 20 // memory for tails between commits

// openStream is a stream that the committer adds to: its directory, its tail, and the entries that are new in the
// transaction.
type openStream struct {
	id       stream
	dir      *directory
	before   uint64         // entries in sealed blocks
	entries  []record.Entry // of the tail, then the new ones, which have no change number yet
	kept     int            // how many of entries the stored tail holds
	raw      int            // bytes of their bodies
	min, max string         // least and greatest key
	byKey    map[string][]int32
	listed   int               // how many of entries byKey holds
	held     map[uint64]keySet // keys of the sealed blocks that were made or looked into, by block number
}

// keySet tells which keys a block does not hold. It holds the keys' hashes, sorted.
type keySet []uint32

func keysOf(entries []record.Entry, seed maphash.Seed) keySet {
	set := make(keySet, len(entries))
	for i := range entries {
		set[i] = hashOf(entries[i].Key, seed)
	}
	slices.Sort(set)
	return slices.Clip(slices.Compact(set))
}

func hashOf(key string, seed maphash.Seed) uint32 { return uint32(maphash.String(seed, key)) }

func (s keySet) lacks(hash uint32) bool {
	_, found := slices.BinarySearch(s, hash)
	return !found
}

// add appends a new entry.
func (o *openStream) add(e record.Entry) {
	if len(o.entries) == 0 {
		o.min, o.max = e.Key, e.Key
	}
	o.min, o.max = min(o.min, e.Key), max(o.max, e.Key)
	o.raw += len(e.Body)
	o.entries = append(o.entries, e)
}

// find gives the entries of a key that are not in sealed blocks, oldest first.
func (o *openStream) find(key string) []record.Entry {
	if len(o.entries) == 0 || key < o.min || key > o.max {
		return nil
	}
	if o.byKey == nil {
		o.byKey = make(map[string][]int32, len(o.entries))
	}
	for ; o.listed < len(o.entries); o.listed++ {
		k := o.entries[o.listed].Key
		o.byKey[k] = append(o.byKey[k], int32(o.listed))
	}
	var found []record.Entry
	for _, i := range o.byKey[key] {
		found = append(found, o.entries[i])
	}
	return found
}

func (o *openStream) size() int {
	return o.raw + len(o.entries)*(entryOverhead+64) + len(o.held)*(4*blockEntries+64) + 256
}

// sealed notes that all entries have gone into sealed blocks.
func (o *openStream) sealed() {
	o.before += uint64(len(o.entries))
	o.entries, o.kept, o.raw, o.min, o.max, o.byKey, o.listed = nil, 0, 0, "", "", nil, 0
}

// earlier gives all entries of a key, oldest first; none where the object itself was lost. Many blocks may overlap a key,
// since late comments widen them, and few hold it: each is decoded at most once to learn its keys.
func (o *openStream) earlier(s *snapshot, key string) ([]record.Entry, error) {
	var found []record.Entry
	for _, i := range o.mayHold(key, hashOf(key, s.caches.seed), s.lastBlock) {
		e := o.dir.blocks[i]
		b, err := s.block(e)
		if err != nil {
			return nil, err
		}
		if _, known := o.held[e.number]; !known {
			o.learn(e.number, keysOf(b.entries, s.caches.seed))
		}
		found = append(found, b.find(key)...)
	}
	if found = append(found, o.find(key)...); !hasObject(found) {
		return nil, nil
	}
	return found, nil
}

// mayHold gives the positions of the blocks up to number limit that may hold a key, in the order of changes.
func (o *openStream) mayHold(key string, hash uint32, limit uint64) []int32 {
	var found []int32
	for i := range o.dir.reaching(key, key, limit) {
		if held, known := o.held[o.dir.blocks[i].number]; !known || !held.lacks(hash) {
			found = append(found, i)
		}
	}
	slices.Sort(found)
	return found
}

func (o *openStream) learn(number uint64, keys keySet) {
	if o.held == nil {
		o.held = make(map[uint64]keySet)
	}
	o.held[number] = keys
}

// tailCache keeps streams open between transactions.
type tailCache struct {
	order *list.List // of *openStream, used last in front
	items map[stream]*list.Element
}

func newTailCache() *tailCache {
	return &tailCache{order: list.New(), items: make(map[stream]*list.Element)}
}

// take removes a stream from the cache and gives it, nil if it is not there.
func (c *tailCache) take(id stream) *openStream {
	e, ok := c.items[id]
	if !ok {
		return nil
	}
	delete(c.items, id)
	return c.order.Remove(e).(*openStream)
}

// put adds a stream as the one used last.
func (c *tailCache) put(o *openStream) { c.items[o.id] = c.order.PushFront(o) }

// trim drops the streams not used for longest until the rest fits.
func (c *tailCache) trim() {
	total := 0
	for e := c.order.Front(); e != nil; {
		next := e.Next()
		o := e.Value.(*openStream)
		if total += o.size(); total > cachedTailBytes {
			c.take(o.id)
		}
		e = next
	}
}

// load opens a stream from the database.
func (s *snapshot) load(id stream) (*openStream, error) {
	d, tail, err := s.layout(id)
	if err != nil {
		return nil, err
	}
	o := &openStream{id: id, dir: d, before: tail.before}
	if tail.count == 0 {
		return o, nil
	}
	b, err := s.decode(tail) // it is about to become another one
	if err != nil {
		return nil, err
	}
	for _, e := range b.entries {
		o.add(e)
	}
	o.kept = len(o.entries)
	return o, nil
}
