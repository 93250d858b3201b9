package doctor_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"archiver/internal/doctor"
	"archiver/internal/record"
	"archiver/internal/storage"
)

var now = time.Date(2024, 3, 9, 12, 0, 0, 0, time.UTC)

func examineArchive(t *testing.T, dir string, at time.Time) examined {
	t.Helper()
	found := examined{}
	o := doctor.ArchiveOptions{Dir: dir, AuditDays: 7, Now: func() time.Time { return at }}
	if err := doctor.Archive(t.Context(), o, func(f doctor.Finding) { found.add(t, f) }); err != nil {
		t.Fatal(err)
	}
	return found
}

// newArchive makes an archive and closes it after fill.
func newArchive(t *testing.T, fill func(*storage.Archive) error) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "archive")
	a, err := storage.Create(t.Context(), dir, storage.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if fill != nil {
		err = fill(a)
	}
	if err := errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run records a run that began and ended now.
func run(t *testing.T, a *storage.Archive, outcome string) {
	t.Helper()
	r, err := a.BeginRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if outcome == "" {
		return
	}
	r.Outcome, r.Finished = outcome, now
	if err := a.EndRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func TestEmptyArchive(t *testing.T) {
	found := examineArchive(t, newArchive(t, nil), now)
	found.expect(t, "archive", doctor.OK, "holds 0 changes")
	found.expect(t, "archived channels", doctor.OK, "0 messages; 0 present")
	found.expect(t, "last run", doctor.Warn, "none yet")
	found.expect(t, "debts", doctor.OK, "none")
	found.expect(t, "index", doctor.OK, "none yet")
	if _, there := found["disk"]; !there {
		t.Error("no word on the disk")
	}
}

func TestArchiveAtWork(t *testing.T) {
	dir := newArchive(t, func(a *storage.Archive) error {
		page := &storage.Page{
			Channel: "C1", Observed: now,
			Channels: []record.ChannelState{
				{ID: "C1", Name: "general", State: record.ChannelPresent},
				{ID: "C2", Name: "board", State: record.ChannelForbidden},
			},
			Messages: []record.Seen{{Key: "1709283601.000000", Raw: []byte(`{"ts":"1709283601.000000","text":"hello"}`)}},
			Proven:   []record.Interval{{To: "1709283601.000000"}},
			Audited:  []record.Interval{{To: "1709283601.000000"}},
			Owe: []storage.Debt{
				{Channel: "C1", Kind: storage.DebtThread, Key: "1709283601.000000", Since: now.Add(-72 * time.Hour)},
				{Channel: "C1", Kind: storage.DebtFile, Key: "65e1991100aa", Since: now},
			},
		}
		run(t, a, "complete")
		run(t, a, "incomplete")
		return errors.Join(a.Put(t.Context(), page), a.Flush(t.Context()))
	})
	found := examineArchive(t, dir, now.Add(2*time.Hour))
	found.expect(t, "archived channels", doctor.Warn, "1 message; 1 present, 1 forbidden")
	found.expect(t, "last run", doctor.OK, "2 hours ago, incomplete; the last complete one 2 hours ago")
	found.expect(t, "last reading", doctor.OK, "in the last 2 hours; longest ago those of general")
	found.expect(t, "debts", doctor.Warn, "still to be fetched: 1 thread, 1 file; the oldest for 3 days")
	found.expect(t, "index", doctor.Warn, "no search index")
	found = examineArchive(t, dir, now.Add(20*24*time.Hour))
	found.expect(t, "last run", doctor.Warn, "20 days ago")
	found.expect(t, "last reading", doctor.Warn, "in the last 20 days")
}

func TestRunsThatDidNotEnd(t *testing.T) {
	dir := newArchive(t, func(a *storage.Archive) error {
		run(t, a, "")
		return nil
	})
	examineArchive(t, dir, now).expect(t, "last run", doctor.Warn, "not ended: it is under way, or it was killed, which loses nothing; none was complete")
}

func TestArchivesThatDoNotOpen(t *testing.T) {
	write := func(t *testing.T, path string, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		spoil  func(t *testing.T, dir string)
		status doctor.Status
		detail string
		err    error
	}{
		"absent":              {func(t *testing.T, dir string) { os.RemoveAll(dir) }, doctor.Warn, "none yet", nil},
		"something else":      {func(t *testing.T, dir string) { os.Rename(dir+"/archive.db", dir+"/letter") }, doctor.Fail, "not empty", storage.ErrNoArchive},
		"damaged":             {func(t *testing.T, dir string) { write(t, dir+"/archive.db", make([]byte, 64<<10)) }, doctor.Fail, "damaged", storage.ErrDamaged},
		"without its anchor":  {func(t *testing.T, dir string) { os.Remove(dir + "/HEAD") }, doctor.Warn, "anchor outside the database is missing", nil},
		"with a broken one":   {func(t *testing.T, dir string) { write(t, dir+"/HEAD", []byte("?")) }, doctor.Warn, "anchor outside the database is unreadable", nil},
		"open to other users": {func(t *testing.T, dir string) { os.Chmod(dir, 0o755) }, doctor.Warn, "other users of this machine may read it", nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newArchive(t, nil)
			test.spoil(t, dir)
			found := examineArchive(t, dir, now)
			found.expect(t, "archive", test.status, test.detail)
			if err := found["archive"].Err; !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
		})
	}
}

func TestArchiveInUse(t *testing.T) {
	dir := newArchive(t, nil)
	a, err := storage.Open(t.Context(), dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	examineArchive(t, dir, now).expect(t, "archive", doctor.Warn, "in use by another process")
}
