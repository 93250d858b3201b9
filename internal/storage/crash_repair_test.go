//go:build !windows

package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestRepairCrashesAtAnyPoint kills a repair between any two durable steps. Another one comes to what an unbroken one
// comes to.
func TestRepairCrashesAtAnyPoint(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each step")
	}
	dir, channels := injuredArchive(t)
	points := repairCrashing(t, dir, 0)
	want := repaired(t, dir, channels)
	t.Logf("crash points: %s", strings.Join(points, ", "))
	for n := range points {
		dir, channels := injuredArchive(t)
		repairCrashing(t, dir, n+1)
		if err := repairOnce(t.Context(), dir); err != nil {
			t.Fatalf("killed at point %d (%s), then: %v", n+1, points[n], err)
		}
		if !slices.Equal(repaired(t, dir, channels), want) {
			t.Errorf("killed at point %d (%s): the archive holds something else than after an unbroken repair", n+1, points[n])
		}
	}
}

// injuredArchive has a damaged block and a damaged blob.
func injuredArchive(t *testing.T) (dir string, channels []string) {
	t.Helper()
	dir, channels = fullArchive(t)
	paths, err := filepath.Glob(filepath.Join(dir, "blobs", "??", "*"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	if err := os.Truncate(paths[0], 10); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, databaseName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		bk := tx.Bucket([]byte(bucketBlocks))
		key, value := bk.Cursor().First()
		value = slices.Clone(value)
		value[len(value)/2] ^= 1
		return bk.Put(slices.Clone(key), value)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, channels
}

// repairCrashing repairs in a process that is killed at the n-th crash point, 0 for never.
func repairCrashing(t *testing.T, dir string, n int) (points []string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "points")
	var known acknowledged
	cmd := startWorker(t, dir, 0, repairEnv+"=1", crashEnv+"="+fmt.Sprint(n), logEnv+"="+log)
	if complaints, err := known.follow(t, cmd, nil); n > 0 && !wasKilled(err) || n == 0 && err != nil {
		t.Fatalf("killed at point %d: %v\n%s", n, err, complaints)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// repaired checks that nothing is damaged any more, and gives what the archive holds.
func repaired(t *testing.T, dir string, channels []string) []string {
	t.Helper()
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	report, err := a.Verify(t.Context(), VerifyOptions{Data: true})
	if err != nil || len(report.Damage) > 0 {
		t.Fatalf("verify: %+v, %v", report, err)
	}
	dump, err := tryDump(a, channels)
	if err != nil {
		t.Fatal(err)
	}
	return dump
}
