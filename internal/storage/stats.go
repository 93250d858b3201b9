package storage

import (
	"context"
	"os"
)

// Bucket is the space that one part of archive.db takes.
type Bucket struct {
	Name    string `json:"name"`
	Entries int    `json:"entries"`
	Bytes   int64  `json:"bytes"`   // pages in use
	Content int64  `json:"content"` // keys and values
}

// Stats are the sizes of an archive.
type Stats struct {
	Buckets  []Bucket `json:"buckets"`
	InUse    int64    `json:"in_use"`    // bytes of archive.db that hold data
	FileSize int64    `json:"file_size"` // bytes of archive.db
	Blobs    int64    `json:"blobs"`     // bytes of stored blobs
	Commits  int64    `json:"commits"`   // of this process
	Fsyncs   int64    `json:"fsyncs"`    // of this process, blobs and HEAD included
}

// framePages are the pages of a database beside those of its buckets: two meta pages, the list of the buckets and the
// list of free pages, which rarely takes more than one.
const framePages = 4

// Stats measures the archive.
func (a *Archive) Stats(ctx context.Context) (Stats, error) {
	st := Stats{Commits: a.commits.Load(), Fsyncs: a.fsyncs.Load() + a.blobs.Fsyncs()}
	st.InUse = framePages * pageSize
	err := a.view(ctx, func(s *snapshot) error {
		for _, name := range buckets {
			b := s.measure(name)
			st.Buckets = append(st.Buckets, b)
			st.InUse += b.Bytes
		}
		return nil
	})
	if err != nil {
		return Stats{}, err
	}
	info, err := os.Stat(a.path(databaseName))
	if err != nil {
		return Stats{}, err
	}
	st.FileSize = info.Size()
	st.Blobs, err = a.blobs.Size()
	return st, err
}

func (s *snapshot) measure(name bucket) Bucket {
	bk := s.bucket(name)
	if bk == nil {
		return Bucket{Name: string(name)}
	}
	sizes := bk.Stats()
	b := Bucket{
		Name: string(name), Entries: sizes.KeyN,
		Bytes: int64(sizes.BranchAlloc + sizes.LeafAlloc + sizes.InlineBucketInuse),
	}
	c := bk.Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		b.Content += int64(len(key) + len(value))
	}
	return b
}
