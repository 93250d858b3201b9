package storage

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Errors of opening and reading an archive.
var (
	ErrNoArchive = errors.New("no archive")
	ErrInUse     = errors.New("archive in use by another process")
	ErrNewer     = errors.New("archive format is newer than this program")
	ErrDamaged   = errors.New("archive damaged")
	ErrNotFound  = errors.New("not found")
)

// ErrReadOnly means that a writing method was called on an archive that was opened for reading.
var ErrReadOnly = errors.New("archive is open for reading only")

// ErrClosed means that the archive was closed.
var ErrClosed = errors.New("archive is closed")

// damaged gives an ErrDamaged that says where and what.
func damaged(where, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrDamaged, where, fmt.Sprintf(format, args...))
}

// damagedAt is damaged for the value under a key.
func damagedAt(b bucket, key []byte, format string, args ...any) error {
	return damaged(place(b, key), format, args...)
}

// place names an entry of the database as findings do: bucket/hex of the key, of which a damaged page may show too much.
func place(b bucket, key []byte) string { return fmt.Sprintf("%s/%x", b, key[:min(len(key), longKey)]) }

// longKey is how much of a key is told.
const longKey = 256

// guard runs f, which touches the mapping of archive.db. Where the file is shorter than its pages say, or a page
// points astray, the fault or the panic of the database library comes back as ErrDamaged.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = damaged("archive.db", "%v", r)
		}
	}()
	return f()
}
