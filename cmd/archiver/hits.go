package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"archiver/internal/index"
	"archiver/internal/record"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// jsonHits prints an object a hit, and one with the totals.
type jsonHits struct{ *env }

func (j jsonHits) hit(h index.Hit) error { return j.ui.object(h) }

func (j jsonHits) end(a *index.Answer) error {
	j.answered = true
	return j.ui.object(a)
}

// csvHits prints a row a hit; the totals go to stderr.
type csvHits struct {
	ui *ui
	w  *csv.Writer
}

func newCSVHits(u *ui) (csvHits, error) {
	c := csvHits{u, csv.NewWriter(u.out)}
	return c, c.w.Write([]string{"channel", "channel_name", "ts", "thread_ts", "user", "user_name", "time", "kind",
		"version", "versions", "deleted", "score", "snippet", "file"})
}

func (c csvHits) hit(h index.Hit) error {
	file := ""
	if h.File != nil {
		file = *h.File
	}
	return c.w.Write([]string{
		h.Channel, h.ChannelName, string(h.TS), string(h.ThreadTS), h.User, h.UserName, h.Time, string(h.Kind),
		strconv.Itoa(h.Version), strconv.Itoa(h.Versions), strconv.FormatBool(h.Deleted),
		strconv.FormatFloat(h.Score, 'g', -1, 64), unmarked(h.Snippet), file,
	})
}

func (c csvHits) end(a *index.Answer) error {
	c.w.Flush()
	c.ui.note("%s", totals(a))
	return c.w.Error()
}

// tableRows is how many hits are aligned with each other; more would have to be held in memory.
const tableRows = 1000

// tableHits prints hits for people.
type tableHits struct {
	ui       *ui
	labels   map[string]string // of channels by id
	loc      *time.Location
	fileName func(index.Hit) string
	rows     []table.Row
}

func (t *tableHits) hit(h index.Hit) error {
	label := firstNonEmpty(t.labels[h.Channel], h.Channel)
	if h.Snippet == "" && h.File != nil {
		h.Snippet = t.fileName(h)
	}
	t.rows = append(t.rows, table.Row{
		t.time(h.Time), printable(firstNonEmpty(h.UserName, h.User)), label + "/" + string(h.TS), marks(h) + t.snippet(h.Snippet),
	})
	if len(t.rows) < tableRows {
		return nil
	}
	return t.flush()
}

func (t *tableHits) time(s string) string {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return at.In(t.loc).Format(time.DateTime)
}

// marks says in front of a snippet what is special about the message.
func marks(h index.Hit) string {
	var m []string
	if h.Deleted {
		m = append(m, "deleted")
	}
	if h.Versions > 1 {
		m = append(m, fmt.Sprintf("version %d of %d", h.Version, h.Versions))
	}
	if h.ThreadTS != "" {
		m = append(m, "comment")
	}
	if h.Kind != record.KindText {
		m = append(m, string(h.Kind))
	}
	if len(m) == 0 {
		return ""
	}
	return "[" + strings.Join(m, ", ") + "] "
}

// snippet shows the text around a match, in bold where that is possible.
func (t *tableHits) snippet(s string) string {
	s = printable(s)
	if !t.ui.color {
		return unmarked(s)
	}
	return strings.NewReplacer("<mark>", text.Bold.EscapeSeq(), "</mark>", text.EscapeReset).Replace(s)
}

func unmarked(s string) string { return strings.NewReplacer("<mark>", "", "</mark>", "").Replace(s) }

func (t *tableHits) flush() error {
	rows := t.rows
	t.rows = nil
	if len(rows) == 0 {
		return nil
	}
	return t.ui.table(table.Row{"time", "user", "message", "text"}, rows)
}

func (t *tableHits) end(a *index.Answer) error {
	err := errors.Join(t.flush(), t.ui.printf("%s\n", totals(a)))
	for _, name := range index.Facets() {
		if counts, ok := a.Facets[name]; ok {
			err = errors.Join(err, t.facet(name, counts))
		}
	}
	return err
}

// shownFacets is how many values of a facet the table lists.
const shownFacets = 20

func (t *tableHits) facet(name string, counts []index.FacetCount) error {
	rows := make([]table.Row, 0, len(counts))
	for _, c := range counts[:min(len(counts), shownFacets)] {
		rows = append(rows, table.Row{printable(c.Name), count(c.Count)})
	}
	right := table.ColumnConfig{Name: "hits", Align: text.AlignRight, AlignHeader: text.AlignRight}
	err := errors.Join(t.ui.printf("\n"), t.ui.table(table.Row{name, "hits"}, rows, right))
	if n := len(counts) - shownFacets; n > 0 {
		err = errors.Join(err, t.ui.printf("and %s; --json lists all\n", counted(n, "more "+name)))
	}
	return err
}

func totals(a *index.Answer) string {
	s := fmt.Sprintf("%s of %s", count(a.Returned), counted(a.Total, "hit"))
	if a.Next != "" {
		s += "; more with --cursor " + a.Next
	}
	return s
}
