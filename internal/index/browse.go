package index

import (
	"errors"
	"iter"
	"slices"
	"strings"

	"archiver/internal/index/timeline"
	"archiver/internal/record"
)

// This file answers what asks for no words, but for channels, authors, kinds and times, from the timeline.

// selection is what a request asks for, as the timeline knows it. A nil list narrows nothing.
type selection struct {
	channels, authors, kinds []string
	within                   span
}

// browsing is a request that the timeline can answer.
type browsing struct {
	*session
	index  *Index
	sel    timeline.Selection
	order  timeline.Order
	window int // messages taken at a time, so that the timeline is not held while they are read
}

// browse answers a request from the timeline; nil if that cannot answer it.
func (ix *Index) browse(s *session, each func(Hit) error) (*Answer, error) {
	sel, ok, err := s.selection()
	if err != nil || !ok {
		return nil, err
	}
	after, err := s.after()
	if err != nil {
		return nil, err
	}
	b := &browsing{s, ix, sel, timeline.NewestFirst, deepPage}
	if s.request.Sort == oldest {
		b.order = timeline.OldestFirst
	}
	if limit := s.request.Limit; limit > 0 {
		b.window = min(limit+1, deepPage)
	}
	facets, ok, err := b.facets()
	if err != nil || !ok {
		return nil, err
	}
	first, ok, err := b.page(after, s.request.Offset)
	if err != nil || !ok {
		return nil, err
	}
	s.request.Offset = 0
	returned, last, more, err := s.deliver(b.refs(first), each)
	if err != nil {
		return nil, err
	}
	answer := s.answer(returned, last, more)
	answer.Facets = facets
	return answer, nil
}

// after gives the id that the request's cursor goes on behind, "" without one.
func (s *session) after() (string, error) {
	if s.request.Cursor == "" {
		return "", nil
	}
	c, err := parseCursor(s.request.Cursor, s.request.hash())
	return c.id, err
}

// refs gives a page and what follows it.
func (b *browsing) refs(page []ref) iter.Seq2[ref, error] {
	return func(yield func(ref, error) bool) {
		for ok := true; ok; {
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
			}
			if len(page) < b.window {
				return
			}
			last := page[len(page)-1]
			var err error
			if page, ok, err = b.page(last.id, 0); err != nil {
				yield(ref{}, err)
				return
			}
			if !ok {
				b.refsOfBleve(last, yield)
			}
		}
	}
}

// refsOfBleve gives what follows when the timeline has gone on meanwhile: the view of bleve has not.
func (b *browsing) refsOfBleve(last ref, yield func(ref, error) bool) {
	if err := guard(b.compile); err != nil {
		yield(ref{}, err)
		return
	}
	b.session.refs(&cursor{id: last.id})(yield)
}

// page takes messages behind an id, without the first skip, and sets the total; ok is false if the timeline does not hold
// the same as bleve.
func (b *browsing) page(after string, skip int) (page []ref, ok bool, err error) {
	var behind *timeline.Key
	if after != "" {
		k, err := b.key(after)
		if err != nil || k.file != "" {
			return nil, false, ErrCursor
		}
		behind = &timeline.Key{Second: k.ts.Second(), Counter: uint32(k.ts.Counter()), Channel: k.channel}
	}
	err = b.index.viewTimeline(b.ctx, b.at, func(v *timeline.View) error {
		found, err := v.Select(b.sel)
		if err != nil {
			return err
		}
		ok, b.total = true, found.Total
		var invalid error
		err = found.Walk(b.order, behind, skip, func(m timeline.Message) bool {
			id, err := keyOf(m).encode()
			invalid = err
			page = append(page, ref{id: id})
			return err == nil && len(page) < b.window
		})
		return errors.Join(err, invalid)
	})
	return page, ok, err
}

// keyOf gives the key of a message's document.
func keyOf(m timeline.Message) key {
	return key{ts: record.MakeTS(m.Second, int(m.Counter)), channel: m.Channel, version: m.Version}
}

// selection gives what the request asks for; ok is false if the timeline knows too little to answer.
func (s *session) selection() (sel timeline.Selection, ok bool, err error) {
	r := &s.request
	if r.IncludeVersions || len(r.Query.left) > 0 {
		return sel, false, nil
	}
	within, err := r.span()
	if err != nil {
		return sel, false, nil // the compiler tells why
	}
	c := s.compiler()
	w := &selection{within: within}
	if ok, err := w.all(c, r.Query.root); !ok || err != nil {
		return sel, false, err
	}
	if ok, err := w.narrow(c, r); !ok || err != nil || w.within.isEmpty() {
		return sel, false, err
	}
	s.notes = c.notes
	return w.selection(s.channels), true, nil
}

// narrow narrows by what else the request asks for.
func (w *selection) narrow(c *compiler, r *Request) (ok bool, err error) {
	for _, field := range []struct {
		name   string
		values []string
	}{{"in", r.Channels}, {"from", r.Users}, {"kind", r.Kinds}} {
		var kids []node
		for _, v := range field.values {
			if checkValue(field.name, v) != "" {
				return false, nil
			}
			kids = append(kids, &fieldNode{name: field.name, value: v})
		}
		if len(kids) == 0 {
			continue
		}
		if ok, err := w.any(c, kids); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// all narrows by what must all match.
func (w *selection) all(c *compiler, n node) (ok bool, err error) {
	switch n := n.(type) {
	case *allNode:
		return true, nil
	case *andNode:
		for _, kid := range n.kids {
			if ok, err := w.all(c, kid); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case *orNode:
		return w.any(c, n.kids)
	case *fieldNode:
		if s, ok := c.span(n); ok {
			w.within = w.within.and(s)
			return true, nil
		}
		return w.any(c, []node{n})
	default:
		return false, nil
	}
}

// any narrows by values of one field of which any may match.
func (w *selection) any(c *compiler, kids []node) (ok bool, err error) {
	name, found := "", []string{}
	for _, kid := range kids {
		field, ok := kid.(*fieldNode)
		if !ok || name != "" && field.name != name {
			return false, nil
		}
		name = field.name
		values, ok, err := valuesOf(c, field)
		if !ok || err != nil {
			return false, err
		}
		found = append(found, values...)
	}
	list := map[string]*[]string{"in": &w.channels, "from": &w.authors, "kind": &w.kinds}[name]
	if *list == nil {
		*list = found
	} else {
		*list = slices.DeleteFunc(*list, func(v string) bool { return !slices.Contains(found, v) })
	}
	return true, nil
}

// valuesOf gives the channels, authors or kinds that a field's value stands for.
func valuesOf(c *compiler, n *fieldNode) (values []string, ok bool, err error) {
	var found clause
	switch n.name {
	case "in":
		found, err = c.channels(n.value)
	case "from":
		found, err = c.users(n.value)
	case "kind":
		return []string{strings.ToLower(n.value)}, true, nil
	}
	terms, ok := found.(anyClause)
	return terms.terms, ok, err
}

// selection gives the numbers of what the timeline knows by number.
func (w *selection) selection(channels []string) timeline.Selection {
	out := timeline.Selection{Authors: w.authors, From: w.within.from, To: w.within.to}
	if out.To == always.to {
		out.To = 0
	}
	if w.channels != nil {
		out.Channels = []uint32{}
	}
	for _, id := range w.channels {
		if n := slices.Index(channels, id); n >= 0 {
			out.Channels = append(out.Channels, uint32(n))
		}
	}
	if w.kinds != nil {
		out.Kinds = []uint8{}
	}
	for _, kind := range w.kinds {
		out.Kinds = append(out.Kinds, kindNumber(record.Kind(kind)))
	}
	return out
}
