package index

import (
	"math/bits"

	"github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// Where a term stands in a document, bleve keeps in six bytes for every place. Its frequency there takes a byte or two
// anyway and can tell it, too, for a few places. So what bleve is told as the frequency of a term with positions is its
// standing:
//
//	(position-1)<<1 | 1                            it stands once, there
//	(gap<<6 | position)<<2 | 2                     twice, gap positions apart; up to ten times, all below 64
//	(gap<<12 | position)<<3 | 4                    the same up to five times, all below 4096
//	times<<3                                       this often, where bleve's locations say
//
// Positions count from 1. Scores are made of occurrences, for which bleve's own scorers would take the standing.

// A packing is a way to tell several positions.
type packing struct {
	mark, markBits uint64 // the lowest bits of the standing
	gapBits, most  int    // bits of a position, and how many there may be
}

var packings = []packing{{2, 2, 6, 10}, {4, 3, 12, 5}}

// isOnce tells whether a term stands once.
func isOnce(standing uint64) bool { return standing&1 == 1 }

// packingOf gives the packing of a standing; ok is false for those that have none.
func packingOf(standing uint64) (p packing, ok bool) {
	for _, p := range packings {
		if standing&(1<<p.markBits-1) == p.mark {
			return p, true
		}
	}
	return p, false
}

// pack gives the standing of some ascending positions; ok is false if they do not fit.
func (p packing) pack(positions []uint32) (standing uint64, ok bool) {
	if len(positions) > p.most {
		return 0, false
	}
	before := uint32(0)
	for i, at := range positions {
		gap := at - before
		if gap >= 1<<p.gapBits {
			return 0, false
		}
		standing |= uint64(gap) << (p.gapBits * i)
		before = at
	}
	return standing<<p.markBits | p.mark, true
}

// occurrences is how often a term stands in a document.
func occurrences(standing uint64) int {
	if isOnce(standing) {
		return 1
	}
	if p, ok := packingOf(standing); ok {
		return (bits.Len64(standing>>p.markBits) + p.gapBits - 1) / p.gapBits
	}
	return int(standing >> locatedBits)
}

const (
	locatedBits = 3
	maxPacked   = 10 // positions that a standing tells at most
)

// appendPositions appends those that a standing tells; ok is false if bleve's locations do.
func appendPositions(dst []uint32, standing uint64) (_ []uint32, ok bool) {
	if isOnce(standing) {
		return append(dst, uint32(standing>>1)+1), true
	}
	p, ok := packingOf(standing)
	if !ok {
		return dst, false
	}
	at := uint32(0)
	for gaps := standing >> p.markBits; gaps > 0; gaps >>= p.gapBits {
		at += uint32(gaps & (1<<p.gapBits - 1))
		dst = append(dst, at)
	}
	return dst, true
}

// positionsIn appends the positions of a posting. Those of a document are in order.
func positionsIn(dst []uint32, p segment.Posting) []uint32 {
	dst, ok := appendPositions(dst, p.Frequency())
	if ok {
		return dst
	}
	for _, l := range p.Locations() {
		dst = append(dst, uint32(l.Pos()))
	}
	return dst
}

// once holds, by position, what bleve is told of a term that stands there and nowhere else. It is only read.
var once = func() []*index.TokenFreq {
	table := make([]*index.TokenFreq, 512)
	for n := range table {
		table[n] = standingAs(uint64(n)<<1 | 1)
	}
	return table
}()

func onceAt(pos int) *index.TokenFreq {
	if pos <= len(once) {
		return once[pos-1]
	}
	return standingAs(uint64(pos-1)<<1 | 1)
}

func standingAs(standing uint64) *index.TokenFreq {
	tf := &index.TokenFreq{}
	tf.SetFrequency(int(standing))
	return tf
}

// standingAt gives what bleve is told of a term that stands at a further position, too, which is not before the others.
func standingAt(tf *index.TokenFreq, pos int) *index.TokenFreq {
	if n := len(tf.Locations); n > 0 {
		if tf.Locations[n-1].Position != pos {
			tf.Locations = append(tf.Locations, &index.TokenLocation{Position: pos})
			tf.SetFrequency((n + 1) << locatedBits)
		}
		return tf
	}
	var known [maxPacked + 1]uint32
	all, _ := appendPositions(known[:0], uint64(tf.Frequency()))
	if all[len(all)-1] == uint32(pos) {
		return tf
	}
	all = append(all, uint32(pos))
	for _, p := range packings {
		if standing, ok := p.pack(all); ok {
			return standingAs(standing)
		}
	}
	located := standingAs(uint64(len(all)) << locatedBits)
	for _, at := range all {
		located.Locations = append(located.Locations, &index.TokenLocation{Position: int(at)})
	}
	return located
}
