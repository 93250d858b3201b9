package filetext

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"archiver/internal/extract"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Errors of opening a store.
var (
	ErrNone    = errors.New("no text of files is kept")
	ErrInUse   = errors.New("the text of files is in use by another process")
	ErrDamaged = errors.New("the text of files is damaged")
)

// Store is the file of texts. Its methods may be called from several goroutines.
type Store struct {
	db      *bolt.DB
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

// bucket holds what the present version of package extract read: by SHA-256, the length of some JSON (uvarint), the
// JSON of an extract.Result, and its text as a zstd frame.
var bucket = []byte("version " + strconv.Itoa(extract.Version))

// Open opens the store at path. Without readOnly it is made where it is absent, and made anew where it is damaged or of
// another version.
func Open(path string, readOnly bool, wait time.Duration) (*Store, error) {
	if readOnly {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, ErrNone
		}
	} else if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	db, err := openDB(path, readOnly, wait)
	if errors.Is(err, ErrDamaged) && !readOnly {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		db, err = openDB(path, readOnly, wait)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return newStore(db)
}

func newStore(db *bolt.DB) (*Store, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db, encoder, decoder}, nil
}

func openDB(path string, readOnly bool, wait time.Duration) (db *bolt.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	db, err = bolt.Open(path, 0o600, &bolt.Options{ReadOnly: readOnly, Timeout: max(wait, time.Millisecond), NoStatistics: true})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrInUse
	case errors.Is(err, fs.ErrPermission):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case readOnly:
		return db, nil
	}
	return db, db.Update(prepare)
}

// prepare leaves only the bucket of the present version.
func prepare(tx *bolt.Tx) error {
	var others [][]byte
	err := tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
		if string(name) != string(bucket) {
			others = append(others, append([]byte(nil), name...))
		}
		return nil
	})
	for _, name := range others {
		err = errors.Join(err, tx.DeleteBucket(name))
	}
	_, berr := tx.CreateBucketIfNotExists(bucket)
	return errors.Join(err, berr)
}

// Close closes the store.
func (s *Store) Close() error {
	s.decoder.Close()
	return errors.Join(s.encoder.Close(), s.db.Close())
}

// Get gives what was read from a content, with its text only if that is wanted; known is false if it was not read.
func (s *Store) Get(sha256 string, text bool) (r extract.Result, known bool, err error) {
	key, err := hex.DecodeString(sha256)
	if err != nil {
		return r, false, fmt.Errorf("%q is no SHA-256: %w", sha256, err)
	}
	err = s.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		if b == nil {
			return nil
		}
		value := b.Get(key)
		if value == nil {
			return nil
		}
		known = true
		r, err = s.decode(value, text)
		return err
	})
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrDamaged, sha256, err)
	}
	return r, known, err
}

func (s *Store) decode(value []byte, text bool) (r extract.Result, err error) {
	n, size := binary.Uvarint(value)
	if size <= 0 || n > uint64(len(value)-size) {
		return r, errors.New("a value is cut off")
	}
	head, frame := value[size:size+int(n)], value[size+int(n):]
	if err := json.Unmarshal(head, &r); err != nil || !text {
		return r, err
	}
	plain, err := s.decoder.DecodeAll(frame, nil)
	r.Text = string(plain)
	return r, err
}

// put keeps what was read, all of it or nothing.
func (s *Store) put(ctx context.Context, results map[string]extract.Result) error {
	if len(results) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		for sha256, r := range results {
			key, err := hex.DecodeString(sha256)
			if err != nil {
				return err
			}
			head, err := json.Marshal(r)
			if err != nil {
				return err
			}
			value := append(binary.AppendUvarint(nil, uint64(len(head))), head...)
			if err := tx.Bucket(bucket).Put(key, s.encoder.EncodeAll([]byte(r.Text), value)); err != nil {
				return err
			}
		}
		return nil
	})
}
