package index

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// doc picks a message whose tokens satisfy ok.
func (b *brute) doc(ok func(*bruteDoc) bool) *bruteDoc {
	for range 100000 {
		if d := b.docs[b.IntN(len(b.docs))]; ok(d) {
			return d
		}
	}
	panic("no such message")
}

func hasWholeWords(n int) func(*bruteDoc) bool {
	return func(d *bruteDoc) bool { return len(wholeWords(d)) >= n }
}

// wholeWords are the tokens that are neither parts nor bigrams, whose text a query can repeat.
func wholeWords(d *bruteDoc) []token {
	return slices.DeleteFunc(slices.Clone(d.tokens), func(t token) bool { return t.part || t.bigram })
}

func isASCIIWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 || asciiClass[r] != classWord }) < 0
}

// word picks an ASCII word of at least n letters.
func (b *brute) word(n int) string {
	for {
		words := wholeWords(b.doc(hasWholeWords(1)))
		if w := words[b.IntN(len(words))].term; len(w) >= n && isASCIIWord(w) {
			return w
		}
	}
}

func hasTerm(term string) func(*bruteDoc) bool {
	return func(d *bruteDoc) bool { return d.terms[term] != nil }
}

func (b *brute) hasTermLike(ok func(term string) bool) func(*bruteDoc) bool {
	like := map[string]bool{}
	for term := range b.vocab {
		like[term] = ok(term)
	}
	return func(d *bruteDoc) bool {
		return slices.ContainsFunc(d.tokens, func(t token) bool { return like[t.term] })
	}
}

// hasPhrase tells whether terms stand at successive positions.
func hasPhrase(terms []string) func(*bruteDoc) bool {
	return func(d *bruteDoc) bool {
		for _, at := range d.terms[terms[0]] {
			n := 1
			for n < len(terms) && slices.Contains(d.terms[terms[n]], at+n) {
				n++
			}
			if n == len(terms) {
				return true
			}
		}
		return false
	}
}

// query generates the nth query; kinds take turns.
func (b *brute) query(n int) (kind string, q bruteQuery) {
	kinds := []struct {
		name string
		make func() bruteQuery
	}{
		{"word", b.wordQuery}, {"phrase", b.phraseQuery}, {"prefix", b.prefixQuery}, {"fuzzy", b.fuzzyQuery},
		{"wildcard", b.wildcardQuery}, {"accents", b.accentQuery}, {"cjk", b.cjkQuery}, {"phrase with prefix", b.phrasePrefixQuery},
		{"near", b.nearQuery}, {"near with patterns", b.nearPatternQuery}, {"group", b.groupQuery}, {"raw text", b.rawQuery}, {"channel", b.channelQuery}, {"user", b.userQuery}, {"kind", b.kindQuery}, {"day", b.dayQuery},
		{"range", b.rangeQuery}, {"thread", b.threadQuery}, {"mention", b.mentionQuery}, {"flag", b.flagQuery},
		{"and", func() bruteQuery { return b.and(2) }}, {"or", func() bruteQuery { return b.or(3) }},
		{"not", func() bruteQuery { return b.and(1).without(b.leaf()) }},
		{"only not", func() bruteQuery { return bruteQuery{"", func(*bruteDoc) bool { return true }}.without(b.leaf()) }},
		{"mixed", func() bruteQuery { return b.tree(3) }},
	}
	k := kinds[n%len(kinds)]
	return k.name, k.make()
}

func (b *brute) wordQuery() bruteQuery {
	w := b.word(1)
	if b.IntN(2) == 0 {
		return bruteQuery{strings.ToUpper(w) + ".", hasTerm(w)}
	}
	for w == "or" || w == "and" || w == "not" { // operators are upper case only, so these are words
		return bruteQuery{w, hasTerm(w)}
	}
	return bruteQuery{w, hasTerm(w)}
}

func (b *brute) phraseQuery() bruteQuery {
	words := wholeWords(b.doc(hasWholeWords(4)))
	n := 2 + b.IntN(3)
	at := b.IntN(len(words) - n + 1)
	var terms []string
	for _, w := range words[at : at+n] {
		terms = append(terms, w.term)
	}
	if words[at+n-1].pos != words[at].pos+n-1 { // a bigram stood between
		return b.phraseQuery()
	}
	return bruteQuery{`"` + strings.Join(terms, " ") + `"`, hasPhrase(terms)}
}

func (b *brute) prefixQuery() bruteQuery {
	w := b.word(5)
	p := w[:3+b.IntN(len(w)-4)]
	return bruteQuery{p + "*", b.hasTermLike(func(t string) bool { return strings.HasPrefix(t, p) })}
}

func (b *brute) phrasePrefixQuery() bruteQuery {
	words := wholeWords(b.doc(hasWholeWords(3)))
	i := b.IntN(len(words) - 1)
	first, second := words[i], words[i+1]
	if second.pos != first.pos+1 || !isASCIIWord(first.term) || !isASCIIWord(second.term) || len(second.term) < 4 {
		return b.phrasePrefixQuery()
	}
	p := second.term[:3]
	return bruteQuery{first.term + "." + p + "*", func(d *bruteDoc) bool {
		for term, at := range d.terms {
			if strings.HasPrefix(term, p) {
				for _, pos := range at {
					if slices.Contains(d.terms[first.term], pos-1) {
						return true
					}
				}
			}
		}
		return false
	}}
}

// nearQuery looks for two or three words of a message, in any order, about as far apart as they are there.
func (b *brute) nearQuery() bruteQuery {
	words := wholeWords(b.doc(hasWholeWords(6)))
	var terms []string
	for range 2 + b.IntN(2) {
		if w := words[b.IntN(len(words))].term; isASCIIWord(w) {
			terms = append(terms, w)
		}
	}
	if len(terms) < 2 {
		return b.nearQuery()
	}
	within := 1 + b.IntN(8)
	var choices []map[string]bool
	for _, term := range terms {
		choices = append(choices, map[string]bool{term: true})
	}
	return bruteQuery{fmt.Sprintf(`"%s"~%d`, strings.Join(terms, " "), within), areNear(choices, within)}
}

// nearPatternQuery has a prefix near a word with a * in the middle.
func (b *brute) nearPatternQuery() bruteQuery {
	first, second := b.word(5), b.word(5)
	prefix, head, tail := first[:3], second[:1], second[len(second)-1:]
	within := 1 + b.IntN(12)
	choices := []map[string]bool{{}, {}}
	for term := range b.vocab {
		if strings.HasPrefix(term, prefix) {
			choices[0][term] = true
		}
		if len(term) > 1 && strings.HasPrefix(term, head) && strings.HasSuffix(term, tail) {
			choices[1][term] = true
		}
	}
	return bruteQuery{fmt.Sprintf(`"%s* %s*%s"~%d`, prefix, head, tail, within), areNear(choices, within)}
}

// areNear tells whether one of each choice stands within so many positions of all others; equal choices at positions
// of their own. It tries all combinations.
func areNear(choices []map[string]bool, within int) func(*bruteDoc) bool {
	return func(d *bruteDoc) bool {
		at := make([][]int, len(choices))
		for i, terms := range choices {
			for term, positions := range d.terms {
				if terms[term] {
					at[i] = append(at[i], positions...)
				}
			}
			if len(at[i]) == 0 {
				return false
			}
		}
		return combine(choices, at, nil, within)
	}
}

func combine(choices []map[string]bool, at [][]int, chosen []int, within int) bool {
	n := len(chosen)
	if n == len(at) {
		return slices.Max(chosen)-slices.Min(chosen) <= within
	}
	for _, pos := range at[n] {
		taken := false
		for i, other := range chosen {
			taken = taken || other == pos && maps.Equal(choices[i], choices[n])
		}
		if !taken && combine(choices, at, append(slices.Clone(chosen), pos), within) {
			return true
		}
	}
	return false
}

// groupQuery has several values of a field in parentheses.
func (b *brute) groupQuery() bruteQuery {
	first, second := b.docs[b.IntN(len(b.docs))], b.docs[b.IntN(len(b.docs))]
	if b.IntN(2) == 0 {
		return bruteQuery{fmt.Sprintf("in:(%s OR %s)", first.Channel, second.Channel),
			func(d *bruteDoc) bool { return d.Channel == first.Channel || d.Channel == second.Channel }}
	}
	return bruteQuery{fmt.Sprintf("from:(%s@corpus.invalid %s@corpus.invalid)", first.User, second.User),
		func(d *bruteDoc) bool {
			return strings.EqualFold(d.User, first.User) || strings.EqualFold(d.User, second.User)
		}}
}

func (b *brute) fuzzyQuery() bruteQuery {
	w := []byte(b.word(5))
	i := b.IntN(len(w))
	switch b.IntN(4) {
	case 0:
		w[i] = 'q'
	case 1:
		w = slices.Delete(w, i, i+1)
	case 2:
		w = slices.Insert(w, i, 'z')
	case 3:
		j := (i + 1) % len(w)
		w[i], w[j] = w[j], w[i]
	}
	edits := 1 + b.IntN(2)
	word := string(w)
	return bruteQuery{fmt.Sprintf("%s~%d", word, edits), b.hasTermLike(func(t string) bool { return distance(word, t) <= edits })}
}

// distance counts the letters to insert, delete, replace or swap with their neighbour, to three at most where it is
// plain from the lengths.
func distance(x, y string) int {
	a, b := []rune(x), []rune(y)
	if diff := len(a) - len(b); diff > 2 || diff < -2 {
		return 3
	}
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func (b *brute) wildcardQuery() bruteQuery {
	w := b.word(5)
	head, tail := w[:2], w[len(w)-2:]
	return bruteQuery{head + "*" + tail, b.hasTermLike(func(t string) bool {
		return len(t) >= 4 && strings.HasPrefix(t, head) && strings.HasSuffix(t, tail)
	})}
}

func (b *brute) accentQuery() bruteQuery {
	var word, term string
	b.doc(func(d *bruteDoc) bool {
		for _, tok := range wholeWords(d) {
			text := d.Text[tok.start:tok.end]
			if tok.term != strings.ToLower(text) && !isASCIIWord(text) && !strings.ContainsAny(text, "'’()\"") && len(tokenizeQuery(text)) == 1 {
				word, term = text, tok.term
				return true
			}
		}
		return false
	})
	if b.IntN(2) == 0 {
		word = term
	}
	return bruteQuery{word, hasTerm(term)}
}

// cjkQuery searches for a stretch of a run of bigrams, which must match as a substring does.
func (b *brute) cjkQuery() bruteQuery {
	var stretch string
	n := 1 + b.IntN(5)
	b.doc(func(d *bruteDoc) bool {
		for _, tok := range d.tokens {
			if !tok.bigram || b.IntN(4) > 0 {
				continue
			}
			var run []rune
			for _, r := range d.Text[tok.start:] {
				if classOf(r) != classBigram || len(run) == n {
					break
				}
				run = append(run, r)
			}
			if stretch = string(run); len(run) == n && norm.NFKC.IsNormalString(stretch) {
				return true
			}
		}
		return false
	})
	return bruteQuery{stretch, func(d *bruteDoc) bool {
		return strings.Contains(norm.NFKC.String(d.Text), stretch)
	}}
}

// rawQuery quotes a stretch of a message as it stands there.
func (b *brute) rawQuery() bruteQuery {
	d := b.doc(func(d *bruteDoc) bool {
		w := wholeWords(d)
		return len(w) >= 5 && len(w) == w[len(w)-1].pos && !strings.ContainsAny(d.Text, "\"“”„")
	})
	words := wholeWords(d)
	at := b.IntN(len(words) - 3)
	var terms []string
	for _, w := range words[at : at+3] {
		terms = append(terms, w.term)
	}
	return bruteQuery{`"` + d.Text[words[at].start:words[at+2].end] + `"`, hasPhrase(terms)}
}

func (b *brute) channelQuery() bruteQuery {
	c := b.docs[b.IntN(len(b.docs))].Channel
	return bruteQuery{"in:" + c, func(d *bruteDoc) bool { return d.Channel == c }}
}

func (b *brute) userQuery() bruteQuery {
	u := b.docs[b.IntN(len(b.docs))].User
	return bruteQuery{"from:" + strings.ToUpper(u) + "@corpus.invalid", func(d *bruteDoc) bool { return fold(d.User) == fold(u) }}
}

func (b *brute) kindQuery() bruteQuery {
	names := map[string]string{"message": "text", "system": "system", "code": "code", "file": "file"}
	kind := []string{"message", "system", "code", "file"}[b.IntN(4)]
	return bruteQuery{"kind:" + names[kind], func(d *bruteDoc) bool { return d.Kind == kind }}
}

func (b *brute) dayQuery() bruteQuery {
	day := b.docs[b.IntN(len(b.docs))].Time.UTC().Format(time.DateOnly)
	return bruteQuery{"on:" + day, func(d *bruteDoc) bool { return d.Time.UTC().Format(time.DateOnly) == day }}
}

func (b *brute) rangeQuery() bruteQuery {
	from, to := b.docs[b.IntN(len(b.docs))].Time, b.docs[b.IntN(len(b.docs))].Time
	if to.Before(from) {
		from, to = to, from
	}
	layout := []string{time.DateOnly, time.RFC3339}[b.IntN(2)]
	after, before := from.UTC().Format(layout), to.UTC().Format(layout)
	return bruteQuery{"after:" + after + " before:" + before, func(d *bruteDoc) bool {
		at := time.Unix(d.ts.Second(), 0).UTC().Format(layout)
		return at >= after && at < before
	}}
}

func (b *brute) threadQuery() bruteQuery {
	root := b.doc(func(d *bruteDoc) bool { return d.root != "" }).root
	return bruteQuery{"thread:" + string(root), func(d *bruteDoc) bool { return d.root == root || d.ts == root }}
}

func (b *brute) mentionQuery() bruteQuery {
	var name string
	b.doc(func(d *bruteDoc) bool {
		found := mentions(d.Text)
		if len(found) == 0 || strings.Contains(found[0], " ") {
			return false
		}
		name = found[b.IntN(len(found))]
		return !strings.ContainsFunc(name, endsWord)
	})
	return bruteQuery{"mentions:" + name, func(d *bruteDoc) bool {
		return strings.Contains(d.Text, "@") && slices.Contains(mentions(d.Text), name)
	}}
}

func (b *brute) flagQuery() bruteQuery {
	switch b.IntN(3) {
	case 0:
		return bruteQuery{"is:edited", func(d *bruteDoc) bool { return d.Edited != "" }}
	case 1:
		return bruteQuery{"is:comment", func(d *bruteDoc) bool { return d.root != "" }}
	default:
		return bruteQuery{"has:link", func(d *bruteDoc) bool { return hasLink(d.Text) }}
	}
}

func (b *brute) leaf() bruteQuery {
	_, q := b.query(b.IntN(20))
	return q
}

func (b *brute) and(n int) bruteQuery {
	q := b.leaf()
	for range n - 1 {
		q = q.with(b.leaf())
	}
	return q
}

func (b *brute) or(n int) bruteQuery {
	q := b.leaf()
	for range n - 1 {
		q = q.or(b.leaf())
	}
	return q
}

func (b *brute) tree(depth int) bruteQuery {
	if depth == 0 {
		return b.leaf()
	}
	left, right := b.tree(depth-1), b.tree(depth-1)
	switch b.IntN(3) {
	case 0:
		return left.with(right)
	case 1:
		return left.or(right)
	default:
		return left.without(right)
	}
}

func (q bruteQuery) with(o bruteQuery) bruteQuery {
	return bruteQuery{"(" + q.text + ") (" + o.text + ")", func(d *bruteDoc) bool { return q.match(d) && o.match(d) }}
}

func (q bruteQuery) or(o bruteQuery) bruteQuery {
	return bruteQuery{"((" + q.text + ") OR (" + o.text + "))", func(d *bruteDoc) bool { return q.match(d) || o.match(d) }}
}

func (q bruteQuery) without(o bruteQuery) bruteQuery {
	text := q.text
	if text != "" {
		text = "(" + text + ")"
	}
	return bruteQuery{text + " -(" + o.text + ")", func(d *bruteDoc) bool { return q.match(d) && !o.match(d) }}
}
