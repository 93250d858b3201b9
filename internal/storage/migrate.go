package storage

import (
	"encoding/binary"
	"fmt"

	"archiver/internal/crash"

	bolt "go.etcd.io/bbolt"
)

// migration turns an archive of one format into one of the next. It keeps the number of entries in meta/counts right.
type migration func(*bolt.Tx) error

// migrations holds at i what turns format i+1 into format i+2. There is only one format yet.
var migrations []migration

// migrate brings the database up to the newest format, one step a transaction. Killed at any moment, the archive is of
// the format before or after a step.
func (a *Archive) migrate(steps []migration) error {
	format := uint32(0)
	err := guard(func() error {
		return a.db.View(func(tx *bolt.Tx) (err error) {
			format, err = formatOf(tx)
			return err
		})
	})
	for ; err == nil && int(format) <= len(steps); format++ {
		err = guard(func() error {
			return a.db.Update(func(tx *bolt.Tx) error {
				if err := steps[format-1](tx); err != nil {
					return err
				}
				key := []byte(metaFormat)
				err := tx.Bucket([]byte(bucketMeta)).Put(key, seal(bucketMeta, key, uint32Key(format+1)))
				crash.Point("migrate: to be committed")
				return err
			})
		})
		crash.Point("migrate: durable")
		if err != nil {
			err = fmt.Errorf("from format %d to %d: %w", format, format+1, err)
		}
	}
	return err
}

// formatOf reads which format a database is of.
func formatOf(tx *bolt.Tx) (uint32, error) {
	if tx.Bucket([]byte(bucketMeta)) == nil {
		return 0, damaged(databaseName, "is a database, but not of an archive")
	}
	value, err := (&snapshot{tx: tx}).get(bucketMeta, []byte(metaFormat))
	switch {
	case err != nil:
		return 0, err
	case len(value) != 4 || binary.BigEndian.Uint32(value) == 0:
		return 0, damagedAt(bucketMeta, []byte(metaFormat), "is no format version")
	}
	return binary.BigEndian.Uint32(value), nil
}
