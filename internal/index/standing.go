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
//	(gap<<6 | position)<<2 | 2                     twice, gap positions apart; up to ten times, all gaps below 64
//	times<<2                                       this often, where bleve's locations say
//
// Positions count from 1. Scores are made of occurrences, for which bleve's own scorers would take the standing.

const (
	onceMark, gapsMark, locatedMark = 1, 2, 0 // the lowest bits
	gapBits                         = 6
	maxGaps                         = 10
)

// isOnce tells whether a term stands once; other standings have a mark in their two lowest bits.
func isOnce(standing uint64) bool { return standing&1 == onceMark }

// gapsOf gives the standing of some ascending positions; ok is false if they do not fit.
func gapsOf(positions []uint32) (standing uint64, ok bool) {
	if len(positions) > maxGaps {
		return 0, false
	}
	before := uint32(0)
	for i, p := range positions {
		gap := p - before
		if gap >= 1<<gapBits {
			return 0, false
		}
		standing |= uint64(gap) << (gapBits * i)
		before = p
	}
	return standing<<2 | gapsMark, true
}

// occurrences is how often a term stands in a document.
func occurrences(standing uint64) int {
	switch {
	case isOnce(standing):
		return 1
	case standing&3 == gapsMark:
		return (bits.Len64(standing>>2) + gapBits - 1) / gapBits
	default:
		return int(standing >> 2)
	}
}

// appendPositions appends those that a standing tells.
func appendPositions(dst []uint32, standing uint64) []uint32 {
	switch {
	case isOnce(standing):
		dst = append(dst, uint32(standing>>1)+1)
	case standing&3 == gapsMark:
		at := uint32(0)
		for gaps := standing >> 2; gaps > 0; gaps >>= gapBits {
			at += uint32(gaps & (1<<gapBits - 1))
			dst = append(dst, at)
		}
	}
	return dst
}

// positionsIn appends the positions of a posting. Those of a document are in order.
func positionsIn(dst []uint32, p segment.Posting) []uint32 {
	if standing := p.Frequency(); isOnce(standing) || standing&3 == gapsMark {
		return appendPositions(dst, standing)
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
		table[n] = standingAs(uint64(n)<<1 | onceMark)
	}
	return table
}()

func onceAt(pos int) *index.TokenFreq {
	if pos <= len(once) {
		return once[pos-1]
	}
	return standingAs(uint64(pos-1)<<1 | onceMark)
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
			tf.SetFrequency((n+1)<<2 | locatedMark)
		}
		return tf
	}
	var known [maxGaps + 1]uint32
	all := appendPositions(known[:0], uint64(tf.Frequency()))
	if all[len(all)-1] == uint32(pos) {
		return tf
	}
	all = append(all, uint32(pos))
	if standing, ok := gapsOf(all); ok {
		return standingAs(standing)
	}
	located := standingAs(uint64(len(all))<<2 | locatedMark)
	for _, p := range all {
		located.Locations = append(located.Locations, &index.TokenLocation{Position: int(p)})
	}
	return located
}
