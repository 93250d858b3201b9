package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"

	"golang.org/x/sync/errgroup"
)

// Defaults of Options.
const (
	DefaultSample = 1.0 // percent

	defaultPageSize    = 1000
	defaultConcurrency = 4
)

// Options say what is compared with what.
type Options struct {
	Client  *teamchat.Client
	Archive *storage.Archive

	Exclude     []string       // channels to leave out: ids, padding optional, or names
	Sample      float64        // percent of each channel's archived messages to compare by content, at least a few; 0 is DefaultSample
	Seed        uint64         // chooses the sample
	PageSize    int            // items to ask for at once, 0 is 1000
	Concurrency int            // channels at once, 0 is 4
	Progress    func(Progress) // called often, from several goroutines; nil is none
}

// Progress says how far Run is.
type Progress struct {
	ChannelsDone, ChannelsTotal int64
	Messages                    int64 // main messages of the server, so far
}

// Kind is the sort of a reason.
type Kind string

// The kinds of reasons.
const (
	New         Kind = "new"         // came after the last sync; explained
	Edited      Kind = "edited"      // of the sample: another version than the newest archived one
	Absent      Kind = "absent"      // archived, and not on the server any more: deleted, but that is not proven
	Refused     Kind = "refused"     // a file whose bytes the archive gave up for good, with the reason in status
	Gone        Kind = "gone"        // the channel is not listed any more
	Excluded    Kind = "excluded"    // the channel is left out by configuration
	Gap         Kind = "gap"         // missing in a range that the archive does not claim to have read
	Debt        Kind = "debt"        // known to be missing, and owed by the next sync
	Forbidden   Kind = "forbidden"   // the account may not read the channel
	Unknown     Kind = "unknown"     // older than the last sync, of a channel that the archive does not have
	Unread      Kind = "unread"      // the server could not be read to the end
	Unexplained Kind = "unexplained" // missing, although the archive claims to have it
)

// incomplete tells whether a reason keeps the archive from having all that a sync promises.
func (k Kind) incomplete() bool {
	return slices.Contains([]Kind{Gap, Debt, Forbidden, Unknown, Unread, Unexplained}, k)
}

// maxNamed is how many items a reason names.
const maxNamed = 20

// Reason explains a difference, or part of it.
type Reason struct {
	Kind  Kind     `json:"kind"`
	What  string   `json:"what"`            // message, comment, file or channel; of Unread the error
	Count int      `json:"count"`           // of such items
	Items []string `json:"items,omitempty"` // some of them: the ts of messages and comments, the ids of files
}

// Row is the report on one channel. Counts of the source are -1 where the server was not asked or did not answer;
// those of the archive leave out what it knows to be deleted.
type Row struct {
	ChannelID        string   `json:"channel_id"`
	ChannelName      string   `json:"channel_name"`
	SourceMessages   int      `json:"source_messages"` // main messages
	ArchivedMessages int      `json:"archived_messages"`
	Difference       int      `json:"difference"` // source less archived main messages, 0 where the source is unknown
	SourceComments   int      `json:"source_comments"`
	ArchivedComments int      `json:"archived_comments"`
	SourceFiles      int      `json:"source_files"`   // of files.list
	ArchivedFiles    int      `json:"archived_files"` // whose newest bytes are stored
	Sampled          int      `json:"sampled"`        // archived messages and comments compared by content
	Differing        int      `json:"differing"`      // of them
	Explanation      string   `json:"explanation"`    // Reasons in words
	Reasons          []Reason `json:"reasons"`
}

// Incomplete tells whether something is missing that is not new, or could not be read.
func (r *Row) Incomplete() bool {
	return slices.ContainsFunc(r.Reasons, func(s Reason) bool { return s.Kind.incomplete() })
}

// Totals are the sums over all rows. Rows whose source is unknown add nothing to the source's counts.
type Totals struct {
	Channels         int `json:"channels"`
	SourceMessages   int `json:"source_messages"`
	ArchivedMessages int `json:"archived_messages"`
	Difference       int `json:"difference"`
	SourceComments   int `json:"source_comments"`
	ArchivedComments int `json:"archived_comments"`
	SourceFiles      int `json:"source_files"`
	ArchivedFiles    int `json:"archived_files"`
	Sampled          int `json:"sampled"`
	Differing        int `json:"differing"`
	Incomplete       int `json:"incomplete"` // channels of which something is missing that is not new, or could not be read
}

// Report is the outcome of Run.
type Report struct {
	Complete bool      `json:"complete"` // everything was read, and all that is missing is new since the last sync
	Server   string    `json:"server"`   // the account that asked
	Began    time.Time `json:"began"`    // by the server's clock
	Seed     uint64    `json:"seed"`
	Channels []Row     `json:"channels"` // by id
	Totals   Totals    `json:"totals"`
}

// Run compares the archive with the server. What can't be read of one channel stands in its row; an error means that
// the login was refused, that nothing at all could be compared, or that the archive could not be read.
func Run(ctx context.Context, o Options) (*Report, error) {
	o.Sample = cmp.Or(o.Sample, DefaultSample)
	o.PageSize = cmp.Or(o.PageSize, defaultPageSize)
	o.Concurrency = cmp.Or(o.Concurrency, defaultConcurrency)
	r := &run{Options: o}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	if err := r.compareAll(ctx); err != nil {
		return nil, err
	}
	return r.report(), nil
}

// run is a comparison under way.
type run struct {
	Options
	began  time.Time // by the server's clock
	synced time.Time // when the last sync began, by the server's clock; zero if there was none
	pairs  []*pair   // by channel id

	done, messages atomic.Int64
	completed      atomic.Int64 // channels that were read to their end
	end            atomic.Pointer[error]
}

// pair is a channel on both sides; one of them may lack.
type pair struct {
	id       string
	listed   *teamchat.Channel
	archived *record.Channel
	row      Row
}

// begin learns the clocks and the channels of both sides.
func (r *run) begin(ctx context.Context) error {
	answer, now, err := r.Client.Now(ctx)
	if err != nil {
		return fmt.Errorf("ask for the server's time: %w", err)
	}
	r.began = now.UTC()
	runs, err := r.Archive.Runs(ctx, 1)
	if err != nil {
		return fmt.Errorf("read runs: %w", err)
	}
	if len(runs) > 0 {
		r.synced = runs[0].Started.Add(now.Sub(answer.Received))
	}
	_, list, err := r.Client.ChannelsList(ctx)
	if err != nil {
		return fmt.Errorf("list channels: %w", err)
	}
	return r.match(ctx, list)
}

// match pairs the channels of both sides.
func (r *run) match(ctx context.Context, list []teamchat.Channel) error {
	byID := make(map[string]*pair)
	at := func(id string) *pair {
		if byID[id] == nil {
			byID[id] = &pair{id: id}
			r.pairs = append(r.pairs, byID[id])
		}
		return byID[id]
	}
	for i := range list {
		at(record.ChannelID(list[i].ID)).listed = &list[i]
	}
	for c, err := range r.Archive.Channels(ctx, 0) {
		if err != nil {
			return fmt.Errorf("read channels: %w", err)
		}
		at(c.ID).archived = c
	}
	slices.SortFunc(r.pairs, func(a, b *pair) int { return cmp.Compare(a.id, b.id) })
	return nil
}

// errStopped means that the comparison ended before it reached a channel.
var errStopped = errors.New("not reached before the server went out of reach or asked to come back later")

// compareAll compares every channel, some at once.
func (r *run) compareAll(ctx context.Context) error {
	r.progress()
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(r.Concurrency)
	for _, p := range r.pairs {
		group.Go(func() error { return r.compare(inner, p) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := r.end.Load(); err != nil && r.completed.Load() == 0 {
		return *err
	}
	return nil
}

// compare makes the row of a channel. Its error is one that ends the whole comparison.
func (r *run) compare(ctx context.Context, p *pair) error {
	c := &channel{run: r, pair: p, row: &p.row}
	err := c.compare(ctx)
	var server *teamchat.Error
	switch {
	case err == nil:
		if p.row.SourceMessages >= 0 {
			r.completed.Add(1)
		}
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &server) && server.LoginRefused():
		return err
	case errors.Is(err, teamchat.ErrGaveUp), errors.Is(err, teamchat.ErrWait):
		r.end.CompareAndSwap(nil, &err)
		c.unread(err)
	case errors.As(err, &server), errors.Is(err, errBounds), errors.Is(err, errEndless), errors.Is(err, errStopped),
		errors.Is(err, teamchat.ErrTooLarge):
		c.unread(err)
	default:
		return fmt.Errorf("channel %s: %w", p.id, err)
	}
	c.finish()
	r.done.Add(1)
	r.progress()
	return nil
}

func (r *run) progress() {
	if r.Progress != nil {
		r.Progress(Progress{r.done.Load(), int64(len(r.pairs)), r.messages.Load()})
	}
}

// isNew tells whether an item of this ts came after the last sync began.
func (r *run) isNew(ts record.TS) bool {
	return !r.synced.IsZero() && ts.Time().After(r.synced)
}

func (r *run) excluded(p *pair, name string) bool {
	return slices.ContainsFunc(r.Exclude, func(s string) bool { return s == name || record.ChannelID(s) == p.id })
}

func (r *run) report() *Report {
	report := &Report{Server: r.Client.Username(), Began: r.began, Seed: r.Seed, Channels: make([]Row, 0, len(r.pairs))}
	for _, p := range r.pairs {
		report.Channels = append(report.Channels, p.row)
		report.Totals.add(&p.row)
	}
	report.Complete = report.Totals.Incomplete == 0
	return report
}

func (t *Totals) add(r *Row) {
	t.Channels++
	t.SourceMessages += max(r.SourceMessages, 0)
	t.ArchivedMessages += r.ArchivedMessages
	t.Difference += r.Difference
	t.SourceComments += max(r.SourceComments, 0)
	t.ArchivedComments += r.ArchivedComments
	t.SourceFiles += max(r.SourceFiles, 0)
	t.ArchivedFiles += r.ArchivedFiles
	t.Sampled += r.Sampled
	t.Differing += r.Differing
	if r.Incomplete() {
		t.Incomplete++
	}
}
