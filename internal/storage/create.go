package storage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"archiver/internal/crash"

	bolt "go.etcd.io/bbolt"
)

// Create makes an archive in dir, which must be absent or empty, and opens it for writing. A directory with something
// else in it is ErrNoArchive, one with an archive fs.ErrExist.
func Create(ctx context.Context, dir string, o Options) (*Archive, error) {
	if err := create(dir, o.withDefaults()); err != nil {
		return nil, fmt.Errorf("create archive %s: %w", dir, err)
	}
	o.ReadOnly, o.created = false, true
	return Open(ctx, dir, o)
}

func create(dir string, o Options) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := checkEmpty(dir); err != nil {
		return err
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := checkEmpty(dir); err != nil {
		return err
	}
	temp, path := filepath.Join(dir, databaseName+".tmp"), filepath.Join(dir, databaseName)
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	crash.Point("create: begin")
	if err := initDatabase(temp, o.Now()); err != nil {
		return err
	}
	crash.Point("create: written")
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	crash.Point("create: renamed")
	if err := syncDir(dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(filepath.Clean(dir)))
}

// Vacant tells whether Create would make an archive in dir: it is absent, or holds nothing that counts.
func Vacant(dir string) bool {
	err := checkEmpty(dir)
	return err == nil || errors.Is(err, fs.ErrNotExist)
}

// checkEmpty tells whether an archive may be made in dir: it holds nothing but what file systems put there and what
// an interrupted Create left.
func checkEmpty(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(names, func(entry os.DirEntry) bool { return entry.Name() == databaseName }) {
		return fs.ErrExist
	}
	for _, entry := range names {
		switch name := entry.Name(); {
		case name == "lost+found", name == lockName, name == databaseName+".tmp", strings.HasPrefix(name, "."):
		default:
			return fmt.Errorf("%w: the directory is not empty, it holds %s", ErrNoArchive, name)
		}
	}
	return nil
}

// initDatabase makes an empty database durably.
func initDatabase(path string, now time.Time) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: pageSize, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	crash.Point("create: empty database")
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucket([]byte(b)); err != nil {
				return err
			}
		}
		counts := make([]byte, len(buckets))
		for i, b := range buckets {
			if b == bucketMeta {
				counts[i] = 4
			}
		}
		for key, value := range map[string][]byte{
			metaFormat:  uint32Key(formatVersion),
			metaID:      []byte(newID()),
			metaCreated: []byte(now.UTC().Format(time.RFC3339)),
			metaCounts:  counts,
		} {
			if err := tx.Bucket([]byte(bucketMeta)).Put([]byte(key), seal(bucketMeta, []byte(key), value)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return syncFile(path)
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
