package index

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/blevesearch/bleve_index_api"
)

// maxExpansion is how many words a prefix, a fuzzy word or a pattern may stand for, whatever it may cost.
const maxExpansion = 1 << 16

// compiler turns a query into a clause on one view of the index.
type compiler struct {
	query   string
	reader  index.IndexReader
	view    *view
	names   *directory
	loc     *time.Location
	notes   []string
	marks   []mark // of what is not negated
	negated bool
	others  bool // there are documents beside the current versions of messages

	scores    bool     // documents may differ in score
	unlimited bool     // whatever it costs
	words     []costly // what it costs, see cost.go
	looked    uint64   // cost of looking terms up
	read      uint64   // cost of reading their documents, at least
}

// mark is what a word or phrase of the query looks like in a text: sets of terms at successive positions.
type mark struct {
	terms  []map[string]bool
	letter bool // the last term stands for its first letter only
}

func (c *compiler) errorAt(pos int, format string, args ...any) error {
	return &SyntaxError{c.query, pos, fmt.Sprintf(format, args...)}
}

func (c *compiler) compile(n node) (clause, error) {
	switch n := n.(type) {
	case *andNode:
		return c.and(n)
	case *orNode:
		return c.or(n)
	case *notNode:
		return c.and(&andNode{[]node{n}})
	case *textNode:
		return c.text(n)
	case *nearNode:
		return c.near(n)
	case *fieldNode:
		return c.field(n)
	default:
		return allClause{}, nil
	}
}

func (c *compiler) or(n *orNode) (clause, error) {
	var kids []clause
	words := len(c.words)
	for _, k := range n.kids {
		kid, err := c.compile(k)
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
	}
	c.scores = c.scores || len(c.words) > words && !c.negated
	return &orClause{kids: kids}, nil
}

// and compiles what must all match. Fields narrow without scoring; bounds of time become one range.
func (c *compiler) and(n *andNode) (clause, error) {
	var out andClause
	within := always
	for _, k := range n.kids {
		switch k := k.(type) {
		case *notNode:
			kid, err := c.not(k)
			if err != nil {
				return nil, err
			}
			out.not = append(out.not, kid)
			continue
		case *fieldNode:
			if s, ok := c.span(k); ok {
				within = within.and(s)
				continue
			}
			kid, err := c.field(k)
			if err != nil {
				return nil, err
			}
			out.filter = append(out.filter, kid)
			continue
		}
		kid, err := c.compile(k)
		if err != nil {
			return nil, err
		}
		out.must = append(out.must, kid)
	}
	if within != always {
		kid, err := c.within(within)
		if err != nil {
			return nil, err
		}
		out.filter = append(out.filter, kid)
	}
	return out, nil
}

func (c *compiler) not(n *notNode) (clause, error) {
	was := c.negated
	c.negated = !was
	defer func() { c.negated = was }()
	return c.compile(n.kid)
}

// text compiles a word or phrase.
func (c *compiler) text(n *textNode) (clause, error) {
	u, err := c.unit(n)
	if err != nil {
		return nil, err
	}
	last := u.sets[len(u.sets)-1]
	switch {
	case len(last) == 0:
		return noneClause{}, nil
	case len(u.sets) > 1:
		return &phraseClause{field: n.field, units: []unit{u.sets}, frequencies: u.frequencies}, nil
	case n.form == exactForm:
		return termClause{n.field, last[0], u.frequencies[0]}, nil
	default:
		return anyClause{field: n.field, terms: last, score: 1, found: u.found}, nil
	}
}

// near compiles words near each other.
func (c *compiler) near(n *nearNode) (clause, error) {
	out := &phraseClause{field: n.field, near: n.within}
	for _, kid := range n.kids {
		u, err := c.unit(kid)
		if err != nil {
			return nil, err
		}
		if len(u.sets[len(u.sets)-1]) == 0 {
			return noneClause{}, nil
		}
		out.units = append(out.units, u.sets)
		out.frequencies = append(out.frequencies, u.frequencies...)
	}
	return out, nil
}

// wordSets are the terms that a word or phrase stands for.
type wordSets struct {
	sets        unit       // position by position; only the last may be empty
	found       [][]string // those of the last by segment, where that is known
	frequencies []uint64   // documents with those that stand alone
}

// unit gives the terms that a word or phrase stands for.
func (c *compiler) unit(n *textNode) (u wordSets, err error) {
	u.sets = make(unit, len(n.terms))
	for i, t := range n.terms {
		u.sets[i] = []string{t}
	}
	if n.form != exactForm {
		last, found, err := c.expand(n)
		if err != nil {
			return u, err
		}
		u.sets, u.found = append(u.sets[:max(0, len(u.sets)-1)], last), found
	}
	c.mark(n, u.sets)
	c.scores = c.scores || !c.negated && (n.form == exactForm || len(u.sets) > 1)
	u.frequencies, err = c.frequencies(n, u.sets)
	return u, err
}

// mark notes how to find the node in a text.
func (c *compiler) mark(n *textNode, sets [][]string) {
	if c.negated || n.field != fieldText {
		return
	}
	m := mark{terms: make([]map[string]bool, len(sets))}
	for i, set := range sets {
		m.terms[i] = make(map[string]bool, len(set))
		for _, t := range set {
			m.terms[i][t] = true
		}
	}
	if n.form == prefixForm && len(n.terms) > 0 {
		last := []rune(n.terms[len(n.terms)-1])
		m.letter = len(last) == 1 && classOf(last[0]) == classBigram
	}
	c.marks = append(c.marks, m)
}

// expand gives the terms of the index that the last term of the node stands for, of a prefix also by segment.
func (c *compiler) expand(n *textNode) (terms []string, found [][]string, err error) {
	if err := c.lookUp(n); err != nil {
		return nil, nil, err
	}
	all := func(t string) bool { terms = append(terms, t); return len(terms) <= maxExpansion }
	if n.form == prefixForm {
		found, err = c.view.beginning(n.field, n.terms[len(n.terms)-1], all)
	} else {
		err = c.like(n, all)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("words like %q: %w", n.text, err)
	}
	if len(terms) > maxExpansion {
		return nil, nil, c.errorAt(n.pos, "%q stands for more than %d words of the index; give more letters", n.text, maxExpansion)
	}
	slices.Sort(terms)
	return terms, found, nil
}

// like calls each with the terms that match a pattern or differ little, until it wants no more.
func (c *compiler) like(n *textNode, each func(term string) bool) error {
	dict, err := c.dictionary(n)
	if err != nil {
		return err
	}
	defer dict.Close()
	for {
		e, err := dict.Next()
		if err != nil || e == nil || !each(e.Term) {
			return err
		}
	}
}

// dictionary gives the terms that match the node's form.
func (c *compiler) dictionary(n *textNode) (index.FieldDict, error) {
	switch n.form {
	case fuzzyForm:
		if r, ok := c.reader.(index.IndexReaderFuzzy); ok {
			return r.FieldDictFuzzy(n.field, n.terms[0], n.edits, "")
		}
	case wildcardForm:
		if r, ok := c.reader.(index.IndexReaderRegexp); ok {
			return r.FieldDictRegexp(n.field, n.pattern())
		}
	}
	return nil, fmt.Errorf("not supported by the index")
}

// pattern gives a wildcard as a regular expression.
func (n *textNode) pattern() string {
	var b strings.Builder
	literal := func(s string) { b.WriteString(regexp.QuoteMeta(fold(s))) }
	from := 0
	for i, r := range n.text {
		if r == '*' || r == '?' && n.field == fieldFilename {
			literal(n.text[from:i])
			from = i + 1
			if b.WriteByte('.'); r == '*' {
				b.WriteByte('*')
			}
		}
	}
	literal(n.text[from:])
	return b.String()
}

// span gives the time that a field asks for, if it is one of time. Values were checked when the query was parsed.
func (c *compiler) span(n *fieldNode) (span, bool) {
	switch n.name {
	case "after":
		from, _ := parseBound(n.value, c.loc)
		return span{from, always.to}, true
	case "before":
		to, _ := parseBound(n.value, c.loc)
		return span{always.from, to}, true
	case "on":
		day, _ := parseDate(n.value)
		return daySpan(day, c.loc), true
	}
	return span{}, false
}

func (c *compiler) field(n *fieldNode) (clause, error) {
	if s, ok := c.span(n); ok {
		return c.within(s)
	}
	value := n.value
	switch n.name {
	case "in":
		return c.channels(value)
	case "from":
		return c.users(value)
	case "mentions":
		return c.mentions(value), nil
	case "thread":
		return c.thread(value)
	case "kind":
		return anyClause{field: fieldKind, terms: []string{strings.ToLower(value)}}, nil
	default: // has, is
		return anyClause{field: fieldFlags, terms: []string{strings.ToLower(value)}}, nil
	}
}

func (c *compiler) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}
