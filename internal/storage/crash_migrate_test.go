//go:build !windows

package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

const crashSteps = 3

// TestMigrationCrashesAtAnyPoint kills a migration of made-up steps between any two durable steps. The archive is of the
// format that its content has, and going on takes each step that is left, once.
func TestMigrationCrashesAtAnyPoint(t *testing.T) {
	points := migrateCrashing(t, emptyArchive(t), 0)
	if want := 2 * crashSteps; len(points) != want {
		t.Fatalf("%d crash points, want %d: %q", len(points), want, points)
	}
	for n, point := range points {
		dir := emptyArchive(t)
		migrateCrashing(t, dir, n+1)
		for _, steps := range []int{0, crashSteps} { // as the crash left it, then gone on with
			taken, err := migrateBySteps(dir, steps)
			if want := max(steps, (n+1)/2); err != nil || taken != want {
				t.Errorf("killed at point %d (%s): %d steps taken, want %d, %v", n+1, point, taken, want, err)
			}
		}
	}
}

// migrateCrashing migrates in a process that is killed at the n-th crash point, 0 for never.
func migrateCrashing(t *testing.T, dir string, n int) (points []string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "points")
	var known acknowledged
	cmd := startWorker(t, dir, 0, stepsEnv+"="+fmt.Sprint(crashSteps), crashEnv+"="+fmt.Sprint(n), logEnv+"="+log)
	if complaints, err := known.follow(t, cmd, nil); n > 0 && !wasKilled(err) || n == 0 && err != nil {
		t.Fatalf("killed at point %d: %v\n%s", n, err, complaints)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// migrateBySteps migrates by the first n of made-up steps, each of which leaves a mark, and tells how many were taken
// ever. That format and marks disagree, or that a step was taken twice, is an error.
func migrateBySteps(dir string, n int) (taken int, err error) {
	db, err := bolt.Open(filepath.Join(dir, databaseName), 0o600, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	steps := make([]migration, n)
	for i := range steps {
		steps[i] = func(tx *bolt.Tx) error { return markStep(tx, i) }
	}
	if err := (&Archive{db: db}).migrate(steps); err != nil {
		return 0, err
	}
	err = db.View(func(tx *bolt.Tx) error {
		format, err := formatOf(tx)
		for step := range 2 * crashSteps {
			if tx.Bucket([]byte(bucketJournal)).Get([]byte{byte(step)}) != nil {
				taken++
			}
		}
		if err == nil && int(format) != 1+taken {
			err = fmt.Errorf("format %d after %d steps", format, taken)
		}
		return err
	})
	return taken, err
}

func markStep(tx *bolt.Tx, step int) error {
	key, bk := []byte{byte(step)}, tx.Bucket([]byte(bucketJournal))
	if bk.Get(key) != nil {
		return fmt.Errorf("step %d is taken twice", step)
	}
	return bk.Put(key, seal(bucketJournal, key, nil))
}
