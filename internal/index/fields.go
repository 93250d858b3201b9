package index

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"archiver/internal/record"
)

// fieldNames are the fields a query can name.
var fieldNames = []string{"in", "from", "mentions", "kind", "has", "filename", "after", "before", "on", "thread", "is"}

// field reads the value of a field, or several in parentheses of which any may match.
func (p *parser) field(start int, name string) (node, error) {
	if !slices.Contains(fieldNames, name) {
		return nil, p.errorAt(start, "unknown field %q (there are %s); quote it to search for it", name+":", strings.Join(fieldNames, ", "))
	}
	if p.pos == len(p.query) || p.query[p.pos] != '(' {
		return p.value(start, name)
	}
	open := p.pos
	p.pos++
	var kids []node
	for p.skip() && p.query[p.pos] != ')' {
		if _, ok := p.keyword("OR"); ok && len(kids) > 0 {
			continue
		}
		kid, err := p.value(p.pos, name)
		if err != nil {
			return nil, err
		}
		if kid != nil {
			kids = append(kids, kid)
		}
	}
	if p.pos == len(p.query) {
		return nil, p.errorAt(open, `"(" without ")"`)
	}
	p.pos++
	if len(kids) == 0 {
		return nil, p.errorAt(open, "nothing between the parentheses")
	}
	return join(kids, func(kids []node) node { return &orNode{kids} }), nil
}

// value reads one value of a field.
func (p *parser) value(start int, name string) (node, error) {
	at := p.pos
	if p.quote() > 0 && name == "filename" {
		return p.phrase(fieldFilename)
	}
	var value string
	if p.quote() > 0 {
		var err error
		if value, err = p.quoted(); err != nil {
			return nil, err
		}
	} else {
		value = p.scan()
	}
	if strings.TrimSpace(value) == "" {
		return nil, p.errorAt(at, "%s: needs a value", name)
	}
	if name == "filename" {
		return p.plain(start, fieldFilename, value)
	}
	if msg := checkValue(name, value); msg != "" {
		return nil, p.errorAt(at, "%s", msg)
	}
	return &fieldNode{start, name, value}, p.count(start)
}

// The values that has:, is: and kind: take; those of has: and is: are flags of documents.
var (
	hasValues  = []string{flagFile, flagLink, flagReaction}
	isValues   = []string{flagDeleted, flagEdited, flagThread, flagComment}
	kindValues = []string{string(record.KindText), string(record.KindCode), string(record.KindFile), string(record.KindEvent),
		string(record.KindConference), string(record.KindMail), string(record.KindSystem), string(record.KindOther)}
)

// checkValue says what is wrong with a field's value, "" if nothing.
func checkValue(name, value string) string {
	switch name {
	case "has":
		return oneOf(name, value, hasValues)
	case "is":
		return oneOf(name, value, isValues)
	case "kind":
		return oneOf(name, value, kindValues)
	case "after", "before":
		if _, err := parseBound(value, time.UTC); err != nil {
			return err.Error()
		}
	case "on":
		if _, err := parseDate(value); err != nil {
			return fmt.Sprintf("%q is no date such as 2016-01-31", value)
		}
	case "thread":
		if _, err := parseThread(value); err != nil {
			return err.Error()
		}
	}
	return ""
}

func oneOf(name, value string, values []string) string {
	if slices.Contains(values, strings.ToLower(value)) {
		return ""
	}
	return fmt.Sprintf("%s: knows %s, not %q", name, strings.Join(values, ", "), value)
}

// threadRef is a thread as a query names it: the parent's ts, with its channel or without.
type threadRef struct {
	channel string
	ts      record.TS
}

func parseThread(value string) (threadRef, error) {
	var ref threadRef
	if i := strings.LastIndexByte(value, '/'); i >= 0 {
		ref.channel, value = record.ChannelID(value[:i]), value[i+1:]
	}
	ts, err := record.ParseTS(value)
	ref.ts = ts
	return ref, err
}
