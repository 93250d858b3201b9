package formattest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
)

// cursor takes numbers and texts off the front of bytes. It panics where they end early.
type cursor struct{ b []byte }

func (c *cursor) take(n int) []byte {
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) uvarint() int {
	v, n := binary.Uvarint(c.b)
	c.take(n)
	return int(v)
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	c.take(n)
	return v
}

func (c *cursor) text() []byte { return c.take(c.uvarint()) }

// ints takes a list of numbers.
func (c *cursor) ints() (values []int64) {
	size, mode, last := c.uvarint(), c.take(1)[0], int64(0)
	for list := (cursor{c.take(size)}); len(list.b) > 0; {
		v := int64(0)
		if mode == 2 {
			v = int64(list.uvarint())
		} else {
			v = list.varint()
		}
		if mode > 0 {
			v += last
		}
		last = v
		values = append(values, v)
	}
	return values
}

// strings takes a list of strings that stands alone.
func (c *cursor) strings() []string {
	meta, heap := cursor{c.text()}, cursor{c.text()}
	return meta.column(&heap).values
}

// column is a column of rows: its values, how many of them rows have taken, and what the last one was.
type column struct {
	tag     byte
	other   int
	values  []string
	numbers []int64 // s: seconds; r: differences
	taken   int
	last    string
}

// column takes a column whose text is in heap.
func (c *cursor) column(heap *cursor) *column {
	k := &column{tag: c.take(1)[0]}
	switch k.tag {
	case 't':
		for text := heap.take(c.uvarint()); len(text) > 0; {
			value, rest, _ := bytes.Cut(text, []byte("\n"))
			k.values, text = append(k.values, string(value)), rest
		}
	case 'l':
		text := cursor{heap.take(c.uvarint())}
		for _, n := range c.ints() {
			k.values = append(k.values, string(text.take(int(n))))
		}
	case 'i':
		for _, n := range c.ints() {
			k.values = append(k.values, strconv.FormatInt(n, 10))
		}
	case 's':
		k.numbers = c.ints()
		for i, counter := range c.ints() {
			ts := fmt.Sprintf("%010d.%06d", k.numbers[i], counter)
			if counter == -1 {
				ts = ""
			}
			k.values = append(k.values, ts)
		}
	case 'd':
		distinct := c.column(heap).values
		for _, i := range c.ints() {
			k.values = append(k.values, distinct[i])
		}
	case 'r':
		k.other, k.numbers = c.uvarint(), c.ints()
	case '=':
		k.other = c.uvarint()
	default:
		panic(fmt.Sprintf("column of tag %q", k.tag))
	}
	return k
}

// next takes the next value of a column for a row.
func (k *column) next(columns []*column) string {
	switch k.tag {
	case 'r':
		clock := columns[k.other]
		k.last = strconv.FormatInt(clock.numbers[clock.taken-1]+k.numbers[k.taken], 10)
	case '=':
		k.last = columns[k.other].last
	default:
		k.last = k.values[k.taken]
	}
	k.taken++
	return k.last
}

// shape is what rows have in common.
type shape struct {
	literals []string
	columns  []int64
}

// rows takes a block of rows, which ends with its bytes.
func (c *cursor) rows() (rows []string) {
	if version := c.take(1)[0]; version != 1 {
		panic(fmt.Sprintf("rows of version %d", version))
	}
	c.uvarint() // the length of all rows
	meta, heap := cursor{c.text()}, cursor{c.b}
	holes, numbers := meta.ints(), meta.ints()
	literals, shapes := meta.column(&heap).values, make([]shape, len(holes))
	for i, n := range holes {
		shapes[i] = shape{literals[:n+1], numbers[:n]}
		literals, numbers = literals[n+1:], numbers[n:]
	}
	ofRow, columns := meta.ints(), make([]*column, meta.uvarint())
	for i := range columns {
		columns[i] = meta.column(&heap)
	}
	for _, n := range ofRow {
		row := shapes[n].literals[0]
		for i, number := range shapes[n].columns {
			row += columns[number].next(columns) + shapes[n].literals[i+1]
		}
		rows = append(rows, row)
	}
	return rows
}
