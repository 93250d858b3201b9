package storage

import (
	"bytes"
	"os"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"
)

// classes are the places of a file's bytes by what the bytes are.
type classes map[string][]int64

func (c classes) add(class string, from, to int64) {
	for at := from; at < to; at++ {
		c[class] = append(c[class], at)
	}
}

func everyByte(t *testing.T, path string) []int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	all := make(classes)
	all.add(path, 0, info.Size())
	return all[path]
}

// databaseClasses sorts the bytes of a database: keys and values of each bucket, headers and bodies of blocks apart, and
// what bbolt itself writes. Bytes that nothing uses are in no class.
func databaseClasses(t *testing.T, path string) classes {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := readPageFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	for page, used := range pages.used {
		if !used && uint64(page) != pages.meta.freelist { // it may hold an older copy of what stands elsewhere
			clear(data[page*pageSize : (page+1)*pageSize])
		}
	}
	found := contentClasses(t, path, data)
	owned := make([]bool, len(data))
	for _, places := range found {
		for _, at := range places {
			owned[at] = true
		}
	}
	for page, used := range pages.used {
		structureClasses(found, uint64(page), used, pages.meta.freelist, data, owned)
	}
	return found
}

// contentClasses finds where keys and values stand: bbolt gives slices of the mapped file, but copies of what stands in
// small buckets, which are part of the pages that list the buckets.
func contentClasses(t *testing.T, path string, data []byte) classes {
	t.Helper()
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	base := db.Info().Data
	place := func(value []byte) int64 {
		at := uintptr(unsafe.Pointer(unsafe.SliceData(value))) - base
		if at < uintptr(len(data)) {
			return int64(at)
		}
		return int64(bytes.Index(data, value))
	}
	found := make(classes)
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				at, head := place(v), 0
				found.add("keys of "+string(name), at-int64(len(k)), at) // a value follows its key
				if in := bucket(name); in == bucketBlocks || in == bucketTails {
					_, rest, err := parseHeader(v)
					if err != nil {
						return err
					}
					head = len(v) - len(rest)
					found.add("headers in "+string(name), at, at+int64(head))
				}
				found.add("values of "+string(name), at+int64(head), at+int64(len(v)))
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// structureClasses adds what bbolt writes into a page: all of the two meta pages and the list of free pages; headers,
// tables of elements and separators of branches and leaves.
func structureClasses(found classes, page uint64, used bool, freelist uint64, data []byte, owned []bool) {
	start := int64(page) * pageSize
	count := int64(native.Uint16(data[start+10:]))
	switch {
	case page < 2:
		found.add("meta pages", start, start+pageHeaderSize+metaSize)
	case page == freelist:
		found.add("free list", start, start+pageHeaderSize+8*count)
	case used && native.Uint64(data[start:]) == page: // else it goes on with the page before
		for at := start; at < contentEnd(data, start); at++ {
			if !owned[at] {
				found["structure of pages"] = append(found["structure of pages"], at)
			}
		}
	}
}

// contentEnd is where the keys and values of a branch or leaf end.
func contentEnd(data []byte, start int64) (end int64) {
	for i := range int64(native.Uint16(data[start+10:])) {
		at := start + pageHeaderSize + elementSize*i
		element := data[at:]
		position, size := native.Uint32(element), native.Uint32(element[4:]) // of a branch
		if native.Uint16(data[start+8:]) == pageLeaf {
			position, size = native.Uint32(element[4:]), native.Uint32(element[8:])+native.Uint32(element[12:])
		}
		end = max(end, at+int64(position)+int64(size))
	}
	return end
}
