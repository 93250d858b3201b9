package index

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"archiver/internal/record"
)

// The orders of Request.Sort.
const (
	byScore = "score" // best first, newest first among equals
	oldest  = "time"
	newest  = "-time"
)

// Request is what a search asks for. What it narrows by must match beside the query.
type Request struct {
	Query           *Query         // nil matches everything
	Since, Until    string         // YYYY-MM-DD in Location, or RFC 3339; half-open
	Channels        []string       // ids or names, any of them
	Users           []string       // ids or names, any of them
	Kinds           []string       // any of them
	Sort            string         // score (the default), time, -time
	Limit           int            // hits at most; 0 means all
	Offset          int            // hits to leave out first
	Cursor          string         // Answer.Next of the same request, to go on behind its page
	IncludeVersions bool           // search old versions too
	Facets          []string       // count all hits by these, any of Facets()
	Location        *time.Location // whose days dates are; nil is UTC
}

// withDefaults fills in what the zero values stand for.
func (r Request) withDefaults() (Request, error) {
	if r.Query == nil {
		r.Query = &Query{root: &allNode{}}
	}
	if r.Location == nil {
		r.Location = time.UTC
	}
	switch r.Sort {
	case "":
		r.Sort = byScore
	case byScore, oldest, newest:
	default:
		return r, requestError("sort is one of %s, %s, %s, not %q", byScore, oldest, newest, r.Sort)
	}
	for _, f := range r.Facets {
		if !slices.Contains(Facets(), f) {
			return r, requestError("facets are %s, not %q", strings.Join(Facets(), ", "), f)
		}
	}
	if r.Limit < 0 || r.Offset < 0 {
		return r, requestError("limit and offset cannot be negative")
	}
	return r, nil
}

// requestError is the error of a request whose query is not at fault.
func requestError(format string, args ...any) error {
	return &SyntaxError{Msg: fmt.Sprintf(format, args...)}
}

// compile compiles the query together with what else narrows the request.
func (c *compiler) request(r *Request) (clause, error) {
	root, err := c.compile(r.Query.root)
	if err != nil {
		return nil, err
	}
	all, ok := root.(andClause)
	if !ok {
		all.must = []clause{root}
	}
	if within, err := r.span(); err != nil {
		return nil, err
	} else if within != always {
		if err := all.add(c.within(within)); err != nil {
			return nil, err
		}
	}
	if err := c.narrow(&all, r); err != nil {
		return nil, err
	}
	if err := c.leaveOut(&all, r.IncludeVersions); err != nil {
		return nil, err
	}
	for _, word := range r.Query.left {
		c.note("%q has no letter or digit to search for and was left out", word)
	}
	return all, nil
}

// leaveOut leaves out old versions, unless they are asked for, and without words, which nothing asks for what files say,
// the text inside files.
func (c *compiler) leaveOut(all *andClause, versions bool) error {
	if !c.others {
		return nil
	}
	for _, f := range []struct {
		flag  string
		leave bool
	}{{flagOld, !versions}, {flagContent, len(c.marks) == 0}} {
		if !f.leave {
			continue
		}
		has, err := c.has(fieldFlags, f.flag)
		if err != nil {
			return err
		}
		if has {
			all.not = append(all.not, anyClause{field: fieldFlags, terms: []string{f.flag}})
		}
	}
	return nil
}

func (c *andClause) add(filter clause, err error) error {
	c.filter = append(c.filter, filter)
	return err
}

// narrow adds the channels, users and kinds of a request.
func (c *compiler) narrow(all *andClause, r *Request) error {
	var channels, users orClause
	for _, value := range r.Channels {
		kid, err := c.channels(value)
		if err != nil {
			return err
		}
		channels.kids = append(channels.kids, kid)
	}
	for _, value := range r.Users {
		kid, err := c.users(value)
		if err != nil {
			return err
		}
		users.kids = append(users.kids, kid)
	}
	for _, or := range []*orClause{&channels, &users} {
		if len(or.kids) > 0 {
			all.filter = append(all.filter, or)
		}
	}
	kinds := make([]string, len(r.Kinds))
	for i, kind := range r.Kinds {
		kinds[i] = strings.ToLower(kind)
		if msg := checkValue("kind", kind); msg != "" {
			return requestError("%s", msg)
		}
	}
	if len(kinds) > 0 {
		all.filter = append(all.filter, anyClause{field: fieldKind, terms: kinds})
	}
	return nil
}

// span is the time between Since and Until.
func (r *Request) span() (span, error) {
	s := always
	if r.Since != "" {
		from, err := parseBound(r.Since, r.Location)
		if err != nil {
			return s, requestError("since: %v", err)
		}
		s.from = max(s.from, from)
	}
	if r.Until != "" {
		to, err := parseBound(r.Until, r.Location)
		if err != nil {
			return s, requestError("until: %v", err)
		}
		s.to = min(s.to, to)
	}
	return s, nil
}

// Hit is one message, or one version of a message, that matches.
type Hit struct {
	Channel     string      `json:"channel"`
	ChannelName string      `json:"channel_name"`
	TS          record.TS   `json:"ts"`
	ThreadTS    record.TS   `json:"thread_ts"` // of a comment: its parent's
	User        string      `json:"user"`
	UserName    string      `json:"user_name"`
	Time        string      `json:"time"` // RFC 3339, UTC
	Kind        record.Kind `json:"kind"`
	Version     int         `json:"version"`  // counts from 1
	Versions    int         `json:"versions"` // how many the message has
	Deleted     bool        `json:"deleted"`
	Score       float64     `json:"score"`   // 0 when sorted by time
	Snippet     string      `json:"snippet"` // matches between <mark> and </mark>, the text otherwise as it is
	File        *string     `json:"file"`    // the file's id
}

// Covers says what an answer rests on.
type Covers struct {
	Messages uint64   `json:"messages"` // that the index holds
	Change   uint64   `json:"change"`   // the newest entry of the archive that the index holds
	Complete bool     `json:"complete"` // the index holds the archive's newest entry
	Notes    []string `json:"notes"`    // what the reader of the answer should know
}

// Answer ends the hits of a search.
type Answer struct {
	Total    uint64 `json:"total"`    // all that match, exactly, on whatever page
	Returned int    `json:"returned"` //
	Next     string `json:"next"`     // Request.Cursor of the following page, "" at the end
	Covers   Covers `json:"covers"`
	TookMS   int64  `json:"took_ms"`

	Facets map[string][]FacetCount `json:"facets,omitzero"` // of all hits, by what was asked for
}
