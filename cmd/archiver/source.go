package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"archiver/internal/export"
	"archiver/internal/index"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

// exportSelection reads the command line into a selection. Names of channels and people become ids.
func (e *env) exportSelection(ctx context.Context, c *cli.Context, a *storage.Archive) (export.Selection, error) {
	r, err := selection(e, c)
	if err != nil {
		return export.Selection{}, err
	}
	sel := export.Selection{
		Archive: a.ID(), Change: a.Change(), Since: r.Since, Until: r.Until, Zone: r.Location.String(),
		Channels: []string{}, Users: []string{},
	}
	if c.NArg() > 0 {
		if sel.Query, err = oneArgument(c, "query", "archiver export --output case-7 'quarterly report'"); err != nil {
			return sel, err
		}
	}
	for _, name := range r.Channels {
		channel, err := findChannel(ctx, a, record.ChannelID(name))
		if err != nil {
			return sel, asUsage("--channel", err)
		}
		sel.Channels = append(sel.Channels, channel.ID)
	}
	if sel.Users, err = findUsers(ctx, a, r.Users); err != nil {
		return sel, err
	}
	slices.Sort(sel.Channels)
	sel.Channels = slices.Compact(sel.Channels)
	return sel, nil
}

// asUsage makes something that was named and does not exist an error of the command line.
func asUsage(flag string, err error) error {
	if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	return &usageError{flag + ": " + err.Error(), hintOf(err)}
}

// findUsers gives the ids of people who are named by id or name.
func findUsers(ctx context.Context, a *storage.Archive, names []string) ([]string, error) {
	ids := []string{}
	found := make([]bool, len(names))
	for u, err := range a.Users(ctx, 0) {
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			if strings.EqualFold(name, u.ID) || strings.EqualFold(name, u.Name) {
				ids, found[i] = append(ids, u.ID), true
			}
		}
	}
	if i := slices.Index(found, false); i >= 0 {
		return nil, &usageError{fmt.Sprintf("--user: nobody has the id or the name %q", names[i]), ""}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// source is the archive as an export sees it: a selection at one change number. A query is asked of the index.
type source struct {
	archive *storage.Archive
	index   *index.Index // nil without a query
	request index.Request
	sel     export.Selection
	span    storage.Range // of the messages between since and until
	behind  uint64        // changes that the index lacks
}

// openSource opens what the selection needs. With a query the selection is frozen where the index stands, since of
// later changes nothing tells whether they match.
func (e *env) openSource(ctx context.Context, c *cli.Context, a *storage.Archive, sel *export.Selection) (*source, error) {
	loc, err := time.LoadLocation(sel.Zone)
	if err != nil {
		return nil, err
	}
	s := &source{archive: a}
	if sel.Query != "" {
		s.request = index.Request{Since: sel.Since, Until: sel.Until, Channels: sel.Channels, Users: sel.Users, Location: loc}
		if s.request.Query, err = index.Parse(sel.Query); err != nil {
			return nil, explainQuery(err)
		}
		if s.index, err = e.openIndex(ctx, c); err != nil {
			return nil, err
		}
		status, err := s.index.Status(ctx)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.behind = sel.Change - min(sel.Change, status.Change)
		sel.Change -= s.behind
	}
	s.sel = *sel
	s.span = timeSpan(sel.Since, sel.Until, loc)
	s.span.AsOf = sel.Change
	return s, nil
}

func (s *source) close() error {
	if s.index == nil {
		return nil
	}
	return s.index.Close()
}

// timeSpan gives the ts between two moments, the second one not included; they were checked before.
func timeSpan(since, until string, loc *time.Location) (r storage.Range) {
	if t, ok := moment(since, loc); ok {
		r.From = record.MakeTS(secondFrom(t), 0)
	}
	if t, ok := moment(until, loc); ok {
		r.To = record.MakeTS(secondFrom(t)-1, 999999)
	}
	return r
}

func moment(s string, loc *time.Location) (time.Time, bool) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return startOfDay(day, loc), true
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

// startOfDay is midnight, or the moment of the change where clocks skip midnight.
func startOfDay(day time.Time, loc *time.Location) time.Time {
	year, month, d := day.Date()
	t := time.Date(year, month, d, 0, 0, 0, 0, loc)
	begin, end := t.ZoneBounds()
	switch {
	case t.Day() != d:
		return end
	case t.Hour() != 0:
		return begin
	}
	return t
}

// secondFrom is the first whole second that is not before t.
func secondFrom(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
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

// Blob opens the bytes of a file.
func (s *source) Blob(sha256 string) (io.ReadCloser, error) { return s.archive.Blobs().Get(sha256) }

// Items gives the selected messages.
func (s *source) Items(ctx context.Context) iter.Seq2[export.Item, error] {
	return func(yield func(export.Item, error) bool) {
		give := func(m *record.Message) error {
			if !yield(export.Item{Message: m, Reason: export.ReasonHit}, nil) {
				return errStopped
			}
			return nil
		}
		err := s.each(ctx, give)
		if err != nil && !errors.Is(err, errStopped) {
			yield(export.Item{}, err)
		}
	}
}

// errStopped means that whoever was given messages wants no more.
var errStopped = errors.New("stopped")

// each calls give with the selected messages in order.
func (s *source) each(ctx context.Context, give func(*record.Message) error) error {
	if s.index != nil {
		return s.index.Match(ctx, s.archive, s.request, func(channel string, ts record.TS) error {
			return s.eachIn(ctx, channel, storage.Range{From: ts, To: ts, AsOf: s.sel.Change}, give)
		})
	}
	for c, err := range s.Channels(ctx) {
		if err != nil {
			return err
		}
		if err := s.eachIn(ctx, c.ID, s.span, give); err != nil {
			return err
		}
	}
	return nil
}

// eachIn calls give with the messages of a part of a channel. A query's hits have the right author already.
func (s *source) eachIn(ctx context.Context, channel string, r storage.Range, give func(*record.Message) error) error {
	for m, err := range s.archive.Messages(ctx, channel, r) {
		if err != nil {
			return err
		}
		if len(s.sel.Users) > 0 && !slices.Contains(s.sel.Users, m.User) {
			continue
		}
		if err := give(m); err != nil {
			return err
		}
	}
	return nil
}

// Notes says what the archive is known to lack of the channels in scope.
func (s *source) Notes(ctx context.Context) ([]export.Note, error) {
	var notes []export.Note
	if s.behind > 0 {
		notes = append(notes, export.Note{What: fmt.Sprintf("the search index lacks the newest %s; the selection is frozen before them", counted(s.behind, "change"))})
	}
	debts, err := debtsByChannel(ctx, s.archive)
	if err != nil {
		return nil, err
	}
	for c, err := range s.Channels(ctx) {
		if err != nil {
			return nil, err
		}
		state, err := channelState(ctx, s.archive, c)
		if err != nil {
			return nil, err
		}
		state.Debts = debts[c.ID]
		notes = append(notes, channelNotes(state)...)
	}
	return notes, nil
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
