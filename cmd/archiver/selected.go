package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"archiver/internal/export"
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
		Channels: []string{}, Users: []string{}, Context: c.String("context"),
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

// findUsers gives the ids of people who are named by id, by name or by what stands before the @ of the id.
func findUsers(ctx context.Context, a *storage.Archive, names []string) ([]string, error) {
	ids := []string{}
	found := make([]bool, len(names))
	for u, err := range a.Users(ctx, 0) {
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			local, _, _ := strings.Cut(u.ID, "@")
			if slices.ContainsFunc([]string{u.ID, u.Name, local}, func(s string) bool { return strings.EqualFold(s, name) }) {
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
		return record.StartOfDay(day.Year(), day.Month(), day.Day(), loc), true
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

// secondFrom is the first whole second that is not before t.
func secondFrom(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
