package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"archiver/internal/lenient"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/blevesearch/bleve/v2"
)

// Texts gives the text inside files.
type Texts interface {
	// Prepare makes the texts of some contents ready for Text. It may take long.
	Prepare(ctx context.Context, contents []Content) error

	// Text gives the text of a content that was prepared at some time, "" if it has none.
	Text(sha256 string) (string, error)
}

// Content is a stored revision of a file.
type Content struct {
	SHA256 string // hex
	Name   string // of the file
	Size   int64  // bytes
}

const (
	filesAtOnce = 16      // files whose contents are prepared together
	textAtOnce  = 4 << 20 // bytes of text from which on a batch is written
)

// CatchUpFiles brings the text inside files up to where the messages stand; it changes nothing without Options.Texts. It
// has a cursor of its own, so that messages do not wait for it, and is as safe to be cut short as CatchUp. more is asked
// after every few files whether to go on; nil means yes.
func (ix *Index) CatchUpFiles(ctx context.Context, a *storage.Archive, more func() bool) error {
	if ix.texts == nil {
		return nil
	}
	ix.following.Lock()
	defer ix.following.Unlock()
	f := fileFollower{follower: follower{ix: ix, archive: a, builder: newBuilder()}}
	if err := f.load(); err != nil {
		return fmt.Errorf("index of files: %w", err)
	}
	for f.state.Files < f.state.Change {
		if err := f.advance(ctx); err != nil {
			return fmt.Errorf("index of files: %w", err)
		}
		if more != nil && !more() {
			return nil
		}
	}
	return nil
}

// fileFollower turns changes of an archive into documents of the text inside files. What it knows of messages it has from
// the index, which is ahead of it.
type fileFollower struct {
	follower
	view  *view
	batch *bleve.Batch
	texts int // bytes of text in the batch
}

// fileID names a file of a channel.
type fileID struct{ channel, id string }

// advance reads changes until they concern a few files, and commits what came of those.
func (f *fileFollower) advance(ctx context.Context) error {
	var touched []fileID
	seen := map[fileID]bool{}
	to := f.state.Files
	for to < f.state.Change && len(touched) < filesAtOnce {
		changes, err := f.archive.Changes(ctx, to, changesRead)
		if err != nil {
			return fmt.Errorf("changes after %d: %w", to, err)
		}
		if len(changes) == 0 { // the rest was lost
			to = f.state.Change
		}
		for _, c := range changes {
			if c.Change > f.state.Change || len(touched) >= filesAtOnce {
				break
			}
			to = c.Change
			id, err := f.touches(ctx, c)
			if err != nil {
				return err
			}
			if id.id != "" && !seen[id] {
				seen[id] = true
				touched = append(touched, id)
			}
		}
	}
	return f.commit(ctx, touched, to)
}

// touches tells which file's documents a change may concern, none if its id is "".
func (f *fileFollower) touches(ctx context.Context, c storage.Changed) (fileID, error) {
	switch {
	case c.Class == storage.ClassFile:
		return fileID{c.Channel, c.Key}, nil
	case c.Class != storage.ClassMessage, c.First && !bytes.Contains(c.Body, []byte(`"file"`)):
		return fileID{}, nil
	case c.First:
		return fileID{c.Channel, record.ParseMessage(c.Body).FileID}, nil
	}
	m, err := f.archive.Message(ctx, c.Channel, record.TS(c.Key))
	if errors.Is(err, storage.ErrNotFound) {
		return fileID{}, nil
	}
	if err != nil {
		return fileID{}, fmt.Errorf("message %s/%s: %w", c.Channel, c.Key, err)
	}
	return fileID{c.Channel, m.FileID}, nil
}

// commit writes the documents of some files, and that the index stands at change to.
func (f *fileFollower) commit(ctx context.Context, touched []fileID, to uint64) error {
	files, err := f.prepare(ctx, touched)
	if err != nil {
		return err
	}
	reader, err := f.ix.inner.Reader()
	if err != nil {
		return err
	}
	defer reader.Close()
	if f.view, err = newView(reader); err != nil {
		return err
	}
	f.begin()
	for _, file := range files {
		if err := guard(func() error { return f.file(ctx, file) }); err != nil {
			return fmt.Errorf("file %s/%s: %w", file.Channel, file.ID, err)
		}
		if f.texts >= textAtOnce {
			if err := f.write(); err != nil {
				return err
			}
		}
	}
	f.state.Files = to
	return f.write()
}

func (f *fileFollower) begin() {
	f.batch, f.texts = f.ix.bleve.NewBatch(), 0
	clear(f.builder.keywords)
}

// write commits the batch, with the state as it is.
func (f *fileFollower) write() error {
	if err := f.setState(f.batch); err != nil {
		return err
	}
	if err := guard(func() error { return f.ix.bleve.Batch(f.batch) }); err != nil {
		return fmt.Errorf("commit up to change %d: %w", f.state.Files, err)
	}
	f.begin()
	return nil
}

// prepare gives the files that are stored, with their texts ready.
func (f *fileFollower) prepare(ctx context.Context, touched []fileID) (files []*record.File, err error) {
	var contents []Content
	for _, id := range touched {
		file, err := f.archive.File(ctx, id.channel, id.id, 0)
		if errors.Is(err, storage.ErrNotFound) { // a message shows it, and that is all
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("file %s/%s: %w", id.channel, id.id, err)
		}
		if len(file.Versions) == 0 {
			continue
		}
		files = append(files, file)
		for _, v := range file.Versions {
			contents = append(contents, Content{v.SHA256, file.Name, v.Size})
		}
	}
	if len(contents) == 0 {
		return nil, nil
	}
	return files, f.ix.texts.Prepare(ctx, contents)
}

// file puts the documents of a file into the batch, and removes those that it had under other keys.
func (f *fileFollower) file(ctx context.Context, file *record.File) error {
	number := f.number(file.Channel)
	m, had, err := f.lookUp(ctx, file, number)
	if err != nil {
		return err
	}
	for i, v := range file.Versions {
		text, err := f.ix.texts.Text(v.SHA256)
		if err != nil {
			return err
		}
		if text == "" {
			continue
		}
		e := fileEntry(file, m, number, i, text)
		doc, err := f.builder.document(&e)
		if err != nil {
			return err
		}
		if err := f.batch.IndexAdvanced(doc); err != nil {
			return err
		}
		delete(had, doc.ID())
		f.texts += len(text)
	}
	for id := range had {
		f.batch.Delete(id)
	}
	return nil
}

// lookUp gives the first message that shows a file, nil for none, and the documents that the file has so far.
func (f *fileFollower) lookUp(ctx context.Context, file *record.File, number uint32) (m *record.Message, had map[string]bool, err error) {
	docs, err := f.view.any(fieldFile, []string{file.ID})
	if err != nil {
		return nil, nil, err
	}
	had = map[string]bool{}
	var first record.TS
	err = f.view.each(docs, func(_ int, _ uint32, id string) error {
		k, err := decodeKey(id)
		switch {
		case err != nil || k.channel != number:
			return err
		case k.file != "":
			had[id] = true
		case first == "" || k.ts < first:
			first = k.ts
		}
		return nil
	})
	if err == nil && first != "" {
		m, err = f.archive.Message(ctx, file.Channel, first)
	}
	return m, had, err
}

// fileEntry gives the entry of the text inside a revision of a file, which m shows if it is not nil.
func fileEntry(file *record.File, m *record.Message, number uint32, revision int, text string) entry {
	e := entry{
		key:     key{channel: number, version: uint32(revision + 1), file: file.ID},
		channel: file.Channel, kind: record.KindFile, text: text, filename: file.Name, file: file.ID,
	}
	flags := messageFlags{old: revision+1 < len(file.Versions), file: true}
	if m == nil {
		e.user, e.id = fileUser(file), aloneKey(fileSecond(file), e.key)
	} else {
		e.key.ts, e.user, e.thread = m.TS, m.User, m.Thread
		if m.Kind == record.KindMail {
			e.kind = m.Kind
		}
		flags.deleted, flags.comment = m.Deleted != nil, m.Thread != ""
		flags.thread = flags.comment || record.ParseMessage(m.Raw).CommentsCount > 0
	}
	e.flags = append(flags.list(text), flagContent)
	return e
}

// described is what a file's own object says of it.
type described struct {
	User    lenient.String `json:"user"`
	Created lenient.Int    `json:"created"`
}

func describe(f *record.File) (d described) {
	if len(f.Raw) > 0 && lenient.Unmarshal(f.Raw, &d) != nil {
		return described{}
	}
	return d
}

// fileUser is who made a file, "" if it does not say.
func fileUser(f *record.File) string { return string(describe(f).User) }

// fileSecond is when a file was made, or else first read, in Unix seconds.
func fileSecond(f *record.File) int64 {
	if at := int64(describe(f).Created); at > 0 && at < 1<<(8*keySecond) {
		return at
	}
	return f.Versions[0].Observed.Unix()
}

// fileHit gives the hit of the text inside a file.
func (s *session) fileHit(r ref, k key) (Hit, error) {
	channel := s.channels[k.channel]
	f, err := s.archive.File(s.ctx, channel, k.file, 0)
	switch {
	case errors.Is(err, storage.ErrNotFound), err == nil && int(k.version) > len(f.Versions):
		return Hit{}, fmt.Errorf("%w: it knows revision %d of file %s/%s, the archive does not", ErrDamaged, k.version, channel, k.file)
	case err != nil:
		return Hit{}, fmt.Errorf("file %s/%s: %w", channel, k.file, err)
	}
	h := Hit{
		Channel: channel, ChannelName: s.names.channelName(channel), Kind: record.KindFile,
		User: fileUser(f), Time: time.Unix(tsOfKey(r.id).Second(), 0).UTC().Format(time.RFC3339),
		Version: int(k.version), Versions: len(f.Versions), Score: r.score, File: &k.file,
	}
	if k.ts != "" {
		m, err := s.archive.Message(s.ctx, channel, k.ts)
		if err != nil {
			return h, fmt.Errorf("message %s/%s: %w", channel, k.ts, err)
		}
		h.TS, h.ThreadTS, h.User, h.Deleted = m.TS, m.Thread, m.User, m.Deleted != nil
		if m.Kind == record.KindMail {
			h.Kind = m.Kind
		}
	}
	h.UserName = s.names.userName(h.User)
	h.Snippet, err = s.fileSnippet(f.Versions[k.version-1].SHA256)
	return h, err
}

const snippetPiece = 64 << 10 // bytes of a text that are searched for marks at a time

// fileSnippet cuts a snippet from the text inside a file: from the first piece of it in which something matches, so that
// long texts are not read whole.
func (s *session) fileSnippet(sha256 string) (string, error) {
	if s.texts == nil {
		return "", nil
	}
	text, err := s.texts.Text(sha256)
	if err != nil {
		return "", fmt.Errorf("text of %s: %w", sha256, err)
	}
	for rest := text; rest != ""; {
		piece := rest
		if len(rest) > snippetPiece {
			piece = rest[:snippetPiece]
			if end := strings.LastIndexAny(piece, " \n\t"); end > 0 {
				piece = piece[:end]
			}
		}
		if len(matches(piece, s.marks)) > 0 {
			return snippet(piece, s.marks), nil
		}
		rest = rest[len(piece):]
		if len(piece) == snippetPiece || len(rest) == 0 {
			continue
		}
		rest = rest[1:]
	}
	return snippet(strings.ToValidUTF8(text[:min(len(text), 4*snippetRunes)], ""), s.marks), nil
}

// pendingFiles says that the text inside files is not all in the index, "" if it is.
func (s *session) pendingFiles() string {
	if s.at.Files >= s.at.Change {
		return ""
	}
	if s.texts == nil && s.at.Files == 0 {
		if n, err := s.view.cardinality(fieldFile); err != nil || n == 0 {
			return "" // there is none
		}
		return "the text inside files is not in the index"
	}
	return fmt.Sprintf("the index holds the text inside files up to change %d of %d", s.at.Files, s.archive.Change())
}
