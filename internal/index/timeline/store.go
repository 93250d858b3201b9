package timeline

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Errors of opening and reading a timeline.
var (
	ErrNone    = errors.New("no timeline")
	ErrDamaged = errors.New("timeline damaged")
)

const format = 3

// The buckets.
const (
	timeList        = "times"
	channelList     = "channels"
	authorList      = "authors"
	channelCounters = "channel counters"
	authorCounters  = "author counters"
	stateBucket     = "state"
)

var buckets = []string{timeList, channelList, authorList, channelCounters, authorCounters, stateBucket}

// countersOf are the counters of lists.
var countersOf = map[string]string{channelList: channelCounters, authorList: authorCounters}

// Options say how a timeline is opened.
type Options struct {
	Owner    string        // the archive that the messages are of
	ReadOnly bool          //
	Wait     time.Duration // for another process at most; 0 is without end
}

// Store is an open timeline. Its methods may be called from several goroutines; only one may apply changes.
type Store struct {
	path    string
	owner   string
	options *bolt.Options
	codec   *codec
	written uint64 // messages applied since it was opened

	mu sync.RWMutex // held for reading while db is used
	db *bolt.DB
}

// State says what a timeline holds.
type State struct {
	Format int    `json:"format"`
	Owner  string `json:"owner"`
	Change uint64 `json:"change"` // of the owner, up to which everything is held
}

// Kinds are numbers of messages by kind.
type Kinds [1 << kindBits]uint64

// Messages is the number of all messages.
func (k *Kinds) Messages() (n uint64) {
	for _, messages := range k {
		n += messages
	}
	return n
}

// Open opens a timeline. Unless read-only it makes an empty one where there is none that can be used: none at all, one of
// another owner or format, or no bbolt file. Reading gives ErrNone or ErrDamaged then.
func Open(path string, o Options) (*Store, error) {
	s := &Store{path: path, owner: o.Owner, options: &bolt.Options{ReadOnly: o.ReadOnly, Timeout: o.Wait, PageSize: pageSize,
		FreelistType: bolt.FreelistMapType, NoFreelistSync: true}}
	var err error
	if s.codec, err = newCodec(); err != nil {
		return nil, fmt.Errorf("open timeline: %w", err)
	}
	err = s.open()
	if err != nil && !o.ReadOnly && (errors.Is(err, ErrNone) || errors.Is(err, ErrDamaged)) {
		err = s.create()
	}
	if err != nil {
		return nil, fmt.Errorf("open timeline: %w", err)
	}
	return s, nil
}

const (
	slack    = 64 << 10 // by how much the file grows beyond what is needed
	pageSize = 16 << 10 // blocks of one to two KiB leave little of a page unused
)

func (s *Store) open() error {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return ErrNone
	}
	db, err := bolt.Open(s.path, 0o600, s.options)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout), errors.Is(err, fs.ErrPermission):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	db.AllocSize = slack
	s.db = db
	err = s.View(context.Background(), func(*View) error { return nil })
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

// create makes an empty timeline in place of what is there.
func (s *Store) create() error {
	if err := os.RemoveAll(s.path); err != nil {
		return err
	}
	db, err := bolt.Open(s.path, 0o600, s.options)
	if err != nil {
		return err
	}
	db.AllocSize = slack
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return errors.Join(put(tx, stateKey, &State{Format: format, Owner: s.owner}), put(tx, kindsKey, &Kinds{}))
	})
	if err == nil {
		err = syncDir(filepath.Dir(s.path))
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	s.db = db
	return nil
}

// Close closes the timeline. After large changes it puts a copy in its place, without the space that they left.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied, err := s.compact()
	s.codec.close()
	if err = errors.Join(err, s.db.Close()); err != nil || copied == "" {
		return err
	}
	if err := os.Rename(copied, s.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.path))
}

// Reset makes the timeline empty.
func (s *Store) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.db.Close(), s.create()); err != nil {
		return fmt.Errorf("timeline: %w", err)
	}
	return nil
}

// Size is the length of the file in bytes.
func (s *Store) Size() (int64, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// compact makes a copy of the file if at least a quarter of the messages have been written, and gives its path.
func (s *Store) compact() (path string, err error) {
	if s.written == 0 {
		return "", nil
	}
	kinds := &Kinds{}
	err = s.db.View(func(tx *bolt.Tx) error { return get(tx, kindsKey, kinds) })
	if err != nil || s.written < kinds.Messages()/4 {
		return "", err
	}
	path = s.path + ".tmp"
	if err := os.RemoveAll(path); err != nil {
		return "", err
	}
	copied, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: pageSize, FreelistType: bolt.FreelistMapType, NoFreelistSync: true})
	if err != nil {
		return "", err
	}
	copied.AllocSize = slack
	if err := errors.Join(bolt.Compact(copied, s.db, 1<<20), copied.Close()); err != nil {
		return "", errors.Join(err, os.Remove(path))
	}
	return path, nil
}

// The keys of the bucket state.
const (
	stateKey = "state"
	kindsKey = "kinds"
)

// get reads a value of the bucket state.
func get(tx *bolt.Tx, key string, into any) error {
	b := tx.Bucket([]byte(stateBucket))
	if b == nil {
		return fmt.Errorf("%w: no bucket %s", ErrDamaged, stateBucket)
	}
	raw, err := unseal(stateBucket, []byte(key), b.Get([]byte(key)))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, key, err)
	}
	return nil
}

func put(tx *bolt.Tx, key string, value any) error {
	raw, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return err
	}
	return tx.Bucket([]byte(stateBucket)).Put([]byte(key), seal(stateBucket, []byte(key), raw))
}

// group gives the group of an author's messages.
func (s *Store) group(author string) uint64 {
	sum := sha256.Sum256([]byte(s.owner + "\x00" + author))
	return binary.BigEndian.Uint64(sum[:])
}

// syncDir makes names in a directory durable; where that cannot be done it is left to the system.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // Windows has no way to do so with directories
	return d.Close()
}
