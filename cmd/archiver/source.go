package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"archiver/internal/export"
	"archiver/internal/extract"
	"archiver/internal/filetext"
	"archiver/internal/index"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

// source is the archive as an export sees it: a selection at one change number. What a query finds, and what context
// joins to it, is picked once; without either the messages are chosen one by one as they are read.
type source struct {
	archive *storage.Archive
	texts   string // where the text of files is kept
	sel     export.Selection
	zone    *time.Location
	span    storage.Range             // of the messages between since and until
	picked  map[string]picks          // by channel; nil where messages are chosen one by one
	leftOut map[string]picks          // selected, too, and left out as earlier exports hold them
	earlier *earlierExports           // that the selection is compared with; nil without a comparison
	behind  uint64                    // changes that the index lacks
	marks   func(string) []index.Span // what the query matches in a text; nil without one
	notes   []export.Note
	terms   []export.TermList // what the query finds, and what each of the terms does
	hits    *listings         // which terms find a message; nil without terms
}

// openSource freezes a selection. With a query or terms it is frozen where the index stands, since of later changes
// nothing tells whether they match.
func (e *env) openSource(ctx context.Context, c *cli.Context, a *storage.Archive, job *exportJob) (*source, error) {
	sel, terms := &job.selection, job.terms
	s, err := e.newSource(a, job)
	if err != nil {
		return nil, err
	}
	if sel.Query == "" && len(terms.list) == 0 {
		s.freeze(*sel)
		err = s.settle(ctx)
	} else {
		err = e.query(ctx, c, s, sel, terms)
	}
	if err != nil {
		return nil, err
	}
	s.notes, err = s.knownGaps(ctx)
	return s, err
}

// reopenSource gives the selection of an export that was made before, of which the ledger kept something.
func (e *env) reopenSource(ctx context.Context, c *cli.Context, a *storage.Archive, job *exportJob) (*source, error) {
	s, err := e.newSource(a, job)
	if err != nil {
		return nil, err
	}
	s.freeze(job.selection)
	if err := s.thaw(job.frozen); err != nil || job.selection.Query == "" {
		return s, err
	}
	request, err := s.ask()
	if err != nil {
		return nil, err
	}
	ix, err := e.openIndex(ctx, c)
	if err != nil {
		return nil, err
	}
	s.marks, err = ix.Highlighter(ctx, a, request)
	return s, errors.Join(err, ix.Close())
}

func (e *env) newSource(a *storage.Archive, job *exportJob) (*source, error) {
	zone, err := time.LoadLocation(job.selection.Zone)
	if err != nil {
		return nil, err
	}
	s := &source{archive: a, texts: e.textFile(), zone: zone}
	s.earlier, err = openEarlier(a, job.ledger, job.selection.DuplicatesOf)
	return s, err
}

// settle picks what context joins to the hits, and leaves out what earlier exports hold.
func (s *source) settle(ctx context.Context) error {
	if err := s.addContext(ctx); err != nil {
		return err
	}
	return s.leaveOut(ctx)
}

func (s *source) freeze(sel export.Selection) {
	s.sel = sel
	s.span = timeSpan(sel.Since, sel.Until, s.zone)
	s.span.AsOf = sel.Change
}

// ask puts the selection to an index, without a query if it has none.
func (s *source) ask() (r index.Request, err error) {
	r = index.Request{Since: s.sel.Since, Until: s.sel.Until, Channels: s.sel.Channels, Users: s.sel.Users, Location: s.zone}
	if s.sel.Query == "" {
		return r, nil
	}
	r.Query, err = index.Parse(s.sel.Query)
	return r, explainQuery(err)
}

// query picks what the selection's query finds, and counts what the terms find in the rest of the selection.
func (e *env) query(ctx context.Context, c *cli.Context, s *source, sel *export.Selection, terms termList) (err error) {
	s.sel = *sel
	request, err := s.ask()
	if err != nil {
		return err
	}
	ix, err := e.openIndex(ctx, c)
	if err != nil {
		return err
	}
	defer closing(&err, ix.Close)
	status, err := ix.Status(ctx)
	if err != nil {
		return err
	}
	s.behind = sel.Change - min(sel.Change, status.Change)
	sel.Change -= s.behind
	s.freeze(*sel)
	if request.Query != nil {
		if err := s.pick(ctx, ix, request); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	return e.countTerms(ctx, ix, s, request, terms)
}

// pick keeps the messages that the request's query finds, and how to highlight it.
func (s *source) pick(ctx context.Context, ix *index.Index, request index.Request) (err error) {
	if s.marks, err = ix.Highlighter(ctx, s.archive, request); err != nil {
		return err
	}
	s.picked = map[string]picks{}
	return ix.Match(ctx, s.archive, request, func(channel string, ts record.TS) error {
		s.picked[channel] = append(s.picked[channel], pick(ts, export.ReasonHit))
		return nil
	})
}

// highlight tells where what was searched for stands in a text.
func (s *source) highlight(text string) []export.Span {
	if s.marks == nil {
		return nil
	}
	var spans []export.Span
	for _, m := range s.marks(text) {
		spans = append(spans, export.Span(m))
	}
	return spans
}

// Channels gives the channels in scope.
func (s *source) Channels(ctx context.Context) iter.Seq2[*record.Channel, error] {
	return func(yield func(*record.Channel, error) bool) {
		for c, err := range s.archive.Channels(ctx, s.sel.Change) {
			if err == nil && len(s.sel.Channels) > 0 && !slices.Contains(s.sel.Channels, c.ID) {
				continue
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// Users gives all users.
func (s *source) Users(ctx context.Context) iter.Seq2[*record.User, error] {
	return s.archive.Users(ctx, s.sel.Change)
}

// Files gives the files of a channel.
func (s *source) Files(ctx context.Context, channel string) iter.Seq2[*record.File, error] {
	return s.archive.Files(ctx, channel, s.sel.Change)
}

// File gives one file, nil where the archive knows of none.
func (s *source) File(ctx context.Context, channel, id string) (*record.File, error) {
	f, err := s.archive.File(ctx, channel, id, s.sel.Change)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	return f, err
}

// Blob opens the bytes of a file.
func (s *source) Blob(sha256 string) (io.ReadCloser, error) { return s.archive.Blobs().Get(sha256) }

// Text gives the text that was extracted from a content.
func (s *source) Text(_ context.Context, sha256 string) (text string, ok bool, err error) {
	store, err := filetext.Open(s.texts, true, time.Second)
	if err != nil {
		return "", false, err
	}
	defer closing(&err, store.Close)
	r, known, err := store.Get(sha256, true)
	return r.Text, known && r.Status == extract.Extracted, err
}

// Message gives one message if it is selected.
func (s *source) Message(ctx context.Context, channel string, ts record.TS) (item export.Item, ok bool, err error) {
	reason := export.ReasonHit
	if s.picked != nil {
		if reason, ok = s.picked[channel].find(ts); !ok {
			return item, false, nil
		}
	}
	for m, err := range s.archive.Messages(ctx, channel, storage.Range{From: ts, To: ts, AsOf: s.sel.Change}) {
		chosen := s.picked != nil || s.chosen(m)
		return export.Item{Message: m, Reason: reason}, chosen && err == nil, err
	}
	return item, false, nil
}

// chosen tells whether a message is in the selection, where that has no query.
func (s *source) chosen(m *record.Message) bool {
	switch {
	case len(s.sel.Channels) > 0 && !slices.Contains(s.sel.Channels, m.Channel),
		len(s.sel.Users) > 0 && !slices.Contains(s.sel.Users, m.User):
		return false
	}
	return m.TS >= s.span.From && (s.span.To == "" || m.TS <= s.span.To)
}

// Estimate is about how many messages Items gives.
func (s *source) Estimate(ctx context.Context) (int64, error) {
	total := 0
	if s.picked != nil {
		for _, p := range s.picked {
			total += len(p)
		}
		return int64(total), nil
	}
	for c, err := range s.Channels(ctx) {
		if err != nil {
			return 0, err
		}
		n, err := s.archive.Estimate(ctx, c.ID, s.span)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return int64(total), nil
}

// reader gives the messages of a channel, whole or not.
type reader func(ctx context.Context, channel string, r storage.Range) iter.Seq2[*record.Message, error]

// Items gives the selected messages.
func (s *source) Items(ctx context.Context) iter.Seq2[export.Item, error] {
	return s.items(ctx, s.archive.Messages)
}

// Outlines gives the outlines of the selected messages. Where authors tell which those are, messages are read whole.
func (s *source) Outlines(ctx context.Context) iter.Seq2[export.Item, error] {
	if s.picked == nil && len(s.sel.Users) > 0 {
		return s.Items(ctx)
	}
	return s.items(ctx, s.archive.Outlines)
}

func (s *source) items(ctx context.Context, read reader) iter.Seq2[export.Item, error] {
	return func(yield func(export.Item, error) bool) {
		for c, err := range s.Channels(ctx) {
			if err != nil {
				yield(export.Item{}, err)
				return
			}
			for item, err := range s.itemsOf(ctx, c.ID, read) {
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// itemsOf gives the selected messages of a channel.
func (s *source) itemsOf(ctx context.Context, channel string, read reader) iter.Seq2[export.Item, error] {
	if s.picked != nil {
		return s.readPicked(ctx, channel, read)
	}
	return func(yield func(export.Item, error) bool) {
		for m, err := range read(ctx, channel, s.span) {
			if err == nil && !s.chosen(m) {
				continue
			}
			if !yield(export.Item{Message: m, Reason: export.ReasonHit}, err) {
				return
			}
		}
	}
}

// Notes says what the archive was known to lack of the channels in scope.
func (s *source) Notes(context.Context) ([]export.Note, error) { return s.notes, nil }

// knownGaps says what the archive is known to lack of the channels in scope.
func (s *source) knownGaps(ctx context.Context) ([]export.Note, error) {
	var notes []export.Note
	if s.behind > 0 {
		notes = append(notes, export.Note{What: fmt.Sprintf("the search index lacks the newest %s; the selection is frozen before them", counted(s.behind, "change"))})
	}
	states, err := s.channelStates(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range states {
		notes = append(notes, channelNotes(c)...)
	}
	return notes, nil
}

// channelStates says what is archived of each channel in scope, and what is owed to it.
func (s *source) channelStates(ctx context.Context) ([]channelStatus, error) {
	debts, err := debtsByChannel(ctx, s.archive)
	if err != nil {
		return nil, err
	}
	var states []channelStatus
	for c, err := range s.Channels(ctx) {
		if err != nil {
			return nil, err
		}
		state, err := channelState(ctx, s.archive, c)
		if err != nil {
			return nil, err
		}
		state.Debts = debts[c.ID]
		states = append(states, state)
	}
	return states, nil
}

// channelNotes says what is known to be missing from a channel.
func channelNotes(c channelStatus) []export.Note {
	found := lacks(c.State, c.Gaps, c.Debts)
	switch c.State {
	case record.ChannelGone:
		found = append(found, "the server no longer lists the channel")
	case record.ChannelExcluded:
		found = append(found, "the configuration excludes the channel")
	}
	var notes []export.Note
	for _, what := range found {
		notes = append(notes, export.Note{Where: c.ID, What: what})
	}
	return notes
}
