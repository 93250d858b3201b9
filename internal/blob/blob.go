// Package blob keeps file bytes by the SHA-256 of their content.
package blob

import (
	"context"
	"errors"
	"io"
)

// Store is a directory of blobs.
type Store struct{}

// Open gives the store in dir, which is made when something is first put.
func Open(dir string) *Store { return &Store{} }

// Put stores what r gives, durably, and returns its SHA-256 (hex) and length. limit bounds the length (0 means no
// bound); more gives ErrTooLarge and stores nothing.
func (s *Store) Put(ctx context.Context, r io.Reader, limit int64) (sum string, n int64, err error) {
	return "", 0, errors.ErrUnsupported
}

// ErrTooLarge means that the bytes exceed the limit of Put.
var ErrTooLarge = errors.New("larger than the limit")

// ErrDamaged means that stored bytes are not those that were put.
var ErrDamaged = errors.New("blob damaged")

// Get reads a blob. The reader fails with ErrDamaged at the end when the bytes do not have the SHA-256 asked for.
func (s *Store) Get(sum string) (io.ReadCloser, error) { return nil, errors.ErrUnsupported }

// Has tells whether a blob is stored.
func (s *Store) Has(sum string) (bool, error) { return false, errors.ErrUnsupported }
