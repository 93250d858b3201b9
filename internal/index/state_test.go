package index

import (
	"fmt"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
)

func TestChannelNumbersLast(t *testing.T) {
	a := newArchive(t)
	ix := openIndex(t, a, Options{})
	const channels = 2*channelChunk + 30
	for n := range channels {
		p := &storage.Page{Observed: time.Unix(1.6e9, 0).UTC(), Channel: fmt.Sprint("C", n)}
		p.Messages = []record.Seen{post{ts: "1516195206.000000", text: fmt.Sprint("word", n)}.seen()}
		if err := a.Put(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if n%200 == 199 || n == channels-1 {
			if err := a.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			catchUp(t, ix, a)
		}
	}
	ix.channels = nil // as after opening
	for _, n := range []int{0, 1, channelChunk - 1, channelChunk, channels - 1} {
		hits, _ := find(t, ix, a, fmt.Sprint("word", n), Request{})
		if len(hits) != 1 || hits[0].Channel != fmt.Sprint("C", n) {
			t.Errorf("word%d: %+v", n, hits)
		}
	}
}
