//go:build !windows

package storage

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"archiver/internal/disktest"
)

// TestPowerCutLosesNothing cuts the power of the disk under a worker at random instants.
func TestPowerCutLosesNothing(t *testing.T) {
	if failures, compacting := cutPower(t, rounds(1, 5, 60)); len(failures) > 0 {
		t.Errorf("%v", failures)
	} else {
		t.Logf("%d cuts came in the midst of compacting", compacting)
	}
}

// TestPowerCutWithoutSync is the control: with a database that is not synced, some cuts must do harm.
func TestPowerCutWithoutSync(t *testing.T) {
	if !campaign() {
		t.Skip("a control for the campaign")
	}
	const cuts = 20
	failures, _ := cutPower(t, cuts, noSyncEnv+"=1")
	t.Logf("%d of %d cuts did harm, the first: %.300v", len(failures), cuts, failures[:min(1, len(failures))])
	if len(failures) == 0 {
		t.Error("cutting the power proves nothing here")
	}
}

// cutPower gives what was wrong after power cuts. The archive grows for some rounds; after harm it is a new one.
func cutPower(t *testing.T, cuts int, settings ...string) (failures []error, compacting int) {
	t.Helper()
	disk := disktest.Ext4(t, 96)
	random := rand.New(rand.NewPCG(10, 11))
	var known *acknowledged
	dir := ""
	for round := range cuts {
		if round%8 == 0 || known == nil {
			disk.Clear()
			dir, known = filepath.Join(disk.Dir, "archive"), &acknowledged{}
		}
		cmd := startWorker(t, dir, endless, settings...)
		after := time.Duration(random.IntN(400)) * time.Millisecond
		_, err := known.follow(t, cmd, func() {
			time.Sleep(after)
			if exists(filepath.Join(dir, compactName)) {
				compacting++
			}
			disk.Cut()
			_ = cmd.Process.Kill()
		})
		if err == nil {
			t.Fatal("the worker came to an end")
		}
		disk.Restart()
		if err := known.check(t.Context(), dir); err != nil {
			failures, known = append(failures, err), nil
			continue
		}
		goOn(t, dir, known.pages+1, known)
	}
	return failures, compacting
}
