package storage

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"archiver/internal/blob"
	"archiver/internal/record"
)

// Errors of opening an archive.
var (
	ErrNoArchive = errors.New("no archive")
	ErrInUse     = errors.New("archive in use by another process")
	ErrNewer     = errors.New("archive format is newer than this program")
	ErrDamaged   = errors.New("archive damaged")
	ErrNotFound  = errors.New("not found")
)

// Options say how an archive is opened.
type Options struct {
	Logger   *slog.Logger     // nil discards
	ReadOnly bool             //
	LockWait time.Duration    // how long to wait for another process; 0 means not at all
	Now      func() time.Time // nil is time.Now
}

// Archive is an open archive directory. Its methods may be called from several goroutines.
type Archive struct{}

// Open opens the archive in dir.
func Open(ctx context.Context, dir string, o Options) (*Archive, error) {
	return nil, errors.ErrUnsupported
}

// Create makes an archive in dir, which must be absent or empty, and opens it for writing.
func Create(ctx context.Context, dir string, o Options) (*Archive, error) {
	return nil, errors.ErrUnsupported
}

// Close waits for what was put to be committed and closes the archive.
func (a *Archive) Close() error { return errors.ErrUnsupported }

// Dir is the archive's directory.
func (a *Archive) Dir() string { return "" }

// ID is the archive's random identifier, made when it was created.
func (a *Archive) ID() string { return "" }

// Blobs is the store of file bytes.
func (a *Archive) Blobs() *blob.Store { return nil }

// Page is what one answer of the server (or one download) adds: evidence and the bookkeeping that goes with it. It
// is committed whole or not at all.
type Page struct {
	Observed time.Time // when the answer arrived

	Channel  string             // id of the channel that Messages, Files, Deleted, Proven and Threads belong to
	Messages []record.Seen      // main messages and comments as read
	Files    []record.FileState // keyed by FileState.ID
	Deleted  []Deleted          // messages proven gone
	Proven   []record.Interval  // ranges of main messages that this page proves complete
	Threads  []Thread           // registry entries to set

	Channels []record.ChannelState // keyed by ChannelState.ID
	Users    []record.Seen         // keyed by the user's id

	Owe  []Debt // work that this page creates
	Paid []Debt // work that this page settles

	// Done, when set, is called once with what the page added, after the commit or its failure. It is called from
	// the committing goroutine and must not block or call the archive.
	Done func(Counts, error)
}

// Deleted is the proof that a message is gone.
type Deleted struct {
	TS record.TS
	record.Deletion
}

// Thread is the registry entry of a thread: what is known of its comments.
type Thread struct {
	TS       record.TS // the parent
	Count    int64     // the parent's comments_count when the comments were read; -1 if the server gave none
	Comments int       // comments that were read
	Digest   [8]byte   // of the comments' raw objects, in order
}

// DebtKind says what sort of work is owed.
type DebtKind string

// The kinds of debt.
const (
	DebtThread  DebtKind = "thread"  // comments of the thread Key (a ts) are to be read
	DebtFile    DebtKind = "file"    // bytes of the file Key (an id) are to be fetched
	DebtChannel DebtKind = "channel" // the channel is to be read (again) from the beginning of the walk
)

// Debt is work that is still to be done for a channel.
type Debt struct {
	Channel   string    `json:"channel"`
	Kind      DebtKind  `json:"kind"`
	Key       string    `json:"key"`
	Reason    string    `json:"reason,omitzero"`
	Tries     int       `json:"tries,omitzero"`
	Since     time.Time `json:"since"`
	NotBefore time.Time `json:"not_before,omitzero"` // do not try again earlier
}

// Counts says what pages added to the archive.
type Counts struct {
	Messages    int // main messages seen for the first time
	Comments    int // comments seen for the first time
	Versions    int // versions after an object's first (messages and comments)
	Annotations int
	Deletions   int
	Files       int // file revisions stored
	Entries     int // entries of any kind
}

// Put queues a page. It blocks while the queue is full, and fails once an earlier commit has failed. The page is
// durable when Done was called or Flush returned without error. Pages of one channel are committed in the order in
// which they were put. A page that adds nothing writes nothing.
func (a *Archive) Put(ctx context.Context, p *Page) error { return errors.ErrUnsupported }

// Flush waits until all pages put before it are durable.
func (a *Archive) Flush(ctx context.Context) error { return errors.ErrUnsupported }

// Change is the number of the newest committed entry, 0 for an empty archive.
func (a *Archive) Change() uint64 { return 0 }

// Channels gives the channels as of change number asOf (0 means now), by id.
func (a *Archive) Channels(ctx context.Context, asOf uint64) iter.Seq2[*record.Channel, error] {
	return nil
}

// Users gives the users, by id.
func (a *Archive) Users(ctx context.Context, asOf uint64) iter.Seq2[*record.User, error] { return nil }

// Files gives the files of a channel, by id.
func (a *Archive) Files(ctx context.Context, channel string, asOf uint64) iter.Seq2[*record.File, error] {
	return nil
}

// Range narrows what Messages gives. Zero values do not narrow.
type Range struct {
	From, To record.TS // both included
	AsOf     uint64    // change number; 0 means now
}

// Messages gives the messages of a channel by ts, main messages and comments mixed. Memory stays flat; the archive
// is not held between the messages of different windows, so that a writer can work meanwhile.
func (a *Archive) Messages(ctx context.Context, channel string, r Range) iter.Seq2[*record.Message, error] {
	return nil
}

// Message gives one message, or ErrNotFound.
func (a *Archive) Message(ctx context.Context, channel string, ts record.TS) (*record.Message, error) {
	return nil, errors.ErrUnsupported
}

// File gives one file, or ErrNotFound.
func (a *Archive) File(ctx context.Context, channel, id string) (*record.File, error) {
	return nil, errors.ErrUnsupported
}

// Channel gives one channel, or ErrNotFound.
func (a *Archive) Channel(ctx context.Context, id string) (*record.Channel, error) {
	return nil, errors.ErrUnsupported
}

// Class says what sort of object an entry belongs to.
type Class uint8

// The classes.
const (
	ClassMessage Class = iota + 1
	ClassFile
	ClassChannel
	ClassUser
)

// Changed is an entry with its place.
type Changed struct {
	Class   Class
	Channel string // id; of messages and files
	record.Entry
}

// Changes gives the entries after change number after, in order, at least one and about limit of them; none means
// that after is the newest.
func (a *Archive) Changes(ctx context.Context, after uint64, limit int) ([]Changed, error) {
	return nil, errors.ErrUnsupported
}

// Coverage is what is proven of a channel's main messages.
type Coverage struct {
	Channel string            `json:"channel"`
	Proven  []record.Interval `json:"proven"`
}

// Coverage gives the coverage of a channel; an unknown channel has none.
func (a *Archive) Coverage(ctx context.Context, channel string) (Coverage, error) {
	return Coverage{}, errors.ErrUnsupported
}

// Threads gives the registry of a channel's threads.
func (a *Archive) Threads(ctx context.Context, channel string) (map[record.TS]Thread, error) {
	return nil, errors.ErrUnsupported
}

// Debts gives the debts of a channel, of all channels for "".
func (a *Archive) Debts(ctx context.Context, channel string) ([]Debt, error) {
	return nil, errors.ErrUnsupported
}

// Run is the record of one run of sync.
type Run struct {
	ID       uint64    `json:"id"` // given by BeginRun
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Outcome  string    `json:"outcome"`          // running, complete, incomplete, failed, interrupted
	Summary  []byte    `json:"summary,omitzero"` // JSON of the run's outcome object
}

// BeginRun records that a run starts and gives it its number.
func (a *Archive) BeginRun(ctx context.Context) (Run, error) { return Run{}, errors.ErrUnsupported }

// EndRun records how a run ended.
func (a *Archive) EndRun(ctx context.Context, r Run) error { return errors.ErrUnsupported }

// Runs gives the newest runs, newest first, at most limit.
func (a *Archive) Runs(ctx context.Context, limit int) ([]Run, error) {
	return nil, errors.ErrUnsupported
}

// SetJournal keeps an answer that the server gives only once (channels.diff) until it has been acted on; nil clears
// it. Journal reads it.
func (a *Archive) SetJournal(ctx context.Context, name string, value []byte) error {
	return errors.ErrUnsupported
}

// Journal gives what SetJournal kept, nil if nothing.
func (a *Archive) Journal(ctx context.Context, name string) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// ChannelTotals are the counters of one channel, kept with every commit.
type ChannelTotals struct {
	Messages, Comments, Deleted int
	First, Last                 record.TS // of main messages; "" when there are none
	Change                      uint64
}

// Totals gives the counters of a channel.
func (a *Archive) Totals(ctx context.Context, channel string) (ChannelTotals, error) {
	return ChannelTotals{}, errors.ErrUnsupported
}

// Bucket is the space that one part of archive.db takes.
type Bucket struct {
	Name    string `json:"name"`
	Entries int    `json:"entries"`
	Bytes   int64  `json:"bytes"`   // pages in use
	Content int64  `json:"content"` // keys and values
}

// Stats are the sizes of an archive.
type Stats struct {
	Buckets  []Bucket `json:"buckets"`
	InUse    int64    `json:"in_use"`    // bytes of archive.db that hold data
	FileSize int64    `json:"file_size"` // bytes of archive.db
	Blobs    int64    `json:"blobs"`     // bytes of stored blobs
	Commits  int64    `json:"commits"`   // of this process
	Fsyncs   int64    `json:"fsyncs"`    // of this process, blobs and HEAD included
}

// Stats measures the archive.
func (a *Archive) Stats(ctx context.Context) (Stats, error) { return Stats{}, errors.ErrUnsupported }

// VerifyOptions say how deep Verify looks.
type VerifyOptions struct {
	Data     bool                    // read, decompress and hash every block and blob
	Sample   float64                 // percent of blocks and blobs to read when Data is false; 0 is none
	Progress func(done, total int64) // bytes
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

// Verify checks the archive. Damage is reported, not returned as an error.
func (a *Archive) Verify(ctx context.Context, o VerifyOptions) (*Report, error) {
	return nil, errors.ErrUnsupported
}
