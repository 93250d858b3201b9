package filetext

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"archiver/internal/extract"
	"archiver/internal/index"
)

// workerVariable makes the test program the worker of a pool.
const workerVariable = "ARCHIVER_FILETEXT_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) == "" {
		os.Exit(m.Run())
	}
	if err := extract.Serve(os.Stdin, os.Stdout); err != nil {
		os.Exit(1)
	}
}

// blobs are contents by SHA-256.
type blobs map[string][]byte

func (b blobs) put(name, data string) index.Content {
	sum := sha256.Sum256([]byte(data))
	b[hex.EncodeToString(sum[:])] = []byte(data)
	return index.Content{SHA256: hex.EncodeToString(sum[:]), Name: name, Size: int64(len(data))}
}

func (b blobs) Get(sha256 string) (io.ReadCloser, error) {
	data, ok := b[sha256]
	if !ok {
		return nil, errors.New("lost")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func newSource(t *testing.T, path string, b blobs) *Source {
	t.Helper()
	t.Setenv(workerVariable, "1")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(path, false, 0)
	if err != nil {
		t.Fatal(err)
	}
	pool := extract.NewPool(extract.PoolOptions{Command: []string{exe}, Limits: extract.DefaultLimits()})
	t.Cleanup(func() { pool.Close() })
	return &Source{Store: store, Pool: pool, Blobs: b, MaxSize: 100, Workers: 2, Logger: slog.New(slog.DiscardHandler)}
}

func TestContentsAreReadOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index", "text.db")
	b := blobs{}
	text, broken, lost := b.put("a.txt", "some text"), b.put("a.zip", "PK\x03\x04 cut off"), b.put("b.txt", "lost")
	large := b.put("c.txt", string(bytes.Repeat([]byte("word "), 100)))
	delete(b, lost.SHA256)
	all := []index.Content{text, broken, lost, large, text}

	s := newSource(t, path, b)
	if err := s.Prepare(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Text(text.SHA256); err != nil || got != "some text" {
		t.Errorf("%q, %v", got, err)
	}
	for c, want := range map[index.Content]extract.Status{text: extract.Extracted, broken: extract.Failed, lost: "", large: extract.TooLarge} {
		if r, known, err := s.Store.Get(c.SHA256, false); err != nil || known != (want != "") || r.Status != want {
			t.Errorf("%s: %+v, %t, %v", c.Name, r, known, err)
		}
	}
	if s.Read() != 3 {
		t.Errorf("%d read", s.Read())
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}

	// Another run reads only what was lost, and what had failed if it is told to.
	b[lost.SHA256] = []byte("lost")
	for want, retry := range []bool{true, true} {
		s = newSource(t, path, b)
		s.Retry = retry
		if err := errors.Join(s.Prepare(t.Context(), all), s.Prepare(t.Context(), all), s.Store.Close()); err != nil {
			t.Fatal(err)
		}
		if got := int(s.Read()); got != 2-want {
			t.Errorf("run %d read %d", want, got)
		}
	}
}

func TestStoresThatAreNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text.db")
	if _, err := Open(path, true, 0); !errors.Is(err, ErrNone) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("damage "), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, true, 0); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
	s, err := Open(path, false, 0) // made anew
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, true, 0); !errors.Is(err, ErrInUse) {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
