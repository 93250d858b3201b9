package index

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a query. Going over one is a SyntaxError.
const (
	maxQueryBytes = 4096
	maxClauses    = 256 // words, phrases and fields
	maxDepth      = 64  // of parentheses and negations
)

// Parse parses a query of the language that the package comment describes. The empty query matches everything. An
// error is a *SyntaxError.
func Parse(query string) (*Query, error) {
	p := &parser{query: query}
	if len(query) > maxQueryBytes {
		return nil, p.errorAt(maxQueryBytes, "a query has at most %d bytes", maxQueryBytes)
	}
	if n := validPrefix(query); n < len(query) {
		return nil, p.errorAt(n, "the query is no valid UTF-8")
	}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.pos < len(query) { // only a closing parenthesis ends or early
		return nil, p.errorAt(p.pos, `")" without "(" before it; quote it to search for it`)
	}
	if root == nil {
		if len(p.left) > 0 {
			return nil, p.errorAt(p.leftAt, "%q has no letter or digit to search for", p.left[0])
		}
		root = &allNode{}
	}
	return &Query{text: query, root: root, left: p.left}, nil
}

// validPrefix is the length of what is valid UTF-8 at the beginning of s.
func validPrefix(s string) int {
	for i, r := range s {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
			return i
		}
	}
	return len(s)
}

type parser struct {
	query   string
	pos     int
	depth   int
	clauses int
	left    []string // words that hold nothing to search for
	leftAt  int      // where the first of them stands
}

func (p *parser) errorAt(pos int, format string, args ...any) *SyntaxError {
	return &SyntaxError{p.query, min(pos, len(p.query)), fmt.Sprintf(format, args...)}
}

// skip passes over spaces and tells whether something follows.
func (p *parser) skip() bool {
	p.pos += len(p.query[p.pos:]) - len(strings.TrimLeftFunc(p.query[p.pos:], unicode.IsSpace))
	return p.pos < len(p.query)
}

// or reads alternatives. A nil node is one that holds nothing to search for.
func (p *parser) or() (node, error) {
	var kids []node
	for orAt := -1; ; {
		kid, some, err := p.and()
		if err != nil {
			return nil, err
		}
		at, isOr := p.keyword("OR")
		if isOr {
			orAt = at
		}
		if !some && orAt >= 0 {
			return nil, p.errorAt(orAt, "OR needs something to search for on both sides")
		}
		if kid != nil {
			kids = append(kids, kid)
		}
		if !isOr {
			return join(kids, func(kids []node) node { return &orNode{kids} }), nil
		}
	}
}

// and reads what must all match, up to the end, a closing parenthesis or OR; some tells whether there was anything.
func (p *parser) and() (all node, some bool, err error) {
	var kids []node
	for p.skip() && p.query[p.pos] != ')' && !p.at("OR") {
		if at, ok := p.keyword("AND"); ok {
			if !some || !p.skip() || p.query[p.pos] == ')' || p.at("OR") || p.at("AND") {
				return nil, false, p.errorAt(at, "AND needs something to search for on both sides")
			}
			continue
		}
		kid, err := p.unary()
		if err != nil {
			return nil, false, err
		}
		some = true
		if kid != nil {
			kids = append(kids, kid)
		}
	}
	return join(kids, func(kids []node) node { return &andNode{kids} }), some, nil
}

func join(kids []node, make func([]node) node) node {
	switch len(kids) {
	case 0:
		return nil
	case 1:
		return kids[0]
	default:
		return make(kids)
	}
}

// at tells whether a keyword stands here as a word of its own.
func (p *parser) at(keyword string) bool {
	rest, ok := strings.CutPrefix(p.query[p.pos:], keyword)
	if !ok {
		return false
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || endsWord(r)
}

// keyword passes over a keyword if one stands here, and tells where it stood.
func (p *parser) keyword(keyword string) (at int, ok bool) {
	p.skip()
	at = p.pos
	if p.at(keyword) {
		p.pos += len(keyword)
		return at, true
	}
	return at, false
}

// unary reads a negation, a group, a phrase or a word.
func (p *parser) unary() (node, error) {
	start := p.pos
	switch {
	case p.query[start] == '-' && !p.isLoneDash():
		p.pos++
		return p.negation(start)
	case p.at("NOT"):
		p.pos += len("NOT")
		if !p.skip() {
			return nil, p.errorAt(start, "NOT needs something after it")
		}
		return p.negation(start)
	case p.query[start] == '(':
		return p.group()
	case p.quote() > 0:
		return p.phrase(fieldText)
	}
	return p.word()
}

// isLoneDash tells whether the dash here has nothing to negate: it is a mark like any other then.
func (p *parser) isLoneDash() bool {
	r, size := utf8.DecodeRuneInString(p.query[p.pos+1:])
	return size == 0 || r == ')' || unicode.IsSpace(r)
}

func (p *parser) negation(start int) (node, error) {
	if r := p.query[p.pos]; r == ')' || p.at("OR") || p.at("AND") {
		return nil, p.errorAt(start, "nothing to exclude")
	}
	if err := p.enter(start); err != nil {
		return nil, err
	}
	defer p.leave()
	kid, err := p.unary()
	if err != nil || kid == nil {
		return nil, err
	}
	if not, ok := kid.(*notNode); ok {
		return not.kid, nil
	}
	return &notNode{kid}, nil
}

func (p *parser) enter(start int) error {
	if p.depth++; p.depth > maxDepth {
		return p.errorAt(start, "nested deeper than %d", maxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) group() (node, error) {
	start := p.pos
	if err := p.enter(start); err != nil {
		return nil, err
	}
	defer p.leave()
	p.pos++
	if p.skip() && p.query[p.pos] == ')' {
		return nil, p.errorAt(start, "nothing between the parentheses")
	}
	inner, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.pos == len(p.query) {
		return nil, p.errorAt(start, `"(" without ")"`)
	}
	p.pos++
	return inner, nil
}
