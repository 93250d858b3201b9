//go:build !windows

package storage

import (
	"errors"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"archiver/internal/disktest"
)

// TestFullDiskStopsCleanly fills disks of different sizes. What was acknowledged is there, and when there is room the
// work goes on.
func TestFullDiskStopsCleanly(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a disk many times")
	}
	const pages = 60
	roomy := disktest.Tmpfs(t, 64<<10)
	whole := filepath.Join(roomy.Dir, "archive")
	w := &worker{dir: whole, pages: pages, ack: func(string, string) {}}
	if err := w.work(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := dumpWork(t, whole)
	moments := rounds(1, 4, 50)
	for n := range moments {
		kib := 64 + n*(roomy.Used()-64)/moments // sizes of tmpfs are whole pages
		disk := disktest.Tmpfs(t, kib)
		dir := filepath.Join(disk.Dir, "archive")
		known := &acknowledged{}
		w := &worker{dir: dir, pages: pages, loose: n%4 != 3, ack: known.add}
		err := w.work(t.Context())
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%d KiB: %v", kib, err)
		}
		if err := known.check(t.Context(), dir); err != nil {
			t.Fatalf("%d KiB: %v", kib, err)
		}
		t.Logf("%d KiB hold %d of %d pages: %v", kib, known.pages, pages, err)
		disk.Resize(64 << 10)
		goOn(t, dir, pages, known)
		if !slices.Equal(dumpWork(t, dir), want) {
			t.Errorf("%d KiB: the archive holds something else than after unbroken work", kib)
		}
		wantNoLeftovers(t, dir)
	}
}
