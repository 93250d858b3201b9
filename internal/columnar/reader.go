package columnar

import (
	"bytes"
	"fmt"
)

// reader reads the two parts of a block side by side.
type reader struct {
	meta, heap []byte
}

func (r *reader) atEnd() error {
	if len(r.meta) > 0 || len(r.heap) > 0 {
		return fmt.Errorf("%w: %d and %d bytes left over", ErrCorrupt, len(r.meta), len(r.heap))
	}
	return nil
}

func (r *reader) uvarint() (int, error) {
	v, rest, err := readUvarint(r.meta)
	if err != nil {
		return 0, err
	}
	r.meta = rest
	if v > 1<<31-1 {
		return 0, fmt.Errorf("%w: number %d too large", ErrCorrupt, v)
	}
	return int(v), nil
}

func (r *reader) ints() (c ints, err error) {
	c, rest, err := readInts(r.meta)
	if err == nil {
		r.meta = rest
	}
	return c, err
}

func (r *reader) intList() (values []int64, err error) {
	values, rest, err := ReadInts(r.meta)
	if err == nil {
		r.meta = rest
	}
	return values, err
}

// text cuts the next bytes off the heap, as many as meta says.
func (r *reader) text() ([]byte, error) {
	size, err := r.uvarint()
	if err != nil {
		return nil, err
	}
	if size > len(r.heap) {
		return nil, fmt.Errorf("%w: %d bytes of text, %d left", ErrCorrupt, size, len(r.heap))
	}
	text := r.heap[:size:size]
	r.heap = r.heap[size:]
	return text, nil
}

// strings reads all values of a column that needs no other.
func (r *reader) strings() ([][]byte, error) {
	c, err := r.source()
	if err != nil {
		return nil, err
	}
	return c.all()
}

// column reads one of the columns at the end of meta, where it may refer to earlier ones.
func (r *reader) column(earlier []source) (source, error) {
	if len(r.meta) == 0 || r.meta[0] != tagSame && r.meta[0] != tagRelative {
		return r.source()
	}
	c := source{tag: r.meta[0]}
	r.meta = r.meta[1:]
	var err error
	if c.other, err = r.uvarint(); err != nil {
		return source{}, err
	}
	if c.other >= len(earlier) || c.tag == tagRelative && earlier[c.other].tag != tagTS {
		return source{}, fmt.Errorf("%w: refers to column %d", ErrCorrupt, c.other)
	}
	if c.tag == tagRelative {
		c.numbers, err = r.ints()
	}
	return c, err
}

// source reads a column that needs no other.
func (r *reader) source() (source, error) {
	if len(r.meta) > 0 && r.meta[0] == tagDictionary {
		return r.dictionary()
	}
	return r.simple()
}

func (r *reader) dictionary() (source, error) {
	r.meta = r.meta[1:]
	values, err := r.simple()
	if err != nil {
		return source{}, err
	}
	c := source{tag: tagDictionary}
	if c.distinct, err = values.all(); err != nil {
		return source{}, err
	}
	c.numbers, err = r.ints()
	return c, err
}

func (r *reader) simple() (c source, err error) {
	if len(r.meta) == 0 {
		return c, fmt.Errorf("%w: column missing", ErrCorrupt)
	}
	c.tag = r.meta[0]
	r.meta = r.meta[1:]
	switch c.tag {
	case tagTerminated:
		c.text, err = r.text()
	case tagLengths:
		if c.text, err = r.text(); err == nil {
			c.numbers, err = r.ints()
		}
	case tagInts:
		c.numbers, err = r.ints()
	case tagTS:
		if c.numbers, err = r.ints(); err == nil {
			c.counters, err = r.ints()
		}
	default:
		err = fmt.Errorf("%w: column of tag %q", ErrCorrupt, c.tag)
	}
	return c, err
}

// source is a column being read.
type source struct {
	tag      byte
	text     []byte   // t, l: what is left of it
	numbers  ints     // l: lengths, i: values, s: seconds, d: indices, r: differences
	counters ints     // s
	distinct [][]byte // d
	other    int      // r, =

	start, end int // where the last value taken is in the rows
}

func (c *source) done() bool {
	return len(c.text) == 0 && c.numbers.done() && c.counters.done()
}

// next appends the next value of a column that needs no other.
func (c *source) next(dst []byte) ([]byte, error) {
	switch c.tag {
	case tagTerminated:
		end := bytes.IndexByte(c.text, terminator)
		if end < 0 {
			return nil, fmt.Errorf("%w: text without end", ErrCorrupt)
		}
		dst = append(dst, c.text[:end]...)
		c.text = c.text[end+1:]
		return dst, nil
	case tagLengths:
		return c.nextCut(dst)
	case tagTS:
		return c.nextTS(dst)
	case tagDictionary:
		n, err := c.index()
		if err != nil {
			return nil, err
		}
		return append(dst, c.distinct[n]...), nil
	default:
		n, err := c.numbers.next()
		return appendInt(dst, n), err
	}
}

func (c *source) nextCut(dst []byte) ([]byte, error) {
	n, err := c.numbers.next()
	if err != nil {
		return nil, err
	}
	if uint64(n) > uint64(len(c.text)) {
		return nil, fmt.Errorf("%w: value of %d bytes, %d left", ErrCorrupt, n, len(c.text))
	}
	dst = append(dst, c.text[:n]...)
	c.text = c.text[n:]
	return dst, nil
}

func (c *source) nextTS(dst []byte) ([]byte, error) {
	second, err := c.numbers.next()
	if err != nil {
		return nil, err
	}
	counter, err := c.counters.next()
	if err != nil {
		return nil, err
	}
	if counter == -1 {
		return dst, nil
	}
	if second < 0 || counter < 0 {
		return nil, fmt.Errorf("%w: ts of %d and %d", ErrCorrupt, second, counter)
	}
	return appendTS(dst, second, counter), nil
}

// all gives the values that are left; equal ones may share memory.
func (c *source) all() ([][]byte, error) {
	if c.tag == tagDictionary {
		return c.lookedUp()
	}
	var out []byte
	var ends []int
	for !c.done() {
		var err error
		if out, err = c.next(out); err != nil {
			return nil, err
		}
		ends = append(ends, len(out))
	}
	values := make([][]byte, len(ends))
	start := 0
	for i, end := range ends {
		values[i] = out[start:end:end]
		start = end
	}
	return values, nil
}

// lookedUp gives the values of a dictionary without copying them: few bytes can stand for many.
func (c *source) lookedUp() ([][]byte, error) {
	values := make([][]byte, 0, c.numbers.count())
	for !c.done() {
		n, err := c.index()
		if err != nil {
			return nil, err
		}
		values = append(values, c.distinct[n])
	}
	return values, nil
}

func (c *source) index() (int64, error) {
	n, err := c.numbers.next()
	if err == nil && uint64(n) >= uint64(len(c.distinct)) {
		err = fmt.Errorf("%w: value %d of %d", ErrCorrupt, n, len(c.distinct))
	}
	return n, err
}
