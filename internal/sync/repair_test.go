package sync

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"archiver/internal/storage"
)

// TestDamageCostsOnlyItself flips bits of an archive. What changes its content has to be found, what is not damaged has to
// be readable, and a full run after a repair has to make the archive what it was.
func TestDamageCostsOnlyItself(t *testing.T) {
	if testing.Short() {
		t.Skip("syncs an archive for each kind of damage")
	}
	p := newPatient(t)
	rounds := 2
	switch {
	case os.Getenv("ARCHIVER_CAMPAIGN") != "":
		rounds = 42
	case testing.Short():
		rounds = 1
	}
	for _, class := range p.classes() {
		t.Run(class.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, uint64(len(class.name))))
			counts := make(map[string]int)
			for range rounds {
				file, at := class.pick(random)
				bit := byte(1) << random.IntN(8)
				what := fmt.Sprintf("bit %#x of byte %v of %s", bit, at, file)
				counts[p.trial(t, what, func(dir string) {
					change(t, filepath.Join(dir, file), at, func(b []byte) { b[0] ^= bit })
				})]++
			}
			t.Log(counts)
		})
	}
}

// TestDamageOfManyBytesCostsOnlyItself is the same with more than a bit.
func TestDamageOfManyBytesCostsOnlyItself(t *testing.T) {
	if testing.Short() {
		t.Skip("syncs an archive dozens of times")
	}
	p := newPatient(t)
	rounds := 1
	if os.Getenv("ARCHIVER_CAMPAIGN") != "" {
		rounds = 10
	}
	for _, class := range p.classes() {
		if !strings.HasPrefix(class.name, "value ") {
			continue
		}
		t.Run(class.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(11, uint64(len(class.name))))
			counts := make(map[string]int)
			for range rounds {
				file, at := class.pick(random)
				counts[p.trial(t, fmt.Sprintf("byte %v of %s", at, file), func(dir string) {
					change(t, filepath.Join(dir, file), at, func(b []byte) { _, _ = rand.NewChaCha8([32]byte{1}).Read(b[:min(len(b), 3)]) })
				})]++
			}
			t.Log(counts)
		})
	}
}

// TestCutOffArchiveIsRefusedOrWhole truncates files of an archive.
func TestCutOffArchiveIsRefusedOrWhole(t *testing.T) {
	p := newPatient(t)
	rounds := 5
	if os.Getenv("ARCHIVER_CAMPAIGN") != "" {
		rounds = 50
	}
	random := rand.New(rand.NewPCG(5, 6))
	counts := make(map[string]int)
	for n := range rounds {
		file := "archive.db"
		if n%5 == 4 {
			file = p.blobs[random.IntN(len(p.blobs))]
		}
		size := random.Int64N(int64(len(p.files[file])))
		if file == "archive.db" { // which is longer than what it holds
			size = random.Int64N(4096 * p.pages[len(p.pages)-1])
		}
		counts[p.trial(t, fmt.Sprintf("%s cut to %d", file, size), func(dir string) {
			if err := os.Truncate(filepath.Join(dir, file), size); err != nil {
				t.Fatal(err)
			}
		})]++
	}
	t.Log(counts)
}

// TestRunRepairsTheChannelsInWhichItMeetsDamage damages what runs come across. The first run repairs, and the one after it
// reads what was lost.
func TestRunRepairsTheChannelsInWhichItMeetsDamage(t *testing.T) {
	p := newPatient(t)
	for _, name := range []string{"coverage", "threads", "debts", "missing", "totals", "tails", "dir", "blocks"} {
		t.Run(name, func(t *testing.T) {
			for n, spot := range p.values[name] {
				if n == 4 {
					break
				}
				dir := p.copy(t)
				change(t, filepath.Join(dir, "archive.db"), spot.at, func(b []byte) { b[spot.key+1] ^= 4 })
				a, err := storage.Open(t.Context(), dir, storage.Options{})
				fail(t, err)
				p.runs(t, a, fmt.Sprint(name, " ", n))
				fail(t, a.Close())
			}
		})
	}
}

// runs makes two runs. They need not come across the damage; where the first one does, the second is complete.
func (p *patient) runs(t *testing.T, a *storage.Archive, what string) {
	t.Helper()
	r := *p.rig
	r.t, r.archive = t, a
	res, err := r.try(t.Context(), Options{})
	if errors.Is(err, storage.ErrDamaged) {
		t.Logf("%s: %v", what, err) // of no channel
		return
	}
	fail(t, err)
	if res.Outcome == Complete {
		t.Logf("%s: not met", what)
		return
	}
	if again := r.run(Options{}); again.Outcome != Complete {
		t.Errorf("%s: %+v, then %+v", what, res, again)
	}
	if got := r.dump(); got != p.want {
		t.Errorf("%s: %+v: another archive\n%s", what, res, firstDifference(p.want, got))
	}
	report, err := a.Verify(t.Context(), storage.VerifyOptions{Data: true})
	fail(t, err)
	if len(report.Damage) > 0 {
		t.Errorf("%s: %+v: %+v", what, res, report.Damage)
	}
}

// trial damages a copy of the archive, and tells what came of it.
func (p *patient) trial(t *testing.T, what string, harm func(dir string)) string {
	t.Helper()
	dir := p.copy(t)
	harm(dir)
	found, whole := p.look(t, dir, what)
	if !found && !whole {
		t.Errorf("%s changes the content and nothing tells", what)
	}
	a, err := storage.Open(t.Context(), dir, storage.Options{})
	if errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrNewer) {
		return "refused"
	}
	if err != nil {
		t.Fatalf("%s: open: %v", what, err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Errorf("%s: close: %v", what, err)
		}
	}()
	return p.cure(t, a, what)
}

// look reads a damaged archive. It tells whether damage is found, and whether all can be read as it was.
func (p *patient) look(t *testing.T, dir, what string) (found, whole bool) {
	t.Helper()
	a, err := storage.Open(t.Context(), dir, storage.Options{ReadOnly: true})
	if err != nil {
		if !errors.Is(err, storage.ErrDamaged) && !errors.Is(err, storage.ErrNewer) {
			t.Errorf("%s: open for reading: %v", what, err)
		}
		return true, false
	}
	defer a.Close()
	lines, err := p.readable(a)
	for _, line := range lines {
		if !p.lines[line] {
			t.Errorf("%s: reads %s", what, line)
		}
	}
	report, verr := a.Verify(t.Context(), storage.VerifyOptions{Data: true})
	fail(t, verr)
	return len(report.Damage) > 0, err == nil && len(lines) == len(p.lines)
}

// readable gives the messages that can be read, channel by channel and message by message where the channel as a whole
// cannot, with the other lines of the dump.
func (p *patient) readable(a *storage.Archive) (lines []string, failed error) {
	ctx := context.Background()
	add := func(line []byte, err error) {
		failed = errors.Join(failed, err)
		lines = append(lines, string(line)+"\n")
	}
	var channels []string
	for c, err := range a.Channels(ctx, 0) {
		if failed = errors.Join(failed, err); err == nil {
			channels = append(channels, c.ID)
			add(c.Dump())
		}
	}
	for u, err := range a.Users(ctx, 0) {
		if failed = errors.Join(failed, err); err == nil {
			add(u.Dump())
		}
	}
	for _, id := range channels {
		for m, err := range a.Messages(ctx, id, storage.Range{}) {
			if failed = errors.Join(failed, err); err == nil {
				add(m.Dump(true))
			}
		}
		for f, err := range a.Files(ctx, id, 0) {
			if failed = errors.Join(failed, err); err == nil {
				add(f.Dump(true))
			}
		}
		for e, err := range a.Events(ctx, id, 0) {
			if failed = errors.Join(failed, err); err == nil {
				add(e.Dump(true))
			}
		}
	}
	for c, err := range a.Conferences(ctx, 0) {
		if failed = errors.Join(failed, err); err == nil {
			add(c.Dump(true))
		}
	}
	return lines, failed
}

// cure repairs an archive and makes a full run.
func (p *patient) cure(t *testing.T, a *storage.Archive, what string) string {
	t.Helper()
	if public, err := a.PublicKey(t.Context()); err == nil && public == "" {
		fail(t, a.SetPublicKey(t.Context(), p.public))
	}
	repaired, err := a.Repair(t.Context(), storage.RepairOptions{})
	if err != nil {
		t.Fatalf("%s: repair: %.300s", what, err)
	}
	if len(repaired.Left) > 0 {
		for _, d := range repaired.Left {
			if !strings.Contains(d.Repair, "backup") {
				t.Errorf("%s: %.300s", what, fmt.Sprint(d))
			}
		}
		if !strings.HasPrefix(repaired.Left[0].Where, "commits") {
			t.Logf("%s: beyond repair: %.300s", what, fmt.Sprint(repaired.Left))
		}
		return "beyond repair"
	}
	if lines, err := p.readable(a); err != nil || len(lines)+repaired.Entries < len(p.lines) {
		t.Errorf("%s: %d of %d lines, lost %d, error %v", what, len(lines), len(p.lines), repaired.Entries, err)
	}
	r := *p.rig
	r.t, r.archive = t, a
	if res := r.run(p.full); res.Outcome != Complete {
		t.Errorf("%s: %+v", what, res)
	}
	if got := r.dump(); got != p.want {
		t.Errorf("%s: another archive: repaired %.300s\n%s", what, fmt.Sprint(*repaired), firstDifference(p.want, got))
	}
	report, err := a.Verify(t.Context(), storage.VerifyOptions{Data: true})
	fail(t, err)
	if len(report.Damage) > 0 {
		t.Errorf("%s: repaired %.300s, and then: %.300s", what, fmt.Sprint(*repaired), fmt.Sprint(report.Damage))
	}
	switch {
	case repaired.Nothing():
		return "sound"
	case repaired.Entries > 0:
		return "fetched again"
	}
	return "repaired"
}

// firstDifference tells where two dumps part.
func firstDifference(want, got string) string {
	x, y := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("-%s\n+%s", x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines, %d lines", len(x), len(y))
}
