//go:build unix

package index

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"archiver/internal/storage"

	"github.com/blevesearch/bleve/v2"
)

// cpu is the processor time that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCatchUp indexes the chat corpus from zero: CPU time and bytes a message, reading the archive included.
func BenchmarkCatchUp(b *testing.B) {
	a := newArchive(b)
	messages := corpus(b, 1)
	putCorpus(b, a, messages)
	for i := 0; b.Loop(); i++ {
		before := cpu(b)
		dir := filepath.Join(b.TempDir(), fmt.Sprint(i))
		ix, err := Open(b.Context(), dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		catchUp(b, ix, a)
		used := cpu(b) - before
		st, err := ix.Status(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if err := ix.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(used.Microseconds())/float64(len(messages)), "cpu-µs/message")
		b.ReportMetric(float64(st.Bytes)/float64(len(messages)), "B/message")
	}
}

func BenchmarkTokenize(b *testing.B) {
	var texts []string
	size := 0
	for _, m := range corpus(b, 40) {
		texts = append(texts, m.Text)
		size += len(m.Text)
	}
	b.SetBytes(int64(size) / int64(len(texts)))
	b.ReportAllocs()
	var t tokenizer
	for i := 0; b.Loop(); i++ {
		t.run(texts[i%len(texts)], false)
	}
}

// plain is a message as a bleve index with the default mapping would be given it.
type plain struct {
	Channel, User, Text, Kind string
	Time                      time.Time
}

// BenchmarkMappings indexes the same slice of the corpus in turns with bleve's default mapping, batch 100, and with
// this package, and reports the ratio of both.
func BenchmarkMappings(b *testing.B) {
	messages := corpus(b, 8)
	a := newArchive(b)
	putCorpus(b, a, messages)
	var ours, theirs time.Duration
	var ourBytes, theirBytes int64
	for i := 0; b.Loop(); i++ {
		before := cpu(b)
		dir := filepath.Join(b.TempDir(), fmt.Sprint(i))
		ix, err := Open(b.Context(), dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		catchUp(b, ix, a)
		ourBytes += settled(b, ix.bleve, dir)
		ours += cpu(b) - before

		before = cpu(b)
		dir = filepath.Join(b.TempDir(), fmt.Sprint("default", i))
		theirBytes += indexByDefault(b, dir, messages)
		theirs += cpu(b) - before
	}
	n := float64(len(messages) * b.N)
	b.ReportMetric(float64(ours.Microseconds())/n, "cpu-µs/message")
	b.ReportMetric(float64(theirs.Microseconds())/n, "cpu-µs/message-default")
	b.ReportMetric(float64(ours)/float64(theirs), "cpu-ratio")
	b.ReportMetric(float64(ourBytes)/n, "B/message")
	b.ReportMetric(float64(ourBytes)/float64(theirBytes), "B-ratio")
}

func indexByDefault(b *testing.B, dir string, messages []message) int64 {
	ix, err := bleve.New(dir, bleve.NewIndexMapping())
	if err != nil {
		b.Fatal(err)
	}
	for chunk := range slices.Chunk(messages, 100) {
		batch := ix.NewBatch()
		for _, m := range chunk {
			if err := batch.Index(m.Channel+"/"+string(m.ts), plain{m.Channel, m.User, m.Text, m.Kind, m.Time}); err != nil {
				b.Fatal(err)
			}
		}
		if err := ix.Batch(batch); err != nil {
			b.Fatal(err)
		}
	}
	return settled(b, ix, dir)
}

// settled waits until bleve has merged what it wants to, closes the index and measures it.
func settled(b *testing.B, ix bleve.Index, dir string) int64 {
	stats := func() string {
		m := ix.StatsMap()["index"].(map[string]any)
		return fmt.Sprint(m["TotFileMergeZapBeg"], m["TotFileMergeZapEnd"], m["CurRootEpoch"], m["LastPersistedEpoch"])
	}
	for last, since := stats(), time.Now(); time.Since(since) < 300*time.Millisecond; time.Sleep(20 * time.Millisecond) {
		if now := stats(); now != last {
			last, since = now, time.Now()
		}
	}
	if err := ix.Close(); err != nil {
		b.Fatal(err)
	}
	size, err := sizeOf(dir)
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// cursorAt gives the cursor behind the first hits of a query.
func cursorAt(b *testing.B, ix *Index, a *storage.Archive, query, sort string, hits int) string {
	_, answer := find(b, ix, a, query, Request{Sort: sort, Offset: hits - 1, Limit: 1})
	return answer.Next
}

// peak runs f and gives the most memory that the heap held meanwhile beyond what it held before, in bytes.
func peak(f func()) uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before, most := read(), uint64(0)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			most = max(most, read())
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return most - min(most, before)
}

// BenchmarkNastyQueries answers or refuses what would be slow: a page within 2 s and 256 MiB is the promise.
func BenchmarkNastyQueries(b *testing.B) {
	a := newArchive(b)
	putCorpus(b, a, corpus(b, 1))
	ix := openIndex(b, a, Options{})
	catchUp(b, ix, a)
	frequent := strings.Fields("the to i a it and is you in of that on for have but with my be this can if not so do what")
	var letters, fuzzies []string
	for c := 'a'; c <= 'z'; c++ {
		letters, fuzzies = append(letters, string(c)+"*"), append(fuzzies, "installer"+string(c)+"~2", "w"+string(c)+"~1")
	}
	for _, bb := range []struct{ name, query string }{
		{"AllButOneLetter", "a*"},
		{"ThreePrefixes", "a* b* c*"},
		{"AllPrefixes", strings.Join(letters, " OR ")},
		{"MiddleOfWords", "*ing*"},
		{"SevenMiddles", "*ing* *the* *ent* OR *con* OR *ers* OR *pro* OR *sta*"},
		{"Fuzzies", strings.Join(fuzzies, " OR ")},
		{"FrequentWords", strings.Join(frequent, " OR ")},
		{"FrequentWordsOften", strings.Join(slices.Concat(frequent, frequent, frequent, frequent, frequent, frequent), " OR ")},
		{"FrequentWordsAll", strings.Join(frequent, " ")},
		{"FrequentPhrase", `"` + strings.Join(frequent[:6], " ") + `"`},
		{"FrequentNear", `"` + strings.Join(frequent, " ") + `"~1000`},
		{"PrefixesNear", `"a* b* c*"~100`},
		{"Nested", strings.Repeat("-(the -(", 30) + "a" + strings.Repeat("))", 30)},
		{"Negated", "-" + strings.Join(frequent, " -")},
	} {
		b.Run(bb.name, func(b *testing.B) {
			q, err := Parse(bb.query)
			if err != nil {
				b.Fatal(err)
			}
			var most uint64
			refused := 0.0
			before := cpu(b)
			for b.Loop() {
				most = max(most, peak(func() {
					_, err = ix.Search(b.Context(), a, Request{Query: q, Limit: 50}, func(Hit) error { return nil })
				}))
				var syntax *SyntaxError
				if errors.As(err, &syntax) {
					refused = 1
				} else if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
			b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
			b.ReportMetric(refused, "refused")
		})
	}
}

// BenchmarkReport counts a hundred words of the corpus for a search-term report.
func BenchmarkReport(b *testing.B) {
	a := newArchive(b)
	messages := corpus(b, 1)
	putCorpus(b, a, messages)
	ix := openIndex(b, a, Options{})
	catchUp(b, ix, a)
	var queries []string
	for i := range 100 {
		if words := wholeWords(&bruteDoc{tokens: tokenize(messages[i*len(messages)/100].Text)}); len(words) > 0 {
			queries = append(queries, `"`+words[0].term+`"`)
		}
	}
	list := terms(b, queries...)
	var most uint64
	before := cpu(b)
	for b.Loop() {
		most = max(most, peak(func() {
			if _, err := ix.Report(b.Context(), a, list, Request{}, func(*TermHits) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}))
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N*len(list))/1000, "cpu-ms/query")
	b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
}

// BenchmarkSearch answers queries over the chat corpus, hits read from the archive included.
func BenchmarkSearch(b *testing.B) {
	a := newArchive(b)
	putCorpus(b, a, corpus(b, 1))
	ix := openIndex(b, a, Options{})
	catchUp(b, ix, a)
	for _, bb := range []struct {
		name, query string
		r           Request
	}{
		{"Term", "ubuntu", Request{Limit: 10}},
		{"RareTerm", "qemu", Request{Limit: 10}},
		{"And", "install driver", Request{Limit: 10}},
		{"Phrase", `"how do i"`, Request{Limit: 10}},
		{"Prefix", "inst*", Request{Limit: 10}},
		{"Fuzzy", "ubunut~1", Request{Limit: 10}},
		{"Filter", "in:irc-ubuntu after:2008-01-01 before:2010-01-01", Request{Limit: 50, Sort: newest}},
		{"Everything", "", Request{Limit: 50, Sort: newest}},
		{"Page", "ubuntu", Request{Limit: 50, Sort: newest}},
		{"DeepPage", "ubuntu", Request{Limit: 50, Offset: 5000, Sort: newest}},
		{"DeepCursor", "ubuntu", Request{Limit: 50, Cursor: cursorAt(b, ix, a, "ubuntu", newest, 5000), Sort: newest}},
		{"ScorePage", "ubuntu", Request{Limit: 50}},
		{"ScoreDeepPage", "ubuntu", Request{Limit: 50, Offset: 5000}},
		{"ScoreDeepCursor", "ubuntu", Request{Limit: 50, Cursor: cursorAt(b, ix, a, "ubuntu", byScore, 5000)}},
		{"Near", `"install driver"~5`, Request{Limit: 10}},
		{"NearFrequent", `"the to"~5`, Request{Limit: 10}},
		{"FacetsOfQuery", "ubuntu", Request{Limit: 10, Facets: Facets()}},
		{"FacetsOfAll", "", Request{Limit: 10, Facets: Facets()}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var total uint64
			before := cpu(b)
			for b.Loop() {
				_, answer := find(b, ix, a, bb.query, bb.r)
				total = answer.Total
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
			b.ReportMetric(float64(total), "hits")
		})
	}
}
