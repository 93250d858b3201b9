package bundle

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"archiver/internal/export"
	"archiver/internal/merkle"
	"archiver/internal/record"

	"github.com/go-json-experiment/json"
)

// proofs checks the records against the checkpoint, and the lines of messages.ndjson against the records.
func (v *verifier) proofs(ctx context.Context) error {
	c := &chain{v: v}
	if v.has(export.CheckpointFile) || v.custody.Proofs != nil {
		c.open()
	} else {
		v.warn("nothing shows that the records were in the archive: it had no signed checkpoint")
	}
	if !v.has(export.RecordsFile) {
		v.find(export.RecordsFile, "is missing")
		return nil
	}
	err := c.read(ctx)
	var wrong *fileError
	if errors.As(err, &wrong) {
		v.find(wrong.file, "%v", wrong.err)
		return nil
	}
	if err != nil {
		return err
	}
	return c.close()
}

// fileError is something that keeps from reading a file of the bundle to its end.
type fileError struct {
	file string
	err  error
}

func (e *fileError) Error() string { return e.file + ": " + e.err.Error() }

// chain leads from records to the checkpoint.
type chain struct {
	v          *verifier
	checkpoint *merkle.Checkpoint // nil when nothing can be proven
	inclusion  merkle.Inclusion
	batches    []*batch
	commits    []merkle.Hash // commitments of the records that are proven, batch by batch
	seen       []bool        // likewise
	unproven   int64         // records that no batch has
	records    *records
	want       []byte // the line that follows from records
	wrong      int    // messages that were found to differ
	done       int64  // bytes of lines that were compared
}

// batch is a commit with its place among the commitments.
type batch struct {
	merkle.Batch
	offset int
	made   *merkle.Committer // of a commit that is proven whole
}

// open reads checkpoint and proofs.
func (c *chain) open() {
	v := c.v
	key, ok := v.read(export.KeyFile)
	signed, there := v.read(export.CheckpointFile)
	if !ok || !there {
		return
	}
	public := strings.TrimSuffix(string(key), "\n")
	if v.key != "" && v.key != public || v.o.Key != "" && !isKey(v.o.Key, public) {
		v.find(export.KeyFile, "is another key than that of the signature")
		return
	}
	v.key = public
	checkpoint, err := merkle.ParseCheckpoint(signed, public)
	if err != nil {
		v.find(export.CheckpointFile, "%v", err)
		return
	}
	if err := c.readProofs(checkpoint.Size); err != nil {
		v.find(export.InclusionFile, "%v", err)
		return
	}
	c.checkpoint = &checkpoint
}

var errProofs = errors.New("is no list of proofs")

// readProofs reads inclusion.ndjson.
func (c *chain) readProofs(size int64) error {
	first := true
	err := readLines(c.v.path(export.InclusionFile), func(text []byte) error {
		if first {
			first = false
			if err := json.Unmarshal(text, &c.inclusion); err != nil || c.inclusion.Size != size {
				return fmt.Errorf("%w: it is not for the checkpoint's %d commits", errProofs, size)
			}
			return nil
		}
		var b batch
		if err := json.Unmarshal(text, &b.Batch); err != nil || !b.sound(size) {
			return fmt.Errorf("%w: %.80q", errProofs, text)
		}
		if n := len(c.batches); n > 0 && (c.batches[n-1].Leaf >= b.Leaf || c.batches[n-1].First+uint64(c.batches[n-1].Entries) > b.First) {
			return fmt.Errorf("%w: commit %d is out of order", errProofs, b.Leaf)
		}
		if int64(len(c.commits)+b.proven()) > c.v.report.Checked["bytes"] {
			return fmt.Errorf("%w: more records than there is room for", errProofs)
		}
		c.add(&b)
		return nil
	})
	if err == nil && first {
		err = errProofs
	}
	return err
}

// maxEntries is the most records of a commit that are taken for possible.
const maxEntries = 1 << 32

func (b *batch) sound(size int64) bool {
	if b.Leaf < 0 || b.Leaf >= size || b.Entries < 1 || b.Entries > maxEntries || len(b.At) != len(b.Salts) {
		return false
	}
	if b.Salt != nil {
		return len(b.At) == 0 && len(b.Hashes) == 0
	}
	ordered := slices.IsSorted(b.At) && len(slices.Compact(slices.Clone(b.At))) == len(b.At)
	return len(b.At) > 0 && ordered && b.At[0] >= 0 && b.At[len(b.At)-1] < b.Entries
}

// proven is how many of the commit's records are proven.
func (b *batch) proven() int {
	if b.Salt != nil {
		return int(b.Entries)
	}
	return len(b.At)
}

func (c *chain) add(b *batch) {
	b.offset = len(c.commits)
	n := b.proven()
	if b.Salt != nil {
		b.made = merkle.NewCommitter(merkle.Salt(*b.Salt))
	}
	c.batches = append(c.batches, b)
	c.commits = slices.Grow(c.commits, n)[:len(c.commits)+n]
	c.seen = slices.Grow(c.seen, n)[:len(c.seen)+n]
}

// commit hashes a record that the export holds.
func (c *chain) commit(r *stored) {
	if c.checkpoint == nil {
		return
	}
	i, found := slices.BinarySearchFunc(c.batches, r.entry.Change, func(b *batch, change uint64) int { return cmp.Compare(b.First, change) })
	if !found {
		i--
	}
	if i < 0 || r.entry.Change >= c.batches[i].First+uint64(c.batches[i].Entries) {
		c.unproven++
		return
	}
	b := c.batches[i]
	position := int64(r.entry.Change - b.First)
	slot, salt := int(position), merkle.Salt{}
	if b.made != nil {
		salt = b.made.Salt(uint64(position))
	} else {
		if slot, found = slices.BinarySearch(b.At, position); !found {
			c.unproven++
			return
		}
		salt = merkle.Salt(b.Salts[slot])
	}
	c.commits[b.offset+slot] = merkle.CommitmentTo(r.canonical, salt)
	c.seen[b.offset+slot] = true
	c.v.report.Checked["records proven"]++
}

// read reads all records: those of records.zst, and those that lines of messages.ndjson hold.
func (c *chain) read(ctx context.Context) (err error) {
	c.records, err = openRecords(c.v.path(export.RecordsFile))
	if err != nil {
		return &fileError{export.RecordsFile, err}
	}
	defer c.records.close()
	if c.v.has(export.MessagesFile) {
		if err := readLines(c.v.path(export.MessagesFile), c.line); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return cmp.Or[error](asFileError(err), &fileError{export.MessagesFile, err})
		}
	}
	for {
		r, err := c.records.peek()
		if err != nil {
			return &fileError{export.RecordsFile, err}
		}
		if r == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if r.class == export.ClassMessage && c.v.has(export.MessagesFile) {
			c.differs(r.channel, r.entry.Key, "is not there, though its records are")
		}
		c.commit(r)
		c.records.take()
	}
}

func asFileError(err error) error {
	var wrong *fileError
	if errors.As(err, &wrong) {
		return wrong
	}
	return nil
}

// progressBits is log2 of the bytes of lines after which progress is told again.
const progressBits = 20

// line compares a line of messages.ndjson with what follows from the message's records.
func (c *chain) line(text []byte) error {
	if before := c.done; (before+int64(len(text)))>>progressBits != before>>progressBits {
		hashed := c.v.report.Checked["bytes"]
		c.v.progress(hashed+c.done, hashed)
	}
	c.done += int64(len(text))
	l, err := parseLine(text)
	if err != nil {
		return err
	}
	entries, err := c.entriesOf(l)
	if err != nil {
		return &fileError{export.RecordsFile, err}
	}
	m, err := record.FoldMessage(l.Channel, entries)
	if err != nil {
		c.differs(l.Channel, string(l.TS), err.Error())
		return nil
	}
	c.want = export.AppendMessageLine(c.want[:0], export.Item{Message: m, Reason: export.Reason(l.Reason)})
	if !bytes.Equal(c.want, text) {
		c.differs(l.Channel, string(l.TS), "is not what follows from its records")
	}
	c.v.report.Checked["messages compared with their records"]++
	return nil
}

// entriesOf gives the records of a line's message: from records.zst, or from the line itself.
func (c *chain) entriesOf(l *line) (entries []record.Entry, err error) {
	for {
		r, err := c.records.peek()
		if err != nil {
			return nil, err
		}
		if r == nil || r.class == export.ClassMessage && (r.channel != l.Channel || r.entry.Key != string(l.TS)) {
			break
		}
		c.commit(r)
		c.records.take()
		if r.class == export.ClassMessage {
			entries = append(entries, r.entry)
		}
	}
	if len(entries) == 0 {
		r := l.record(export.ClassMessage)
		c.commit(r)
		entries = append(entries, r.entry)
	}
	return entries, nil
}

// maxNamed is how many messages are named of each sort of difference.
const maxNamed = 20

func (c *chain) differs(channel, ts, what string) {
	if c.wrong++; c.wrong <= maxNamed {
		c.v.find(export.MessagesFile, "message %s/%s %s", channel, ts, what)
	}
}

// close leads from the commitments to the checkpoint.
func (c *chain) close() error {
	if c.checkpoint == nil {
		if c.v.o.Since != nil {
			return fmt.Errorf("%w: nothing in it is proven", ErrSince)
		}
		return nil
	}
	if p := c.v.custody.Proofs; p != nil && c.unproven != p.Newer+p.Lost {
		c.v.find(export.InclusionFile, "%d records have no proof, the custody record says %d", c.unproven, p.Newer+p.Lost)
	}
	if c.unproven > 0 {
		c.v.warn("%d records are not proven: they are newer than the checkpoint, or were archived together with some that were lost", c.unproven)
	}
	leaves := make([]int64, len(c.batches))
	for i, b := range c.batches {
		leaves[i] = b.Leaf
	}
	tree, err := merkle.Uncover(c.inclusion.Size, merkle.Known(leaves, c.inclusion.Sizes), func(leaf int64) (merkle.Hash, error) {
		i, _ := slices.BinarySearch(leaves, leaf)
		if i == len(leaves) || leaves[i] != leaf {
			return merkle.Hash{}, fmt.Errorf("%w: commit %d is not known", merkle.ErrProof, leaf)
		}
		return c.root(c.batches[i])
	}, c.inclusion.Hashes)
	if err == nil {
		err = mustBe(tree, *c.checkpoint)
	}
	if err != nil {
		c.v.find(export.InclusionFile, "the records are not those of the checkpoint: %v", err)
		return nil
	}
	c.v.report.Checked["commits proven"] = int64(len(c.batches))
	return c.since(tree)
}

// root computes the root of a commit.
func (c *chain) root(b *batch) (merkle.Hash, error) {
	return b.Root(func(position int64) (merkle.Hash, error) {
		slot := int(position)
		if b.Salt == nil {
			slot, _ = slices.BinarySearch(b.At, position)
		}
		if !c.seen[b.offset+slot] {
			return merkle.Hash{}, fmt.Errorf("%w: the record of change %d is missing", merkle.ErrProof, b.First+uint64(position))
		}
		return c.commits[b.offset+slot], nil
	})
}

func mustBe(tree *merkle.Covered, c merkle.Checkpoint) error {
	root, err := tree.Root(c.Size)
	if err == nil && root != c.Root {
		err = fmt.Errorf("%w: they lead to another root", merkle.ErrProof)
	}
	return err
}

// ErrSince means that a checkpoint that was kept elsewhere cannot be compared with the bundle.
var ErrSince = errors.New("the checkpoint cannot be compared with the export")

// since compares the log with a checkpoint that was kept elsewhere.
func (c *chain) since(tree *merkle.Covered) error {
	if c.v.o.Since == nil {
		return nil
	}
	outside, err := merkle.ParseCheckpoint(c.v.o.Since, c.v.key)
	if err != nil || outside.Origin != c.checkpoint.Origin {
		return fmt.Errorf("%w: it is not one of this archive: %w", ErrSince, cmp.Or(err, errors.New("it is of "+outside.Origin)))
	}
	if outside.Size > c.checkpoint.Size {
		return fmt.Errorf("%w: it is newer than the export, take an earlier one", ErrSince)
	}
	known := outside.Size == c.checkpoint.Size || slices.Contains(c.inclusion.Sizes, outside.Size)
	if err := mustBe(tree, outside); err != nil && known {
		c.v.find(export.CheckpointFile, "the archive's history is not the one that the checkpoint of %d commits was signed for: %v", outside.Size, err)
	} else if err != nil {
		return fmt.Errorf("%w: the archive does not hold a checkpoint of %d commits", ErrSince, outside.Size)
	}
	c.v.report.Checked["checkpoints compared"]++
	return nil
}
