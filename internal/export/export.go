package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"time"

	"archiver/internal/merkle"
	"archiver/internal/record"
)

// Errors of writing an export.
var (
	ErrExists        = errors.New("output exists already")
	ErrUnknownFormat = errors.New("unknown format")
)

// Selection is what was asked for, frozen at one change number of one archive. It is recorded in the bundle and in
// the ledger.
type Selection struct {
	Archive  string   `json:"archive"`  // id of the archive
	Change   uint64   `json:"change"`   // change number that everything is read at
	Query    string   `json:"query"`    // as typed
	Since    string   `json:"since"`    // as typed
	Until    string   `json:"until"`    // as typed
	Channels []string `json:"channels"` // ids, without padding
	Users    []string `json:"users"`    // ids
	Zone     string   `json:"zone"`     // IANA name of the time zone of local times and of days; "" is UTC
	// Context is what joins the hits: "" for nothing, ContextThread, ContextDay, or a number of messages on both sides.
	Context string `json:"context,omitzero"`
	// DuplicatesOf are the ids of earlier exports that the selection is compared with; nil is no comparison.
	DuplicatesOf []string `json:"duplicates_of,omitzero"`
	// ExcludeDuplicates leaves out what those exports hold as it is.
	ExcludeDuplicates bool `json:"exclude_duplicates,omitzero"`
}

// What may join hits as context, besides a number of messages before and after each.
const (
	ContextThread = "thread" // the whole thread of a hit
	ContextDay    = "day"    // the channel's whole day, in the selection's zone
)

// Rendering says how formats show a selection. Together they determine every byte of what formats write.
type Rendering struct {
	Slice          Unit   `json:"slice"`                     // what becomes one document; "" is a day
	Mail           string `json:"mail,omitzero"`             // what becomes one mail: MailMessage (also "") or MailSlice
	RawUTF8Headers bool   `json:"raw_utf8_headers,omitzero"` // RSMF headers as RFC 6532 instead of encoded words
	RSMFVersion    string `json:"rsmf_version,omitzero"`     // RSMFVersion2 (also "") or RSMFVersion1
	Bates          string `json:"bates,omitzero"`            // prefix of a production's numbers; "" is DefaultBates
	Fields         string `json:"fields,omitzero"`           // a production's profile: the name of a built-in one, or YAML; "" is DefaultFields
	Volume         int64  `json:"volume,omitzero"`           // bytes from which on another volume is begun; 0 is never
}

// What Rendering says of productions when it says nothing.
const (
	DefaultBates  = "TC"
	DefaultFields = "relativity"
)

// Versions of the format rsmf: 2.0.0, and 1.0.0 for platforms that know no other.
const (
	RSMFVersion1 = "1"
	RSMFVersion2 = "2"
)

// What becomes one mail of the format eml.
const (
	MailMessage = "message"
	MailSlice   = "slice"
)

// isNarrow tells whether the selection leaves messages of the channels in scope out that are no duplicates.
func (s Selection) isNarrow() bool {
	return s.Query != "" || s.Since != "" || s.Until != "" || len(s.Users) > 0
}

// allMessages tells whether every message of the channels in scope is selected. Only then do channels without
// messages and files without a message belong to the export: a narrower one must not disclose them.
func (s Selection) allMessages() bool { return !s.isNarrow() && !s.ExcludeDuplicates }

// everything tells whether the whole archive is selected.
func (s Selection) everything() bool { return s.allMessages() && len(s.Channels) == 0 }

// Reason says why a message is part of an export.
type Reason string

// The reasons.
const (
	ReasonHit     Reason = "hit"     // the selection names it
	ReasonContext Reason = "context" // it stands beside a hit
	ReasonFamily  Reason = "family"  // it belongs to a hit: its thread, its file
)

// Item is a message of the selection.
type Item struct {
	*record.Message
	Reason Reason
	File   *record.File // its file; nil without one, and where the archive knows of no such file. Sources leave it nil
}

// Source is what an export asks of the archive, all of it as of the selection's change number. A sequence may be asked
// for several times and gives the same each time.
type Source interface {
	// Items gives the selected messages by (channel, ts), bytewise, each once.
	Items(ctx context.Context) iter.Seq2[Item, error]
	// Outlines gives what Items does, but of each message no more than Channel, TS, Thread, FileID and FileName is
	// looked at.
	Outlines(ctx context.Context) iter.Seq2[Item, error]
	// Channels gives the channels within the selection's scope by id: those it names, else all.
	Channels(ctx context.Context) iter.Seq2[*record.Channel, error]
	// Users gives all users by id.
	Users(ctx context.Context) iter.Seq2[*record.User, error]
	// Files gives the files of a channel by id.
	Files(ctx context.Context, channel string) iter.Seq2[*record.File, error]
	// Message gives one message if it is selected; ok tells. Channels are asked for in the order of Items.
	Message(ctx context.Context, channel string, ts record.TS) (item Item, ok bool, err error)
	// File gives one file, nil where the archive knows of none.
	File(ctx context.Context, channel, id string) (*record.File, error)
	// Text gives the text of a file's content by its SHA-256 (hex); ok tells whether there is one that was extracted.
	Text(ctx context.Context, sha256 string) (text string, ok bool, err error)
	// Estimate says how many messages Items gives, about.
	Estimate(ctx context.Context) (int64, error)
	// Blob gives the bytes of a file's revision by their SHA-256 (hex).
	Blob(sha256 string) (io.ReadCloser, error)
	// Notes says what is known to be missing from the channels in scope.
	Notes(ctx context.Context) ([]Note, error)
	// Held counts the messages of a channel, selected or not.
	Held(ctx context.Context, channel string) (Held, error)
	// Terms says what the query finds, and what each of a list of queries does; none without them.
	Terms(ctx context.Context) ([]TermList, error)
	// Earlier says which of the exports that the selection is compared with hold a message, nil if none does. The item has
	// its file. Messages are asked for by channel.
	Earlier(ctx context.Context, item Item) (*Earlier, error)
	// LeftOut gives the messages that are left out because earlier exports hold them, in the order of Items.
	LeftOut(ctx context.Context) iter.Seq2[Item, error]
	// Prove proves records, by their change numbers, to be in the archive's log at its newest checkpoint.
	Prove(ctx context.Context, wanted func(change uint64) bool, each func(*merkle.Batch) error) (*Proof, error)
	// Beside gives the records of what is in no format, events and conferences. It is asked for a whole archive only.
	Beside(ctx context.Context) iter.Seq2[*merkle.Record, error]
}

// Note is something that the reader of an export must know: a gap, an attachment that is missing.
type Note struct {
	Where string `json:"where"` // channel id, or channel/ts, or channel/file id; "" for the whole export
	What  string `json:"what"`
}

// Options say how and where an export is written.
type Options struct {
	ID        string           // from the ledger, EXP-2026-000001
	Output    string           // directory to make; must not exist, its parent must
	Formats   []string         // of Formats; none means DefaultFormats
	Rendering Rendering        //
	Generator string           // program and version
	Custody   Custody          // who and what for
	State     State            // of the archive
	Key       *merkle.Key      // signs the bundle; nil leaves it unsigned
	Now       func() time.Time // nil is time.Now
	Progress  func(Progress)   // called now and then from the calling goroutine
	Logger    *slog.Logger     // nil discards
	// Highlight gives what the query matches in a text, in order and apart; nil highlights nothing.
	Highlight func(text string) []Span
	// Reserve gives a production its Bates numbers: n of them from first on, which no other export is given.
	Reserve func(prefix string, n int64) (first int64, err error)
	// Keep is told the documents that were written, by channel, before the bundle becomes visible; nil where nobody asks.
	Keep func(map[string][]Document) error
}

// Progress is how far an export has come.
type Progress struct {
	Messages int64 // written, comments included
	Total    int64 // about how many there are
	Files    int64 // attachments copied
	Bytes    int64 // of attachments copied
	Elapsed  time.Duration
}

// Rate is messages per second.
func (p Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Messages) / p.Elapsed.Seconds()
}

// Write makes the bundle and says what is in it. When it fails, nothing is left at the output path. ErrExists means
// that something was there before.
func Write(ctx context.Context, o Options, sel Selection, src Source) (*Summary, error) {
	o = o.withDefaults()
	b, err := newBundle(o.Output)
	if err != nil {
		return nil, err
	}
	defer b.discard()
	summary, err := write(ctx, o, sel, src, b)
	if err != nil {
		return nil, fmt.Errorf("export to %s: %w", o.Output, err)
	}
	if err := b.publish(); err != nil {
		return nil, fmt.Errorf("export to %s: %w", o.Output, err)
	}
	o.Logger.Info("export", "id", o.ID, "messages", summary.Counts.Messages, "comments", summary.Counts.Comments,
		"bytes", summary.Written, "dur", o.Now().Sub(summary.Started))
	return summary, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Keep == nil {
		o.Keep = func(map[string][]Document) error { return nil }
	}
	if len(o.Formats) == 0 {
		o.Formats = DefaultFormats()
	}
	o.Rendering.Slice = cmp.Or(o.Rendering.Slice, UnitDay)
	o.Rendering.Mail = cmp.Or(o.Rendering.Mail, MailMessage)
	o.Rendering.RSMFVersion = cmp.Or(o.Rendering.RSMFVersion, RSMFVersion2)
	o.Rendering.Bates = cmp.Or(o.Rendering.Bates, DefaultBates)
	o.Rendering.Fields = cmp.Or(o.Rendering.Fields, DefaultFields)
	o.Formats = slices.Compact(slices.Sorted(slices.Values(o.Formats)))
	return o
}

// write fills the bundle, manifests included.
func write(ctx context.Context, o Options, sel Selection, src Source, b *bundle) (*Summary, error) {
	started := o.Now()
	f, err := newFrame(ctx, sel, src)
	if err != nil {
		return nil, err
	}
	f.id, f.rendering, f.generator, f.reserve, f.highlight = o.ID, o.Rendering, o.Generator, o.Reserve, o.Highlight
	f.bundle = b
	if f.contents, err = newContents(ctx, src, b); err != nil {
		return nil, err
	}
	sinks, tables, proven, err := f.allSinks(ctx, o.Formats)
	if err != nil {
		return nil, err
	}
	total, err := src.Estimate(ctx)
	if err != nil {
		return nil, err
	}
	f.progress = func() { o.Progress(f.tally.progress(f.contents, total, o.Now().Sub(started))) }
	if err := f.walk(ctx, sinks); err != nil {
		return nil, err
	}
	f.progress()
	s, err := f.summary(ctx)
	if err != nil {
		return nil, err
	}
	s.ID, s.Output, s.Formats, s.Started, s.Signed = o.ID, o.Output, o.Formats, started.UTC(), o.Key != nil
	if o.Key != nil {
		s.PublicKey = o.Key.Public()
	}
	if err := errors.Join(tables.finish(s, o.Rendering), proven.finish(s), b.writeTexts(s)); err != nil {
		return nil, err
	}
	s.Finished = o.Now().UTC()
	if err := b.writeCustody(o, s); err != nil {
		return nil, err
	}
	if err := b.seal(o, s); err != nil {
		return nil, err
	}
	return s, o.Keep(f.documents())
}

// allSinks makes what fills a bundle: the formats, what counts, and the sinks that finish with the whole summary.
func (f *frame) allSinks(ctx context.Context, formats []string) (sinks []sink, tables *reports, proven *proofs, err error) {
	if sinks, err = f.sinks(ctx, formats); err != nil {
		return nil, nil, nil, err
	}
	if tables, err = newReports(ctx, f); err != nil {
		return nil, nil, nil, err
	}
	counters, err := f.counters(ctx, tables)
	if err != nil {
		return nil, nil, nil, err
	}
	proven, err = newProofs(ctx, f, formats)
	return append(append(sinks, counters...), tables, proven), tables, proven, err
}

// Preview says what an export of the selection would hold, in the slices of the rendering. It reads all of it but the
// bytes of attachments, and writes nothing. Of the options it looks at Rendering, Now and Progress.
func Preview(ctx context.Context, o Options, sel Selection, src Source) (*Summary, error) {
	s, err := preview(ctx, o.withDefaults(), sel, src)
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	return s, nil
}

func preview(ctx context.Context, o Options, sel Selection, src Source) (*Summary, error) {
	started := o.Now()
	f, err := newFrame(ctx, sel, src)
	if err != nil {
		return nil, err
	}
	f.rendering = o.Rendering
	f.contents = &contents{ctx: ctx, paths: map[digest]string{}}
	counters, err := f.counters(ctx, nil)
	if err != nil {
		return nil, err
	}
	total, err := src.Estimate(ctx)
	if err != nil {
		return nil, err
	}
	f.progress = func() { o.Progress(f.tally.progress(f.contents, total, o.Now().Sub(started))) }
	if err := f.walk(ctx, append([]sink{f.tally, f.contents}, counters...)); err != nil {
		return nil, err
	}
	return f.summary(ctx)
}
