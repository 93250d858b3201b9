package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"archiver/internal/export"
	"archiver/internal/record"
)

// parseContext checks what --context says.
func parseContext(s string) error {
	switch n, err := strconv.Atoi(s); {
	case s == "", s == export.ContextThread, s == export.ContextDay, err == nil && n > 0:
		return nil
	}
	return &usageError{fmt.Sprintf("--context: %q is none of thread, day or a number of messages", s), "as in --context thread or --context 5"}
}

// addContext picks, beside the hits, what the selection wants around them.
func (s *source) addContext(ctx context.Context) error {
	if s.sel.Context == "" {
		return nil
	}
	if s.picked == nil {
		if err := s.pickChosen(ctx); err != nil {
			return err
		}
	}
	for channel, hits := range s.picked {
		around, err := s.around(ctx, channel, hits)
		if err != nil {
			return err
		}
		s.picked[channel] = merge(hits, around)
	}
	return nil
}

// pickChosen picks the messages of a selection without a query.
func (s *source) pickChosen(ctx context.Context) error {
	picked := map[string]picks{}
	for item, err := range s.Outlines(ctx) {
		if err != nil {
			return err
		}
		picked[item.Channel] = append(picked[item.Channel], pick(item.TS, export.ReasonHit))
	}
	s.picked = picked
	return nil
}

// merge adds context to hits; what is both is a hit.
func merge(hits, around picks) picks {
	all := slices.Concat(hits, around)
	slices.Sort(all)
	return slices.CompactFunc(all, func(a, b uint64) bool { return a>>reasonBits == b>>reasonBits })
}

// around gives the messages of a channel that stand around hits.
func (s *source) around(ctx context.Context, channel string, hits picks) (picks, error) {
	switch s.sel.Context {
	case export.ContextThread:
		return s.inThreads(ctx, channel, hits)
	case export.ContextDay:
		return s.onDays(ctx, channel, hits)
	}
	n, err := strconv.Atoi(s.sel.Context)
	if err != nil {
		return nil, fmt.Errorf("context %q: %w", s.sel.Context, err)
	}
	return s.beside(ctx, channel, hits, n)
}

// held is a message of a channel without its content.
type held struct {
	ts, thread record.TS // thread is its own ts where it is no comment
	hit        bool
}

// eachHeld goes through all messages of a channel.
func (s *source) eachHeld(ctx context.Context, channel string, hits picks, each func(held)) error {
	everything := s.span
	everything.From, everything.To = "", ""
	for h, err := range s.archive.Held(ctx, channel, everything) {
		if err != nil {
			return err
		}
		m := held{ts: h.TS, thread: h.Thread}
		if m.thread == "" {
			m.thread = h.TS
		}
		_, m.hit = hits.find(h.TS)
		each(m)
	}
	return nil
}

// inThreads gives the threads of hits.
func (s *source) inThreads(ctx context.Context, channel string, hits picks) (around picks, err error) {
	threads := map[record.TS]bool{}
	err = s.eachHeld(ctx, channel, hits, func(m held) {
		if m.hit {
			threads[m.thread] = true
		}
	})
	if err != nil {
		return nil, err
	}
	err = s.eachHeld(ctx, channel, hits, func(m held) {
		if threads[m.thread] && !m.hit {
			around = append(around, pick(m.ts, export.ReasonContext))
		}
	})
	return around, err
}

// onDays gives the days of hits.
func (s *source) onDays(ctx context.Context, channel string, hits picks) (around picks, err error) {
	days := map[string]bool{}
	day := func(ts record.TS) string { return ts.Time().In(s.zone).Format(time.DateOnly) }
	for _, p := range hits {
		ts, _ := unpick(p)
		days[day(ts)] = true
	}
	err = s.eachHeld(ctx, channel, hits, func(m held) {
		if !m.hit && days[day(m.ts)] {
			around = append(around, pick(m.ts, export.ReasonContext))
		}
	})
	return around, err
}

// beside gives the n messages before and after each hit, comments counted like others.
func (s *source) beside(ctx context.Context, channel string, hits picks, n int) (around picks, err error) {
	var before picks // the last n that are not picked yet
	after := 0       // how many more follow a hit
	err = s.eachHeld(ctx, channel, hits, func(m held) {
		p := pick(m.ts, export.ReasonContext)
		switch {
		case m.hit:
			around, before, after = append(around, before...), before[:0], n
		case after > 0:
			around, after = append(around, p), after-1
		default:
			if before = append(before, p); len(before) > n {
				before = slices.Delete(before, 0, 1)
			}
		}
	})
	return around, err
}
