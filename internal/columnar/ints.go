package columnar

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorrupt means that bytes are not what this package encodes.
var ErrCorrupt = errors.New("corrupt columns")

// The modes of a coded list of integers.
const (
	modeDirect    = 0
	modeDelta     = 1
	modeAscending = 2
)

// AppendInts appends a list of integers in the shortest of three codings: as they are, as differences, or as
// differences of an ascending list. Arithmetic wraps, so that any values come back.
func AppendInts(dst []byte, values []int64) []byte {
	mode, size := chooseMode(values)
	dst = binary.AppendUvarint(dst, uint64(size))
	dst = append(dst, mode)
	var prev int64
	for _, v := range values {
		switch mode {
		case modeDirect:
			dst = binary.AppendVarint(dst, v)
		case modeDelta:
			dst = binary.AppendVarint(dst, v-prev)
		case modeAscending:
			dst = binary.AppendUvarint(dst, uint64(v-prev))
		}
		prev = v
	}
	return dst
}

// chooseMode finds the mode that needs the fewest bytes, and that number.
func chooseMode(values []int64) (mode byte, size int) {
	var sizes [3]int
	var prev int64
	for _, v := range values {
		sizes[modeDirect] += uvarintLen(zigzag(v))
		sizes[modeDelta] += uvarintLen(zigzag(v - prev))
		sizes[modeAscending] += uvarintLen(uint64(v - prev))
		prev = v
	}
	for m := range sizes {
		if sizes[m] < sizes[mode] {
			mode = byte(m)
		}
	}
	return mode, sizes[mode]
}

func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// ReadInts reads what AppendInts appended and returns what follows it. Errors wrap ErrCorrupt.
func ReadInts(src []byte) (values []int64, rest []byte, err error) {
	c, rest, err := readInts(src)
	if err != nil {
		return nil, nil, err
	}
	values = make([]int64, 0, c.count())
	for !c.done() {
		v, err := c.next()
		if err != nil {
			return nil, nil, err
		}
		values = append(values, v)
	}
	return values, rest, nil
}

// ints reads a coded list one value after the other.
type ints struct {
	src  []byte
	mode byte
	prev int64
}

func readInts(src []byte) (ints, []byte, error) {
	size, src, err := readUvarint(src)
	if err != nil {
		return ints{}, nil, err
	}
	if size >= uint64(len(src)) { // the mode needs a byte too
		return ints{}, nil, fmt.Errorf("%w: %d bytes of integers, %d bytes left", ErrCorrupt, size, len(src))
	}
	mode, src := src[0], src[1:]
	if mode > modeAscending {
		return ints{}, nil, fmt.Errorf("%w: integers of mode %d", ErrCorrupt, mode)
	}
	return ints{src: src[:size], mode: mode}, src[size:], nil
}

func (c *ints) done() bool { return len(c.src) == 0 }

// count is the number of values that are left.
func (c *ints) count() int {
	n := 0
	for _, b := range c.src {
		if b < 0x80 {
			n++
		}
	}
	return n
}

func (c *ints) next() (int64, error) {
	var u uint64
	if len(c.src) > 0 && c.src[0] < 0x80 {
		u, c.src = uint64(c.src[0]), c.src[1:]
	} else {
		var err error
		if u, c.src, err = readUvarint(c.src); err != nil {
			return 0, err
		}
	}
	v := int64(u>>1) ^ -int64(u&1)
	switch c.mode {
	case modeDelta:
		v += c.prev
	case modeAscending:
		v = int64(u) + c.prev
	}
	c.prev = v
	return v, nil
}

func readUvarint(src []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(src)
	if n <= 0 {
		return 0, nil, fmt.Errorf("%w: number cut off or too long", ErrCorrupt)
	}
	return v, src[n:], nil
}
