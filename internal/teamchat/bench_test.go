package teamchat

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
)

// benchmarkPage is a page as a server sends it: short lines, a few comments counts, some files.
func benchmarkPage(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"messages":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"message","user":"user%d@corpus.invalid","text":"Line %d: could somebody look at the build? It fails \u2013 again – since Tuesday.","ts":"15161%05d.%06d","created":15161%05d,"is_stared":false`, i%50, i, i, i%65536, i)
		switch {
		case i%20 == 0:
			b.WriteString(`,"comments_count":3`)
		case i%50 == 1:
			fmt.Fprintf(&b, `,"subtype":"file_share","file":{"id":"5a5f4de4%04x","created":1516195300,"modified":1516195300,"name":"report.pdf","mimetype":"application/pdf","size":48211,"ticket":"eJxabc"}`, i)
		}
		b.WriteByte('}')
	}
	fmt.Fprintf(&b, `],"paging":{"count":%d,"total":%d,"page":1,"pages":1},"ok":true}`, n, n)
	return b.Bytes()
}

// BenchmarkHistoryPage measures a page of 1000 messages over HTTP on loopback, the server's part included.
func BenchmarkHistoryPage(b *testing.B) {
	page := benchmarkPage(1000)
	c := newTestClient(b, methods{methodHistory: func(w http.ResponseWriter, _ *http.Request) { w.Write(page) }})
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := c.History(b.Context(), HistoryQuery{Channel: "c", Count: 1000})
		if err != nil || len(p.Messages) != 1000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/message")
}

// BenchmarkDecodePage measures the decoding alone.
func BenchmarkDecodePage(b *testing.B) {
	page := benchmarkPage(1000)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		e, err := parseEnvelope(page, []string{"messages"})
		if err != nil {
			b.Fatal(err)
		}
		a := reply{envelope: e}
		if p := a.page(); len(p.Messages) != 1000 {
			b.Fatal(len(p.Messages))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/message")
}
