package export

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Errors of the ledger.
var (
	ErrUnknownExport = errors.New("no such export")
	ErrLedgerInUse   = errors.New("ledger of exports in use by another process")
	ErrLedgerDamaged = errors.New("ledger of exports damaged")
)

// ledgerWait is how long a method waits for other processes, which hold the ledger for milliseconds.
const ledgerWait = 10 * time.Second

// Ledger is the record of an archive's exports, a bbolt file of its own beside the archive's. It is open only while a
// method runs, so that exports may run beside each other. A number that was given is never given again, also when its
// export failed.
//
// The bucket "bates" has, under each prefix of Bates numbers, the number given last (eight bytes, big endian), and under
// prefix, NUL and an export's id the first number of its range and their count (likewise).
//
// The bucket "exports" has the JSON of a [Made] under each export's id; the bucket's sequence is the number given
// last. It goes on from year to year, so ids sort in the order in which they were given. The bucket "frozen" has, under
// the same ids, what an export was made of that the archive does not tell again, as its caller gave it: a zstd frame.
//
// The bucket "documents" has, under an export's id, NUL and a channel's id, a zstd frame with the JSON of the list of
// the [Document]s that slices of the channel became.
type Ledger struct {
	Path string // <archive>/ledger.db; made by the first Begin
}

// Made is the ledger's record of an export.
type Made struct {
	ID        string    `json:"id"` // EXP-<year>-<six digits>
	Selection Selection `json:"selection"`
	Rendering Rendering `json:"rendering"`
	Formats   []string  `json:"formats"`
	Generator string    `json:"generator"`
	Output    string    `json:"output"`
	Started   time.Time `json:"started"`
	Finished  time.Time `json:"finished,omitzero"` // zero: not finished
	Manifest  string    `json:"manifest,omitzero"` // SHA-256 (hex) of tagmanifest-sha512.txt
}

var (
	exportsBucket = []byte("exports")
	batesBucket   = []byte("bates")
	frozenBucket  = []byte("frozen")

	documentsBucket = []byte("documents")
)

// Begin records an export that is about to be made and gives it its number, which is durable on return. The year is
// that of m.Started; m.ID is ignored. frozen is what is needed to make the same export again, beside m and the archive.
func (l Ledger) Begin(m Made, frozen []byte) (id string, err error) {
	packed, err := pack(frozen)
	if err != nil {
		return "", err
	}
	err = l.update(func(b *bbolt.Bucket) error {
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		m.ID = fmt.Sprintf("EXP-%04d-%06d", m.Started.UTC().Year(), n)
		kept, err := b.Tx().CreateBucketIfNotExists(frozenBucket)
		if err != nil {
			return err
		}
		return errors.Join(putMade(b, m), kept.Put([]byte(m.ID), packed))
	})
	return m.ID, err
}

// Frozen gives what was given to Begin beside the record of an export; nil for an export of a version of the program
// that kept nothing. Errors are ErrUnknownExport or ErrLedgerDamaged, or the file's.
func (l Ledger) Frozen(id string) (frozen []byte, err error) {
	err = l.view(func(b *bbolt.Bucket) error {
		if _, err := getMade(b, id); err != nil {
			return err
		}
		kept := b.Tx().Bucket(frozenBucket)
		if kept == nil {
			return nil
		}
		if packed := kept.Get([]byte(id)); packed != nil {
			frozen, err = unpack(packed)
		}
		if err != nil {
			return fmt.Errorf("%w: export %s: %w", ErrLedgerDamaged, id, err)
		}
		return nil
	})
	return frozen, err
}

func pack(data []byte) ([]byte, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer encoder.Close()
	return encoder.EncodeAll(data, nil), nil
}

func unpack(packed []byte) ([]byte, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	return decoder.DecodeAll(packed, []byte{})
}

// Finish records that an export was made.
func (l Ledger) Finish(id, manifest string, at time.Time) error {
	return l.update(func(b *bbolt.Bucket) error {
		m, err := getMade(b, id)
		if err != nil {
			return err
		}
		m.Finished, m.Manifest = at.UTC(), manifest
		return putMade(b, m)
	})
}

// Get gives the record of an export, or ErrUnknownExport.
func (l Ledger) Get(id string) (m Made, err error) {
	err = l.view(func(b *bbolt.Bucket) error {
		m, err = getMade(b, id)
		return err
	})
	return m, err
}

// All gives the records of all exports by id.
func (l Ledger) All() (all []Made, err error) {
	err = l.view(func(b *bbolt.Bucket) error {
		if b == nil {
			return nil
		}
		return b.ForEach(func(id, _ []byte) error {
			m, err := getMade(b, string(id))
			all = append(all, m)
			return err
		})
	})
	return all, err
}

// Reserve gives an export n Bates numbers of a prefix, from first on. They are given to no other export again; the same
// export is given the same ones, and asking for another count is an error then.
func (l Ledger) Reserve(prefix, export string, n int64) (first int64, err error) {
	err = l.updateIn(batesBucket, func(b *bbolt.Bucket) error {
		own := []byte(prefix + "\x00" + export)
		if v := b.Get(own); len(v) == 16 {
			first = int64(binary.BigEndian.Uint64(v))
			if had := int64(binary.BigEndian.Uint64(v[8:])); had != n {
				return fmt.Errorf("export %s has %d numbers %s, not %d", export, had, prefix, n)
			}
			return nil
		}
		first = 1
		if v := b.Get([]byte(prefix)); len(v) == 8 {
			first += int64(binary.BigEndian.Uint64(v))
		}
		last := binary.BigEndian.AppendUint64(nil, uint64(first+n-1))
		if err := b.Put([]byte(prefix), last); err != nil {
			return err
		}
		return b.Put(own, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(first)), uint64(n)))
	})
	return first, err
}

func (l Ledger) update(work func(*bbolt.Bucket) error) error { return l.updateIn(exportsBucket, work) }

func (l Ledger) updateIn(bucket []byte, work func(*bbolt.Bucket) error) error {
	return l.do(bbolt.Options{Timeout: ledgerWait}, func(db *bbolt.DB) error {
		return db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(bucket)
			if err != nil {
				return err
			}
			return work(b)
		})
	})
}

// view leaves b nil when nothing was ever exported.
func (l Ledger) view(work func(b *bbolt.Bucket) error) error {
	if _, err := os.Stat(l.Path); errors.Is(err, fs.ErrNotExist) {
		return work(nil)
	}
	return l.do(bbolt.Options{Timeout: ledgerWait, ReadOnly: true}, func(db *bbolt.DB) error {
		return db.View(func(tx *bbolt.Tx) error { return work(tx.Bucket(exportsBucket)) })
	})
}

// do opens the file for the time of work. A damaged file makes bbolt panic, which becomes ErrLedgerDamaged.
func (l Ledger) do(o bbolt.Options, work func(*bbolt.DB) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %w: %v", l.Path, ErrLedgerDamaged, r)
		}
	}()
	db, err := bbolt.Open(l.Path, 0o600, &o)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s: %w", l.Path, ErrLedgerInUse)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum):
		return fmt.Errorf("%s: %w: %w", l.Path, ErrLedgerDamaged, err)
	case err != nil:
		return fmt.Errorf("ledger of exports: %w", err)
	}
	if err := errors.Join(work(db), db.Close()); err != nil {
		return fmt.Errorf("%s: %w", l.Path, err)
	}
	return nil
}

func getMade(b *bbolt.Bucket, id string) (m Made, err error) {
	var value []byte
	if b != nil {
		value = b.Get([]byte(id))
	}
	if value == nil {
		return m, fmt.Errorf("%w: %s", ErrUnknownExport, id)
	}
	if err := json.Unmarshal(value, &m); err != nil {
		return m, fmt.Errorf("%w: export %s: %w", ErrLedgerDamaged, id, err)
	}
	return m, nil
}

func putMade(b *bbolt.Bucket, m Made) error {
	value, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("export %s: %w", m.ID, err)
	}
	return b.Put([]byte(m.ID), value)
}
