package main

import (
	"context"
	"errors"
	"slices"

	"archiver/internal/export"
	"archiver/internal/index"
	"archiver/internal/record"

	"github.com/jedib0t/go-pretty/v6/table"
)

// termList is a list of queries that a search-term report counts.
type termList struct {
	name string // of its file
	list []index.Term
}

// countTerms counts what the request's query finds, and what each of the terms does; of the terms it notes which messages
// of the selection they find. The query takes no part in what is unique to a term.
func (e *env) countTerms(ctx context.Context, ix *index.Index, s *source, request index.Request, terms termList) error {
	if request.Query != nil {
		query := termList{name: "query", list: []index.Term{{Query: request.Query}}}
		if err := e.countList(ctx, ix, s, request, export.KindQuery, query); err != nil {
			return err
		}
	}
	if len(terms.list) == 0 {
		return nil
	}
	if err := e.countList(ctx, ix, s, request, export.KindTerm, terms); err != nil {
		return err
	}
	s.hits = newListings()
	for i, term := range terms.list {
		if err := s.noteHits(ctx, ix, request, i, term); err != nil {
			return explainTerms(terms.name, err)
		}
	}
	return nil
}

// countList counts what the queries of a list find, whatever the request's query is.
func (e *env) countList(ctx context.Context, ix *index.Index, s *source, request index.Request, kind string, terms termList) error {
	out := export.TermList{Kind: kind}
	end, err := ix.Report(ctx, s.archive, terms.list, request, func(h *index.TermHits) error {
		for _, note := range h.Notes {
			e.ui.warn("%s: %s: %s", terms.name, printable(h.Query), note)
		}
		out.Terms = append(out.Terms, foundBy(h.Query, &h.Breakdown))
		return nil
	})
	if err != nil {
		return explainTerms(terms.name, err)
	}
	out.Any = foundBy("", &end.Total)
	s.terms = append(s.terms, out)
	return nil
}

func foundBy(query string, b *index.Breakdown) export.FoundBy {
	return export.FoundBy{Term: query, All: found(b.HitCounts), Custodians: foundIn(b.Users), Channels: foundIn(b.Channels)}
}

func foundIn(values []index.ValueHits) map[string]export.Found {
	out := make(map[string]export.Found, len(values))
	for _, v := range values {
		out[v.ID] = found(v.HitCounts)
	}
	return out
}

func found(h index.HitCounts) export.Found {
	return export.Found{Found: int64(h.Hits), WithThreads: int64(h.WithFamilies), Unique: int64(h.Unique)}
}

// noteHits notes which messages of the selection a term finds.
func (s *source) noteHits(ctx context.Context, ix *index.Index, request index.Request, list int, term index.Term) error {
	request.Query = term.Query
	messages := map[string]picks{}
	err := ix.Match(ctx, s.archive, request, func(channel string, ts record.TS) error {
		if s.selects(channel, ts) {
			messages[channel] = append(messages[channel], pick(ts, export.ReasonHit))
		}
		return nil
	})
	for channel, found := range messages {
		s.hits.add(list, channel, found)
	}
	return err
}

// selects tells whether a message that lies within channels, times and people is selected.
func (s *source) selects(channel string, ts record.TS) bool {
	if s.picked == nil {
		return true
	}
	_, exported := s.picked[channel].find(ts)
	_, leftOut := s.leftOut[channel].find(ts)
	return exported || leftOut
}

// Terms gives what the query and the terms found.
func (s *source) Terms(context.Context) ([]export.TermList, error) {
	lists := slices.Clone(s.terms)
	query := []int{0} // the place of the query in a list of it alone
	for i := range lists {
		lists[i].Which = func(item export.Item) []int { return s.hits.of(item.Channel, item.TS) }
		if lists[i].Kind == export.KindQuery {
			lists[i].Which = func(item export.Item) []int { return query[:hits(item)] }
		}
	}
	return lists, nil
}

// hits is how many hits of the query a message is.
func hits(item export.Item) int {
	if item.Reason == export.ReasonHit {
		return 1
	}
	return 0
}

// printTerms prints a search-term report for people: the queries, and below who and where their hits are from.
func printTerms(u *ui, reports []export.TermReport) error {
	if len(reports) == 0 {
		return nil
	}
	var rows, more []table.Row
	for i := range reports {
		r := &reports[i]
		term := r.Term
		if r.Kind == export.KindAny {
			term = "any of these"
		}
		n := &r.TermCounts
		rows = append(rows, table.Row{r.Kind, printable(term), count(n.Found.Found), count(n.Messages), count(n.UniqueMessages), count(n.Slices),
			count(n.UniqueSlices), count(n.Documents), count(n.UniqueDocuments)})
		more = slices.Concat(more, termParts(term, "custodian", r.Custodians), termParts(term, "channel", r.Channels))
	}
	err := errors.Join(u.printf("\n"), u.table(table.Row{"kind", "term", "found", "messages", "unique", "slices", "unique slices", "documents",
		"unique documents"}, rows, rightAligned("found", "messages", "unique", "slices", "unique slices", "documents", "unique documents")...))
	if err != nil || len(more) == 0 {
		return err
	}
	return errors.Join(u.printf("\n"), u.table(table.Row{"term", "by", "name", "found", "messages", "slices", "documents"}, more,
		rightAligned("found", "messages", "slices", "documents")...))
}

// termParts gives the rows of those with the most hits.
func termParts(term, by string, parts []export.TermPart) (rows []table.Row) {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p export.TermPart) bool { return p.Found.Found == 0 && p.LeftOut == 0 })
	for i := range parts {
		if i == shownValues {
			return append(rows, table.Row{printable(term), by, counted(len(parts)-i, "more "+by), "", "", "", ""})
		}
		n := &parts[i].TermCounts
		rows = append(rows, table.Row{printable(term), by, printable(firstNonEmpty(parts[i].Name, parts[i].ID)), count(n.Found.Found),
			count(n.Messages), count(n.Slices), count(n.Documents)})
	}
	return rows
}
