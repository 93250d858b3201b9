package storage

import (
	"encoding/binary"
	"errors"
)

// errShort means that a value ends before all of it was read.
var errShort = errors.New("ends early or holds an impossible number")

// decoder reads the numbers and texts of a value. After the first error everything it gives is zero.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail() { d.rest, d.err = nil, errShort }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// number is a uvarint that is at most limit.
func (d *decoder) number(limit uint64) int {
	v := d.uvarint()
	if v > limit {
		d.fail()
		return 0
	}
	return int(v)
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.fail()
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// text is a string with its length before it.
func (d *decoder) text() string { return string(d.bytes(d.number(uint64(len(d.rest))))) }

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
