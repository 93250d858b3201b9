package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"archiver/internal/export"
	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

// allExports stands for all earlier exports.
const allExports = "all"

func duplicateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "duplicates", Usage: "name in reports/duplicates.csv what earlier exports hold as well: those with the numbers `ID,ID`, or all"},
		boolFlag("exclude-duplicates", "leave out what earlier exports hold as it is; without --duplicates all of them"),
	}
}

// compareWith reads into the selection which earlier exports it is compared with.
func compareWith(c *cli.Context, l export.Ledger, sel *export.Selection) error {
	named := c.String("duplicates")
	sel.ExcludeDuplicates = c.Bool("exclude-duplicates")
	switch {
	case c.IsSet("duplicates") && named == "":
		return &usageError{"--duplicates: no export is named", "as in --duplicates EXP-2026-000001, or --duplicates all"}
	case named == "" && !sel.ExcludeDuplicates:
		return nil
	case named != "" && named != allExports:
		sel.DuplicatesOf = strings.FieldsFunc(named, func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(sel.DuplicatesOf)
		sel.DuplicatesOf = slices.Compact(sel.DuplicatesOf)
		return nil
	}
	all, err := l.All()
	sel.DuplicatesOf = []string{}
	for _, made := range all {
		if made.Selection.Archive == sel.Archive && !made.Finished.IsZero() {
			sel.DuplicatesOf = append(sel.DuplicatesOf, made.ID)
		}
	}
	return err
}

// earlierExports are exports that a selection is compared with.
type earlierExports struct {
	made       []export.Made
	selections []*source // without what was picked
	picked     []bool    // whether something was
	on         *listings // what was picked, by place in made

	ledger    export.Ledger
	channel   string             // whose documents were asked for last
	documents []export.Documents // by place in made
}

// openEarlier gives exports of an archive by their numbers; nil for none.
func openEarlier(a *storage.Archive, l export.Ledger, ids []string) (*earlierExports, error) {
	if ids == nil {
		return nil, nil
	}
	e := &earlierExports{on: newListings(), ledger: l}
	for _, id := range ids {
		if err := e.open(a, l, id); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *earlierExports) open(a *storage.Archive, l export.Ledger, id string) error {
	made, kept, err := madeOf(l, a.ID(), id)
	if err == nil && made.Finished.IsZero() {
		err = withHint(fmt.Errorf("export %s was begun and not finished, so that it holds nothing", id), "--duplicates all takes those that were finished")
	}
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(made.Selection.Zone)
	if err != nil {
		return fmt.Errorf("export %s: %w", id, err)
	}
	s := &source{archive: a, zone: zone}
	s.freeze(made.Selection)
	if err := s.thaw(kept); err != nil {
		return fmt.Errorf("export %s: %w", id, err)
	}
	for channel, messages := range s.picked {
		e.on.add(len(e.made), channel, messages)
	}
	e.made, e.picked = append(e.made, made), append(e.picked, s.picked != nil)
	s.picked, s.leftOut, s.hits = nil, nil, nil
	e.selections = append(e.selections, s)
	return nil
}

// holding gives the exports that hold a message, which has its file.
func (e *earlierExports) holding(item export.Item) (found []export.Earlier, err error) {
	if e == nil {
		return nil, nil
	}
	on := e.on.of(item.Channel, item.TS)
	for i, s := range e.selections {
		in := slices.Contains(on, i) || !e.picked[i] && s.chosen(item.Message)
		if !in || item.Entries[0].Change > s.sel.Change {
			continue
		}
		learnt := item.Change
		if item.File != nil {
			learnt = max(learnt, item.File.Change)
		}
		document, err := e.document(i, item)
		if err != nil {
			return nil, err
		}
		found = append(found, export.Earlier{Export: e.made[i].ID, Older: learnt > s.sel.Change, Slice: document.Name, Number: document.Number})
	}
	return found, nil
}

// document gives the document that has a message in an export, empty if that wrote none. Messages are asked for by channel.
func (e *earlierExports) document(i int, item export.Item) (d export.Document, err error) {
	if e.documents == nil || e.channel != item.Channel {
		var ids []string
		for _, made := range e.made {
			ids = append(ids, made.ID)
		}
		if e.documents, err = e.ledger.Documents(ids, item.Channel); err != nil {
			return d, err
		}
		e.channel = item.Channel
	}
	return e.documents[i].Of(item, e.made[i].Rendering.Slice, e.selections[i].zone), nil
}

// leaveOut divides what is selected into what is exported and what earlier exports hold.
func (s *source) leaveOut(ctx context.Context) error {
	if !s.sel.ExcludeDuplicates {
		return nil
	}
	picked, leftOut := map[string]picks{}, map[string]picks{}
	for item, err := range s.Items(ctx) {
		if err != nil {
			return err
		}
		earlier, err := s.Earlier(ctx, item)
		if err != nil {
			return err
		}
		to := picked
		if slices.ContainsFunc(earlier, func(e export.Earlier) bool { return !e.Older }) {
			to = leftOut
		}
		to[item.Channel] = append(to[item.Channel], pick(item.TS, item.Reason))
	}
	s.picked, s.leftOut = picked, leftOut
	return nil
}

// Earlier gives the exports that the selection is compared with that hold a message.
func (s *source) Earlier(ctx context.Context, item export.Item) (found []export.Earlier, err error) {
	if item.File == nil && item.FileID != "" {
		if item.File, err = s.File(ctx, item.Channel, item.FileID); err != nil {
			return nil, err
		}
	}
	return s.earlier.holding(item)
}

// LeftOut gives the messages that are left out.
func (s *source) LeftOut(ctx context.Context) iter.Seq2[export.Item, error] {
	return func(yield func(export.Item, error) bool) {
		for channel, err := range s.Channels(ctx) {
			if err != nil {
				yield(export.Item{}, err)
				return
			}
			for item, err := range s.readPicked(ctx, channel.ID, s.leftOut[channel.ID]) {
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// madeOf gives what the ledger knows of an export of an archive, and what it kept to make it again.
func madeOf(l export.Ledger, archive, id string) (made export.Made, kept []byte, err error) {
	made, err = l.Get(id)
	switch {
	case errors.Is(err, export.ErrUnknownExport):
		return made, nil, withHint(err, "the bag-info.txt of a bundle says its number: External-Identifier")
	case err != nil:
		return made, nil, err
	case made.Selection.Archive != archive:
		return made, nil, fmt.Errorf("export %s was made of another archive: %s", id, made.Selection.Archive)
	}
	if kept, err = l.Frozen(id); err != nil {
		return made, nil, err
	}
	if kept == nil {
		return made, nil, fmt.Errorf("export %s was made by a version that did not keep what its query found", id)
	}
	return made, kept, nil
}
