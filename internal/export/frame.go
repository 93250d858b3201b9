package export

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"archiver/internal/record"
)

// sink takes the records of a selection in one pass. Formats are sinks; so are the counters and the store of
// attachments. The order of calls is that of the data: channels by id, each followed by its messages by ts and then
// its files by id; after the last channel the users by id; then close, once, and only if nothing failed.
type sink interface {
	channel(*record.Channel) error
	message(Item) error
	file(*record.File) error
	user(*record.User) error
	close() error
}

// formats has a constructor for every format that takes records one by one, sliced one for every format that takes them
// in slices. A format in both takes slices if mails are slices. A new one registers here and finds what it needs in the
// frame.
var (
	formats = map[string]func(*frame) (sink, error){
		"csv":    newCSV,
		"eml":    newEML,
		"mbox":   newMbox,
		"ndjson": newNDJSON,
	}
	sliced = map[string]func(*frame) (sliceSink, error){
		"eml":        newSlicedEML,
		"html":       newHTML,
		"production": newProduction,
		"rsmf":       newRSMF,
	}
)

// DefaultFormats are those that are written when none is named. A production takes Bates numbers, and mails repeat what the
// others have.
func DefaultFormats() []string { return []string{"csv", "html", "ndjson", "rsmf"} }

// Formats are the names of the formats that can be written, sorted.
func Formats() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(formats)), maps.Keys(sliced))
	slices.Sort(names)
	return slices.Compact(names)
}

// progressEvery is after how many messages progress is reported and the context is asked.
const progressEvery = 1000

// frame is one selection on its way through the sinks, and what all formats may use.
type frame struct {
	id        string // of the export
	generator string
	sel       Selection
	rendering Rendering
	highlight func(string) []Span // may be nil
	src       Source
	zone      *time.Location
	channels  []*record.Channel       // in scope, by id
	users     map[string]*record.User // all, without their raw objects

	bundle   *bundle   // nil in a preview
	contents *contents // where attachments lie in the bundle
	tally    *tally
	terms    *termCounter
	kept     *documentKeeper
	again    *duplicates
	progress func()

	numbered int64 // slices and their attachments, as planned
	reserve  func(prefix string, n int64) (first int64, err error)

	exceptions []Note
	next       int                 // index into channels of the first that has not been given
	current    *record.Channel     // whose messages are being given; nil at the beginning
	last       record.TS           // of the message given last
	files      map[string]bool     // ids of the files of the current channel's messages; true once given
	people     map[string]struct{} // ids of authors and members in the export
}

func newFrame(ctx context.Context, sel Selection, src Source) (*frame, error) {
	zone, err := time.LoadLocation(sel.Zone)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", sel.Zone, err)
	}
	f := &frame{
		sel: sel, src: src, zone: zone, tally: newTally(), users: map[string]*record.User{},
		files: map[string]bool{}, people: map[string]struct{}{},
	}
	for c, err := range src.Channels(ctx) {
		if err != nil {
			return nil, fmt.Errorf("channels: %w", err)
		}
		f.channels = append(f.channels, c)
	}
	for u, err := range src.Users(ctx) {
		if err != nil {
			return nil, fmt.Errorf("users: %w", err)
		}
		f.users[u.ID] = &record.User{ID: u.ID, Name: u.Name, Email: u.Email, Change: u.Change}
	}
	return f, nil
}

// channelOf gives a channel in scope, nil if it is none.
func (f *frame) channelOf(id string) *record.Channel {
	i, ok := slices.BinarySearchFunc(f.channels, id, func(c *record.Channel, id string) int { return strings.Compare(c.ID, id) })
	if !ok {
		return nil
	}
	return f.channels[i]
}

// navigates tells whether readers may want to go from hit to hit: something was searched for.
func (f *frame) navigates() bool { return f.sel.Query != "" || f.sel.Context != "" }

// sinks makes what a bundle is written by. The attachments come before the formats, which tell where they lie.
func (f *frame) sinks(ctx context.Context, names []string) ([]sink, error) {
	sinks := []sink{f.tally, f.contents}
	var takers []sliceSink
	for _, name := range names {
		var err error
		record, isRecord := formats[name]
		slice, isSlice := sliced[name]
		switch {
		case isSlice && (!isRecord || f.rendering.Mail == MailSlice):
			takers, err = opened(takers, slice, f)
		case isRecord:
			sinks, err = opened(sinks, record, f)
		default:
			err = ErrUnknownFormat
		}
		if err != nil {
			return nil, fmt.Errorf("format %q: %w", name, err)
		}
	}
	if len(takers) == 0 {
		return sinks, nil
	}
	f.kept = newDocumentKeeper()
	s, err := newSlicer(ctx, f, append(takers, f.kept))
	return append(sinks, s), err
}

// counters makes what counts hits and duplicates; tables is nil in a preview.
func (f *frame) counters(ctx context.Context, tables *reports) (sinks []sink, err error) {
	if f.terms, err = newTermCounter(ctx, f); err != nil {
		return nil, err
	}
	f.again, err = newDuplicates(ctx, f, tables)
	return []sink{f.terms, f.again}, err
}

// opened appends what open makes.
func opened[T any](list []T, open func(*frame) (T, error), f *frame) ([]T, error) {
	v, err := open(f)
	return append(list, v), err
}

// walk gives everything that is selected to the sinks and closes them.
func (f *frame) walk(ctx context.Context, sinks []sink) error {
	given := 0
	for item, err := range f.withFiles(ctx, f.src.Items(ctx)) {
		if err != nil {
			return fmt.Errorf("messages: %w", err)
		}
		if err := f.enter(ctx, item.Channel, sinks); err != nil {
			return err
		}
		if err := f.give(item, sinks); err != nil {
			return fmt.Errorf("message %s: %w", item.ID(), err)
		}
		if given++; given%progressEvery == 0 {
			f.progress()
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if err := f.leave(ctx, sinks); err != nil {
		return err
	}
	if err := f.giveUsers(ctx, sinks); err != nil {
		return err
	}
	return each(sinks, sink.close)
}

// withFiles gives messages their files.
func (f *frame) withFiles(ctx context.Context, items iter.Seq2[Item, error]) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for item, err := range items {
			if err == nil {
				err = f.attach(ctx, &item)
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// attach gives a message its file.
func (f *frame) attach(ctx context.Context, item *Item) (err error) {
	if item.FileID != "" {
		item.File, err = f.src.File(ctx, item.Channel, item.FileID)
	}
	return err
}

func (f *frame) give(item Item, sinks []sink) error {
	if item.TS <= f.last {
		return fmt.Errorf("out of order after %s", f.last)
	}
	f.last = item.TS
	f.people[item.User] = struct{}{}
	if item.FileID != "" {
		f.files[item.FileID] = false
	}
	return each(sinks, func(s sink) error { return s.message(item) })
}

// enter goes on to the channel of the next message: it finishes the current one and those between that have no
// messages.
func (f *frame) enter(ctx context.Context, id string, sinks []sink) error {
	if f.current != nil && f.current.ID == id {
		return nil
	}
	if err := f.finish(ctx, sinks); err != nil {
		return err
	}
	for f.next < len(f.channels) && f.channels[f.next].ID <= id {
		c := f.channels[f.next]
		f.next++
		if c.ID != id && !f.sel.allMessages() {
			continue
		}
		if err := f.begin(c, sinks); err != nil {
			return err
		}
		if c.ID == id {
			return nil
		}
		if err := f.finish(ctx, sinks); err != nil {
			return err
		}
	}
	return fmt.Errorf("messages of channel %s: out of order, or not one of the channels in scope", id)
}

// leave finishes the last channel with messages and those after it that have none.
func (f *frame) leave(ctx context.Context, sinks []sink) error {
	if err := f.finish(ctx, sinks); err != nil || !f.sel.allMessages() {
		return err
	}
	for _, c := range f.channels[f.next:] {
		if err := f.begin(c, sinks); err != nil {
			return err
		}
		if err := f.finish(ctx, sinks); err != nil {
			return err
		}
	}
	return nil
}

func (f *frame) begin(c *record.Channel, sinks []sink) error {
	f.current, f.last = c, ""
	for _, id := range c.Members {
		f.people[id] = struct{}{}
	}
	if err := each(sinks, func(s sink) error { return s.channel(c) }); err != nil {
		return fmt.Errorf("channel %s: %w", c.ID, err)
	}
	return nil
}

// finish gives the current channel's files: those of its exported messages, or all if every message is selected.
func (f *frame) finish(ctx context.Context, sinks []sink) error {
	c := f.current
	if c == nil || len(f.files) == 0 && !f.sel.allMessages() {
		return nil
	}
	for file, err := range f.src.Files(ctx, c.ID) {
		if err != nil {
			return fmt.Errorf("files of channel %s: %w", c.ID, err)
		}
		if _, wanted := f.files[file.ID]; !wanted && !f.sel.allMessages() {
			continue
		}
		f.files[file.ID] = true
		f.reportMissing(file)
		if err := each(sinks, func(s sink) error { return s.file(file) }); err != nil {
			return fmt.Errorf("file %s/%s: %w", c.ID, file.ID, err)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.files)) {
		if !f.files[id] {
			f.except(c.ID+"/"+id, "the archive knows of no such file, though a message names it")
		}
	}
	clear(f.files)
	f.progress()
	return ctx.Err()
}

// reportMissing notes a file whose newest content is not in the archive.
func (f *frame) reportMissing(file *record.File) {
	if file.State == record.FileStored {
		return
	}
	what := "file " + string(file.State)
	if file.Reason != "" {
		what += ": " + file.Reason
	}
	if n := len(file.Versions); n > 0 {
		what += fmt.Sprintf(" (%d earlier contents are exported)", n)
	}
	f.except(file.Channel+"/"+file.ID, what)
}

func (f *frame) except(where, what string) {
	f.exceptions = append(f.exceptions, Note{Where: where, What: what})
}

// giveUsers gives the authors and the members of the exported channels, all users if everything is selected.
func (f *frame) giveUsers(ctx context.Context, sinks []sink) error {
	for u, err := range f.src.Users(ctx) {
		if err != nil {
			return fmt.Errorf("users: %w", err)
		}
		if _, wanted := f.people[u.ID]; !wanted && !f.sel.everything() {
			continue
		}
		if err := each(sinks, func(s sink) error { return s.user(u) }); err != nil {
			return fmt.Errorf("user %s: %w", u.ID, err)
		}
	}
	return nil
}

func each(sinks []sink, do func(sink) error) error {
	for _, s := range sinks {
		if err := do(s); err != nil {
			return err
		}
	}
	return nil
}

// summary says what was given to the sinks.
func (f *frame) summary(ctx context.Context) (*Summary, error) {
	notes, err := f.src.Notes(ctx)
	if err != nil {
		return nil, fmt.Errorf("coverage: %w", err)
	}
	s := f.tally.summary(f.users)
	s.Selection = f.sel
	s.Counts.Contents, s.Counts.Bytes = f.contents.count, f.contents.bytes
	s.Notes = slices.Concat([]Note{}, notes)
	s.Exceptions = slices.Concat([]Note{}, f.exceptions, f.contents.exceptions)
	s.Terms, s.Duplicates = f.terms.report(), f.again.counts
	return s, nil
}

func (f *frame) userName(id string) string {
	if u := f.users[id]; u != nil {
		return u.Name
	}
	return id
}

func (f *frame) channelName(id string) string {
	if c := f.channelOf(id); c != nil {
		return c.Name
	}
	return id
}
