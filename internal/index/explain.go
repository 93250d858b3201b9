package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"archiver/internal/storage"
)

// Explanation says how a query is understood.
type Explanation struct {
	Query   string     `json:"query"`            // in canonical form
	Tree    *Explained `json:"tree"`             //
	CostMS  uint64     `json:"cost_ms"`          // of a page of hits, estimated
	Refused string     `json:"refused,omitzero"` // why there are no pages of hits of it, "" if there are
	Covers  Covers     `json:"covers"`
}

// Explained is a part of a query. Documents are current versions of messages, all versions on request; how many match
// is left out of a query that costs too much.
type Explained struct {
	Op        string       `json:"op"`                 // all, and, or, not, word, phrase, near, prefix, fuzzy, wildcard, field
	Field     string       `json:"field,omitzero"`     // of a field, and filename for words of file names
	Text      string       `json:"text,omitzero"`      // what was typed
	Within    int          `json:"within,omitzero"`    // of near
	Stands    []string     `json:"stands,omitzero"`    // ids that a name stands for, or the moments that a date stands for
	Terms     []FoundTerm  `json:"terms,omitzero"`     // of the index that a word stands for; of a phrase, its last word
	Documents *uint64      `json:"documents,omitzero"` // that match this part by itself
	Parts     []*Explained `json:"parts,omitzero"`
}

// FoundTerm is a term of the index with the number of documents that hold it.
type FoundTerm struct {
	Term      string `json:"term"`
	Documents uint64 `json:"documents"`
}

// Explain says how the query of a request is understood, without giving hits. What else narrows the request is not
// looked at. Errors are as those of Search.
func (ix *Index) Explain(ctx context.Context, a *storage.Archive, r Request) (*Explanation, error) {
	r.Limit = 0
	var out *Explanation
	err := ix.session(ctx, a, r, func(s *session) error {
		out = &Explanation{Query: r.Query.String(), CostMS: s.cost / 1e6, Covers: s.covers()}
		c := s.compiler()
		x := explainer{compiler: c, counting: s.cost <= maxCost}
		return guard(func() (err error) {
			if x.base, err = c.base(r.IncludeVersions); err != nil {
				return err
			}
			out.Tree, _, err = x.explain(r.Query.root)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	r.Limit = 1
	err = ix.session(ctx, a, r, func(*session) error { return nil })
	var refused *SyntaxError
	if errors.As(err, &refused) {
		out.Refused, err = refused.Error(), nil
	}
	return out, err
}

// base gives the documents that are searched.
func (c *compiler) base(versions bool) (docset, error) {
	if versions {
		return c.view.all(), nil
	}
	old, err := c.view.any(fieldFlags, []string{flagOld})
	if err != nil {
		return nil, err
	}
	return c.view.all().not(old), nil
}

// explainer explains nodes. Without counting it does not tell how many documents match.
type explainer struct {
	*compiler
	base     docset
	counting bool
}

// explain explains a node and gives the documents that match, nil without counting.
func (x *explainer) explain(n node) (*Explained, docset, error) {
	switch n := n.(type) {
	case *andNode:
		return x.several("and", n.kids, docset.and)
	case *orNode:
		return x.several("or", n.kids, docset.or)
	case *notNode:
		e, docs, err := x.several("not", []node{n.kid}, nil)
		if err != nil || docs == nil {
			return e, docs, err
		}
		return x.counted(e, x.base.not(docs))
	case *nearNode:
		return x.near(n)
	case *textNode:
		return x.text(n)
	case *fieldNode:
		return x.field(n)
	default:
		return x.counted(&Explained{Op: "all"}, x.base)
	}
}

func (x *explainer) counted(e *Explained, docs docset) (*Explained, docset, error) {
	if !x.counting {
		return e, nil, nil
	}
	n := docs.count()
	e.Documents = &n
	return e, docs, nil
}

// matching counts what a node matches by itself.
func (x *explainer) matching(e *Explained, n node) (*Explained, docset, error) {
	if !x.counting {
		return e, nil, nil
	}
	clause, err := x.compile(n)
	if err != nil {
		return nil, nil, err
	}
	docs, err := clause.docs(x.view)
	if err != nil {
		return nil, nil, err
	}
	return x.counted(e, docs.and(x.base))
}

// several explains a node with kids and joins what they match.
func (x *explainer) several(op string, kids []node, join func(a, b docset) docset) (*Explained, docset, error) {
	e := &Explained{Op: op}
	var all docset
	for _, k := range kids {
		part, docs, err := x.explain(k)
		if err != nil {
			return nil, nil, err
		}
		e.Parts = append(e.Parts, part)
		if all == nil {
			all = docs
		} else {
			all = join(all, docs)
		}
	}
	return x.counted(e, all)
}

func (x *explainer) near(n *nearNode) (*Explained, docset, error) {
	e := &Explained{Op: "near", Within: n.within}
	for _, k := range n.kids {
		part, _, err := x.text(k)
		if err != nil {
			return nil, nil, err
		}
		e.Parts = append(e.Parts, part)
	}
	return x.matching(e, n)
}

func (x *explainer) text(n *textNode) (*Explained, docset, error) {
	e := &Explained{Op: n.form.String(), Text: n.word()}
	if n.form == exactForm && len(n.terms) > 1 {
		e.Op = "phrase"
	}
	if n.field != fieldText {
		e.Field = n.field
	}
	u, err := x.unit(n)
	if err != nil {
		return nil, nil, err
	}
	if e.Op != "phrase" {
		if e.Terms, err = x.found(n.field, u.sets[len(u.sets)-1]); err != nil {
			return nil, nil, err
		}
	}
	return x.matching(e, n)
}

// found counts the documents of terms, the most frequent first.
func (x *explainer) found(field string, terms []string) ([]FoundTerm, error) {
	out := make([]FoundTerm, len(terms))
	for i, t := range terms {
		docs, err := x.view.any(field, []string{t})
		if err != nil {
			return nil, err
		}
		out[i] = FoundTerm{t, docs.common(x.base)}
	}
	slices.SortStableFunc(out, func(a, b FoundTerm) int { return cmp.Compare(b.Documents, a.Documents) })
	return out, nil
}

func (x *explainer) field(n *fieldNode) (*Explained, docset, error) {
	e := &Explained{Op: "field", Field: n.name, Text: n.value}
	if s, ok := x.span(n); ok {
		e.Stands = s.shown()
		return x.matching(e, n)
	}
	clause, err := x.compiler.field(n)
	if err != nil {
		return nil, nil, err
	}
	if any, ok := clause.(anyClause); ok {
		e.Stands = any.terms
	}
	return x.matching(e, n)
}

// shown gives the ends of a span, "" for none.
func (s span) shown() []string {
	ends := []string{"", ""}
	if s.from > always.from {
		ends[0] = time.Unix(s.from, 0).UTC().Format(time.RFC3339)
	}
	if s.to < always.to {
		ends[1] = time.Unix(s.to, 0).UTC().Format(time.RFC3339)
	}
	return ends
}
