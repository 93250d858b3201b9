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
	chosen     []int     // those of which nothing was picked
	on         *listings // what was picked, by place in made

	ledger    export.Ledger
	channel   string                   // whose documents were asked for last
	documents map[int]export.Documents // of it, by place in made
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
	if s.picked == nil {
		e.chosen = append(e.chosen, len(e.made))
	}
	e.made, e.selections = append(e.made, made), append(e.selections, s)
	s.picked, s.leftOut, s.hits = nil, nil, nil
	return nil
}

// holding says which exports hold a message, which has its file; nil if none does.
func (e *earlierExports) holding(item export.Item) (found *export.Earlier, err error) {
	if e == nil {
		return nil, nil
	}
	learnt := item.Change
	if item.File != nil {
		learnt = max(learnt, item.File.Change)
	}
	holders := e.holders(item)
	if len(holders) == 0 {
		return nil, nil
	}
	first := slices.IndexFunc(holders, func(i int) bool { return learnt <= e.selections[i].sel.Change })
	older := first < 0
	if older {
		first = len(holders) - 1
	}
	place := holders[first]
	document, err := e.document(place, item)
	return &export.Earlier{Export: e.made[place].ID, Older: older, Slice: document.Name, Number: document.Number, Of: len(holders)}, err
}

// holders gives the places of exports that hold a message, in whichever state, in order.
func (e *earlierExports) holders(item export.Item) []int {
	holders := e.on.of(item.Channel, item.TS)
	for _, i := range e.chosen {
		if s := e.selections[i]; s.chosen(item.Message) && item.Entries[0].Change <= s.sel.Change {
			holders = append(holders, i)
		}
	}
	slices.Sort(holders)
	return holders
}

// document gives the document that has a message in an export, empty if that wrote none. Messages are asked for by channel.
func (e *earlierExports) document(place int, item export.Item) (d export.Document, err error) {
	if e.channel != item.Channel || e.documents == nil {
		e.channel, e.documents = item.Channel, map[int]export.Documents{}
	}
	documents, known := e.documents[place]
	if !known {
		if documents, err = e.ledger.Documents(e.made[place].ID, item.Channel); err != nil {
			return d, err
		}
		e.documents[place] = documents
	}
	return documents.Of(item, e.made[place].Rendering.Slice, e.selections[place].zone), nil
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
		if earlier != nil && !earlier.Older {
			to = leftOut
		}
		to[item.Channel] = append(to[item.Channel], pick(item.TS, item.Reason))
	}
	s.picked, s.leftOut = picked, leftOut
	return nil
}

// Earlier says which of the exports that the selection is compared with hold a message.
func (s *source) Earlier(ctx context.Context, item export.Item) (found *export.Earlier, err error) {
	if item.File == nil && item.FileID != "" {
		if item.File, err = s.File(ctx, item.Channel, item.FileID); err != nil {
			return nil, err
		}
	}
	return s.earlier.holding(item)
}

// LeftOut gives the messages that are left out.
func (s *source) LeftOut(ctx context.Context) iter.Seq2[export.Item, error] {
	if s.leftOut == nil {
		return func(func(export.Item, error) bool) {}
	}
	rest := *s
	rest.picked = s.leftOut
	return rest.Items(ctx)
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
