package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

  word "a phrase" "near each other"~5 -word word OR word (...) prefix* w*ldcard fuzzy~1
  in:CHANNEL from:USER mentions:USER kind:file filename:*.pdf thread:TS field:(this OR that)
  has:file has:link has:reaction is:deleted is:edited is:thread is:comment
  after:2016-01-01 before:2016-02-01 on:2016-01-15

All of it must match, unless OR stands between. Days are those of --tz; after: includes its day, before: does not.
Messages that were deleted on the server are found and marked; -is:deleted leaves them out. "near each other"~5 finds
the words at most five words apart, in any order.

--explain shows how a query is understood and what each prefix, wildcard or fuzzy word stands for, instead of hits. A
query whose page of hits would take longer than 2 seconds is refused; --limit 0 takes the time that it takes.

--report is the search-term report: for every query of a file its hits, its hits with families (whole threads), and its
unique hits (found by no other query of the file), also by user and by channel. The flags that narrow a search narrow
all of its queries; families are counted whole.

Flags come before the query. A query that begins with - comes after --.`,
		examples: []string{
			"archiver search turnover",
			`archiver search --since 2018-01-01 --channel general '"quarterly report" OR turnover'`,
			"archiver search --sort -time --limit 10 'from:ann@example.com has:file'",
			"archiver search -- '-is:deleted budget*'",
			"archiver search --json --limit 0 contract | jq -r 'select(.ts) | .snippet'",
			"archiver search --facets user,month --limit 1 'merger OR acquisition'",
			`archiver search --explain 'terminat* "price list"~3'`,
			"archiver search --report terms.txt --since 2018-01-01 --format csv > terms.csv",
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
			&cli.StringFlag{Name: "facets", Usage: "also count all hits by `FIELDS`: channel,user,month,kind"},
			boolFlag("explain", "show how the query is understood, and no hits"),
			&cli.StringFlag{Name: "report", Usage: "count the hits of every query in `FILE`, one a line; - is standard input"},
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

// searchArgs is what the command line of search asks for.
type searchArgs struct {
	request index.Request
	format  string
	explain bool
	report  string       // the file that the terms are from, "" for a search
	terms   []index.Term //
}

func runSearch(ctx context.Context, e *env, c *cli.Context) (err error) {
	s, err := readSearchArgs(e, c)
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
	switch {
	case s.report != "":
		return e.report(ctx, a, ix, s)
	case s.explain:
		return e.explain(ctx, a, ix, s.request)
	default:
		return e.hits(ctx, a, ix, s)
	}
}

// hits prints what a search finds.
func (e *env) hits(ctx context.Context, a *storage.Archive, ix *index.Index, s *searchArgs) error {
	out, err := newHitWriter(ctx, e, a, s.format, s.request.Location)
	if err != nil {
		return err
	}
	answer, err := ix.Search(ctx, a, s.request, out.hit)
	if err != nil {
		return explainQuery(explainIndex(err))
	}
	if answer.Covers, err = fullCoverage(ctx, a, answer.Covers); err != nil {
		return err
	}
	warnCoverage(e.ui, answer.Covers)
	return out.end(answer)
}

// fullCoverage adds to what an answer covers which channels the archive lacks something of.
func fullCoverage(ctx context.Context, a *storage.Archive, c index.Covers) (index.Covers, error) {
	missing, err := incompleteChannels(ctx, a)
	if len(missing) > 0 {
		c.Complete = false
		c.Notes = append(c.Notes, missing...)
	}
	return c, err
}

// readSearchArgs reads the command line.
func readSearchArgs(e *env, c *cli.Context) (*searchArgs, error) {
	r, err := selection(e, c)
	if err != nil {
		return nil, err
	}
	s := &searchArgs{explain: c.Bool("explain"), report: c.String("report")}
	r.Kinds, r.Sort, r.Cursor = c.StringSlice("kind"), c.String("sort"), c.String("cursor")
	r.Limit, r.Offset, r.IncludeVersions = c.Int("limit"), c.Int("offset"), c.Bool("include-versions")
	if list := c.String("facets"); list != "" {
		r.Facets = strings.Split(list, ",")
	}
	if s.format, err = searchFormat(e, c); err != nil {
		return nil, err
	}
	if err := checkSearch(r); err != nil {
		return nil, err
	}
	if err := checkModes(c, s.format); err != nil {
		return nil, err
	}
	if c.IsSet("report") {
		s.terms, err = e.readTerms("--report", s.report)
	} else {
		r.Query, err = queryArgument(c)
	}
	s.request = r
	return s, err
}

func queryArgument(c *cli.Context) (*index.Query, error) {
	text, err := oneArgument(c, "query", "archiver search --limit 10 'quarterly report'")
	if err != nil {
		return nil, err
	}
	query, err := index.Parse(text)
	return query, explainQuery(err)
}

// checkModes refuses what does not go with --report or --explain.
func checkModes(c *cli.Context, format string) error {
	without := func(mode string, flags ...string) error {
		for _, f := range flags {
			if c.IsSet(f) {
				return &usageError{fmt.Sprintf("%s and --%s exclude each other", mode, f), helpHint("archiver search")}
			}
		}
		return nil
	}
	switch {
	case c.IsSet("report") && c.NArg() > 0:
		return &usageError{"--report takes its queries from the file, and there is one more on the command line", helpHint("archiver search")}
	case c.IsSet("report"):
		return without("--report", "explain", "facets", "sort", "limit", "offset", "cursor")
	case c.Bool("explain") && format == "csv":
		return &usageError{"--explain has no csv", "there are the table and --json"}
	case c.Bool("explain"):
		return without("--explain", "facets")
	case c.IsSet("facets") && format == "csv":
		return &usageError{"--facets: csv has no place for them", "there are the table and --json"}
	}
	return nil
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
	for _, f := range r.Facets {
		if !slices.Contains(index.Facets(), f) {
			return &usageError{fmt.Sprintf("--facets: there is no facet %q", f), "there are " + strings.Join(index.Facets(), ", ")}
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

// warnCoverage says what an answer covers, and what its reader must know.
func warnCoverage(u *ui, covers index.Covers) {
	if covers.Complete {
		u.note("searched all %s of the archive, up to change %s", counted(covers.Messages, "message"), count(covers.Change))
	} else {
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
		if f, err := a.File(ctx, h.Channel, *h.File, 0); err == nil {
			return f.Name
		}
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
