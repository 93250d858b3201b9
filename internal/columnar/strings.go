package columnar

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
)

// The tags of a column.
const (
	tagTerminated = 't'
	tagLengths    = 'l'
	tagInts       = 'i'
	tagTS         = 's'
	tagDictionary = 'd'
	tagRelative   = 'r'
	tagSame       = '='
)

const terminator = '\n'

// AppendStrings appends a list of byte strings in a coding that suits them: ids of the form 1516195206.000463 (also
// mixed with empty strings), decimal numbers, few different values, or any. Ids and numbers that stand in the rows of
// a block too cost next to nothing when the list is compressed in one frame with the numbers of the block.
func AppendStrings[S string | []byte](dst []byte, values []S) []byte {
	total := 0
	for _, v := range values {
		total += len(v)
	}
	text, list := make([]byte, 0, total), make([][]byte, len(values))
	for i, v := range values {
		start := len(text)
		text = append(text, v...)
		list[i] = text[start:]
	}
	var w writer
	w.strings(list)
	dst = binary.AppendUvarint(dst, uint64(len(w.meta)))
	dst = append(dst, w.meta...)
	dst = binary.AppendUvarint(dst, uint64(len(w.heap)))
	return append(dst, w.heap...)
}

// ReadStrings reads what AppendStrings appended and returns what follows it. Errors wrap ErrCorrupt.
func ReadStrings(src []byte) (values [][]byte, rest []byte, err error) {
	meta, src, err := readBytes(src)
	if err != nil {
		return nil, nil, err
	}
	heap, rest, err := readBytes(src)
	if err != nil {
		return nil, nil, err
	}
	r := reader{meta: meta, heap: heap}
	values, err = r.strings()
	if err != nil {
		return nil, nil, err
	}
	return values, rest, r.atEnd()
}

func readBytes(src []byte) (text, rest []byte, err error) {
	size, src, err := readUvarint(src)
	if err != nil {
		return nil, nil, err
	}
	if size > uint64(len(src)) {
		return nil, nil, fmt.Errorf("%w: %d bytes of text, %d bytes left", ErrCorrupt, size, len(src))
	}
	return src[:size:size], src[size:], nil
}

// writer builds the two parts of a block.
type writer struct {
	meta, heap []byte
}

func (w *writer) ints(values []int64) { w.meta = AppendInts(w.meta, values) }

func (w *writer) uvarint(v int) { w.meta = binary.AppendUvarint(w.meta, uint64(v)) }

// strings writes values in the best coding that needs no other column.
func (w *writer) strings(values [][]byte) {
	if w.numbers(values) {
		return
	}
	if distinct, indices, ok := dictionary(values); ok {
		w.meta = append(w.meta, tagDictionary)
		if !w.numbers(distinct) {
			w.plain(distinct)
		}
		w.ints(indices)
		return
	}
	w.plain(values)
}

// numbers writes values if all of them have the form of a ts or all are decimal numbers.
func (w *writer) numbers(values [][]byte) bool {
	if seconds, counters, ok := parseAllTS(values); ok {
		w.meta = append(w.meta, tagTS)
		w.ints(seconds)
		w.ints(counters)
		return true
	}
	if numbers, ok := parseAllInts(values); ok {
		w.meta = append(w.meta, tagInts)
		w.ints(numbers)
		return true
	}
	return false
}

func (w *writer) plain(values [][]byte) {
	size, terminated := 0, true
	for _, v := range values {
		size += len(v)
		terminated = terminated && bytes.IndexByte(v, terminator) < 0
	}
	if terminated {
		w.meta = append(w.meta, tagTerminated)
		w.uvarint(size + len(values))
		for _, v := range values {
			w.heap = append(append(w.heap, v...), terminator)
		}
		return
	}
	w.meta = append(w.meta, tagLengths)
	w.uvarint(size)
	lengths := make([]int64, len(values))
	for i, v := range values {
		lengths[i] = int64(len(v))
		w.heap = append(w.heap, v...)
	}
	w.ints(lengths)
}

// dictionary lists the different values in the order of their first use, unless there are too many.
func dictionary(values [][]byte) (distinct [][]byte, indices []int64, ok bool) {
	const slack = 32 // new values in a row that are put up with at the beginning of a long column
	seen := make(map[string]int64)
	for i, v := range values {
		index, known := seen[string(v)]
		if !known {
			if len(distinct) > slack+i/2 || 2*len(distinct) >= len(values) {
				return nil, nil, false
			}
			index = int64(len(distinct))
			seen[string(v)] = index
			distinct = append(distinct, v)
		}
		indices = append(indices, index)
	}
	return distinct, indices, len(values) > 1
}

func parseAllTS(values [][]byte) (seconds, counters []int64, ok bool) {
	if len(values) == 0 || len(values[0]) != 0 && len(values[0]) != tsLen {
		return nil, nil, false
	}
	var second int64
	found := false
	numbers := make([]int64, 2*len(values))
	seconds, counters = numbers[:len(values)], numbers[len(values):]
	for i, v := range values {
		counter := int64(-1)
		if len(v) != 0 {
			if second, counter, ok = parseTS(v); !ok {
				return nil, nil, false
			}
			found = true
		}
		seconds[i], counters[i] = second, counter
	}
	return seconds, counters, found
}

const tsLen = len("1516195206.000463")

func parseTS(v []byte) (second, counter int64, ok bool) {
	if len(v) != tsLen || v[10] != '.' {
		return 0, 0, false
	}
	second, ok = parseDigits(v[:10])
	if !ok {
		return 0, 0, false
	}
	counter, ok = parseDigits(v[11:])
	return second, counter, ok
}

func parseDigits(v []byte) (n int64, ok bool) {
	for _, b := range v {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + int64(b-'0')
	}
	return n, true
}

func appendTS(dst []byte, second, counter int64) []byte {
	return appendPadded(append(appendPadded(dst, second, 10), '.'), counter, 6)
}

// appendPadded appends a number that is not negative with at least width digits.
func appendPadded(dst []byte, n int64, width int) []byte {
	var digits [20]byte
	i := len(digits)
	for ; n > 0 || len(digits)-i < width; n /= 10 {
		i--
		digits[i] = byte('0' + n%10)
	}
	return append(dst, digits[i:]...)
}

func parseAllInts(values [][]byte) ([]int64, bool) {
	if len(values) == 0 {
		return nil, false
	}
	if _, ok := parseInt(values[0]); !ok {
		return nil, false
	}
	numbers := make([]int64, len(values))
	for i, v := range values {
		n, ok := parseInt(v)
		if !ok {
			return nil, false
		}
		numbers[i] = n
	}
	return numbers, true
}

// parseInt reads a decimal number that strconv.AppendInt writes alike.
func parseInt(v []byte) (int64, bool) {
	digits := bytes.TrimPrefix(v, []byte("-"))
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(v) > 1 {
		return 0, false
	}
	n, ok := parseDigits(digits)
	if len(digits) < len(v) {
		n = -n
	}
	return n, ok
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
