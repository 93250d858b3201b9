//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"archiver/internal/index"
	"archiver/internal/storage"
)

// archiver is the program's own index.
type archiver struct {
	*world
	keys bool // hits are not read
}

func (c *archiver) index() string { return c.of("index") }

// build follows the archive from its beginning. Reading the archive is part of it, and is measured by itself before.
func (c *archiver) build() (built, error) {
	ctx := context.Background()
	if err := os.RemoveAll(c.index()); err != nil {
		return built{}, err
	}
	a, err := storage.Open(ctx, c.archive(), storage.Options{ReadOnly: true})
	if err != nil {
		return built{}, err
	}
	b, err := timed(c.index(), func() (func() error, error) {
		ix, err := index.Open(ctx, c.index(), index.Options{})
		if err != nil {
			return nil, err
		}
		return ix.Close, ix.CatchUp(ctx, a, nil)
	})
	if err != nil {
		return b, err
	}
	if b.Keys, err = c.timeline(); err != nil {
		return b, err
	}
	before := cpuTime()
	err = readChanges(ctx, a)
	b.Apart = cpuTime() - before
	return b, err
}

// timeline gives the size of what serves questions without words.
func (c *archiver) timeline() (int64, error) {
	ctx := context.Background()
	ix, err := index.Open(ctx, c.index(), index.Options{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer ix.Close()
	st, err := ix.Status(ctx)
	return st.Timeline, err
}

func readChanges(ctx context.Context, a *storage.Archive) error {
	for after := uint64(0); ; {
		changes, err := a.Changes(ctx, after, 1000)
		if err != nil || len(changes) == 0 {
			return err
		}
		after = changes[len(changes)-1].Change
	}
}

func (c *archiver) open() (func(query) (uint64, error), error) {
	ctx := context.Background()
	a, err := storage.Open(ctx, c.archive(), storage.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	ix, err := index.Open(ctx, c.index(), index.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	cursors := map[string]string{}
	return func(q query) (uint64, error) {
		r, err := c.request(&q)
		if err != nil {
			return 0, err
		}
		if q.Deep {
			id := fmt.Sprint(q)
			if cursors[id] == "" {
				before := r
				before.Offset, before.Limit = q.Offset-1, 1
				answer, err := ix.Search(ctx, a, before, c.each())
				if err != nil {
					return 0, err
				}
				cursors[id] = answer.Next
			}
			r.Cursor = cursors[id]
		}
		answer, err := ix.Search(ctx, a, r, c.each())
		if err != nil {
			return 0, err
		}
		return answer.Total, nil
	}, nil
}

func (c *archiver) each() func(index.Hit) error {
	if c.keys {
		return nil
	}
	return func(index.Hit) error { return nil }
}

// request gives the question as people type it.
func (c *archiver) request(q *query) (index.Request, error) {
	r := index.Request{Since: q.Since, Until: q.Until, Sort: q.Sort, Limit: q.Limit, Offset: q.Offset}
	if q.Facets {
		r.Facets = []string{index.FacetChannel, index.FacetUser}
	}
	if q.Deep {
		r.Offset = 0
	}
	if q.User != "" {
		r.Users = []string{q.User}
	}
	if q.Channel != "" {
		r.Channels = []string{q.Channel}
	}
	text := strings.Join(q.Words, " ")
	switch q.Kind {
	case phraseKind:
		text = `"` + text + `"`
	case prefixKind:
		text += "*"
	case fuzzyKind:
		text += "~1"
	}
	var err error
	r.Query, err = index.Parse(text)
	return r, err
}
