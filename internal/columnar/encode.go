package columnar

import (
	"bytes"
	"encoding/binary"
	"slices"
)

const version = 1

// maxExpansion is how many times longer than its block the rows may be in all.
const maxExpansion = 256

// Encode appends rows in packed form to dst. Rows may be any bytes; those that are compact JSON pack best. The rows
// are not kept or changed.
func Encode(dst []byte, rows [][]byte) []byte { return NewEncoder().Encode(dst, rows) }

// Encoder packs one block after the other in the same memory, which is as large as the largest of them took.
type Encoder struct {
	packer packer
	writer writer
}

// NewEncoder gives an encoder.
func NewEncoder() *Encoder { return &Encoder{packer: newPacker()} }

// Encode is the function of that name.
func (e *Encoder) Encode(dst []byte, rows [][]byte) []byte {
	total := 0
	for _, row := range rows {
		total += len(row)
	}
	p, start := &e.packer, len(dst)
	defer p.reset()
	for _, row := range rows {
		p.add(row)
	}
	if dst = p.append(dst, &e.writer, total); total <= maxExpansion*(len(dst)-start) {
		return dst
	}
	p.reset()
	p.addUnsplit(rows)
	return p.append(dst[:start], &e.writer, total)
}

// packer collects the rows of a block.
type packer struct {
	split    split
	walker   walker
	shapes   map[string]int // by key; -1 for a key that is none of JSON
	list     []shape
	byPath   map[int]int // numbers of columns
	columns  []column
	rowShape []int64
	taken    int // values so far

	clock   int     // the first column of ts, once it is written
	seconds []int64 // its values
}

func newPacker() packer {
	return packer{walker: walker{steps: make(map[step]int)}, shapes: make(map[string]int), byPath: make(map[int]int)}
}

// keptColumns is how many columns a block may have whose memory is kept for the next one.
const keptColumns = 1024

// reset forgets everything, and keeps the memory of the columns.
func (p *packer) reset() {
	if len(p.columns) > keptColumns {
		*p = newPacker()
		return
	}
	clear(p.walker.steps)
	clear(p.shapes)
	clear(p.byPath)
	clear(p.list)
	clear(p.split.values[:cap(p.split.values)])
	for i := range p.columns {
		p.columns[i].reset()
	}
	p.list, p.columns, p.rowShape, p.taken = p.list[:0], p.columns[:0], p.rowShape[:0], 0
	p.clock, p.seconds = 0, nil
}

// shape is what rows have in common.
type shape struct {
	literals [][]byte // one more than holes
	columns  []int    // of each hole
}

// column holds the values of one path in the order of the rows.
type column struct {
	values [][]byte
	order  []int // of each value among the values of all columns
	fixed  bool  // written as plain text without looking for a better coding
}

func (c *column) reset() {
	clear(c.values) // they are parts of rows
	c.values, c.order, c.fixed = c.values[:0], c.order[:0], false
}

func (p *packer) add(row []byte) {
	if p.split.scan(row) {
		if n, ok := p.shapeOf(p.split.key); ok {
			p.put(n, p.split.values)
			return
		}
	}
	p.put(p.wholeRow(), [][]byte{row})
}

func (p *packer) put(n int, values [][]byte) {
	p.rowShape = append(p.rowShape, int64(n))
	for i, number := range p.list[n].columns {
		c := &p.columns[number]
		c.values = append(c.values, values[i])
		c.order = append(c.order, p.taken)
		p.taken++
	}
}

// shapeOf finds or adds the shape with a key. It fails when the key is not that of JSON.
func (p *packer) shapeOf(key []byte) (int, bool) {
	if n, ok := p.shapes[string(key)]; ok {
		return n, n >= 0
	}
	paths, ok := p.walker.walk(key)
	if !ok {
		p.shapes[string(key)] = -1
		return 0, false
	}
	columns := make([]int, len(paths))
	for i, path := range paths {
		columns[i] = p.column(path)
	}
	literals := bytes.Split(bytes.Clone(key), []byte{hole})
	return p.addShape(string(key), shape{literals, columns}), true
}

// wholeRow is the shape of rows that are not split: nothing but one hole. Its key and path are those of no JSON.
func (p *packer) wholeRow() int {
	const key, path = "\x01", -1
	if n, ok := p.shapes[key]; ok {
		return n
	}
	return p.addShape(key, shape{[][]byte{nil, nil}, []int{p.column(path)}})
}

func (p *packer) addShape(key string, s shape) int {
	n := len(p.list)
	p.shapes[key] = n
	p.list = append(p.list, s)
	return n
}

func (p *packer) column(path int) int {
	n, ok := p.byPath[path]
	if !ok {
		n = len(p.columns)
		p.byPath[path] = n
		if n < cap(p.columns) {
			p.columns = p.columns[:n+1] // one that was reset
		} else {
			p.columns = append(p.columns, column{})
		}
	}
	return n
}

// addUnsplit adds rows without looking into them.
func (p *packer) addUnsplit(rows [][]byte) {
	whole := p.wholeRow()
	p.columns[0].fixed = true
	for _, row := range rows {
		p.put(whole, [][]byte{row})
	}
}

func (p *packer) append(dst []byte, w *writer, total int) []byte {
	w.meta, w.heap = w.meta[:0], w.heap[:0]
	p.writeShapes(w)
	w.ints(p.rowShape)
	w.uvarint(len(p.columns))
	for n := range p.columns {
		p.writeColumn(w, n)
	}
	dst = append(dst, version)
	dst = binary.AppendUvarint(dst, uint64(total))
	dst = binary.AppendUvarint(dst, uint64(len(w.meta)))
	return append(append(dst, w.meta...), w.heap...)
}

func (p *packer) writeShapes(w *writer) {
	var holes, columns []int64
	var literals [][]byte
	for _, s := range p.list {
		holes = append(holes, int64(len(s.columns)))
		literals = append(literals, s.literals...)
		for _, n := range s.columns {
			columns = append(columns, int64(n))
		}
	}
	w.ints(holes)
	w.ints(columns)
	w.plain(literals)
}

func (p *packer) writeColumn(w *writer, n int) {
	c := &p.columns[n]
	switch {
	case c.fixed:
		w.plain(c.values)
	case p.writeSame(w, n), p.writeRelative(w, n):
	default:
		w.strings(c.values)
		if p.seconds == nil {
			p.clock = n
			p.seconds, _, _ = parseAllTS(c.values)
		}
	}
}

// maxReferences is how many columns later ones may repeat. It bounds the time that rows of many members take.
const maxReferences = 64

// writeSame writes a column whose values are always those that stand in an earlier one.
func (p *packer) writeSame(w *writer, n int) bool {
	for other := range min(n, maxReferences) {
		if p.columns[n].repeats(&p.columns[other]) {
			w.meta = append(w.meta, tagSame)
			w.uvarint(other)
			return true
		}
	}
	return false
}

func (c *column) repeats(other *column) bool {
	next := 0
	for i, v := range c.values {
		next = other.skipTo(next, c.order[i])
		if next == 0 || !bytes.Equal(v, other.values[next-1]) {
			return false
		}
	}
	return true
}

// skipTo returns how many values of c come before the place order, which are at least next.
func (c *column) skipTo(next, order int) int {
	n, _ := slices.BinarySearch(c.order[next:], order)
	return next + n
}

// writeRelative writes a column of seconds as differences from the first column of ts, if that is shorter than
// differences from one another.
func (p *packer) writeRelative(w *writer, n int) bool {
	if p.seconds == nil {
		return false
	}
	numbers, ok := parseAllInts(p.columns[n].values)
	if !ok {
		return false
	}
	differences, ok := p.sinceClock(&p.columns[n], numbers)
	if !ok {
		return false
	}
	_, own := chooseMode(numbers)
	if _, size := chooseMode(differences); size >= own {
		return false
	}
	w.meta = append(w.meta, tagRelative)
	w.uvarint(p.clock)
	w.ints(differences)
	return true
}

// sinceClock gives the differences of numbers, the values of c, from the seconds that the clock showed last.
func (p *packer) sinceClock(c *column, numbers []int64) ([]int64, bool) {
	differences := make([]int64, len(numbers))
	next := 0
	for i, n := range numbers {
		next = p.columns[p.clock].skipTo(next, c.order[i])
		if next == 0 {
			return nil, false
		}
		differences[i] = n - p.seconds[next-1]
	}
	return differences, true
}
