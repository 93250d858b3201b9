package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
)

// SignedFile is the file of a bundle that covers all others, and that signatures and time stamps are of.
const SignedFile = "tagmanifest-sha512.txt"

// bundle is the directory being written, under its temporary name.
type bundle struct {
	target  string // where it is to appear
	dir     string // where it is built; "" once published
	written []writtenFile
	open    map[*output]bool
}

// writtenFile is a file of the bundle in its manifest.
type writtenFile struct {
	Path   string `json:"path"` // relative to the bundle, slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// safePath is what a path in a bundle may look like, so that every tool and file system agrees on it.
var safePath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)*$`)

func newBundle(target string) (*bundle, error) {
	target = filepath.Clean(target)
	if err := mustNotExist(target); err != nil {
		return nil, fmt.Errorf("export to %s: %w", target, err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(target), filepath.Base(target)+".partial-*")
	if err != nil {
		return nil, fmt.Errorf("export to %s: %w", target, err)
	}
	return &bundle{target: target, dir: dir, open: map[*output]bool{}}, nil
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
	if !safePath.MatchString(path) {
		return nil, fmt.Errorf("unsafe path %q in a bundle", path)
	}
	full := filepath.Join(b.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	o := &output{bundle: b, path: path, file: file, sum: sha256.New()}
	o.Writer = bufio.NewWriterSize(io.MultiWriter(file, o.sum), 128<<10)
	b.open[o] = true
	return o, nil
}

// discard removes a bundle that was not published.
func (b *bundle) discard() {
	for o := range b.open {
		o.file.Close()
	}
	if b.dir != "" {
		os.RemoveAll(b.dir)
	}
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
	return syncPath(filepath.Dir(b.target))
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
	sum    hash.Hash
}

// close completes the file and enters it in the manifest. It gives the file's SHA-256 (hex) and length.
func (o *output) close() (sum string, n int64, err error) {
	delete(o.bundle.open, o)
	err = o.Flush()
	if err == nil {
		n, err = o.file.Seek(0, io.SeekCurrent)
	}
	if err := errors.Join(err, o.file.Close()); err != nil {
		return "", 0, err
	}
	sum = hex.EncodeToString(o.sum.Sum(nil))
	o.bundle.written = append(o.bundle.written, writtenFile{o.path, n, sum})
	return sum, n, nil
}

// abandon removes the file.
func (o *output) abandon() error {
	delete(o.bundle.open, o)
	return errors.Join(o.file.Close(), os.Remove(o.file.Name()))
}
