package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"

	"archiver/internal/blob"
	"archiver/internal/merkle"

	"golang.org/x/sync/errgroup"
)

// VerifyOptions say how deep Verify looks.
type VerifyOptions struct {
	Data     bool                    // read, decompress and hash every block and blob
	Sample   float64                 // percent of blocks and blobs to read when Data is false; 0 is none
	Since    *merkle.Checkpoint      // compare the history with this state of the log, all entries read; nil is none
	Progress func(done, total int64) // bytes of blocks and blobs; called from several goroutines, one at a time
}

// Damage is one finding.
type Damage struct {
	Where  string `json:"where"`
	What   string `json:"what"`
	Repair string `json:"repair"`
}

// Report is the outcome of Verify.
type Report struct {
	Checked map[string]int64 `json:"checked"` // by kind of thing
	Damage  []Damage         `json:"damage"`
}

// What repairs a finding.
const (
	repairDatabase = "archiver sync --full sets it aside and fetches again what the server still has; else restore archive.db from a backup"
	repairBackup   = "restore archive.db from a backup"
	repairHistory  = "restore archive.db from a backup that agrees with the checkpoints; find out who could write to it"
	repairBlob     = "archiver sync --full fetches it again if the server still has it; else restore the file from a backup of the directory blobs"
	repairSelf     = "nothing to do: the next sync writes it anew"
)

// Verify checks the archive as it is when Verify begins: HEAD, the pages of archive.db, the checksum of every value,
// that everything that belongs together is there, and that every blob that is referred to is there. With Data it also
// decodes every block and hashes every blob. Damage is reported, not returned as an error. A writer can work
// meanwhile only while blocks and blobs are read.
func (a *Archive) Verify(ctx context.Context, o VerifyOptions) (*Report, error) {
	v := &verifier{a: a, o: o}
	if err := v.run(ctx); err != nil {
		return nil, fmt.Errorf("verify archive %s: %w", a.dir, err)
	}
	slices.SortFunc(v.report.Damage, compareDamage)
	return v.report, nil
}

// verifier runs one Verify.
type verifier struct {
	a      *Archive
	o      VerifyOptions
	change uint64     // the newest one when the verification began
	blocks []dirEntry // all sealed blocks

	mu      sync.Mutex // guards what follows
	report  *Report
	shas    map[string]int64 // lengths of the revisions of files, by SHA-256
	tallies map[uint32]*tally
	holed   map[uint32]bool // channels that lost entries of messages
	done    int64
	total   int64
}

// reset forgets what was found.
func (v *verifier) reset() {
	v.report = &Report{Checked: make(map[string]int64), Damage: []Damage{}}
	v.shas, v.tallies, v.holed = make(map[string]int64), make(map[uint32]*tally), make(map[uint32]bool)
	v.blocks = nil
}

func (v *verifier) run(ctx context.Context) error {
	v.reset()
	sound := false
	structure := func(s *snapshot) error {
		v.reset()
		v.change = s.change
		sound = v.structure(ctx, s)
		return ctx.Err()
	}
	var err error
	if v.a.writer != nil {
		err = v.a.keep(ctx, func(b *batch) error { return structure(b.snapshot) })
	} else {
		err = v.a.view(ctx, structure)
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	v.damage(databaseName, err)
	if err := v.readEntries(ctx); err != nil {
		return err
	}
	if sound && v.readsAll() && len(v.report.Damage) == 0 {
		if err := v.compareTallies(ctx); err != nil {
			return err
		}
	}
	return v.readBlobs(ctx)
}

func (v *verifier) found(where, what, repair string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Damage = append(v.report.Damage, Damage{where, what, repair})
}

// damage notes a finding of the database, unless err is nil.
func (v *verifier) damage(where string, err error) bool {
	if err != nil {
		v.found(where, strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": "), repairDatabase)
	}
	return err != nil
}

// damageOnce notes a finding unless something was found there before.
func (v *verifier) damageOnce(where string, err error) {
	v.mu.Lock()
	known := slices.ContainsFunc(v.report.Damage, func(d Damage) bool { return d.Where == where })
	v.mu.Unlock()
	if !known {
		v.damage(where, err)
	}
}

func (v *verifier) checked(kind string, n int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Checked[kind] += n
}

// chosen tells whether a block or blob is to be read.
func (v *verifier) chosen() bool {
	return v.o.Data || v.o.Sample > 0 && rand.Float64()*100 < v.o.Sample
}

func (v *verifier) progress(n int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.done += n
	if v.o.Progress != nil {
		v.o.Progress(v.done, v.total)
	}
}

// readsAll tells whether every entry is to be read.
func (v *verifier) readsAll() bool { return v.o.Data || v.o.Since != nil }

// readEntries reads all entries, or some blocks.
func (v *verifier) readEntries(ctx context.Context) error {
	if !v.readsAll() {
		return v.readBlocks(ctx)
	}
	for _, e := range v.blocks {
		v.total += int64(e.payload)
	}
	return v.readHistory(ctx)
}

// readBlocks decodes a sample of the sealed blocks, and always those with files, which say what blobs there must be.
// A block never changes, so the archive is not held between them.
func (v *verifier) readBlocks(ctx context.Context) error {
	var jobs []dirEntry
	for _, e := range v.blocks {
		if e.stream.class() == ClassFile || v.chosen() {
			jobs = append(jobs, e)
			v.total += int64(e.payload)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, e := range jobs {
		g.Go(func() error {
			err := v.a.view(ctx, func(s *snapshot) error { return v.readBlock(s, e) })
			if err != nil && !errors.Is(err, ErrDamaged) {
				return err
			}
			v.damage(place(bucketBlocks, uint64Key(e.number)), err)
			v.checked("blocks decoded", 1)
			v.progress(int64(e.payload))
			return nil
		})
	}
	return g.Wait()
}

// readBlock decodes a block past the cache and adds up its entries.
func (v *verifier) readBlock(s *snapshot, e dirEntry) error {
	b, err := s.decode(e)
	if err != nil {
		return err
	}
	v.tally(b.stream, b.entries)
	return nil
}

// readTail decodes a tail. Where all entries are read, it is added up with them.
func (v *verifier) readTail(s *snapshot, e dirEntry) error {
	if !v.readsAll() {
		return v.readBlock(s, e)
	}
	_, err := s.decode(e)
	return err
}

// readBlobs checks that the blobs that files refer to are there, and reads them all or a sample.
func (v *verifier) readBlobs(ctx context.Context) error {
	var jobs []string
	for sum := range v.shas {
		ok, err := v.a.blobs.Has(sum)
		if err == nil && !ok && v.isLost(ctx, sum) {
			v.checked("blobs lost", 1)
			continue
		}
		if err != nil || !ok {
			v.found("blobs/"+sum, fmt.Sprintf("is missing: %v", err), repairBlob)
		}
		v.checked("blobs referred to", 1)
	}
	for sum, err := range v.a.blobs.All() {
		if err != nil {
			return err
		}
		if v.chosen() {
			jobs = append(jobs, sum)
			v.total += v.shas[sum]
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, sum := range jobs {
		g.Go(func() error { return v.readBlob(ctx, sum) })
	}
	return g.Wait()
}

func (v *verifier) readBlob(ctx context.Context, sum string) error {
	length, _, err := v.a.blobs.Verify(ctx, sum)
	want, referred := v.shas[sum]
	switch {
	case errors.Is(err, blob.ErrDamaged), errors.Is(err, fs.ErrNotExist):
		v.found("blobs/"+sum, err.Error(), repairBlob)
	case err != nil:
		return err
	case referred && length != want:
		v.found("blobs/"+sum, fmt.Sprintf("has %d bytes, its file says %d", length, want), repairDatabase)
	}
	v.checked("blobs read", 1)
	v.progress(want)
	return nil
}
