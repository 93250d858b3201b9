package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"archiver/internal/index/timeline"
	"archiver/internal/storage"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve_index_api"
	"github.com/gofrs/flock"
	bolt "go.etcd.io/bbolt/errors"
)

// Errors of opening and using an index.
var (
	ErrNone    = errors.New("no search index")
	ErrInUse   = errors.New("search index in use by another process")
	ErrMapping = errors.New("search index was built by another version")
	ErrDamaged = errors.New("search index damaged")
)

// Options say how an index is opened.
type Options struct {
	Logger   *slog.Logger  // nil discards
	ReadOnly bool          //
	LockWait time.Duration // how long to wait for another process; 0 means not at all
	Texts    Texts         // of files; nil leaves the text inside files alone
}

// readerWait is how long a writer waits for readers beyond LockWait. Readers of a search are gone in seconds.
const readerWait = time.Minute

// Index is an open search index. Its methods may be called from several goroutines.
type Index struct {
	dir        string
	generation generation
	log        *slog.Logger
	lock       *flock.Flock // nil when read-only
	texts      Texts
	readOnly   bool
	bleve      bleve.Index
	inner      index.Index

	following sync.Mutex // held while CatchUp runs

	mu       sync.Mutex
	channels []string // ids by number, as far as read
	names    *directory
	line     *timeline.Store // nil as long as nobody asked for it
	columns  columns
	recent   recent
}

// Open opens the index in dir. Unless read-only, it creates an empty index where there is none and removes what a
// crash left. Errors are ErrNone, ErrInUse, ErrMapping or ErrDamaged, or those of the file system; after ErrMapping
// and ErrDamaged only Rebuild helps.
func Open(ctx context.Context, dir string, o Options) (*Index, error) {
	if o.ReadOnly {
		g, err := currentGeneration(dir)
		if err != nil {
			return nil, fmt.Errorf("open index: %w", err)
		}
		return openGeneration(dir, g, o, nil)
	}
	lock, err := lockWriter(ctx, dir, o.LockWait)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	ix, err := openWriter(dir, o, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return ix, nil
}

func openWriter(dir string, o Options, lock *flock.Flock) (*Index, error) {
	g, err := currentGeneration(dir)
	if errors.Is(err, ErrNone) {
		return createCurrent(dir, o, lock)
	}
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	if err := removeOthers(dir, g); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	return openGeneration(dir, g, o, lock)
}

// createCurrent makes an empty index in a directory that has none in use.
func createCurrent(dir string, o Options, lock *flock.Flock) (*Index, error) {
	ix, err := createGeneration(dir, o, lock)
	if err != nil {
		return nil, fmt.Errorf("create index: %w", err)
	}
	err = setCurrent(dir, ix.generation)
	if err == nil {
		err = removeOthers(dir, ix.generation)
	}
	if err != nil {
		return nil, fmt.Errorf("create index: %w", errors.Join(err, ix.bleve.Close()))
	}
	return ix, nil
}

// lockWriter takes the lock that keeps writers apart.
func lockWriter(ctx context.Context, dir string, wait time.Duration) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if !held && err == nil && wait > 0 {
		wctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		held, err = lock.TryLockContext(wctx, 20*time.Millisecond)
	}
	switch {
	case held:
		return lock, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil || errors.Is(err, context.DeadlineExceeded):
		return nil, ErrInUse
	default:
		return nil, err
	}
}

// config is what bleve is opened with.
func config(o Options) map[string]any {
	wait := max(o.LockWait, time.Millisecond)
	if !o.ReadOnly {
		wait += readerWait
	}
	return map[string]any{"read_only": o.ReadOnly, "bolt_timeout": wait.String()}
}

func openGeneration(dir string, g generation, o Options, lock *flock.Flock) (*Index, error) {
	path := filepath.Join(dir, g.String())
	if _, err := os.Stat(filepath.Join(path, "store", "root.bolt")); err != nil {
		return nil, fmt.Errorf("open index: %w: %w", ErrDamaged, err)
	}
	var b bleve.Index
	err := guard(func() (err error) {
		b, err = bleve.OpenUsing(path, config(o))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open index: %w", openError(err))
	}
	return newIndex(dir, g, o, lock, b)
}

func createGeneration(dir string, o Options, lock *flock.Flock) (*Index, error) {
	g, err := nextGeneration(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, g.String())
	b, err := bleve.NewUsing(path, newMapping(), scorch.Name, scorch.Name, config(o))
	if err != nil {
		return nil, err
	}
	if err := syncGeneration(dir, g); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return newIndex(dir, g, o, lock, b)
}

func newIndex(dir string, g generation, o Options, lock *flock.Flock, b bleve.Index) (*Index, error) {
	b.SetName(g.String())
	inner, err := b.Advanced()
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Index{dir: dir, generation: g, log: log, lock: lock, texts: o.Texts, readOnly: o.ReadOnly,
		bleve: b, inner: inner, columns: columns{limit: columnDocuments, fields: map[string]*keptColumn{}}}, nil
}

// openError tells apart why bleve did not open: held by another process, no right to read, or damage.
func openError(err error) error {
	switch {
	case errors.Is(err, bolt.ErrTimeout):
		return ErrInUse
	case errors.Is(err, fs.ErrPermission), errors.Is(err, ErrDamaged):
		return err
	default:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
}

// guard runs what reads the index's files. Files that do not hold what they should make bleve panic or fault; both
// become ErrDamaged.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return f()
}

// Close closes the index. What CatchUp committed is durable already.
func (ix *Index) Close() error {
	var err error
	if ix.line != nil {
		err = ix.line.Close()
	}
	err = errors.Join(err, ix.bleve.Close())
	if ix.lock != nil {
		err = errors.Join(err, ix.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("close index: %w", err)
	}
	return nil
}

// Status describes an index.
type Status struct {
	Change     uint64 `json:"change"`     // the newest entry of the archive that the index holds
	Files      uint64 `json:"files"`      // likewise, of the text inside files
	Documents  uint64 `json:"documents"`  // one per version of a message, and per text inside a file
	Messages   uint64 `json:"messages"`   //
	Mapping    int    `json:"mapping"`    // version of the mapping it was built with
	Bytes      int64  `json:"bytes"`      // on disk
	Timeline   int64  `json:"timeline"`   // of these: what answers without words
	Generation string `json:"generation"` //
}

// Status measures the index.
func (ix *Index) Status(ctx context.Context) (Status, error) {
	s := Status{Mapping: ix.generation.mapping, Generation: ix.generation.String()}
	err := ix.read(func(r index.IndexReader, at state) (err error) {
		s.Change, s.Messages, s.Files = at.Change, at.Messages, at.Files
		s.Documents, err = r.DocCount()
		return err
	})
	if err == nil {
		s.Bytes, err = sizeOf(filepath.Join(ix.dir, s.Generation))
	}
	if err == nil {
		s.Timeline, err = sizeOf(filepath.Join(ix.dir, s.Generation, timelineFile))
		if errors.Is(err, fs.ErrNotExist) { // the next CatchUp makes it
			err = nil
		}
	}
	if err != nil {
		return s, fmt.Errorf("status of index: %w", err)
	}
	return s, nil
}

// read gives f one consistent view of the index and the state that belongs to it.
func (ix *Index) read(f func(index.IndexReader, state) error) (err error) {
	r, err := ix.inner.Reader()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var at state
	if err := guard(func() (err error) { at, err = readState(r); return err }); err != nil {
		return err
	}
	return f(r, at)
}

// channelIDs gives the ids of the channels that have a number as of the view r.
func (ix *Index) channelIDs(r index.IndexReader, at state) ([]string, error) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if len(ix.channels) < at.Channels {
		all, err := readChannels(r, ix.channels, at.Channels)
		if err != nil {
			return nil, err
		}
		ix.channels = all
	}
	return ix.channels[:at.Channels], nil
}

// check tells whether the index can belong to the archive.
func (at state) check(a *storage.Archive) error {
	switch {
	case at.Archive != "" && at.Archive != a.ID():
		return fmt.Errorf("%w: it belongs to another archive", ErrDamaged)
	case at.Change > a.Change():
		return fmt.Errorf("%w: it is ahead of the archive (change %d, the archive has %d)", ErrDamaged, at.Change, a.Change())
	}
	return nil
}
