package export

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"

	"archiver/internal/record"
)

type digest [32]byte

// contents copies attachments into the bundle, each content once however many files have it. Without a bundle it only
// counts.
type contents struct {
	ctx        context.Context
	bundle     *bundle
	blob       func(sha256 string) (io.ReadCloser, error)
	paths      map[digest]string // path in the bundle; "" for a content that could not be copied
	count      int64
	bytes      int64
	exceptions []Note

	checksums   *csvFile
	short, weak hash.Hash // MD5, SHA-1
}

func newContents(ctx context.Context, src Source, b *bundle) (*contents, error) {
	c := &contents{ctx: ctx, blob: src.Blob, bundle: b, paths: map[digest]string{}, short: md5.New(), weak: sha1.New()}
	return c, newCSVFile(&c.checksums, b, "reports/checksums", "path", "bytes", "md5", "sha1", "sha256", "sha512")
}

func (c *contents) channel(*record.Channel) error { return nil }
func (c *contents) user(*record.User) error       { return nil }

func (c *contents) close() error {
	if c.checksums == nil {
		return nil
	}
	return c.checksums.close()
}

// message copies a message's file before the formats are given the message, so that they can tell where it lies.
func (c *contents) message(item Item) error {
	if item.File == nil {
		return nil
	}
	return c.file(item.File)
}

func (c *contents) file(f *record.File) error {
	for _, r := range f.Versions {
		key, err := parseDigest(r.SHA256)
		if err != nil {
			return err
		}
		if _, seen := c.paths[key]; seen {
			continue
		}
		if err := c.add(f, r, key); err != nil {
			return err
		}
	}
	return nil
}

func parseDigest(sum string) (d digest, err error) {
	if n, err := hex.Decode(d[:], []byte(sum[:min(len(sum), 2*len(d))])); err != nil || n != len(d) {
		return d, fmt.Errorf("content %q: not a SHA-256", sum)
	}
	return d, nil
}

func (c *contents) add(f *record.File, r record.Revision, key digest) error {
	if c.bundle == nil {
		c.paths[key] = ""
		c.count, c.bytes = c.count+1, c.bytes+r.Size
		return nil
	}
	path := contentPath(r.SHA256, f.Name)
	n, err := c.copy(path, r.SHA256)
	var missing *missingError
	if errors.As(err, &missing) {
		c.paths[key] = ""
		c.exceptions = append(c.exceptions, Note{f.Channel + "/" + f.ID, missing.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	c.paths[key] = path
	c.count, c.bytes = c.count+1, c.bytes+n
	return c.ctx.Err()
}

// missingError means that the archive does not give a content that it should have. The export goes on without it.
type missingError struct {
	sum string
	err error
}

func (e *missingError) Error() string {
	return fmt.Sprintf("content %s not exported: %v", e.sum, e.err)
}

func (c *contents) copy(path, sum string) (int64, error) {
	in, err := c.blob(sum)
	if err != nil {
		return 0, &missingError{sum, err}
	}
	defer in.Close()
	out, err := c.bundle.create(path)
	if err != nil {
		return 0, err
	}
	c.short.Reset()
	c.weak.Reset()
	reader := &noting{Reader: in}
	if _, err := io.Copy(io.MultiWriter(out, c.short, c.weak), reader); err != nil {
		if reader.err != nil {
			err = &missingError{sum, reader.err}
		}
		return 0, errors.Join(err, out.abandon())
	}
	if err := out.Flush(); err != nil {
		return 0, errors.Join(err, out.abandon())
	}
	f := out.sum.File(path)
	if hex.EncodeToString(f.SHA256[:]) != sum {
		return 0, errors.Join(&missingError{sum, errors.New("its bytes have another SHA-256")}, out.abandon())
	}
	if _, _, err := out.close(); err != nil {
		return 0, err
	}
	return f.Bytes, c.checksums.row(path, strconv.FormatInt(f.Bytes, 10), hex.EncodeToString(c.short.Sum(nil)),
		hex.EncodeToString(c.weak.Sum(nil)), sum, hex.EncodeToString(f.SHA512[:]))
}

// noting keeps the error of a reader apart from those of the writer that it is copied to.
type noting struct {
	io.Reader
	err error
}

func (r *noting) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// path is where a content lies in the bundle, "" if it is not there.
func (c *contents) path(sum string) string {
	key, err := parseDigest(sum)
	if err != nil {
		return ""
	}
	return c.paths[key]
}

// maxExtension is the longest extension that is kept.
const maxExtension = 10

// contentPath gives the place of a content: by its digest, with the extension of the name so that it opens.
func contentPath(sum, name string) string {
	return "data/files/" + sum[:2] + "/" + sum[2:4] + "/" + sum + safeExtension(name)
}
