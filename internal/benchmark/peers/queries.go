//go:build linux

package main

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// class is queries of one sort.
type class struct {
	Name    string
	Queries []query
}

// query is a question as all contenders are asked it: words, and what narrows it.
type query struct {
	Kind         kind
	Words        []string // of andKind and phraseKind several, else one or none
	User         string
	Channel      string
	Since, Until string // days
	Sort         string // "" by score, "-time"
	Limit        int
	Offset       int
	Deep         bool // the page behind the cursor at this offset, not counted in the time
	Facets       bool
}

type kind string

const (
	allKind    kind = "all"
	termKind   kind = "term"
	andKind    kind = "and"
	phraseKind kind = "phrase"
	prefixKind kind = "prefix"
	fuzzyKind  kind = "fuzzy"
)

// perClass is how many queries a class has.
const perClass = 20

// queries makes the classes from what the messages hold.
func queries(messages []message) []class {
	g := newGenerator(messages)
	term := func(words []string) []query {
		return each(words, func(w string) query { return query{Kind: termKind, Words: []string{w}, Limit: 10} })
	}
	page := func(offset int) []query {
		return each(g.common, func(w string) query {
			return query{Kind: termKind, Words: []string{w}, Limit: 50, Sort: "-time", Offset: offset}
		})
	}
	best := func(offset int) []query {
		return each(g.common, func(w string) query { return query{Kind: termKind, Words: []string{w}, Limit: 50, Offset: offset} })
	}
	all := func(offset int) []query { return []query{{Kind: allKind, Limit: 50, Sort: "-time", Offset: offset}} }
	deep := func(qs []query) []query {
		return each(qs, func(q query) query { q.Deep = true; return q })
	}
	return []class{
		{"term, common", term(g.common)}, {"term, mid", term(g.mid)}, {"term, rare", term(g.rare)},
		{"and", g.pairs(andKind)}, {"phrase", g.pairs(phraseKind)}, {"prefix", g.prefixes()}, {"fuzzy", g.fuzzies()},
		{"user + dates, newest 50", g.users()}, {"channel, newest 50", g.channels()},
		{"everything, newest 50", all(0)}, {"everything, page at 1000", all(1000)}, {"everything, page at 5000", all(5000)},
		{"everything, cursor at 5000", deep(all(5000))},
		{"common, newest 50", page(0)}, {"common, page at 1000", page(1000)}, {"common, page at 5000", page(5000)},
		{"common, cursor at 5000", deep(page(5000))},
		{"common, best 50", best(0)}, {"common, best at 5000", best(5000)},
		{"common + dates, newest 50", g.dated()},
		{"common + facets", each(g.common, func(w string) query {
			return query{Kind: termKind, Words: []string{w}, Limit: 10, Facets: true}
		})},
		{"everything + facets", []query{{Kind: allKind, Limit: 10, Sort: "-time", Facets: true}}},
	}
}

func each[T any](values []T, f func(T) query) []query {
	out := make([]query, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}

// generator picks words by how many messages have them. All contenders agree on these words: letters a to z only,
// between spaces.
type generator struct {
	*rand.Rand
	messages          []message
	count             map[string]int // messages by word
	byCount           []string       // words, the most frequent first
	common, mid, rare []string
}

func newGenerator(messages []message) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2)), messages: messages, count: map[string]int{}}
	for _, m := range messages {
		for _, w := range uniq(plainWords(m.text)) {
			g.count[w]++
		}
	}
	g.byCount = slices.SortedFunc(maps.Keys(g.count), func(a, b string) int {
		return cmp.Or(cmp.Compare(g.count[b], g.count[a]), cmp.Compare(a, b))
	})
	g.common, g.mid, g.rare = g.near(0.04), g.near(0.00135), g.near(4/float64(len(messages)))
	return g
}

func uniq(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

// plainWords gives the words of a text that everybody takes for the same.
func plainWords(text string) (words []string) {
	for w := range strings.FieldsSeq(text) {
		if len(w) > 1 && isPlain(w) {
			words = append(words, w)
		}
	}
	return words
}

func isPlain(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}

// near gives the words whose share of the messages is nearest to this one.
func (g *generator) near(share float64) []string {
	want := int(share * float64(len(g.messages)))
	at, _ := slices.BinarySearchFunc(g.byCount, want, func(w string, n int) int { return cmp.Compare(n, g.count[w]) })
	from := max(0, min(at-perClass/2, len(g.byCount)-perClass))
	return slices.Clone(g.byCount[from : from+perClass])
}

// pairs gives words that follow each other in some message.
func (g *generator) pairs(k kind) (out []query) {
	least := max(2, len(g.messages)/2000)
	for len(out) < perClass {
		words := strings.Fields(g.messages[g.IntN(len(g.messages))].text)
		if len(words) < 2 {
			continue
		}
		i := g.IntN(len(words) - 1)
		a, b := words[i], words[i+1]
		if isPlain(a) && isPlain(b) && len(a) > 1 && len(b) > 1 && a != b && g.count[a] > least && g.count[b] > least {
			out = append(out, query{Kind: k, Words: []string{a, b}, Limit: 10})
		}
	}
	return out
}

// word picks a word of at least n letters that several messages have.
func (g *generator) word(n int) string {
	for {
		if w := g.byCount[g.IntN(len(g.byCount))]; len(w) >= n && g.count[w] > 1 {
			return w
		}
	}
}

func (g *generator) prefixes() (out []query) {
	for range perClass {
		out = append(out, query{Kind: prefixKind, Words: []string{g.word(6)[:4]}, Limit: 10})
	}
	return out
}

func (g *generator) fuzzies() (out []query) {
	for range perClass {
		w := []byte(g.word(6))
		w[1+g.IntN(len(w)-1)] = 'q'
		out = append(out, query{Kind: fuzzyKind, Words: []string{string(w)}, Limit: 10})
	}
	return out
}

// dates picks a tenth of the time that the messages span.
func (g *generator) dates() (since, until string) {
	first, last := g.messages[0].ts, g.messages[0].ts
	for _, m := range g.messages {
		first, last = min(first, m.ts), max(last, m.ts)
	}
	span := last.Second() - first.Second()
	from := time.Unix(first.Second()+g.Int64N(span*9/10), 0).UTC()
	return from.Format(time.DateOnly), from.Add(time.Duration(span/10) * time.Second).Format(time.DateOnly)
}

func (g *generator) users() (out []query) {
	for range perClass {
		m := g.messages[g.IntN(len(g.messages))]
		at := m.ts.Time()
		out = append(out, query{Kind: allKind, User: m.user, Sort: "-time", Limit: 50,
			Since: at.AddDate(0, -6, 0).Format(time.DateOnly), Until: at.AddDate(0, 6, 0).Format(time.DateOnly)})
	}
	return out
}

func (g *generator) channels() (out []query) {
	for range perClass {
		out = append(out, query{Kind: allKind, Channel: g.messages[g.IntN(len(g.messages))].channel, Sort: "-time", Limit: 50})
	}
	return out
}

func (g *generator) dated() (out []query) {
	for _, w := range g.common {
		since, until := g.dates()
		out = append(out, query{Kind: termKind, Words: []string{w}, Since: since, Until: until, Sort: "-time", Limit: 50})
	}
	return out
}
