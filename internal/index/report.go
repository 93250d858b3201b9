package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"archiver/internal/storage"
)

// Term is a query of a search-term report.
type Term struct {
	Line  int // where it stands in the list of queries
	Query *Query
}

// HitCounts counts messages in the ways of a search-term report. A family is a message with its comments.
type HitCounts struct {
	Hits         uint64 `json:"hits"`               // messages that the query finds
	WithFamilies uint64 `json:"hits_with_families"` // those, and all messages of their families, selected or not
	Unique       uint64 `json:"unique_hits"`        // hits of no other query of the report
}

// ValueHits are the hits of one user or channel.
type ValueHits struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	HitCounts
}

// Breakdown counts hits in all, by user and by channel, the most hits first.
type Breakdown struct {
	HitCounts
	Users    []ValueHits `json:"users"`
	Channels []ValueHits `json:"channels"`
}

// TermHits are the hits of a query of a report.
type TermHits struct {
	Line  int    `json:"line"`
	Query string `json:"query"` // as it was written
	Breakdown
	Notes []string `json:"notes"`
}

// TermReport ends a report: what any of its queries finds.
type TermReport struct {
	Total  Breakdown `json:"total"`
	Terms  int       `json:"terms"` // queries
	Covers Covers    `json:"covers"`
	TookMS int64     `json:"took_ms"`
}

// Report counts the hits of several queries on one view of the index and calls each with every one in turn. Of the
// request it looks at what narrows it, not at Query, Sort, Limit, Offset, Cursor and Facets; with IncludeVersions a
// message counts once, whichever versions match. Every query is run twice, so that memory does not grow with their
// number: it is some 9 bytes a message, and 40 for every one in a thread. Errors are as those of Search; one
// that a query is to blame for is a *TermError.
func (ix *Index) Report(ctx context.Context, a *storage.Archive, terms []Term, r Request, each func(*TermHits) error) (*TermReport, error) {
	started := time.Now()
	r.Query, r.Limit, r.Cursor, r.Facets = nil, 0, "", nil
	var out *TermReport
	err := ix.session(ctx, a, r, func(s *session) (err error) {
		out, err = s.report(terms, each)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	out.TookMS = time.Since(started).Milliseconds()
	return out, nil
}

// TermError is an error in a query of a report.
type TermError struct {
	Line int
	Err  error
}

// Error names the line and says what is wrong with its term.
func (e *TermError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap gives what is wrong with the term: a [SyntaxError], or why the term can't be answered.
func (e *TermError) Unwrap() error { return e.Err }

// reporter counts for a report.
type reporter struct {
	*session
	families families
	any      docset // what any query finds
	several  docset // what more than one does
	read     map[string]*column
}

func (s *session) report(terms []Term, each func(*TermHits) error) (*TermReport, error) {
	r := &reporter{session: s, any: s.view.none(), several: s.view.none(), read: map[string]*column{}}
	for _, t := range terms {
		docs, _, err := r.docs(t)
		if err != nil {
			return nil, err
		}
		r.several = r.several.or(docs.and(r.any))
		r.any = r.any.or(docs)
	}
	err := guard(func() error {
		base, err := s.compiler().base(false)
		if err != nil {
			return err
		}
		r.families, err = s.view.families(base)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		hits, err := r.term(t)
		if err != nil {
			return nil, err
		}
		if err := each(hits); err != nil {
			return nil, err
		}
	}
	total, err := r.count(r.any)
	return &TermReport{Total: total, Terms: len(terms), Covers: s.covers()}, err
}

func (r *reporter) term(t Term) (*TermHits, error) {
	docs, notes, err := r.docs(t)
	if err != nil {
		return nil, err
	}
	out := &TermHits{Line: t.Line, Query: t.Query.text, Notes: append([]string{}, notes...)}
	out.Breakdown, err = r.count(docs)
	return out, err
}

// docs gives the messages that a query finds, as documents of current versions.
func (r *reporter) docs(t Term) (docs docset, notes []string, err error) {
	if err := r.ctx.Err(); err != nil {
		return nil, nil, err
	}
	request := r.request
	request.Query = t.Query
	r.view.forget()
	c := r.compiler()
	c.query, c.unlimited = t.Query.text, true
	err = guard(func() error {
		root, err := c.request(&request)
		if err != nil {
			return &TermError{t.Line, err}
		}
		if docs, err = root.docs(r.view); err == nil && request.IncludeVersions {
			docs, err = c.current(docs)
		}
		return err
	})
	return docs, c.notes, err
}

// current gives the current versions of what documents are versions of.
func (c *compiler) current(docs docset) (docset, error) {
	old, err := c.view.any(fieldFlags, []string{flagOld})
	if err != nil {
		return nil, err
	}
	var ids []string
	err = c.view.each(docs.and(old), func(_ int, _ uint32, id string) error {
		dict, err := c.reader.FieldDictPrefix(fieldID, []byte(id[:keyTS+keyChannel]))
		if err != nil {
			return err
		}
		defer dict.Close()
		for last := id; ; {
			e, err := dict.Next()
			if err != nil || e == nil {
				ids = append(ids, last)
				return err
			}
			if e.Term[keyLen:] == id[keyLen:] {
				last = e.Term
			}
		}
	})
	if err != nil {
		return nil, err
	}
	now, err := c.view.keyed(ids)
	if err != nil {
		return nil, err
	}
	return docs.not(old).or(now), nil
}

func (r *reporter) count(docs docset) (b Breakdown, err error) {
	sets := []docset{docs, r.families.with(docs), docs.not(r.several)}
	b.HitCounts = HitCounts{sets[0].count(), sets[1].count(), sets[2].count()}
	err = guard(func() error {
		if b.Users, err = r.by(FacetUser, sets); err != nil {
			return err
		}
		b.Channels, err = r.by(FacetChannel, sets)
		return err
	})
	return b, err
}

// by counts three sets by user or channel.
func (r *reporter) by(facet string, sets []docset) ([]ValueHits, error) {
	column, err := r.column(facetFields[facet])
	if err != nil {
		return nil, err
	}
	var counts [3][]uint64
	for i, set := range sets {
		counts[i] = column.count(set)
	}
	out := []ValueHits{}
	for n, term := range column.terms {
		hits := HitCounts{counts[0][n], counts[1][n], counts[2][n]}
		if hits.WithFamilies == 0 { // which holds the other two
			continue
		}
		id, name := r.facetNames(facet, term)
		out = append(out, ValueHits{id, name, hits})
	}
	slices.SortFunc(out, func(a, b ValueHits) int {
		return cmp.Or(cmp.Compare(b.Hits, a.Hits), cmp.Compare(b.WithFamilies, a.WithFamilies), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// column reads a field of all documents, once for the report.
func (r *reporter) column(field string) (*column, error) {
	if c := r.read[field]; c != nil {
		return c, nil
	}
	c, err := r.columns.column(r.view, field)
	if err == nil {
		r.read[field] = c
	}
	return c, err
}
