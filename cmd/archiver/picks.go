package main

import (
	"context"
	"iter"
	"slices"

	"archiver/internal/export"
	"archiver/internal/record"
	"archiver/internal/storage"
)

// picks are the selected messages of a channel in order, eight bytes each: second, counter and reason of a message.
type picks []uint64

const (
	counterBits = 20 // six decimal digits
	reasonBits  = 2
	contextPick = 1 // the reason of a picked message is ReasonContext; 0 is ReasonHit
)

func pick(ts record.TS, reason export.Reason) uint64 {
	p := (uint64(ts.Second())<<counterBits | uint64(ts.Counter())) << reasonBits
	if reason == export.ReasonContext {
		p |= contextPick
	}
	return p
}

func unpick(p uint64) (record.TS, export.Reason) {
	reason := export.ReasonHit
	if p&contextPick != 0 {
		reason = export.ReasonContext
	}
	p >>= reasonBits
	return record.MakeTS(int64(p>>counterBits), int(p&(1<<counterBits-1))), reason
}

// find gives the reason for which a message was picked, if it was.
func (p picks) find(ts record.TS) (export.Reason, bool) {
	hit := pick(ts, export.ReasonHit)
	i, _ := slices.BinarySearch(p, hit)
	if i == len(p) || p[i]>>reasonBits != hit>>reasonBits {
		return "", false
	}
	_, reason := unpick(p[i])
	return reason, true
}

const (
	readTogether = 256 // picked messages that are read in one go
	worthAScan   = 64  // messages to read for each picked one, up to which that is faster than to look each up
)

// readPicked gives the picked messages of a channel.
func (s *source) readPicked(ctx context.Context, channel string, read reader) iter.Seq2[export.Item, error] {
	return func(yield func(export.Item, error) bool) {
		for group := range slices.Chunk(s.picked[channel], readTogether) {
			for item, err := range s.readGroup(ctx, channel, group, read) {
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// readGroup reads picked messages that lie side by side: by a scan where they lie close, else one by one.
func (s *source) readGroup(ctx context.Context, channel string, group picks, read reader) iter.Seq2[export.Item, error] {
	first, _ := unpick(group[0])
	last, _ := unpick(group[len(group)-1])
	ranges := []storage.Range{{From: first, To: last, AsOf: s.sel.Change}}
	return func(yield func(export.Item, error) bool) {
		n, err := s.archive.Estimate(ctx, channel, ranges[0])
		if err != nil {
			yield(export.Item{}, err)
			return
		}
		if n > worthAScan*len(group) {
			ranges = nil
			for _, p := range group {
				ts, _ := unpick(p)
				ranges = append(ranges, storage.Range{From: ts, To: ts, AsOf: s.sel.Change})
			}
		}
		for _, r := range ranges {
			for m, err := range read(ctx, channel, r) {
				if err != nil {
					yield(export.Item{}, err)
					return
				}
				if reason, ok := group.find(m.TS); ok && !yield(export.Item{Message: m, Reason: reason}, nil) {
					return
				}
			}
		}
	}
}
