package filetext

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"archiver/internal/extract"
	"archiver/internal/index"

	"golang.org/x/sync/errgroup"
)

// Blobs gives the bytes of contents.
type Blobs interface {
	Get(sha256 string) (io.ReadCloser, error)
}

// Source reads contents that are not known yet. It is what an index that is written takes texts from.
type Source struct {
	Store   *Store
	Pool    *extract.Pool
	Blobs   Blobs
	MaxSize int64 // bytes of a content that is read
	Workers int   // contents read at once
	Retry   bool  // read again what could not be read
	Logger  *slog.Logger

	read    atomic.Int64
	retried sync.Map // by SHA-256
}

// Read is how many contents were read so far.
func (s *Source) Read() int64 { return s.read.Load() }

// Text implements index.Texts.
func (s *Source) Text(sha256 string) (string, error) { return s.Store.Text(sha256) }

// Text gives the text of a content, "" if it has none or was not read. With Prepare of a Source it is index.Texts.
func (s *Store) Text(sha256 string) (string, error) {
	r, _, err := s.Get(sha256, true)
	return r.Text, err
}

// Prepare implements index.Texts: it reads the contents that are not known yet and keeps what came of them.
func (s *Source) Prepare(ctx context.Context, contents []index.Content) error {
	wanted := map[string]index.Content{}
	for _, c := range contents {
		r, known, err := s.Store.Get(c.SHA256, false)
		if err != nil {
			return err
		}
		if _, done := s.retried.Load(c.SHA256); !known || s.Retry && r.Status == extract.Failed && !done {
			wanted[c.SHA256] = c
		}
	}
	results := make(map[string]extract.Result, len(wanted))
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(s.Workers, 1))
	for _, c := range wanted {
		g.Go(func() error {
			r, known, err := s.extract(gctx, c)
			if err != nil || !known {
				return err
			}
			s.read.Add(1)
			s.retried.Store(c.SHA256, true)
			mu.Lock()
			defer mu.Unlock()
			results[c.SHA256] = r
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.Store.put(ctx, results)
}

// extract reads a content. One whose bytes the archive cannot give is passed over: it comes up again when it is repaired.
func (s *Source) extract(ctx context.Context, c index.Content) (r extract.Result, known bool, err error) {
	if c.Size > s.MaxSize {
		return extract.Result{Status: extract.TooLarge, Reason: fmt.Sprintf("%d bytes, the limit is %d", c.Size, s.MaxSize)}, true, nil
	}
	data, err := s.bytes(c)
	if err != nil {
		s.Logger.Warn("file cannot be read for the search index", "file", c.Name, "error", err)
		return r, false, nil
	}
	r, err = s.Pool.Extract(ctx, c.Name, data)
	return r, err == nil, err
}

func (s *Source) bytes(c index.Content) ([]byte, error) {
	r, err := s.Blobs.Get(c.SHA256)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, c.Size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, r) // to the end, where it is checked
	return data, err
}
