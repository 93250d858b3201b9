package main

import (
	"context"
	"fmt"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// gaps are the ranges that no interval proves to be complete, up to the last one that does. Of a channel that can be
// read and of which nothing is proven, all is a gap.
func gaps(state record.ChannelPresence, proven []record.Interval) []record.Interval {
	if len(proven) == 0 {
		if state == record.ChannelPresent {
			return []record.Interval{{}}
		}
		return nil
	}
	var found []record.Interval
	var reached record.TS
	for _, p := range proven {
		if p.From != reached {
			found = append(found, record.Interval{From: reached, To: p.From})
		}
		reached = p.To
	}
	return found
}

func debtsByChannel(ctx context.Context, a *storage.Archive) (map[string]int, error) {
	debts, err := a.Debts(ctx, "")
	byChannel := map[string]int{}
	for _, d := range debts {
		byChannel[d.Channel]++
	}
	return byChannel, err
}

// lacks says what the archive is known to lack of a channel, a line each.
func lacks(state record.ChannelPresence, gaps []record.Interval, debts int) []string {
	var lines []string
	if state == record.ChannelForbidden {
		lines = append(lines, "the account may not read it")
	}
	for _, g := range gaps {
		from, to := firstNonEmpty(string(g.From), "the beginning"), firstNonEmpty(string(g.To), "the end")
		lines = append(lines, fmt.Sprintf("not proven complete from %s to %s", from, to))
	}
	if debts > 0 {
		lines = append(lines, counted(debts, "thread, file or list")+" still to be read")
	}
	return lines
}

// namedChannels is how many incomplete channels an answer names.
const namedChannels = 5

// incompleteChannels says which channels the archive is known to lack something of.
func incompleteChannels(ctx context.Context, a *storage.Archive) ([]string, error) {
	debts, err := debtsByChannel(ctx, a)
	if err != nil {
		return nil, err
	}
	var notes []string
	more := 0
	for c, err := range a.Channels(ctx, 0) {
		if err != nil {
			return nil, err
		}
		if c.State == record.ChannelGone || c.State == record.ChannelExcluded {
			continue
		}
		coverage, err := a.Coverage(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		found := lacks(c.State, gaps(c.State, coverage.Proven), debts[c.ID])
		switch {
		case len(found) == 0:
		case len(notes) < namedChannels:
			notes = append(notes, fmt.Sprintf("channel %s: %s", firstNonEmpty(c.Name, c.ID), found[0]))
		default:
			more++
		}
	}
	if more > 0 {
		notes = append(notes, counted(more, "more channel")+" incomplete; archiver status lists them")
	}
	return notes, nil
}
