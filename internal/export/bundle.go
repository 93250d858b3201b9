package export

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"archiver/internal/bag"

	"github.com/gofrs/flock"
)

// bundle is the directory being written, under its temporary name.
type bundle struct {
	target  string // where it is to appear
	dir     string // where it is built; "" once published
	lock    *flock.Flock
	written []bag.File
	open    map[*output]bool
	folders map[string]bool // that are there
	buffers []*bufio.Writer // of files that are closed
	hashes  []*bag.Hash     // likewise
}

// What is added to the name of a bundle while it is built: a number in place of *, and for the file that its process
// holds a lock on all the while, an ending. The file is there whenever the directory is.
const (
	partial    = ".partial-*"
	lockEnding = ".lock"
)

func newBundle(target string) (*bundle, error) {
	target = filepath.Clean(target)
	b := &bundle{target: target, open: map[*output]bool{}, folders: map[string]bool{}}
	if err := errors.Join(removeAbandoned(target), b.begin()); err != nil {
		return nil, fmt.Errorf("export to %s: %w", target, err)
	}
	return b, nil
}

// begin makes the directory.
func (b *bundle) begin() error {
	if err := mustNotExist(b.target); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(b.target), filepath.Base(b.target)+partial+lockEnding)
	if err != nil {
		return err
	}
	b.lock = flock.New(file.Name())
	mine, err := b.lock.TryLock()
	if err = errors.Join(err, file.Close()); err == nil && !mine {
		err = errors.New("another process took its lock")
	}
	dir := strings.TrimSuffix(file.Name(), lockEnding)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil {
		return errors.Join(err, b.unlock())
	}
	b.dir = dir
	return nil
}

// unlock lets go of the lock and removes its file.
func (b *bundle) unlock() error { return errors.Join(b.lock.Close(), os.Remove(b.lock.Path())) }

// removeAbandoned removes what processes left that were killed while they built a bundle with the same target.
func removeAbandoned(target string) error {
	found, err := filepath.Glob(globQuoted(target) + partial + lockEnding)
	if err != nil {
		return err
	}
	for _, path := range found {
		lock := flock.New(path)
		if mine, err := lock.TryLock(); err != nil || !mine {
			continue // it is being built
		}
		if err := errors.Join(os.RemoveAll(strings.TrimSuffix(path, lockEnding)), lock.Close(), os.Remove(path)); err != nil {
			return err
		}
	}
	return nil
}

// globQuoted takes the meaning from what has one in a pattern.
func globQuoted(path string) string {
	if runtime.GOOS == "windows" { // has no quoting
		return path
	}
	return strings.NewReplacer("\\", "\\\\", "*", "\\*", "?", "\\?", "[", "\\[").Replace(path)
}

func mustNotExist(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return ErrExists
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return err
	}
}

// create opens a new file of the bundle. Its folders are made.
func (b *bundle) create(path string) (*output, error) {
	if err := bag.CheckPath(path); err != nil {
		return nil, err
	}
	full := filepath.Join(b.dir, filepath.FromSlash(path))
	if folder := filepath.Dir(full); !b.folders[folder] {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		b.folders[folder] = true
	}
	file, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	o := &output{bundle: b, path: path, file: file, sum: taken(&b.hashes, bag.NewHash)}
	o.sum.Reset()
	o.Writer = taken(&b.buffers, func() *bufio.Writer { return bufio.NewWriterSize(nil, 128<<10) })
	o.Writer.Reset(io.MultiWriter(file, o.sum))
	b.open[o] = true
	return o, nil
}

// taken gives one of those that are no longer used, else a new one.
func taken[T any](free *[]T, make func() T) T {
	last := len(*free) - 1
	if last < 0 {
		return make()
	}
	v := (*free)[last]
	*free = (*free)[:last]
	return v
}

// put writes a whole file.
func (b *bundle) put(path string, content []byte) error {
	out, err := b.create(path)
	if err != nil {
		return err
	}
	if _, err := out.Write(content); err != nil {
		return errors.Join(err, out.abandon())
	}
	_, _, err = out.close()
	return err
}

// discard removes a bundle that was not published.
func (b *bundle) discard() {
	for o := range b.open {
		o.file.Close()
	}
	if b.dir == "" {
		return
	}
	os.RemoveAll(b.dir)
	_ = b.unlock() // what is left of it the next export removes
}

// publish makes the bundle durable and gives it its name.
func (b *bundle) publish() error {
	if err := syncTree(b.dir); err != nil {
		return err
	}
	if err := mustNotExist(b.target); err != nil {
		return err
	}
	if err := os.Rename(b.dir, b.target); err != nil {
		return err
	}
	b.dir = ""
	return errors.Join(syncPath(filepath.Dir(b.target)), b.unlock())
}

// syncTree fsyncs every file and folder below dir.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncPath(path)
	})
}

func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if runtime.GOOS == "windows" { // needs a writable handle for a file and has no fsync of a folder
		return nil
	}
	return file.Sync()
}

// output is one file of a bundle while it is written.
type output struct {
	*bufio.Writer
	bundle *bundle
	path   string
	file   *os.File
	sum    *bag.Hash
}

// close completes the file and enters it in the manifests. It gives the file's SHA-256 (hex) and length.
func (o *output) close() (sum string, n int64, err error) {
	err = o.Flush()
	f := o.sum.File(o.path)
	err = errors.Join(err, o.file.Close())
	o.release()
	if err != nil {
		return "", 0, err
	}
	o.bundle.written = append(o.bundle.written, f)
	return hex.EncodeToString(f.SHA256[:]), f.Bytes, nil
}

// release lets the next file use what this one was written with.
func (o *output) release() {
	delete(o.bundle.open, o)
	o.bundle.buffers, o.bundle.hashes = append(o.bundle.buffers, o.Writer), append(o.bundle.hashes, o.sum)
	o.Writer, o.sum = nil, nil
}

// abandon removes the file.
func (o *output) abandon() error {
	delete(o.bundle.open, o)
	return errors.Join(o.file.Close(), os.Remove(o.file.Name()))
}
