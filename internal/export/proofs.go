package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"archiver/internal/merkle"
	"archiver/internal/record"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

// Files that prove the exported records to be in the archive's log. docs/verify.md has their form.
const (
	ProofFolder    = custodyFolder + "proofs/"
	CheckpointFile = ProofFolder + "checkpoint"       // signed note
	KeyFile        = ProofFolder + "key"              // that it is checked with, one line
	InclusionFile  = ProofFolder + "inclusion.ndjson" // a merkle.Inclusion, then a merkle.Batch a line
	RecordsFile    = ProofFolder + "records.zst"      // records that no line of messages.ndjson holds whole
)

// MessagesFile has the records of messages of the format ndjson.
const MessagesFile = "data/ndjson/messages.ndjson"

// Classes of records, as the archive's log names them.
const (
	ClassMessage = "message"
	ClassFile    = "file"
	ClassChannel = "channel"
	ClassUser    = "user"
)

// Proof is what proves records to somebody who has them; see storage.Included.
type Proof struct {
	merkle.Inclusion
	Checkpoint          []byte // nil where nothing can be proven
	PublicKey           string
	Proven, Newer, Lost int64
}

// RecordOf gives what the archive's log holds of an entry.
func RecordOf(class, channel string, e *record.Entry) *merkle.Record {
	return &merkle.Record{
		Change: e.Change, Channel: channel, Class: class, First: e.First, Key: e.Key, Observed: e.Observed.UnixMilli(),
		Op: e.Op.String(), Thread: string(e.Thread), Body: e.Body,
	}
}

// InLine tells whether the line of a message in the format ndjson holds all of its only record.
func InLine(m *record.Message) bool {
	return len(m.Entries) == 1 && m.Entries[0].Op == record.OpState && m.Entries[0].First && record.ValidJSON(m.Raw)
}

// proofs is the sink that collects the records to be proven: all entries of what is exported. Of a message whose line in
// messages.ndjson holds its record nothing is written.
type proofs struct {
	ctx     context.Context
	frame   *frame
	inLines bool // the format ndjson is written
	out     *output
	encoder *zstd.Encoder
	changes changeSet
	buf     []byte
	form    []byte
}

func newProofs(ctx context.Context, f *frame, formats []string) (*proofs, error) {
	out, err := f.bundle.create(RecordsFile)
	if err != nil {
		return nil, err
	}
	encoder, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
	return &proofs{ctx: ctx, frame: f, inLines: slices.Contains(formats, "ndjson"), out: out, encoder: encoder}, err
}

func (p *proofs) channel(c *record.Channel) error { return p.add(ClassChannel, "", c.Entries) }
func (p *proofs) user(u *record.User) error       { return p.add(ClassUser, "", u.Entries) }
func (p *proofs) file(f *record.File) error       { return p.add(ClassFile, f.Channel, f.Entries) }

func (p *proofs) message(item Item) error {
	if p.inLines && InLine(item.Message) {
		p.changes.add(item.Change)
		return nil
	}
	return p.add(ClassMessage, item.Channel, item.Entries)
}

func (p *proofs) add(class, channel string, entries []record.Entry) error {
	for i := range entries {
		if err := p.write(RecordOf(class, channel, &entries[i])); err != nil {
			return err
		}
	}
	return nil
}

// write writes a record: its length in decimal digits, a line feed, the record, a line feed.
func (p *proofs) write(r *merkle.Record) error {
	p.changes.add(r.Change)
	p.form = r.Append(p.form[:0])
	p.buf = append(strconv.AppendInt(p.buf[:0], int64(len(p.form)), 10), '\n')
	p.buf = append(append(p.buf, p.form...), '\n')
	_, err := p.encoder.Write(p.buf)
	return err
}

// close adds what a whole archive holds beside, which is proven with the rest.
func (p *proofs) close() error {
	if p.frame.sel.everything() {
		for r, err := range p.frame.src.Beside(p.ctx) {
			if err == nil {
				err = p.write(r)
			}
			if err != nil {
				return fmt.Errorf("events and conferences: %w", err)
			}
		}
	}
	if err := p.encoder.Close(); err != nil {
		return err
	}
	_, _, err := p.out.close()
	return err
}

// finish writes the proofs, and what they are checked against. Without a signed checkpoint there is nothing to prove.
func (p *proofs) finish(s *Summary) error {
	b := p.frame.bundle
	var batches []byte
	proof, err := p.frame.src.Prove(p.ctx, p.changes.has, func(batch *merkle.Batch) error {
		line, err := json.Marshal(batch)
		batches = append(append(batches, line...), '\n')
		return err
	})
	if err != nil {
		return fmt.Errorf("proofs: %w", err)
	}
	if proof.Checkpoint == nil {
		return nil
	}
	head, err := json.Marshal(proof.Inclusion)
	if err != nil {
		return err
	}
	head = append(head, '\n')
	s.Proofs = &ProofSummary{
		Size: proof.Size, Records: proof.Proven, Newer: proof.Newer, Lost: proof.Lost,
		Bytes: int64(len(head) + len(batches) + len(proof.Checkpoint) + len(proof.PublicKey) + 1),
	}
	return errors.Join(b.put(InclusionFile, append(head, batches...)), b.put(CheckpointFile, proof.Checkpoint),
		b.put(KeyFile, []byte(proof.PublicKey+"\n")))
}

// changeSet is a set of change numbers, a bit each.
type changeSet []uint64

func (s *changeSet) add(change uint64) {
	word := int(change / 64)
	if word >= len(*s) {
		*s = append(*s, make([]uint64, word+1-len(*s))...)
	}
	(*s)[word] |= 1 << (change % 64)
}

func (s changeSet) has(change uint64) bool {
	word := change / 64
	return word < uint64(len(s)) && s[word]&(1<<(change%64)) != 0
}
