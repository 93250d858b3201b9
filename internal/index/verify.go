package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// VerifyOptions say how far Verify goes.
type VerifyOptions struct {
	All    bool   // look every message of the archive up, not only a sample
	Sample int    // how many messages are compared term by term, each way; 0 means 200
	Seed   uint64 // chooses them
}

// Verification is what Verify found. Whatever has drifted, Rebuild helps.
type Verification struct {
	Segments  int64  // files whose checksum was compared
	Documents int64  // that were compared with the archive
	Behind    uint64 // changes of the archive that the index lacks; then its documents are not compared
	Drift     []Drift
}

// Drift is one difference between the index and the archive it belongs to, or within the index.
type Drift struct {
	Where string // channel or channel/ts; a file of the index; "" for the index as a whole
	What  string
}

// Verify compares the index with the archive: the checksums of its files (which bleve itself does not look at), its
// cursor, its count of messages in every channel, and of a sample of messages, drawn from either side, that they are in
// the index once and are found by all of their terms. A difference is no error; errors are those of reading the archive.
func (ix *Index) Verify(ctx context.Context, a *storage.Archive, o VerifyOptions) (*Verification, error) {
	if o.Sample == 0 {
		o.Sample = 200
	}
	v := &verifier{ctx: ctx, archive: a, options: o, dir: filepath.Join(ix.dir, ix.generation.String()), builder: newBuilder(),
		random: rand.New(rand.NewPCG(o.Seed, 0)), numbers: map[string]uint32{}}
	err := ix.read(func(r index.IndexReader, at state) (err error) {
		if err := at.check(a); err != nil {
			return err
		}
		if v.view, err = newView(r); err != nil {
			return err
		}
		if v.channels, err = ix.channelIDs(r, at); err != nil {
			return err
		}
		v.at = at
		if err := v.run(); err != nil || v.Behind > 0 || len(v.Drift) > 0 {
			return err
		}
		return ix.viewTimeline(ctx, at, v.timeline)
	})
	switch {
	case errors.Is(err, ErrDamaged):
		v.drift("", "%v", err)
	case err != nil:
		return nil, fmt.Errorf("verify index: %w", err)
	}
	return &v.Verification, nil
}

// verifier compares one view of an index with an archive.
type verifier struct {
	ctx      context.Context
	archive  *storage.Archive
	options  VerifyOptions
	dir      string // of the generation
	view     *view
	at       state
	channels []string          // ids by number
	numbers  map[string]uint32 // the other way round
	builder  *builder
	random   *rand.Rand
	Verification
}

func (v *verifier) drift(where, what string, args ...any) {
	v.Drift = append(v.Drift, Drift{where, fmt.Sprintf(what, args...)})
}

func (v *verifier) run() error {
	for n, id := range v.channels {
		v.numbers[id] = uint32(n)
	}
	if err := v.checksums(); err != nil || len(v.Drift) > 0 {
		return err
	}
	if v.Behind = v.archive.Change() - v.at.Change; v.Behind > 0 {
		return nil
	}
	for _, check := range []func() error{v.counts, v.fromIndex, v.fromArchive, v.all} {
		if err := guard(check); err != nil {
			return err
		}
	}
	return nil
}

// checksums compares the CRC-32 at the end of every segment's file with the rest of it.
func (v *verifier) checksums() error {
	for _, s := range v.view.segments {
		file, ok := s.Segment().(segment.PersistedSegment)
		if !ok {
			continue // not written yet
		}
		v.Segments++
		sound, err := checkFile(v.ctx, file.Path())
		if err != nil {
			return err
		}
		if !sound {
			where, err := filepath.Rel(filepath.Dir(v.dir), file.Path())
			if err != nil {
				where = file.Path()
			}
			v.drift(where, "the file does not have the checksum that was written with it")
		}
	}
	return nil
}

// checkFile tells whether a file ends with the CRC-32 (IEEE) of what stands before, big-endian.
func checkFile(ctx context.Context, path string) (sound bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() < crc32.Size {
		return false, err
	}
	sum := crc32.NewIEEE()
	for left := info.Size() - crc32.Size; left > 0; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := io.CopyN(sum, f, min(left, 16<<20))
		if err != nil {
			return false, err
		}
		left -= n
	}
	var want [crc32.Size]byte
	if _, err := io.ReadFull(f, want[:]); err != nil {
		return false, err
	}
	return binary.BigEndian.Uint32(want[:]) == sum.Sum32(), nil
}

// counts compares how many messages there are in each channel.
func (v *verifier) counts() error {
	old, err := v.view.any(fieldFlags, []string{flagOld})
	if err != nil {
		return err
	}
	content, err := v.view.any(fieldFlags, []string{flagContent})
	if err != nil {
		return err
	}
	now := v.view.all().not(old).not(content)
	if n := now.count(); n != v.at.Messages {
		v.drift("", "it holds %d messages, its own count says %d", n, v.at.Messages)
	}
	counts, err := v.view.countTerms(fieldChannel, now)
	if err != nil {
		return err
	}
	ids := slices.Clone(v.channels)
	for c, err := range v.archive.Channels(v.ctx, 0) {
		if err != nil {
			return err
		}
		if _, known := v.numbers[c.ID]; !known {
			ids = append(ids, c.ID)
		}
	}
	for _, id := range ids {
		totals, err := v.archive.Totals(v.ctx, id)
		if err != nil {
			return err
		}
		if want := uint64(totals.Messages + totals.Comments); counts[id] != want {
			v.drift(id, "it holds %d messages of the channel, the archive %d", counts[id], want)
		}
	}
	return nil
}

// fromIndex draws documents from the index and looks for their messages in the archive.
func (v *verifier) fromIndex() error {
	docs := v.view.all()
	total := docs.count()
	for range min(uint64(v.options.Sample), total) {
		id, err := v.view.nth(docs, v.random.Uint64N(total))
		if err != nil {
			return err
		}
		k, err := decodeKey(id)
		if err != nil || int(k.channel) >= len(v.channels) {
			v.drift("", "it holds a document with the key %x, which is none", id)
			continue
		}
		if k.file != "" {
			if err := v.file(k); err != nil {
				return err
			}
			continue
		}
		m, err := v.archive.Message(v.ctx, v.channels[k.channel], k.ts)
		switch {
		case errors.Is(err, storage.ErrNotFound), err == nil && int(k.version) > len(m.Versions):
			v.drift(v.channels[k.channel]+"/"+string(k.ts), "it holds version %d, which the archive does not have", k.version)
		case err != nil:
			return err
		default:
			if err := v.message(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// file looks for the revision of a file whose text a document is.
func (v *verifier) file(k key) error {
	v.Documents++
	f, err := v.archive.File(v.ctx, v.channels[k.channel], k.file, 0)
	switch {
	case errors.Is(err, storage.ErrNotFound), err == nil && int(k.version) > len(f.Versions):
		v.drift(v.channels[k.channel]+"/"+k.file, "it holds text of revision %d, which the archive does not have", k.version)
		return nil
	}
	return err
}

// nth gives the key of the nth document of a set.
func (v *view) nth(docs docset, n uint64) (string, error) {
	for i, b := range docs {
		if size := b.GetCardinality(); n >= size {
			n -= size
			continue
		}
		doc, err := b.Select(uint32(n))
		if err != nil {
			return "", err
		}
		id, err := v.segments[i].DocID(uint64(doc))
		return string(id), err
	}
	return "", nil
}

// fromArchive draws changes of the archive and looks for their messages in the index.
func (v *verifier) fromArchive() error {
	newest := v.archive.Change()
	for range min(uint64(v.options.Sample), newest) {
		changes, err := v.archive.Changes(v.ctx, v.random.Uint64N(newest), 1)
		if err != nil {
			return err
		}
		if len(changes) == 0 || changes[0].Class != storage.ClassMessage {
			continue
		}
		m, err := v.archive.Message(v.ctx, changes[0].Channel, record.TS(changes[0].Key))
		if err != nil {
			return err
		}
		if err := v.message(m); err != nil {
			return err
		}
	}
	return nil
}

// message compares a message of the archive with its documents.
func (v *verifier) message(m *record.Message) error {
	number, ok := v.numbers[m.Channel]
	if !ok {
		v.drift(m.Channel, "the index does not know the channel")
		return nil
	}
	entries := versionsOf(m, number)
	for i := range entries {
		what, err := v.document(&entries[i])
		if err != nil {
			return err
		}
		if v.Documents++; what != "" {
			v.drift(m.Channel+"/"+string(m.TS), "version %d %s", i+1, what)
		}
	}
	return nil
}

// document says what is wrong with the document of an entry, "" for nothing.
func (v *verifier) document(e *entry) (wrong string, err error) {
	doc, err := v.builder.document(e)
	if err != nil {
		return "", err
	}
	docs, err := v.view.keyed([]string{doc.ID()})
	if err != nil {
		return "", err
	}
	switch n := docs.count(); {
	case n == 0:
		return "is not in the index", nil
	case n > 1:
		return fmt.Sprintf("is in the index %d times", n), nil
	}
	for _, field := range doc.Fields {
		for term := range field.AnalyzedTokenFrequencies() {
			if found, err := v.holds(docs, field.Name(), term); err != nil || !found {
				return fmt.Sprintf("is not found by the %s %q", field.Name(), term), err
			}
		}
	}
	for _, flag := range []string{flagOld, flagDeleted, flagEdited, flagFile, flagLink, flagReaction, flagThread, flagComment} {
		if slices.Contains(e.flags, flag) {
			continue
		}
		if found, err := v.holds(docs, fieldFlags, flag); err != nil || found {
			return fmt.Sprintf("is found by the flag %q, wrongly", flag), err
		}
	}
	return "", nil
}

// holds tells whether the documents of a set have a term.
func (v *verifier) holds(docs docset, field, term string) (bool, error) {
	with, err := v.view.any(field, []string{term})
	return err == nil && with.common(docs) == docs.count(), err
}

// all looks up every version of every message of the archive, and whether the index holds anything beyond.
func (v *verifier) all() error {
	if !v.options.All {
		return nil
	}
	var known uint64
	for _, channel := range v.channels {
		var ids []string
		for m, err := range v.archive.Messages(v.ctx, channel, storage.Range{AsOf: v.at.Change}) {
			if err != nil {
				return err
			}
			for n := range m.Versions {
				id, err := key{ts: m.TS, channel: v.numbers[channel], version: uint32(n + 1)}.encode()
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			if len(ids) < batchSize {
				continue
			}
			if err := v.lookUp(channel, ids, &known); err != nil {
				return err
			}
			ids = ids[:0]
		}
		if err := v.lookUp(channel, ids, &known); err != nil {
			return err
		}
	}
	content, err := v.view.any(fieldFlags, []string{flagContent})
	if err != nil {
		return err
	}
	if n := v.view.all().not(content).count(); n > known {
		v.drift("", "it holds %d documents that the archive does not know", n-known)
	}
	return nil
}

// lookUp counts which of some keys the index has, and names a channel in which one is missing.
func (v *verifier) lookUp(channel string, ids []string, known *uint64) error {
	docs, err := v.view.keyed(ids)
	if err != nil {
		return err
	}
	n := docs.count()
	*known += n
	v.Documents += int64(len(ids))
	if missing := uint64(len(ids)) - n; missing > 0 {
		v.drift(channel, "it lacks %d of %d versions of messages", missing, len(ids))
	}
	return nil
}
