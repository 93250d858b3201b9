package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"archiver/internal/index"
	"archiver/internal/storage"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// readTerms reads the queries of a search-term report from the file that a flag names, or from stdin for "-": one a line;
// blank lines and those that begin with # are left out.
func (e *env) readTerms(flag, name string) ([]index.Term, error) {
	if name == "-" {
		return parseTerms(flag, "standard input", e.stdin)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, &usageError{flag + ": " + err.Error(), "the file holds one query a line"}
	}
	terms, err := parseTerms(flag, name, file)
	return terms, errors.Join(err, file.Close())
}

func parseTerms(flag, name string, r io.Reader) ([]index.Term, error) {
	var terms []index.Term
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		query, err := index.Parse(line)
		if err != nil {
			return nil, inLine(name, n, err)
		}
		terms = append(terms, index.Term{Line: n, Query: query})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(terms) == 0 {
		return nil, &usageError{flag + ": there is no query in " + name, "it holds one query a line; lines that begin with # are left out"}
	}
	return terms, nil
}

// inLine says in which line of a file a query is wrong.
func inLine(name string, line int, err error) error {
	err = explainQuery(err)
	var usage *usageError
	if errors.As(err, &usage) {
		return &usageError{fmt.Sprintf("%s, line %d: %s", name, line, usage.msg), usage.hint}
	}
	return err
}

// explainTerms says in which line of a file of queries an error of a report is, if it is in one.
func explainTerms(name string, err error) error {
	var term *index.TermError
	if errors.As(err, &term) {
		return inLine(name, term.Line, term.Err)
	}
	return explainQuery(explainIndex(err))
}

// report prints how much each of several queries finds.
func (e *env) report(ctx context.Context, a *storage.Archive, ix *index.Index, s *searchArgs) error {
	out, err := newTermWriter(e, s.format)
	if err != nil {
		return err
	}
	end, err := ix.Report(ctx, a, s.terms, s.request, out.term)
	if err != nil {
		return explainTerms(s.report, err)
	}
	if end.Covers, err = fullCoverage(ctx, a, end.Covers); err != nil {
		return err
	}
	warnCoverage(e.ui, end.Covers)
	return out.end(end)
}

// termWriter prints a search-term report in one of the formats.
type termWriter interface {
	term(*index.TermHits) error
	end(*index.TermReport) error
}

func newTermWriter(e *env, format string) (termWriter, error) {
	switch format {
	case "json":
		return jsonTerms{e}, nil
	case "csv":
		c := csvTerms{e.ui, csv.NewWriter(e.ui.out)}
		return c, c.w.Write([]string{"line", "query", "by", "id", "name", "hits", "hits_with_families", "unique_hits"})
	}
	return &tableTerms{ui: e.ui}, nil
}

// jsonTerms prints an object a query, and one with the total.
type jsonTerms struct{ *env }

func (j jsonTerms) term(h *index.TermHits) error {
	for _, note := range h.Notes {
		j.ui.warn("line %d: %s", h.Line, note)
	}
	return j.ui.object(h)
}

func (j jsonTerms) end(r *index.TermReport) error {
	j.answered = true
	return j.ui.object(r)
}

// csvTerms prints a row for all hits of a query, one for every user and one for every channel; the last ones have no
// line and count what any query finds.
type csvTerms struct {
	ui *ui
	w  *csv.Writer
}

func (c csvTerms) term(h *index.TermHits) error {
	for _, note := range h.Notes {
		c.ui.warn("line %d: %s", h.Line, note)
	}
	return c.rows(strconv.Itoa(h.Line), h.Query, &h.Breakdown)
}

func (c csvTerms) rows(line, query string, b *index.Breakdown) error {
	err := c.row(line, query, "all", index.ValueHits{HitCounts: b.HitCounts})
	for _, v := range b.Users {
		err = errors.Join(err, c.row(line, query, "user", v))
	}
	for _, v := range b.Channels {
		err = errors.Join(err, c.row(line, query, "channel", v))
	}
	return err
}

func (c csvTerms) row(line, query, by string, v index.ValueHits) error {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	return c.w.Write([]string{line, query, by, v.ID, v.Name, number(v.Hits), number(v.WithFamilies), number(v.Unique)})
}

func (c csvTerms) end(r *index.TermReport) error {
	if err := c.rows("", "", &r.Total); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}

// shownValues is how many users and channels of a query the table lists.
const shownValues = 5

// tableTerms prints a report for people: the queries, and below who and where their hits are from.
type tableTerms struct {
	ui         *ui
	rows, more []table.Row
}

func (t *tableTerms) term(h *index.TermHits) error {
	for _, note := range h.Notes {
		t.ui.warn("line %d: %s", h.Line, note)
	}
	t.add(h.Line, printable(h.Query), &h.Breakdown)
	return nil
}

func (t *tableTerms) add(line any, query string, b *index.Breakdown) {
	t.rows = append(t.rows, append(table.Row{line, query}, counts(b.HitCounts)...))
	for _, part := range []struct {
		by     string
		values []index.ValueHits
	}{{"user", b.Users}, {"channel", b.Channels}} {
		for i, v := range part.values {
			if i == shownValues {
				rest := counted(len(part.values)-i, "more "+part.by)
				t.more = append(t.more, table.Row{line, part.by, rest, "", "", ""})
				break
			}
			t.more = append(t.more, append(table.Row{line, part.by, printable(firstNonEmpty(v.Name, v.ID))}, counts(v.HitCounts)...))
		}
	}
}

func counts(h index.HitCounts) []any {
	return []any{count(h.Hits), count(h.WithFamilies), count(h.Unique)}
}

func (t *tableTerms) end(r *index.TermReport) error {
	t.add("", "any of these", &r.Total)
	right := []table.ColumnConfig{{Name: "hits", Align: text.AlignRight, AlignHeader: text.AlignRight},
		{Name: "with families", Align: text.AlignRight, AlignHeader: text.AlignRight},
		{Name: "unique", Align: text.AlignRight, AlignHeader: text.AlignRight}}
	err := t.ui.table(table.Row{"line", "query", "hits", "with families", "unique"}, t.rows, right...)
	if err != nil || len(t.more) == 0 {
		return err
	}
	return errors.Join(t.ui.printf("\n"), t.ui.table(table.Row{"line", "by", "name", "hits", "with families", "unique"}, t.more, right...))
}
