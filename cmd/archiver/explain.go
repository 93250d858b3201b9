package main

import (
	"context"
	"fmt"
	"strings"

	"archiver/internal/index"
	"archiver/internal/storage"
)

// explain says how the query of a request is understood.
func (e *env) explain(ctx context.Context, a *storage.Archive, ix *index.Index, r index.Request) error {
	x, err := ix.Explain(ctx, a, r)
	if err != nil {
		return explainQuery(explainIndex(err))
	}
	if x.Covers, err = fullCoverage(ctx, a, x.Covers); err != nil {
		return err
	}
	warnCoverage(e.ui, x.Covers)
	if e.ui.json {
		e.answered = true
		return e.ui.object(x)
	}
	var b strings.Builder
	writeExplained(&b, x.Tree, "")
	if x.Refused != "" {
		e.ui.warn("pages of hits are refused: %s", x.Refused)
	}
	return e.ui.printf("%s", b.String())
}

// shownTerms is how many of the words that a word stands for are listed.
const shownTerms = 20

// writeExplained writes a part of a query and what it is made of, a line each.
func writeExplained(b *strings.Builder, x *index.Explained, indent string) {
	b.WriteString(indent + x.Op)
	for _, what := range []string{x.Field, x.Text} {
		if what != "" {
			b.WriteString(" " + printable(what))
		}
	}
	if x.Within > 0 {
		fmt.Fprintf(b, ", at most %s apart", counted(x.Within, "word"))
	}
	if len(x.Stands) > 0 {
		b.WriteString(" = " + printable(strings.Join(x.Stands, ", ")))
	}
	if x.Documents != nil {
		b.WriteString(": " + counted(*x.Documents, "message"))
	}
	b.WriteByte('\n')
	writeTerms(b, x, indent+"  ")
	for _, part := range x.Parts {
		writeExplained(b, part, indent+"  ")
	}
}

// writeTerms lists the words that a prefix, wildcard or fuzzy word stands for.
func writeTerms(b *strings.Builder, x *index.Explained, indent string) {
	if x.Op == "word" {
		return
	}
	for i, t := range x.Terms {
		if i == shownTerms {
			fmt.Fprintf(b, "%sand %s more; --json lists all\n", indent, counted(len(x.Terms)-i, "word"))
			return
		}
		fmt.Fprintf(b, "%s%s  %s\n", indent, count(t.Documents), printable(t.Term))
	}
}
