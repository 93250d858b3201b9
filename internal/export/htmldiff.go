package export

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// edit is a stretch of two texts: both have it, or only the older, or only the newer.
type edit struct {
	kind editKind
	text string
}

type editKind byte

const (
	kept editKind = iota
	removed
	added
)

// maxDiffCells bounds the table by which two texts are compared, 2 bytes a cell. What is left of texts once their common
// beginning and end are off, and does not fit, counts as replaced.
const maxDiffCells = 1 << 20

// wordDiff tells how one text becomes another, word by word: the kept and removed stretches together are the old text,
// the kept and added ones the new one. It finds a longest common subsequence (Wagner and Fischer's table).
func wordDiff(before, after string) []edit {
	a, b := words(before), words(after)
	head := 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var d runs
	d.add(kept, a[:head]...)
	d.compare(a[head:len(a)-tail], b[head:len(b)-tail])
	d.add(kept, a[len(a)-tail:]...)
	return d.edits()
}

// words cuts a text into words, each with the space behind it, and single other characters.
func words(s string) []string {
	var out []string
	for s != "" {
		n := wordLength(s)
		out, s = append(out, s[:n]), s[n:]
	}
	return out
}

func wordLength(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) })
	if n < 0 {
		return len(s)
	}
	if n == 0 {
		_, n = utf8.DecodeRuneInString(s)
	}
	return n + len(s[n:]) - len(strings.TrimLeft(s[n:], " "))
}

// run is an edit in words.
type run struct {
	kind  editKind
	words []string
}

// runs are edits being collected.
type runs []run

// add appends words of one kind, to the last run if it is of that kind.
func (d *runs) add(kind editKind, words ...string) {
	if len(words) == 0 {
		return
	}
	if n := len(*d); n == 0 || (*d)[n-1].kind != kind {
		*d = append(*d, run{kind: kind})
	}
	last := &(*d)[len(*d)-1]
	last.words = append(last.words, words...)
}

func (d runs) edits() []edit {
	out := make([]edit, len(d))
	for i, r := range d {
		out[i] = edit{r.kind, strings.Join(r.words, "")}
	}
	return out
}

func (d *runs) compare(a, b []string) {
	if len(a)*len(b) > maxDiffCells || len(a) > 1<<16-1 || len(b) > 1<<16-1 {
		d.add(removed, a...)
		d.add(added, b...)
		return
	}
	common := commonLengths(a, b)
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			d.add(kept, a[i])
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			d.add(removed, a[i])
			i++
		default:
			d.add(added, b[j])
			j++
		}
	}
	d.add(removed, a[i:]...)
	d.add(added, b[j:]...)
}

// commonLengths gives for every i and j the length of a longest common subsequence of a[i:] and b[j:].
func commonLengths(a, b []string) [][]uint16 {
	table := make([][]uint16, len(a)+1)
	cells := make([]uint16, (len(a)+1)*(len(b)+1))
	for i := range table {
		table[i] = cells[i*(len(b)+1):][:len(b)+1]
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}
