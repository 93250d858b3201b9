package index

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"archiver/internal/record"
)

// channels compiles a channel's id or name. An id is searched for also when the archive has no record of it.
func (c *compiler) channels(value string) (clause, error) {
	ids := c.names.channelsNamed(value)
	if len(ids) > 1 {
		c.note("%d channels are or were called %q", len(ids), value)
	}
	if len(ids) == 0 {
		ids = []string{record.ChannelID(value)}
		known, err := c.has(fieldChannel, ids[0])
		if err != nil {
			return nil, err
		}
		if !known {
			c.note("no channel is called %q", value)
		}
	}
	return anyClause{field: fieldChannel, terms: ids}, nil
}

// users compiles an author's id or name. An id is searched for also when the archive has no account of it.
func (c *compiler) users(value string) (clause, error) {
	found := c.names.usersNamed(value)
	ids := []string{fold(value)}
	for _, u := range found {
		if !slices.Contains(ids, u.id) {
			ids = append(ids, u.id)
		}
	}
	if len(found) > 1 {
		c.note("%d users are called %q", len(found), value)
	}
	if len(found) == 0 {
		known, err := c.has(fieldUser, ids[0])
		if err != nil {
			return nil, err
		}
		if !known {
			c.note("no user is called %q", value)
		}
	}
	return anyClause{field: fieldUser, terms: ids}, nil
}

// has tells whether documents have a term.
func (c *compiler) has(field, term string) (bool, error) {
	docs, err := c.view.term(field, term)
	return err == nil && !docs.isEmpty(), err
}

// mentions compiles who is addressed: by id, by what stands before its @, or by the value as it is.
func (c *compiler) mentions(value string) clause {
	terms := []string{strings.Trim(fold(value), "@")}
	for _, u := range c.names.usersNamed(value) {
		terms = append(terms, u.id, u.local)
	}
	slices.Sort(terms)
	return anyClause{field: fieldMentions, terms: slices.Compact(terms)}
}

// thread compiles a thread: the parent and its comments.
func (c *compiler) thread(value string) (clause, error) {
	ref, err := parseThread(value)
	if err != nil {
		return nil, err
	}
	parents, err := c.keysAt(ref)
	if err != nil {
		return nil, err
	}
	var out clause = &orClause{kids: []clause{anyClause{field: fieldThread, terms: []string{string(ref.ts)}}, idsClause{parents}}}
	if ref.channel != "" {
		out = andClause{must: []clause{out}, filter: []clause{anyClause{field: fieldChannel, terms: []string{ref.channel}}}}
	}
	return out, nil
}

// keysAt gives the documents of the messages with a ts, whatever their channel.
func (c *compiler) keysAt(ref threadRef) ([]string, error) {
	prefix := appendUint24(secondKey(ref.ts.Second()), uint32(ref.ts.Counter()))
	dict, err := c.reader.FieldDictPrefix(fieldID, prefix)
	if err != nil {
		return nil, err
	}
	defer dict.Close()
	var ids []string
	for {
		e, err := dict.Next()
		if err != nil || e == nil {
			return ids, err
		}
		ids = append(ids, e.Term)
	}
}

// within compiles a span of time: whole months and whole days by their keywords, the days at its ends by keys.
func (c *compiler) within(s span) (clause, error) {
	if s.isEmpty() {
		return noneClause{}, nil
	}
	months, err := c.periods(fieldMonth, "", "200601", s)
	if err != nil {
		return nil, err
	}
	if months.covered {
		return allClause{}, nil
	}
	days := periods{}
	for _, m := range months.partial {
		d, err := c.periods(fieldDay, m, "20060102", s)
		if err != nil {
			return nil, err
		}
		days.whole = append(days.whole, d.whole...)
		days.partial = append(days.partial, d.partial...)
	}
	kids := []clause{anyClause{field: fieldMonth, terms: months.whole}, anyClause{field: fieldDay, terms: days.whole}}
	for _, d := range days.partial {
		kids = append(kids, betweenClause{anyClause{field: fieldDay, terms: []string{d}}, string(secondKey(s.from)), string(secondKey(s.to))})
	}
	return &orClause{kids: kids}, nil
}

// periods are the months or days of the index that a span concerns.
type periods struct {
	whole, partial []string
	covered        bool // all of them are whole
}

// periods gives the terms of a field of time that begin with prefix and lie in the span, wholly or partly.
func (c *compiler) periods(field, prefix, layout string, s span) (periods, error) {
	p := periods{covered: true}
	dict, err := c.reader.FieldDictPrefix(field, []byte(prefix))
	if err != nil {
		return p, err
	}
	defer dict.Close()
	for {
		e, err := dict.Next()
		if err != nil || e == nil {
			return p, err
		}
		begin, err := time.Parse(layout, e.Term)
		if err != nil {
			return p, fmt.Errorf("%w: %s %q: %w", ErrDamaged, field, e.Term, err)
		}
		end := begin.AddDate(0, 0, 1)
		if field == fieldMonth {
			end = begin.AddDate(0, 1, 0)
		}
		switch common := s.and(span{begin.Unix(), end.Unix()}); {
		case common.isEmpty():
			p.covered = false
		case common.from == begin.Unix() && common.to == end.Unix():
			p.whole = append(p.whole, e.Term)
		default:
			p.covered = false
			p.partial = append(p.partial, e.Term)
		}
	}
}
