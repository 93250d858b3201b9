package storage

import (
	"cmp"
	"container/list"
	"hash/maphash"
	"iter"
	"slices"
	"sync"
)

const (
	cachedBlockBytes   = 8 << 20 // memory for decoded blocks
	cachedDirectories  = 1 << 17 // block headers in memory
	minCachedDirectory = 64      // what a directory counts at least
)

// blockID names a block; a tail has number 0 and is told from earlier tails of its stream by its extent.
type blockID struct {
	stream      stream
	number      uint64
	first, last uint64
}

// lru keeps the values used last, up to a total weight.
type lru[K comparable, V any] struct {
	mu     sync.Mutex
	limit  int
	weight func(V) int
	total  int
	order  *list.List // of *lruItem[K, V], newest first
	items  map[K]*list.Element
}

type lruItem[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

func newLRU[K comparable, V any](limit int, weight func(V) int) *lru[K, V] {
	return &lru[K, V]{limit: limit, weight: weight, order: list.New(), items: make(map[K]*list.Element)}
}

func (c *lru[K, V]) get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*lruItem[K, V]).value, true
}

func (c *lru[K, V]) put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[key]; ok {
		c.remove(e)
	}
	item := &lruItem[K, V]{key, value, c.weight(value)}
	c.items[key] = c.order.PushFront(item)
	c.total += item.weight
	for c.total > c.limit && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

func (c *lru[K, V]) remove(e *list.Element) {
	item := c.order.Remove(e).(*lruItem[K, V])
	delete(c.items, item.key)
	c.total -= item.weight
}

// clear forgets everything.
func (c *lru[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Init()
	clear(c.items)
	c.total = 0
}

// dirEntry is one block of a directory; a tail has number 0.
type dirEntry struct {
	header
	number uint64
}

func (e *dirEntry) id() blockID { return blockID{e.stream, e.number, e.first, e.last} }

// directory is the list of a stream's sealed blocks. It is never changed, but another one may go on from it.
type directory struct {
	blocks  []dirEntry // in the order of changes, and of numbers
	upTo    uint64     // the greatest block number of any stream that was looked at
	byKey   []int32    // positions by least key
	highest []string   // highest[i] is the greatest key of the blocks byKey[:i+1]
}

// total is the number of entries in the blocks.
func (d *directory) total() uint64 {
	if n := len(d.blocks); n > 0 {
		return d.blocks[n-1].before + uint64(d.blocks[n-1].count)
	}
	return 0
}

// totalUpTo is the number of entries in the blocks up to a number.
func (d *directory) totalUpTo(number uint64) uint64 {
	for i := len(d.blocks) - 1; i >= 0; i-- {
		if e := d.blocks[i]; e.number <= number {
			return e.before + uint64(e.count)
		}
	}
	return 0
}

// extended is the directory with more blocks at its end. Only the latest directory of a stream may be extended, by one
// goroutine at a time, since both share memory.
func (d *directory) extended(more []dirEntry, upTo uint64) *directory {
	next := &directory{append(d.blocks, more...), upTo, d.byKey, d.highest}
	if len(more) == 0 {
		return next
	}
	for i := len(d.blocks); i < len(next.blocks); i++ {
		next.byKey = append(next.byKey, int32(i))
	}
	ordered := slices.IsSortedFunc(next.byKey[max(len(d.byKey)-1, 0):], next.compare)
	if !ordered {
		next.byKey = slices.SortedStableFunc(slices.Values(next.byKey), next.compare)
		next.highest = nil
	}
	for _, i := range next.byKey[len(next.highest):] {
		highest := next.blocks[i].max
		if n := len(next.highest); n > 0 {
			highest = max(highest, next.highest[n-1])
		}
		next.highest = append(next.highest, highest)
	}
	return next
}

func (d *directory) compare(x, y int32) int { return cmp.Compare(d.blocks[x].min, d.blocks[y].min) }

// overlapping gives the blocks up to number limit that may hold keys from lo to hi, in the order of changes. An empty
// hi is no bound.
func (d *directory) overlapping(lo, hi string, limit uint64) []dirEntry {
	var found []dirEntry
	for i := range d.reaching(lo, hi, limit) {
		found = append(found, d.blocks[i])
	}
	slices.SortFunc(found, func(x, y dirEntry) int { return cmp.Compare(x.number, y.number) })
	return found
}

// reaching is overlapping for the positions of the blocks, in no order.
func (d *directory) reaching(lo, hi string, limit uint64) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		n := len(d.byKey)
		if hi != "" {
			n, _ = slices.BinarySearchFunc(d.byKey, hi, func(i int32, hi string) int {
				if d.blocks[i].min <= hi {
					return -1
				}
				return 1
			})
		}
		for n--; n >= 0 && d.highest[n] >= lo; n-- {
			i := d.byKey[n]
			if e := &d.blocks[i]; e.max >= lo && e.number <= limit && !yield(i) {
				return
			}
		}
	}
}

// caches are what an archive keeps in memory of its database. Nothing in them depends on uncommitted data.
type caches struct {
	codec       *codec
	blocks      *lru[blockID, *block]
	directories *lru[stream, *directory]
	extending   sync.Mutex // held while a directory is read on
	seed        maphash.Seed

	mu       sync.Mutex
	channels []string // ids by number, from 1; [0] is unused
	numbers  map[string]uint32
}

func newCaches() (*caches, error) {
	codec, err := newCodec()
	if err != nil {
		return nil, err
	}
	return &caches{
		codec:       codec,
		seed:        maphash.MakeSeed(),
		blocks:      newLRU[blockID](cachedBlockBytes, (*block).size),
		directories: newLRU[stream](cachedDirectories, func(d *directory) int { return minCachedDirectory + len(d.blocks) }),
	}, nil
}

// forget empties the caches, because the database may be another one.
func (c *caches) forget() {
	c.blocks.clear()
	c.directories.clear()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.channels, c.numbers = nil, nil
}
