package teamchattest_test

import (
	"flag"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"

	"github.com/google/go-cmp/cmp"
)

var big = flag.Bool("big", false, "generate 2 million messages and report time and memory")

func TestGenerateIsDeterministic(t *testing.T) {
	o := teamchattest.GenerateOptions{Seed: 7, Messages: 3000}
	a, b := teamchattest.Generate(o), teamchattest.Generate(o)
	if diff := cmp.Diff(slices.Collect(a.Messages()), slices.Collect(b.Messages())); diff != "" {
		t.Errorf("equal seeds differ:\n%s", diff)
	}
	if diff := cmp.Diff(a.Channels(), b.Channels()); diff != "" {
		t.Errorf("equal seeds differ:\n%s", diff)
	}
	o.Seed++
	c := teamchattest.Generate(o)
	if cmp.Equal(slices.Collect(a.Messages()), slices.Collect(c.Messages())) {
		t.Error("another seed gives the same messages")
	}
}

func TestGenerateMakesEveryKind(t *testing.T) {
	for _, n := range []int{100, 2000, 20000} {
		w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 1, Messages: n})
		kinds, edited, reactions, total := map[string]int{}, 0, 0, 0
		for m := range w.Messages() {
			total++
			kinds[m.Subtype]++
			reactions += m.Reactions
			if m.Edited {
				edited++
			}
		}
		if total != n {
			t.Errorf("%d messages, want %d", total, n)
		}
		want := []string{"", "message_comment", "code_block", "file_share", "channel_join"}
		if n >= 1000 {
			want = append(want, "event", "conference", "mail_share")
			if edited == 0 || reactions == 0 {
				t.Errorf("%d messages: %d edited, %d reactions", n, edited, reactions)
			}
		}
		for _, kind := range want {
			if kinds[kind] == 0 {
				t.Errorf("%d messages: no %q in %v", n, kind, kinds)
			}
		}
		for f, err := range w.Files() {
			if err != nil || len(f.SHA256) != 64 {
				t.Errorf("file %+v: %v", f, err)
			}
		}
	}
}

func TestGenerateBigWorld(t *testing.T) {
	if !*big {
		t.Skip("without -big")
	}
	start := time.Now()
	w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 1, Messages: 2_000_000})
	took := time.Since(start)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	t.Logf("2,000,000 messages in %v, heap %d MiB, from the system %d MiB", took, m.HeapAlloc>>20, m.Sys>>20)
	if m.Sys > 1500<<20 {
		t.Error("more than 1500 MiB")
	}
	runtime.KeepAlive(w)
}

// discard is a response that goes nowhere.
type discard struct {
	header http.Header
	bytes  int64
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { d.bytes += int64(len(p)); return len(p), nil }

// BenchmarkHistory serves a large channel in pages of 1000, by keyset: the handler alone, and over HTTP with a client
// that throws away what it reads.
func BenchmarkHistory(b *testing.B) {
	w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 1, Messages: 100_000, Channels: 4})
	s := teamchattest.Start(b, w, teamchattest.ServerOptions{})
	var oldest []string
	var channel string
	n := 0
	first := w.Channels()[0].ID
	for m := range w.Messages() {
		if m.Channel != first || m.Thread != "" {
			continue
		}
		if channel = m.Channel; n%1000 == 0 {
			oldest = append(oldest, string(m.TS))
		}
		n++
	}
	oldest = oldest[:n/1000]
	c := &caller{s: s, t: &testing.T{}}
	c.token = c.get("iwauthentication.login.plain", "username", "archive@example.com", "password", "secret")["token"].(string)
	form := func(i int) url.Values {
		return url.Values{"token": {c.token}, "channel": {channel}, "count": {"1000"}, "page": {"1"}, "descending": {"false"},
			"inclusive": {"true"}, "oldest": {oldest[i%len(oldest)]}}
	}
	perMessage := func(b *testing.B, bytes int64) {
		b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "messages/s")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/message")
		b.SetBytes(bytes / int64(b.N))
	}
	b.Run("handler", func(b *testing.B) {
		d := &discard{header: http.Header{}}
		for i := 0; b.Loop(); i++ {
			req, _ := http.NewRequest("GET", "/teamchatapi/channels.historyNoComments?"+form(i).Encode(), http.NoBody)
			s.ServeHTTP(d, req)
		}
		perMessage(b, d.bytes)
	})
	b.Run("http", func(b *testing.B) {
		var bytes int64
		for i := 0; b.Loop(); i++ {
			resp, err := http.PostForm(s.URL+"/teamchatapi/channels.historyNoComments", form(i))
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			if err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
			bytes += n
		}
		perMessage(b, bytes)
	})
}
