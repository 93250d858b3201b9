package index

import (
	"context"
	"fmt"

	"archiver/internal/storage"
)

// Span is a stretch of a text, in bytes.
type Span struct{ Start, End int }

// Highlighter gives a function that tells where the words of a request's query stand in a text: in order, and apart from
// each other. What the query excludes and what it says of fields is not looked for. The function needs neither the index
// nor the archive. Errors are as those of Search.
func (ix *Index) Highlighter(ctx context.Context, a *storage.Archive, r Request) (func(text string) []Span, error) {
	var marks []mark
	err := ix.session(ctx, a, r, func(s *session) error {
		marks = s.marks
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("highlight: %w", err)
	}
	return func(text string) []Span {
		var spans []Span
		for _, p := range merge(matches(text, marks)) {
			spans = append(spans, Span{p.start, p.end})
		}
		return spans
	}, nil
}
