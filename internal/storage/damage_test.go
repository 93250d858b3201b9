package storage

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"archiver/internal/record"
)

// outcome is what became of a damaged archive.
type outcome string

const (
	refused  outcome = "refused at opening"
	failed   outcome = "failed reading"
	reported outcome = "reported by verify, content whole"
	caught   outcome = "reported by verify, content changed"
	harmless outcome = "no change"
	silent   outcome = "SILENT"
)

// archiveOnDisk is an archive with all that it held before it was damaged.
type archiveOnDisk struct {
	dir      string
	channels []string
	content  []string
}

// examine opens a damaged archive for reading and tells what comes of it.
func examine(t *testing.T, dir string, channels []string, want []string) outcome {
	t.Helper()
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
			t.Errorf("open: %v", err)
		}
		return refused
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	got, err := tryDump(a, channels)
	if err != nil && !errors.Is(err, ErrDamaged) {
		t.Errorf("read: %v", err)
	}
	report, verr := a.Verify(t.Context(), VerifyOptions{Data: true})
	if verr != nil {
		t.Fatalf("verify: %v", verr)
	}
	found := len(report.Damage) > 0
	switch whole := err == nil && slices.Equal(got, want); {
	case err != nil && found:
		return failed
	case whole && found:
		return reported
	case whole:
		return harmless
	case found:
		return caught
	default:
		return silent
	}
}

// tryDump gives all that can be read, or the first error.
func tryDump(a *Archive, channels []string) (lines []string, err error) {
	defer func() {
		if stopped, ok := recover().(dumpStopped); ok {
			err = stopped.err
		}
	}()
	lines = dumpArchive(stopper{}, a, channels, 0)
	for after := uint64(0); ; {
		list, err := a.Changes(context.Background(), after, 500)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return lines, nil
		}
		for _, c := range list {
			lines = append(lines, string(c.Body))
		}
		after = list[len(list)-1].Change
	}
}

// stopper ends dumpArchive at the first error.
type stopper struct{}

type dumpStopped struct{ err error }

func (stopper) Helper() {}

func (stopper) Fatal(args ...any) { panic(dumpStopped{args[0].(error)}) }

func (stopper) Fatalf(string, ...any) { panic(dumpStopped{errors.ErrUnsupported}) }

func undamaged(t *testing.T, dir string, channels []string) []string {
	t.Helper()
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	lines, err := tryDump(a, channels)
	if err != nil {
		t.Fatal(err)
	}
	report, err := a.Verify(t.Context(), VerifyOptions{Data: true})
	if err != nil || len(report.Damage) > 0 {
		t.Fatalf("verify of an undamaged archive: %+v, %v", report, err)
	}
	return lines
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && e.Name() != lockName {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// flip changes one bit of a file.
func flip(t *testing.T, path string, at int64, bit int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << bit
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

func rounds(short, normal, long int) int {
	switch {
	case campaign():
		return long
	case testing.Short():
		return short
	}
	return normal
}

// flipBits flips single bits at random places among those given, one at a time, and counts what comes of them.
func flipBits(t *testing.T, archive archiveOnDisk, path string, places []int64, n int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(len(places))))
	counts := make(map[outcome]int)
	for range n {
		at, bit := places[random.IntN(len(places))], random.IntN(8)
		flip(t, path, at, bit)
		got := examine(t, archive.dir, archive.channels, archive.content)
		flip(t, path, at, bit)
		if counts[got]++; got == silent || got == harmless && !mayMeanNothing(t.Name()) {
			t.Errorf("bit %d of byte %d is flipped and nothing tells (%s)", bit, at, got)
		}
	}
	t.Logf("%s, %d bytes: %v", t.Name(), len(places), counts)
}

// mayMeanNothing tells of classes in which some bits have no meaning: bbolt's own, the JSON of HEAD, and of a blob the
// unused bit of its zstd frame header (RFC 8878, section 3.1.1.1.1.4).
func mayMeanNothing(class string) bool {
	return strings.HasSuffix(class, "pages") || strings.HasSuffix(class, "free_list") || strings.HasSuffix(class, headName) ||
		strings.Contains(class, "/blobs/")
}

// repairHeader has a damaged header repaired, so that an archive keeps the value that was taken out.
func repairHeader(t *testing.T, dir string) {
	t.Helper()
	harm(t, dir, blockOf(bucketDir, 18, 0))
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	done, err := a.Repair(t.Context(), RepairOptions{})
	if err := errors.Join(err, a.Close()); err != nil || done.Nothing() {
		t.Fatalf("repair: %+v, %v", done, err)
	}
}

func TestNoFlippedBitIsSilent(t *testing.T) {
	if testing.Short() {
		t.Skip("opens an archive hundreds of times")
	}
	dir, channels := fullArchive(t)
	repairHeader(t, dir)
	archive := archiveOnDisk{dir, channels, undamaged(t, dir, channels)}
	for _, path := range files(t, dir) {
		if filepath.Base(path) == databaseName {
			classes := databaseClasses(t, path)
			for _, b := range buckets {
				if len(classes["values of "+string(b)]) == 0 {
					t.Errorf("nothing in bucket %s", b)
				}
			}
			for class, places := range classes {
				t.Run(class, func(t *testing.T) { flipBits(t, archive, path, places, rounds(0, 10, 1000)) })
			}
			continue
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.ToSlash(name), func(t *testing.T) { flipBits(t, archive, path, everyByte(t, path), rounds(0, 10, 1000)) })
	}
}

func TestCutOffFilesAreRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("opens an archive dozens of times")
	}
	dir, channels := fullArchive(t)
	want := undamaged(t, dir, channels)
	path := filepath.Join(dir, databaseName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	sizes := []int{0, 1, 15, 4095, 4096, 4097, 8192, 12288, 16384}
	for range rounds(0, 40, 1000) {
		sizes = append(sizes, random.IntN(len(whole)))
	}
	for _, size := range sizes {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if got := examine(t, dir, channels, want); got != refused && got != harmless {
			t.Errorf("cut to %d of %d bytes: %s", size, len(whole), got)
		}
		if a, err := Open(t.Context(), dir, testOptions()); err == nil {
			if err := a.Close(); err != nil {
				t.Errorf("cut to %d: close: %v", size, err)
			}
		}
	}
}

func TestRolledBackDatabaseIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "archive")
	a, err := Create(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	put(t, a, Page{Channel: "c", Messages: messages(0, 10)})
	old, err := os.ReadFile(filepath.Join(dir, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	put(t, a, Page{Channel: "c", Messages: messages(10, 20)})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, databaseName), old, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		if _, err := Open(t.Context(), dir, Options{ReadOnly: readOnly}); !errors.Is(err, ErrDamaged) {
			t.Errorf("read only %v: %v, want ErrDamaged", readOnly, err)
		}
	}
}

func TestLostHeadIsReportedAndWrittenAnew(t *testing.T) {
	dir, channels := fullArchive(t)
	want := undamaged(t, dir, channels)
	if err := os.Remove(filepath.Join(dir, headName)); err != nil {
		t.Fatal(err)
	}
	if got := examine(t, dir, channels, want); got != reported {
		t.Errorf("without HEAD: %s", got)
	}
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	undamaged(t, dir, channels)
}

// damageBlock changes a byte of the sealed block with the smallest number.
func damageBlock(t *testing.T, dir string) {
	t.Helper()
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var stored []byte
	err = a.view(t.Context(), func(s *snapshot) error {
		_, value := s.bucket(bucketBlocks).Cursor().First()
		stored = slices.Clone(value)
		return nil
	})
	if err := errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, databaseName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(data, stored[0])
	for ; !slices.Equal(data[at:at+len(stored)], stored); at++ {
	}
	flip(t, path, int64(at+len(stored)/2), 0)
}

func TestDamagedBlockStopsItsChannelOnly(t *testing.T) {
	dir, _ := fullArchive(t)
	damageBlock(t, dir)
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	results := make(map[string]error)
	for _, c := range []string{"alpha", "beta", "gamma", "beta"} {
		p := &Page{Channel: c, Observed: testTime, Messages: []record.Seen{message(3, "edited again")}}
		p.Done = func(_ Counts, err error) { results[c] = err }
		if err := a.Put(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Flush(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("flush: %v, want ErrDamaged", err)
	}
	if results["alpha"] != nil || results["gamma"] != nil || !errors.Is(results["beta"], ErrDamaged) {
		t.Errorf("results: %v", results)
	}
	if _, err := a.Message(t.Context(), "gamma", ts(3)); err != nil {
		t.Errorf("message of another channel: %v", err)
	}
}
