package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"archiver/internal/index"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

func searchCommand() command {
	return command{
		name: "search", args: "QUERY", reader: true, run: runSearch,
		summary: "search the archived messages",
		about: `
Finds messages and comments. A query is made of

  word "a phrase" -word word OR word (...) prefix* fuzzy~1
  in:CHANNEL from:USER mentions:USER kind:file has:file filename:*.pdf thread:TS is:deleted is:edited
  after:2016-01-01 before:2016-02-01 on:2016-01-15

All of it must match, unless OR stands between. Days are those of --tz; after: includes its day, before: does not.
Messages that were deleted on the server are found and marked; -is:deleted leaves them out.

Flags come before the query. A query that begins with - comes after --.`,
		examples: []string{
			"archiver search turnover",
			`archiver search --since 2018-01-01 --channel general '"quarterly report" OR turnover'`,
			"archiver search --sort -time --limit 10 'from:ann@example.com has:file'",
			"archiver search -- '-is:deleted budget*'",
			"archiver search --json --limit 0 contract | jq -r 'select(.ts) | .snippet'",
		},
		exits: readerExits,
		flags: append(selectionFlags(),
			&cli.StringSliceFlag{Name: "kind", Usage: "only messages of `KIND`: text, code, file, event, conference, mail, system, other; repeatable"},
			&cli.StringFlag{Name: "sort", Usage: "`ORDER` of the hits: score, time (oldest first), -time (newest first)", Value: "score"},
			&cli.IntFlag{Name: "limit", Usage: "show at most `N` hits; 0 shows all", Value: 50},
			&cli.IntFlag{Name: "offset", Usage: "leave out the first `N` hits"},
			&cli.StringFlag{Name: "cursor", Usage: "go on at the `CURSOR` that the page before ended with"},
			boolFlag("include-versions", "search old versions of edited messages as well"),
			&cli.StringFlag{Name: "format", Usage: "`FORMAT`: table, json or csv", Value: "table"},
			&cli.BoolFlag{Name: "explain", Hidden: true},
			&cli.StringFlag{Name: "report", Hidden: true},
		),
	}
}

// selectionFlags narrow what search and export look at.
func selectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "since", Usage: "only messages from `TIME` on: a day (2016-01-31) or RFC 3339"},
		&cli.StringFlag{Name: "until", Usage: "only messages before `TIME`"},
		&cli.StringSliceFlag{Name: "channel", Usage: "only the channel `ID_OR_NAME`; repeatable"},
		&cli.StringSliceFlag{Name: "user", Usage: "only messages of `USER`; repeatable"},
		&cli.StringFlag{Name: "tz", Usage: "time `ZONE` of days and tables, as in Europe/Prague", DefaultText: "search.time_zone"},
	}
}

func runSearch(ctx context.Context, e *env, c *cli.Context) (err error) {
	request, format, err := searchRequest(e, c)
	if err != nil {
		return err
	}
	a, err := e.openArchive(ctx, c)
	if err != nil {
		return err
	}
	defer closing(&err, a.Close)
	ix, err := e.openIndex(ctx, c)
	if err != nil {
		return err
	}
	defer closing(&err, ix.Close)
	out, err := newHitWriter(ctx, e, a, format, request.Location)
	if err != nil {
		return err
	}
	answer, err := ix.Search(ctx, a, request, out.hit)
	if err != nil {
		return explainQuery(explainIndex(err))
	}
	missing, err := incompleteChannels(ctx, a)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		answer.Covers.Complete = false
		answer.Covers.Notes = append(answer.Covers.Notes, missing...)
	}
	warnCoverage(e.ui, answer.Covers)
	return out.end(answer)
}

// searchRequest reads the command line.
func searchRequest(e *env, c *cli.Context) (r index.Request, format string, err error) {
	for _, later := range []string{"explain", "report"} {
		if c.IsSet(later) {
			return r, "", notInThisVersion("search --" + later)
		}
	}
	if r, err = selection(e, c); err != nil {
		return r, "", err
	}
	r.Kinds, r.Sort, r.Cursor = c.StringSlice("kind"), c.String("sort"), c.String("cursor")
	r.Limit, r.Offset, r.IncludeVersions = c.Int("limit"), c.Int("offset"), c.Bool("include-versions")
	if format, err = searchFormat(e, c); err != nil {
		return r, "", err
	}
	if err := checkSearch(r); err != nil {
		return r, "", err
	}
	query, err := oneArgument(c, "query", "archiver search --limit 10 'quarterly report'")
	if err != nil {
		return r, "", err
	}
	r.Query, err = index.Parse(query)
	return r, format, explainQuery(err)
}

// selection reads the flags of selectionFlags.
func selection(e *env, c *cli.Context) (index.Request, error) {
	loc, err := e.location(c)
	r := index.Request{
		Since: c.String("since"), Until: c.String("until"), Location: loc,
		Channels: c.StringSlice("channel"), Users: c.StringSlice("user"),
	}
	return r, errors.Join(err, checkTime("--since", r.Since), checkTime("--until", r.Until))
}

func checkTime(flag, s string) error {
	if s == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return nil
	}
	if _, err := time.Parse(time.RFC3339, s); err == nil {
		return nil
	}
	return &usageError{fmt.Sprintf("%s: %q is no day and no time", flag, s), "as in 2016-01-31 or 2016-01-31T08:00:00Z"}
}

func searchFormat(e *env, c *cli.Context) (string, error) {
	format := c.String("format")
	switch {
	case !slices.Contains([]string{"table", "json", "csv"}, format):
		return "", &usageError{fmt.Sprintf("--format: %q is none of table, json, csv", format), ""}
	case format == "json":
		e.ui.json = true
	case e.ui.json && c.IsSet("format"):
		return "", &usageError{"--json and --format " + format + " exclude each other", ""}
	case e.ui.json:
		return "json", nil
	}
	return format, nil
}

func checkSearch(r index.Request) error {
	kinds := []record.Kind{record.KindText, record.KindCode, record.KindFile, record.KindEvent, record.KindConference,
		record.KindMail, record.KindSystem, record.KindOther}
	for _, k := range r.Kinds {
		if !slices.Contains(kinds, record.Kind(k)) {
			return &usageError{fmt.Sprintf("--kind: there is no kind %q", k), "there are text, code, file, event, conference, mail, system and other"}
		}
	}
	switch {
	case !slices.Contains([]string{"score", "time", "-time"}, r.Sort):
		return &usageError{fmt.Sprintf("--sort: %q is none of score, time, -time", r.Sort), ""}
	case r.Limit < 0 || r.Offset < 0:
		return &usageError{"--limit and --offset: want 0 or more", ""}
	case r.Cursor != "" && r.Offset > 0:
		return &usageError{"--cursor and --offset exclude each other", ""}
	}
	return nil
}

// explainQuery says where in a query the error is.
func explainQuery(err error) error {
	var syntax *index.SyntaxError
	switch {
	case errors.Is(err, index.ErrCursor):
		return &usageError{"--cursor: " + index.ErrCursor.Error(), "a cursor goes with the query and the flags of the page it came from"}
	case !errors.As(err, &syntax):
		return err
	case syntax.Query == "":
		return &usageError{syntax.Msg, helpHint("archiver search")}
	}
	pos := min(max(syntax.Pos, 0), len(syntax.Query))
	where := "at its end"
	if rest := syntax.Query[pos:]; rest != "" {
		where = fmt.Sprintf("before %q", truncate(rest, 40))
	}
	return &usageError{
		fmt.Sprintf("query, at character %d: %s", utf8.RuneCountInString(syntax.Query[:pos])+1, syntax.Msg),
		fmt.Sprintf("it goes wrong %s; archiver search --help shows what a query is made of", where),
	}
}

// warnCoverage says what the reader of an answer must know.
func warnCoverage(u *ui, covers index.Covers) {
	if !covers.Complete {
		u.warn("messages may be missing from this answer")
	}
	for _, note := range covers.Notes {
		u.warn("%s", note)
	}
}

// hitWriter prints hits in one of the formats.
type hitWriter interface {
	hit(index.Hit) error
	end(*index.Answer) error
}

func newHitWriter(ctx context.Context, e *env, a *storage.Archive, format string, loc *time.Location) (hitWriter, error) {
	switch format {
	case "json":
		return jsonHits{e}, nil
	case "csv":
		return newCSVHits(e.ui)
	}
	labels, err := channelLabels(ctx, a)
	fileName := func(h index.Hit) string {
		m, err := a.Message(ctx, h.Channel, h.TS)
		if err != nil {
			return ""
		}
		return m.FileName
	}
	return &tableHits{ui: e.ui, labels: labels, loc: loc, fileName: fileName}, err
}

// channelLabels gives each channel a name that show accepts: its name, or its id where several have that name.
func channelLabels(ctx context.Context, a *storage.Archive) (map[string]string, error) {
	labels, owner := map[string]string{}, map[string]string{}
	for c, err := range a.Channels(ctx, 0) {
		if err != nil {
			return nil, err
		}
		labels[c.ID] = c.Name
		if other, taken := owner[c.Name]; taken || c.Name == "" || c.Name != printable(c.Name) {
			labels[c.ID] = c.ID
			if taken {
				labels[other] = other
			}
		}
		owner[c.Name] = c.ID
	}
	return labels, nil
}
