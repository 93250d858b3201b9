package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory of reading. Frames are written with a window of a chunk.
const maxWindow = 8 << 20

// reader decompresses a blob and checks it at its end.
type reader struct {
	sum    string
	file   *os.File
	disk   watched
	frames *zstd.Decoder
	hash   hash.Hash
	err    error // how it ended
}

func newReader(f *os.File, sum string) (*reader, error) {
	r := &reader{sum: sum, file: f, disk: watched{r: f}, hash: sha256.New()}
	var err error
	r.frames, err = zstd.NewReader(&r.disk, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
	return r, err
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.frames.Read(p)
	r.hash.Write(p[:n])
	r.err = r.verdict(err)
	return n, r.err
}

// verdict tells damage from a disk that can't be read.
func (r *reader) verdict(err error) error {
	switch {
	case err == nil:
		return nil
	case r.disk.err != nil:
		return named(r.sum, r.disk.err)
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %s: %w", ErrDamaged, r.sum, err)
	}
	if got := hex.EncodeToString(r.hash.Sum(nil)); got != r.sum {
		return fmt.Errorf("%w: %s: content has the SHA-256 %s", ErrDamaged, r.sum, got)
	}
	return io.EOF
}

// Close may be called at any time and more than once.
func (r *reader) Close() error {
	r.frames.Close()
	if r.err == nil || r.err == io.EOF {
		r.err = os.ErrClosed
	}
	if err := r.file.Close(); !errors.Is(err, os.ErrClosed) {
		return named(r.sum, err)
	}
	return nil
}

// watched remembers an error of the disk.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
