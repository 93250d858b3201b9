package index

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// bruteDoc is a message as the brute-force matcher sees it.
type bruteDoc struct {
	message
	tokens []token
	terms  map[string][]int // positions
}

// id orders as (channel, ts) does.
func (d *bruteDoc) id() string { return d.Channel + "\x00" + string(d.ts) }

// bruteQuery is a query with a matcher of its own: it shares nothing with the index, not even the tokenizer.
type bruteQuery struct {
	text  string
	match func(*bruteDoc) bool
}

// brute generates queries from the texts of messages.
type brute struct {
	*rand.Rand
	docs  []*bruteDoc
	byID  map[string]*bruteDoc
	vocab map[string]bool // all terms
}

func newBrute(seed uint64, messages []message) *brute {
	b := &brute{Rand: rand.New(rand.NewPCG(seed, 0)), vocab: map[string]bool{}, byID: map[string]*bruteDoc{}}
	for _, m := range messages {
		d := &bruteDoc{message: m, tokens: refTokenize(m.Text), terms: map[string][]int{}}
		for _, tok := range d.tokens {
			d.terms[tok.term] = append(d.terms[tok.term], tok.pos)
			b.vocab[tok.term] = true
		}
		b.docs = append(b.docs, d)
		b.byID[d.id()] = d
	}
	return b
}

// TestSearchEqualsBruteForce compares what generated queries find with a scan of all messages: ids, totals, facets and
// reports. ARCHIVER_CAMPAIGN=1 has 2,000 queries over the whole corpus, else a tenth of them runs over a part of it.
func TestSearchEqualsBruteForce(t *testing.T) {
	nth, queries := 25, 200
	switch {
	case os.Getenv("ARCHIVER_CAMPAIGN") != "":
		nth, queries = 1, 2000
	case testing.Short():
		nth, queries = 100, 40
	}
	a := newArchive(t)
	messages := corpus(t, nth)
	putCorpus(t, a, messages)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	b := newBrute(1, messages)
	kinds := map[string]int{}
	var lines []bruteQuery
	for n := range queries {
		kind, q := b.query(n)
		want := b.run(q)
		kinds[kind]++
		if len(want) > 0 {
			kinds[kind+" with hits"]++
		}
		b.compare(t, ix, a, n, kind, q, want)
		if n%10 == 0 {
			lines = append(lines, q)
		}
	}
	b.compareReport(t, ix, a, lines)
	t.Logf("%d messages; queries by kind: %v", len(b.docs), kinds)
}

// compare holds the answers to a query against the ids that brute force finds.
func (b *brute) compare(t *testing.T, ix *Index, a *storage.Archive, n int, kind string, q bruteQuery, want []string) {
	parsed, err := Parse(q.text)
	if err != nil {
		t.Errorf("%s: %v", q.text, err)
		return
	}
	var got []string
	err = ix.Match(t.Context(), a, Request{Query: parsed}, func(channel string, ts record.TS) error {
		got = append(got, channel+"\x00"+string(ts))
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", q.text, err)
		return
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s %q (%s): %d messages, brute force finds %d; only one has %v", kind, q.text, parsed, len(got), len(want), difference(got, want))
	}
	hits, answer := find(t, ix, a, q.text, Request{Limit: 3, Sort: []string{byScore, newest}[n%2], Facets: Facets()})
	if int(answer.Total) != len(want) || len(hits) != min(3, len(want)) {
		t.Errorf("%s %q: total %d and %d hits of %d", kind, q.text, answer.Total, len(hits), len(want))
	}
	for name, counts := range b.facets(want) {
		got := map[string]uint64{}
		for _, c := range answer.Facets[name] {
			got[c.Value] = c.Count
		}
		if !maps.Equal(got, counts) {
			t.Errorf("%s %q by %s: %v, brute force counts %v", kind, q.text, name, got, counts)
		}
	}
}

// facets counts messages by all facets.
func (b *brute) facets(ids []string) map[string]map[string]uint64 {
	out := map[string]map[string]uint64{}
	for _, name := range Facets() {
		out[name] = map[string]uint64{}
	}
	kinds := map[string]string{"message": "text"}
	for _, id := range ids {
		d := b.byID[id]
		out[FacetChannel][d.Channel]++
		out[FacetUser][refFoldID(d.User+"@corpus.invalid")]++
		out[FacetMonth][time.Unix(d.ts.Second(), 0).UTC().Format("2006-01")]++
		out[FacetKind][cmp.Or(kinds[d.Kind], d.Kind)]++
	}
	return out
}

var refLetters = regexp.MustCompile(`[\p{L}\p{M}\p{N}]+`)

// refFoldID folds what is letters in an id and leaves the rest.
func refFoldID(id string) string { return refLetters.ReplaceAllStringFunc(id, refFold) }

// compareReport holds a search-term report against brute force.
func (b *brute) compareReport(t *testing.T, ix *Index, a *storage.Archive, queries []bruteQuery) {
	found := map[string]int{} // by how many queries a message is found
	var texts, want []string
	for _, q := range queries {
		for _, id := range b.run(q) {
			found[id]++
		}
	}
	line := func(ids []string) string {
		var unique, families uint64
		roots := map[string]bool{}
		for _, id := range ids {
			if found[id] == 1 {
				unique++
			}
			roots[b.byID[id].family()] = true
		}
		for _, d := range b.docs {
			if roots[d.family()] {
				families++
			}
		}
		return HitCounts{uint64(len(ids)), families, unique}.String()
	}
	for _, q := range queries {
		texts, want = append(texts, q.text), append(want, line(b.run(q)))
	}
	want = append(want, line(slices.Collect(maps.Keys(found))))
	for i, got := range report(t, ix, a, Request{}, texts...) {
		if got, _, _ := strings.Cut(got, ","); got != want[i] {
			t.Errorf("report, line %d %.80q: %s, want %s", i, append(texts, "total")[i], got, want[i])
		}
	}
}

// family names the thread that a message is in.
func (d *bruteDoc) family() string {
	if d.root != "" {
		return d.Channel + "\x00" + string(d.root)
	}
	return d.id()
}

// difference gives up to five ids that only one list has.
func difference(got, want []string) []string {
	var out []string
	for _, id := range got {
		if _, ok := slices.BinarySearch(want, id); !ok {
			out = append(out, "+"+id)
		}
	}
	for _, id := range want {
		if _, ok := slices.BinarySearch(got, id); !ok {
			out = append(out, "-"+id)
		}
	}
	return out[:min(5, len(out))]
}

func (b *brute) run(q bruteQuery) []string {
	var out []string
	for _, d := range b.docs {
		if q.match(d) {
			out = append(out, d.id())
		}
	}
	slices.Sort(out)
	return out
}
