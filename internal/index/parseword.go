package index

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quotes are what begins and ends a phrase; word processors write other ones than keyboards.
const quotes = "\"“”„"

// quote gives the length of the quotation mark that stands here, 0 if none does.
func (p *parser) quote() int {
	r, size := utf8.DecodeRuneInString(p.query[p.pos:])
	if size > 0 && strings.ContainsRune(quotes, r) {
		return size
	}
	return 0
}

// quoted reads what stands between two quotation marks.
func (p *parser) quoted() (string, error) {
	start := p.pos
	p.pos += p.quote()
	n := strings.IndexAny(p.query[p.pos:], quotes)
	if n < 0 {
		return "", p.errorAt(start, "the quotation mark is not closed")
	}
	text := p.query[p.pos : p.pos+n]
	p.pos += n
	p.pos += p.quote()
	return text, nil
}

func (p *parser) phrase(field string) (node, error) {
	start := p.pos
	text, err := p.quoted()
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(p.query[p.pos:], "~") {
		return p.near(start, field, text)
	}
	form := exactForm
	if field == fieldFilename && strings.ContainsAny(text, "*?") {
		form = wildcardForm
	}
	return p.text(&textNode{pos: start, field: field, text: text, quoted: true, form: form})
}

// maxNear is how far apart words that are near each other may be.
const maxNear = 1000

// near reads what follows the quotation marks of words that are to be near each other, and makes their node.
func (p *parser) near(start int, field, text string) (node, error) {
	at := p.pos
	within, err := strconv.Atoi(p.scan()[1:])
	if err != nil || within < 1 || within > maxNear {
		return nil, p.errorAt(at, `how near? As in "annual report"~5; the number is 1 to %d`, maxNear)
	}
	n := &nearNode{pos: start, field: field, within: within}
	for _, word := range strings.Fields(text) {
		kid, err := p.plain(start, field, word)
		if err != nil {
			return nil, err
		}
		switch kid := kid.(type) {
		case *textNode:
			n.kids = append(n.kids, kid)
		case nil:
		default:
			return nil, p.errorAt(start, "%q cannot be near something", word)
		}
	}
	switch len(n.kids) {
	case 0:
		return nil, nil
	case 1:
		return n.kids[0], nil
	}
	return n, nil
}

// endsWord tells whether a word cannot go on with r.
func endsWord(r rune) bool {
	return unicode.IsSpace(r) || r == '(' || r == ')' || strings.ContainsRune(quotes, r)
}

// scan reads up to the end of a word.
func (p *parser) scan() string {
	n := strings.IndexFunc(p.query[p.pos:], endsWord)
	if n < 0 {
		n = len(p.query) - p.pos
	}
	p.pos += n
	return p.query[p.pos-n : p.pos]
}

// word reads a word, with its field if it has one.
func (p *parser) word() (node, error) {
	start := p.pos
	word := p.scan()
	if name, rest, ok := strings.Cut(word, ":"); ok && isFieldName(name) &&
		!strings.HasPrefix(rest, ":") && !strings.HasPrefix(rest, "//") {
		p.pos = start + len(name) + 1
		return p.field(start, strings.ToLower(name))
	}
	return p.plain(start, fieldText, word)
}

// isFieldName tells whether what stands before a colon is meant as a field: letters only.
func isFieldName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// plain makes the node of a word without quotes, whose ending says how it is meant.
func (p *parser) plain(start int, field, word string) (node, error) {
	n := &textNode{pos: start, field: field, text: word}
	patterns := "*"
	if field == fieldFilename {
		patterns = "*?"
	}
	base, edits, fuzzy := cutEdits(word)
	switch star := strings.IndexAny(word, patterns); {
	case word == "*":
		if field == fieldFilename {
			return &fieldNode{start, "has", flagFile}, p.count(start)
		}
		return &allNode{}, p.count(start)
	case fuzzy && edits > 2:
		return nil, p.errorAt(start+len(base), "a word may differ by ~1 or ~2 letters")
	case fuzzy && edits > 0:
		n.form, n.edits, n.text = fuzzyForm, edits, base
	case fuzzy:
		n.text = base
	case star >= 0 && star == len(word)-1 && word[star] == '*':
		n.form, n.text = prefixForm, word[:star]
	case star >= 0 && len(tokenizeQuery(word)) > 0:
		n.form = wildcardForm
	}
	return p.text(n)
}

// cutEdits cuts ~, ~1, ~2 and so on from the end of a word.
func cutEdits(word string) (base string, edits int, ok bool) {
	i := strings.LastIndexByte(word, '~')
	if i <= 0 || len(word) > i+2 {
		return word, 0, false
	}
	switch digit := word[i+1:]; {
	case digit == "":
		return word[:i], 1, true
	case digit[0] >= '0' && digit[0] <= '9':
		return word[:i], int(digit[0] - '0'), true
	}
	return word, 0, false
}

// text finishes a textNode; one that holds nothing to search for is left out.
func (p *parser) text(n *textNode) (node, error) {
	if err := p.count(n.pos); err != nil {
		return nil, err
	}
	if n.form == wildcardForm {
		return n, p.checkWildcard(n)
	}
	tokens := tokenizeQuery(n.text)
	if len(tokens) == 0 {
		if len(p.left) == 0 {
			p.leftAt = n.pos
		}
		p.left = append(p.left, n.text)
		return nil, nil
	}
	for _, t := range tokens {
		n.terms = append(n.terms, t.term)
	}
	last := tokens[len(tokens)-1]
	switch {
	case n.form == fuzzyForm && (len(tokens) > 1 || last.bigram):
		return nil, p.errorAt(n.pos, "%q is more than one word; only a single word can be fuzzy", n.text)
	case n.form == fuzzyForm && utf8.RuneCountInString(last.term) <= n.edits:
		return nil, p.errorAt(n.pos, "%q is too short to differ by %d", n.text, n.edits)
	case last.bigram && utf8.RuneCountInString(last.term) == 1 && len(n.text) == last.end:
		n.form = prefixForm // a single letter stands for every pair that begins with it
	case last.bigram && n.form == prefixForm:
		n.form = exactForm // pairs match in the middle of a run anyway
	}
	return n, nil
}

// minWildcard is how many letters a pattern that begins with * must have.
const minWildcard = 3

func (p *parser) checkWildcard(n *textNode) error {
	var letters int
	for piece := range strings.FieldsFuncSeq(n.text, func(r rune) bool { return r == '*' || r == '?' && n.field == fieldFilename }) {
		if n.field == fieldFilename {
			letters += utf8.RuneCountInString(piece)
			continue
		}
		tokens := tokenizeQuery(piece)
		if len(tokens) != 1 || tokens[0].bigram || tokens[0].start > 0 || tokens[0].end < len(piece) {
			return p.errorAt(n.pos, "a * can only stand within a single word of letters and digits")
		}
		letters += utf8.RuneCountInString(piece)
	}
	if n.field == fieldText && n.text[0] == '*' && letters < minWildcard {
		return p.errorAt(n.pos, "a word that begins with * needs at least %d letters", minWildcard)
	}
	return nil
}

// count counts a word, phrase or field.
func (p *parser) count(pos int) error {
	if p.clauses++; p.clauses > maxClauses {
		return p.errorAt(pos, "more than %d words", maxClauses)
	}
	return nil
}
