package columnar

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	rows := generated(512)
	var packed []byte
	b.ReportAllocs()
	for b.Loop() {
		packed = Encode(packed[:0], rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/row")
}

func BenchmarkDecode(b *testing.B) {
	rows := generated(512)
	packed := Encode(nil, rows)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(packed); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/row")
}

// generated gives n messages as a server writes them.
func generated(n int) [][]byte {
	words := strings.Fields("the build of last night was red again so please look at test results before you merge anything today")
	rows := make([][]byte, n)
	second, state := 1516117587, uint32(1)
	random := func(n int) int {
		state = state*1664525 + 1013904223
		return int(state>>8) % n
	}
	for i := range rows {
		var text []string
		for range 3 + random(20) {
			text = append(text, words[random(len(words))])
		}
		second += random(300)
		rows[i] = fmt.Appendf(nil, `{"type":"message","user":"user%d@example.com","text":%q,"ts":"%010d.%06d","created":%d,"is_stared":false}`,
			random(20), strings.Join(text, " "), second, random(1000), second+random(2))
	}
	return rows
}
