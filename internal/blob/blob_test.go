package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/sync/errgroup"
)

func TestContentComesBack(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "archive", "blobs"))
	for _, size := range []int{0, 1, 1000, chunkSize - 1, chunkSize, chunkSize + 1, 5*chunkSize + 17} {
		for kind, content := range map[string][]byte{"random": random(size), "text": text(size)} {
			for name, r := range map[string]io.Reader{
				"whole":        bytes.NewReader(content),
				"in halves":    iotest.HalfReader(bytes.NewReader(content)),
				"data and EOF": iotest.DataErrReader(bytes.NewReader(content)),
			} {
				sum, n, err := s.Put(t.Context(), r, int64(size))
				if err != nil || n != int64(size) || sum != sumOf(content) {
					t.Fatalf("put %d bytes %s (%s): sum %s, length %d, error %v", size, kind, name, sum, n, err)
				}
			}
			if got := get(t, s, sumOf(content)); !bytes.Equal(got, content) {
				t.Fatalf("%d bytes %s came back as %d others", size, kind, len(got))
			}
			if plain, stored, err := s.Verify(t.Context(), sumOf(content)); err != nil || plain != int64(size) || stored == 0 {
				t.Fatalf("verify %d bytes %s: plain %d, stored %d, error %v", size, kind, plain, stored, err)
			}
		}
	}
	checkNoTemporary(t, s)
}

func TestFilesArePrivateAndReadByZstd(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "blobs"))
	content := append(text(2*chunkSize), random(chunkSize)...)
	sum := put(t, s, content)
	path := filepath.Join(s.dir, sum[:2], sum)
	for path, mode := range map[string]fs.FileMode{s.dir: 0o700, filepath.Dir(path): 0o700, path: 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode && runtime.GOOS != "windows" {
			t.Errorf("mode of %s is %o, want %o", path, info.Mode().Perm(), mode)
		}
	}
	zstd, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip(err)
	}
	for _, sum := range []string{sum, put(t, s, nil)} {
		f, err := os.Open(filepath.Join(s.dir, sum[:2], sum))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd := exec.Command(zstd, "-dc")
		cmd.Stdin = f
		out, err := cmd.Output()
		if err != nil || sumOf(out) != sum {
			t.Errorf("zstd -dc gives %d bytes with the SHA-256 %s, want %s; error %v", len(out), sumOf(out), sum, err)
		}
	}
}

func TestPuttingAgainChangesNothing(t *testing.T) {
	s := Open(t.TempDir())
	sum := put(t, s, text(1000))
	path := filepath.Join(s.dir, sum[:2], sum)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, Open(s.dir), text(1000))
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("the file was replaced; error %v", err)
	}
	checkNoTemporary(t, s)
}

func TestPuttingAgainMendsDamage(t *testing.T) {
	s := Open(t.TempDir())
	content := text(1000)
	sum := put(t, s, content)
	flip(t, filepath.Join(s.dir, sum[:2], sum), 20)
	put(t, s, content)
	if got := get(t, s, sum); !bytes.Equal(got, content) {
		t.Error("the content is still damaged")
	}
}

func TestSamePutsAtOnce(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "blobs"))
	content := random(chunkSize + 5)
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			_, _, err := s.Put(t.Context(), bytes.NewReader(content), 0)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, sumOf(content)); !bytes.Equal(got, content) {
		t.Error("other content came back")
	}
	checkNoTemporary(t, s)
}

func TestFailedPutLeavesNothing(t *testing.T) {
	broken := errors.New("connection reset")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	midway, cancelMidway := context.WithCancel(t.Context())
	for name, c := range map[string]struct {
		ctx     context.Context
		r       io.Reader
		limit   int64
		want    error
		source  bool
		message string
	}{
		"too large":         {t.Context(), bytes.NewReader(random(3 * chunkSize)), 3*chunkSize - 1, ErrTooLarge, false, "put blob: larger than the limit of 3145727 bytes"},
		"too large at once": {t.Context(), strings.NewReader("ab"), 1, ErrTooLarge, false, "put blob: larger than the limit of 1 bytes"},
		"source fails":      {t.Context(), io.MultiReader(bytes.NewReader(random(2*chunkSize)), iotest.ErrReader(broken)), 0, broken, true, "put blob: read source: connection reset"},
		"canceled before":   {canceled, strings.NewReader("a"), 0, context.Canceled, true, "put blob: read source: context canceled"},
		"canceled midway": {midway, io.MultiReader(bytes.NewReader(random(2*chunkSize)), readerFunc(func(p []byte) (int, error) {
			cancelMidway()
			return 1, nil
		})), 0, context.Canceled, true, "put blob: read source: context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Open(filepath.Join(t.TempDir(), "blobs"))
			_, _, err := s.Put(c.ctx, c.r, c.limit)
			if !errors.Is(err, c.want) || errors.Is(err, ErrSource) != c.source || err.Error() != c.message {
				t.Errorf("error %v, want %q", err, c.message)
			}
			checkNoTemporary(t, s)
			if sums := list(t, s); len(sums) > 0 {
				t.Errorf("stored: %v", sums)
			}
		})
	}
}

func TestErrorsOfTheDiskNameThePath(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := Open(filepath.Join(file, "blobs"))
	_, _, err := s.Put(t.Context(), strings.NewReader("a"), 0)
	var pathError *fs.PathError
	if !errors.As(err, &pathError) || errors.Is(err, ErrSource) || !strings.Contains(err.Error(), file) {
		t.Errorf("put below a file: %v", err)
	}
	s = Open(dir)
	sum := sumOf([]byte("a"))
	if err := os.WriteFile(filepath.Join(dir, sum[:2]), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err = s.Put(t.Context(), strings.NewReader("a"), 0); !errors.As(err, &pathError) || !strings.Contains(err.Error(), sum[:2]) {
		t.Errorf("put with a file in the place of the directory: %v", err)
	}
	checkNoTemporary(t, s)
}

func TestDamageIsFound(t *testing.T) {
	s := Open(t.TempDir())
	content := append(text(5000), random(500)...)
	sum := put(t, s, content)
	path := filepath.Join(s.dir, sum[:2], sum)
	original, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := map[string][]byte{"empty": {}, "other content": nil, "cut": original[:len(original)-1], "twice": append(bytes.Clone(original), original...),
		"text behind": append(bytes.Clone(original), "x"...), "no zstd": []byte("hello")}
	other := put(t, s, text(4999))
	if damaged["other content"], err = os.ReadFile(filepath.Join(s.dir, other[:2], other)); err != nil {
		t.Fatal(err)
	}
	for name, bytes := range damaged {
		if err := os.WriteFile(path, bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Verify(t.Context(), sum); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), sum) {
			t.Errorf("%s: error %v, want ErrDamaged with the sum", name, err)
		}
	}
	if err := os.WriteFile(path, original, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range original {
		flip(t, path, i)
		checkFlip(t, s, sum, content, i)
		flip(t, path, i)
	}
}

// checkFlip reads a blob with a flipped bit. What has no influence on the content need not be found.
func checkFlip(t *testing.T, s *Store, sum string, content []byte, i int) {
	t.Helper()
	r, err := s.Get(sum)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err == nil && !bytes.Equal(got, content) || err != nil && !errors.Is(err, ErrDamaged) {
		t.Errorf("flip in byte %d: error %v", i, err)
	}
}

func TestMissingBlobs(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "missing"))
	sum := sumOf(nil)
	if ok, err := s.Has(sum); ok || err != nil {
		t.Errorf("Has: %v, %v", ok, err)
	}
	if _, err := s.Get(sum); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), sum) {
		t.Errorf("Get: %v", err)
	}
	if _, _, err := s.Verify(t.Context(), sum); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Verify: %v", err)
	}
	if size, err := s.Size(); size != 0 || err != nil {
		t.Errorf("Size: %d, %v", size, err)
	}
	if err := s.RemoveTemporary(); err != nil {
		t.Errorf("RemoveTemporary: %v", err)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made the directory: %v", err)
	}
	put(t, s, nil)
	if ok, err := s.Has(sum); !ok || err != nil {
		t.Errorf("Has, after Put: %v, %v", ok, err)
	}
}

func TestOnlySumsAreNames(t *testing.T) {
	s := Open(t.TempDir())
	good := sumOf(nil)
	for _, name := range []string{"", "..", "../../etc/passwd", good[:63], good + "0", strings.ToUpper(good), "/" + good[1:], good[:62] + "/x", good[:2] + "/" + good[2:63], strings.Repeat("é", 32)} {
		if _, err := s.Get(name); !errors.Is(err, ErrBadName) {
			t.Errorf("Get(%q): %v, want ErrBadName", name, err)
		}
		if _, err := s.Has(name); !errors.Is(err, ErrBadName) {
			t.Errorf("Has(%q): %v, want ErrBadName", name, err)
		}
	}
}

func TestListing(t *testing.T) {
	s := Open(t.TempDir())
	var want []string
	var size int64
	for i := range 40 {
		sum := put(t, s, text(i))
		want = append(want, sum)
		_, stored, err := s.Verify(t.Context(), sum)
		if err != nil {
			t.Fatal(err)
		}
		size += stored
	}
	slices.Sort(want)
	for _, name := range []string{".tmp-123", "README", want[0][:2] + "/note", want[0][:2] + "/" + strings.Repeat("f", 64)} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(t, s); !slices.Equal(got, want) {
		t.Errorf("got %d blobs %v, want %d", len(got), got, len(want))
	}
	if got, err := s.Size(); got != size || err != nil {
		t.Errorf("size %d, error %v, want %d", got, err, size)
	}
	for range s.All() {
		break
	}
}

func TestLeftoversAreRemoved(t *testing.T) {
	s := Open(t.TempDir())
	sum := put(t, s, text(10))
	for _, name := range []string{".tmp-1", ".tmp-2"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), text(100), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RemoveTemporary(); err != nil {
		t.Fatal(err)
	}
	checkNoTemporary(t, s)
	if ok, err := s.Has(sum); !ok || err != nil {
		t.Errorf("the blob is gone; error %v", err)
	}
}

func TestFsyncsAreFewAndCounted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("directories are not synced")
	}
	s := Open(t.TempDir())
	put(t, s, text(10))
	if got := s.Fsyncs(); got != 4 { // the parent of the store, the file, the store, the directory of the blob
		t.Errorf("first put: %d fsyncs, want 4", got)
	}
	before := s.Fsyncs()
	put(t, s, text(10))
	if got := s.Fsyncs() - before; got != 2 { // the temporary file and the directory
		t.Errorf("same put again: %d fsyncs, want 2", got)
	}
}

func TestReaderAfterClose(t *testing.T) {
	s := Open(t.TempDir())
	r, err := s.Get(put(t, s, text(10)))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}

func BenchmarkPut(b *testing.B) {
	for name, content := range map[string][]byte{"random": random(4 << 20), "text": text(4 << 20), "small": text(5000)} {
		b.Run(name, func(b *testing.B) {
			s := Open(b.TempDir())
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				content[0], content[1], content[2] = byte(i), byte(i>>8), byte(i>>16)
				if _, _, err := s.Put(b.Context(), bytes.NewReader(content), 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	for name, content := range map[string][]byte{"random": random(4 << 20), "text": text(4 << 20), "small": text(5000)} {
		b.Run(name, func(b *testing.B) {
			s := Open(b.TempDir())
			sum := put(b, s, content)
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Verify(b.Context(), sum); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func text(n int) []byte {
	const line = "the minutes of the meeting were sent to all who had been there\n"
	return []byte(strings.Repeat(line, n/len(line)+1)[:n])
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func put(t testing.TB, s *Store, content []byte) string {
	t.Helper()
	sum, _, err := s.Put(t.Context(), bytes.NewReader(content), 0)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func get(t *testing.T, s *Store, sum string) []byte {
	t.Helper()
	r, err := s.Get(sum)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return content
}

func list(t *testing.T, s *Store) (sums []string) {
	t.Helper()
	for sum, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, sum)
	}
	return sums
}

func flip(t *testing.T, path string, i int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[i] ^= 1 << (i % 8)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func checkNoTemporary(t *testing.T, s *Store) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(s.dir, tempPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestBlobSetAsideIsStoredAgain(t *testing.T) {
	s := Open(t.TempDir())
	content := text(1000)
	sum := put(t, s, content)
	path := filepath.Join(s.dir, sum[:2], sum)
	flip(t, path, 20)
	for range 2 { // the second time nothing is there
		if err := s.SetAside(sum); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := s.Has(sum); ok || err != nil || len(list(t, s)) > 0 {
		t.Errorf("the blob is still there; error %v", err)
	}
	if err := s.RemoveTemporary(); err != nil {
		t.Fatal(err)
	}
	put(t, s, content)
	if got := get(t, s, sum); !bytes.Equal(got, content) {
		t.Error("other content came back")
	}
	if _, err := os.Stat(path + damagedSuffix); err != nil {
		t.Errorf("what was set aside is gone: %v", err)
	}
	if err := s.SetAside("../x"); !errors.Is(err, ErrBadName) {
		t.Errorf("SetAside of no sum: %v", err)
	}
}
