package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// This file reads the page structure of a bbolt file with plain reads, because bbolt believes what it finds: a page
// that points astray ends the process or makes it loop. The layout is that of go.etcd.io/bbolt/internal/common, in
// the byte order of the machine; it has been the same since 2014 (version 2).

const (
	metaMagic      = 0xED0CDAED
	metaLayout     = 2 // version of the layout
	metaSize       = 64
	pageHeaderSize = 16
	elementSize    = 16 // of branch and leaf pages
	bucketHeader   = 16 // root page and sequence

	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageMeta     = 0x04
	pageFreelist = 0x10

	leafIsBucket = 0x01
	maxDepth     = 32
)

var native = binary.NativeEndian

// metaPage is one of the two pages that say where everything is. The valid one with the greater txid counts.
type metaPage struct {
	root, freelist, high, txid uint64 // high is the number of pages
}

// readMeta reads meta page 0 or 1.
func readMeta(r io.ReaderAt, page int64) (metaPage, error) {
	buf := make([]byte, pageHeaderSize+metaSize)
	if _, err := r.ReadAt(buf, page*pageSize); err != nil {
		return metaPage{}, fmt.Errorf("meta page %d: %w", page, err)
	}
	m := buf[pageHeaderSize:]
	sum := fnv.New64a()
	_, _ = sum.Write(m[:metaSize-8])
	switch {
	case native.Uint32(m) != metaMagic || native.Uint32(m[4:]) != metaLayout:
		return metaPage{}, fmt.Errorf("meta page %d: not of a bbolt database", page)
	case native.Uint64(m[56:]) != sum.Sum64():
		return metaPage{}, fmt.Errorf("meta page %d: checksum does not match", page)
	case native.Uint32(m[8:]) != pageSize:
		return metaPage{}, fmt.Errorf("meta page %d: pages of %d bytes", page, native.Uint32(m[8:]))
	}
	return metaPage{native.Uint64(m[16:]), native.Uint64(m[32:]), native.Uint64(m[40:]), native.Uint64(m[48:])}, nil
}

// severity says what can still be done with a database.
type severity int

const (
	readWrite severity = iota // a meta page is broken; the next commit but one writes it anew
	readSome                  // pages cannot be reached; bbolt notices, the others can be read
	readNone                  // bbolt might not come to an end
)

// pageProblem is something wrong with the page structure.
type pageProblem struct {
	page     uint64
	what     string
	severity severity
}

// pageMap is what a walk over all pages finds.
type pageMap struct {
	r        io.ReaderAt
	meta     metaPage
	entries  map[bucket]uint64
	used     []bool // by page
	pages    uint64 // how many are used
	free     uint64
	problems []pageProblem
}

// readPages walks over all pages that the newest meta page of a file of size bytes leads to. An error means that
// there is nothing to walk over.
func readPages(r io.ReaderAt, size int64) (*pageMap, error) {
	m := &pageMap{r: r, entries: make(map[bucket]uint64)}
	meta0, err0 := readMeta(r, 0)
	meta1, err1 := readMeta(r, 1)
	switch {
	case err0 != nil && err1 != nil:
		return nil, damaged(databaseName, "%v", errors.Join(err0, err1))
	case err0 != nil:
		m.meta = meta1
		m.note(0, readWrite, "%v", err0)
	case err1 != nil:
		m.meta = meta0
		m.note(1, readWrite, "%v", err1)
	case meta1.txid > meta0.txid:
		m.meta = meta1
	default:
		m.meta = meta0
	}
	if need := int64(m.meta.high) * pageSize; m.meta.high > 1<<40 || size < need {
		return nil, damaged(databaseName, "is cut off: %d bytes of %d", size, need)
	}
	m.used = make([]bool, m.meta.high)
	m.take(0, 2)
	m.tree(m.meta.root, 0, m.buckets)
	return m, nil
}

func (m *pageMap) note(page uint64, s severity, format string, args ...any) {
	m.problems = append(m.problems, pageProblem{page, fmt.Sprintf(format, args...), s})
}

// take marks n pages as used.
func (m *pageMap) take(page, n uint64) bool {
	if page+n < page || page+n > uint64(len(m.used)) {
		m.note(page, readSome, "lies behind the end")
		return false
	}
	for i := page; i < page+n; i++ {
		if m.used[i] {
			m.note(i, readNone, "is used twice")
			return false
		}
		m.used[i] = true
	}
	m.pages += n
	return true
}

// pageHead is the beginning of a page.
type pageHead struct {
	id              uint64
	flags           uint16
	count, overflow uint64
}

func parsePageHead(b []byte) pageHead {
	return pageHead{native.Uint64(b), native.Uint16(b[8:]), uint64(native.Uint16(b[10:])), uint64(native.Uint32(b[12:]))}
}

// head reads the beginning of a page and marks the page as used.
func (m *pageMap) head(page uint64) (h pageHead, ok bool) {
	if page < 2 || page >= m.meta.high {
		m.note(page, readSome, "lies behind the end")
		return h, false
	}
	b := make([]byte, pageHeaderSize)
	if _, err := m.r.ReadAt(b, int64(page)*pageSize); err != nil {
		m.note(page, readSome, "%v", err)
		return h, false
	}
	if h = parsePageHead(b); h.id != page {
		m.note(page, readSome, "calls itself page %d", h.id)
		return h, false
	}
	return h, m.take(page, 1+h.overflow)
}

// maxContent is the most of a page that is read: more than 65,535 elements, or the names of all buckets, take.
const maxContent = 1<<20 + pageSize

// content reads a page.
func (m *pageMap) content(h pageHead) ([]byte, bool) {
	b := make([]byte, min((1+h.overflow)*pageSize, maxContent))
	if _, err := m.r.ReadAt(b, int64(h.id)*pageSize); err != nil {
		m.note(h.id, readSome, "%v", err)
		return nil, false
	}
	if pageHeaderSize+h.count*elementSize > uint64(len(b)) {
		m.note(h.id, readSome, "holds %d elements", h.count)
		return nil, false
	}
	return b, true
}

// tree walks over the tree below a page and calls leaf for its leaves.
func (m *pageMap) tree(page uint64, depth int, leaf func(pageHead)) {
	h, ok := m.head(page)
	switch {
	case !ok:
	case h.flags == pageLeaf:
		leaf(h)
	case h.flags != pageBranch:
		m.note(page, readSome, "is of kind %#x", h.flags)
	case depth == maxDepth:
		m.note(page, readNone, "is a branch at depth %d", depth)
	default:
		b, ok := m.content(h)
		if !ok {
			return
		}
		for i := range h.count {
			e := b[pageHeaderSize+i*elementSize:]
			m.tree(native.Uint64(e[8:]), depth+1, leaf)
		}
	}
}

// buckets walks over the buckets that a leaf of the root tree names. Damage here is never tolerated: bbolt copies small
// buckets to the heap and builds pointers from the numbers in them, which can end the process.
func (m *pageMap) buckets(h pageHead) {
	b, ok := m.content(h)
	if !ok {
		return
	}
	for i := range h.count {
		e, ok := leafElement(b, i)
		if !ok || e.flags&leafIsBucket == 0 || len(e.value) < bucketHeader {
			m.note(h.id, readNone, "element %d is no bucket", i)
			continue
		}
		m.oneBucket(bucket(e.key), h.id, e.value)
	}
}

// element is an entry of a leaf page.
type element struct {
	flags      uint32
	key, value []byte
}

// leafElement gives the i-th element of a leaf; ok is false where it does not lie in the page.
func leafElement(page []byte, i uint64) (e element, ok bool) {
	at := pageHeaderSize + i*elementSize
	if at+elementSize > uint64(len(page)) {
		return e, false
	}
	head := page[at:]
	key := at + uint64(native.Uint32(head[4:]))
	value := key + uint64(native.Uint32(head[8:]))
	end := value + uint64(native.Uint32(head[12:]))
	if end > uint64(len(page)) {
		return e, false
	}
	return element{native.Uint32(head), page[key:value], page[value:end]}, true
}

// oneBucket walks over a bucket. A small one is inline: its only page stands in the value, after the header.
func (m *pageMap) oneBucket(name bucket, in uint64, value []byte) {
	m.entries[name] = 0
	if root := native.Uint64(value); root != 0 {
		m.tree(root, 0, func(h pageHead) { m.entries[name] += h.count })
		return
	}
	page := value[bucketHeader:]
	if len(page) < pageHeaderSize {
		m.note(in, readNone, "bucket %q has no page", name)
		return
	}
	h := parsePageHead(page)
	if h.flags != pageLeaf || h.id != 0 || h.overflow != 0 {
		m.note(in, readNone, "bucket %q has a page of kind %#x", name, h.flags)
	}
	for i := range h.count {
		if _, ok := leafElement(page, i); !ok {
			m.note(in, readNone, "element %d of bucket %q lies outside of it", i, name)
		}
	}
	m.entries[name] = h.count
}

// freelist checks that the pages that the next commit may overwrite are not in use. It is called after the walk.
func (m *pageMap) freelist() {
	h, ok := m.head(m.meta.freelist)
	if !ok {
		return
	}
	if h.flags != pageFreelist {
		m.note(h.id, readSome, "is no free list")
		return
	}
	b := make([]byte, (1+h.overflow)*pageSize)
	if _, err := m.r.ReadAt(b, int64(h.id)*pageSize); err != nil {
		m.note(h.id, readSome, "%v", err)
		return
	}
	ids, n := b[pageHeaderSize:], h.count
	if n == 0xffff { // the number did not fit and comes first
		ids, n = ids[8:], native.Uint64(ids)
	}
	if n > uint64(len(ids))/8 {
		m.note(h.id, readSome, "free list of %d pages", n)
		return
	}
	used := m.pages
	for i := range n {
		m.take(native.Uint64(ids[8*i:]), 1)
	}
	m.free = m.pages - used
	if m.pages != m.meta.high {
		m.note(h.id, readSome, "%d pages are neither in use nor free", m.meta.high-m.pages)
	}
}

// err is the first problem that is too severe for what the database is to be used for, nil if there is none.
func (m *pageMap) err(tolerated severity) error {
	for _, p := range m.problems {
		if p.severity > tolerated {
			return damaged(databaseName, "page %d %s", p.page, p.what)
		}
	}
	return nil
}
