package index

import (
	"slices"
	"testing"

	segment "github.com/blevesearch/scorch_segment_api/v2"
	"pgregory.net/rapid"
)

// posting is what bleve gives back of a term in a document.
type posting struct {
	segment.Posting
	frequency uint64
	locations []segment.Location
}

func (p posting) Frequency() uint64             { return p.frequency }
func (p posting) Locations() []segment.Location { return p.locations }

type posted struct {
	segment.Location
	pos uint64
}

func (l posted) Pos() uint64 { return l.pos }

func TestStandingsTellPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 1, 2, 7, 62, 63, 64, 65, 512, 4095, 4096, 40000}), 0, 15).Draw(t, "gaps")
		pos := rapid.SampledFrom([]int{1, 2, 63, 64, 511, 512, 513, 4095, 4096, 1 << 20}).Draw(t, "first")
		tokens := []token{{term: "a", pos: pos}}
		for _, g := range gaps {
			pos += g
			tokens = append(tokens, token{term: "a", pos: pos})
		}
		tf := frequencies(tokens)["a"]
		p := posting{frequency: uint64(tf.Frequency())}
		for _, l := range tf.Locations {
			p.locations = append(p.locations, posted{pos: uint64(l.Position)})
		}
		var want []uint32
		for _, tok := range tokens {
			want = append(want, uint32(tok.pos))
		}
		want = slices.Compact(want)
		if got := positionsIn(nil, p); !slices.Equal(got, want) || occurrences(p.frequency) != len(want) {
			t.Fatalf("positions %v, %d times; want %v", got, occurrences(p.frequency), want)
		}
		if fits := len(want) == 1; fits && tf.Locations != nil || tf.Frequency() <= 0 {
			t.Fatalf("%v are told by %d and %d locations", want, tf.Frequency(), len(tf.Locations))
		}
	})
}
