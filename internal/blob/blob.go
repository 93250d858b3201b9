package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

var (
	// ErrTooLarge means that the bytes exceed the limit of Put.
	ErrTooLarge = errors.New("larger than the limit")
	// ErrDamaged means that stored bytes are not those that were put.
	ErrDamaged = errors.New("blob damaged")
	// ErrSource means that the reader given to Put failed, as opposed to the store.
	ErrSource = errors.New("read source")
	// ErrBadName means that a sum is not 64 lower-case hex digits.
	ErrBadName = errors.New("not a SHA-256 in lower-case hex")
)

const (
	chunkSize  = 1 << 20
	tempPrefix = ".tmp-"
)

// Store is a directory of blobs. Its methods may be called from several goroutines.
type Store struct {
	dir     string
	fsyncs  atomic.Int64
	buffers sync.Pool // of *[]byte, of chunkSize

	mu      sync.Mutex      // guards what follows
	settled map[string]bool // directories whose entry in their parent is known to be durable
	encoder *zstd.Encoder   // made by the first Put, like decoder
	decoder *zstd.Decoder
}

// Open gives the store in dir, which is made when something is first put.
func Open(dir string) *Store {
	return &Store{dir: dir, settled: make(map[string]bool)}
}

// Has tells whether a blob is stored.
func (s *Store) Has(sum string) (bool, error) {
	path, err := s.path(sum)
	if err != nil {
		return false, err
	}
	_, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, named(sum, err)
}

// Get reads a blob. One that is not stored gives an error that is fs.ErrNotExist. The reader ends with ErrDamaged in
// place of io.EOF when the bytes do not have the SHA-256 asked for, or earlier when they can't be decompressed.
func (s *Store) Get(sum string) (io.ReadCloser, error) {
	r, err := s.open(sum)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *Store) open(sum string) (*reader, error) {
	path, err := s.path(sum)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, named(sum, err)
	}
	r, err := newReader(f, sum)
	if err != nil {
		return nil, errors.Join(named(sum, err), f.Close())
	}
	return r, nil
}

// Verify reads a blob to its end and returns the length of its content and that of its file. Damage is ErrDamaged.
func (s *Store) Verify(ctx context.Context, sum string) (plain, stored int64, err error) {
	r, err := s.open(sum)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	info, err := r.file.Stat()
	if err != nil {
		return 0, 0, named(sum, err)
	}
	buf := s.buffer()
	defer s.buffers.Put(buf)
	for {
		if err := ctx.Err(); err != nil {
			return plain, info.Size(), named(sum, err)
		}
		n, err := r.Read(*buf)
		plain += int64(n)
		if err == io.EOF {
			return plain, info.Size(), nil
		}
		if err != nil {
			return plain, info.Size(), err
		}
	}
}

// All lists the blobs in the order of their sums. Files that are no blobs are passed over. After an error the
// listing ends.
func (s *Store) All() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := s.each(func(entry fs.DirEntry) error {
			if !yield(entry.Name(), nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil && err != fs.SkipAll {
			yield("", fmt.Errorf("list blobs: %w", err))
		}
	}
}

// Size is the number of bytes that the files of all blobs take.
func (s *Store) Size() (int64, error) {
	var total int64
	err := s.each(func(entry fs.DirEntry) error {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("size of blobs: %w", err)
	}
	return total, nil
}

// each visits the files of the blobs in order.
func (s *Store) each(visit func(fs.DirEntry) error) error {
	dirs, err := readDir(s.dir)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if !isHex(dir.Name(), 2) {
			continue
		}
		entries, err := readDir(filepath.Join(s.dir, dir.Name()))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if !isHex(entry.Name(), hex.EncodedLen(sha256.Size)) || !strings.HasPrefix(entry.Name(), dir.Name()) {
				continue
			}
			if err := visit(entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// RemoveTemporary removes what a Put left behind that was killed. It must not run beside a Put.
func (s *Store) RemoveTemporary() error {
	entries, err := readDir(s.dir)
	if err != nil {
		return fmt.Errorf("clean blobs: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), tempPrefix) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, entry.Name())); err != nil {
			return fmt.Errorf("clean blobs: %w", err)
		}
	}
	return nil
}

// Fsyncs is the number of times that the store waited for the disk since it was opened.
func (s *Store) Fsyncs() int64 { return s.fsyncs.Load() }

// path is where a blob lies. Nothing but a sum ever becomes part of a path.
func (s *Store) path(sum string) (string, error) {
	if !isHex(sum, hex.EncodedLen(sha256.Size)) {
		return "", fmt.Errorf("blob %.80q: %w", sum, ErrBadName)
	}
	return filepath.Join(s.dir, sum[:2], sum), nil
}

func (s *Store) buffer() *[]byte {
	if buf, ok := s.buffers.Get().(*[]byte); ok {
		return buf
	}
	buf := make([]byte, chunkSize, chunkSize+chunkSize/64) // a frame may be a little longer than its chunk
	return &buf
}

func isHex(name string, length int) bool {
	return len(name) == length && strings.Trim(name, "0123456789abcdef") == ""
}

// readDir lists a directory in order; one that is missing is empty.
func readDir(dir string) ([]os.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

func named(sum string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("blob %s: %w", sum, err)
}
