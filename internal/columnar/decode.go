package columnar

import "fmt"

// Decode gives the rows that were packed, as slices of one buffer that shares nothing with data. Errors wrap
// ErrCorrupt. On any input it takes memory in proportion to len(data) at most.
func Decode(data []byte) ([][]byte, error) {
	if len(data) == 0 || data[0] != version {
		return nil, fmt.Errorf("%w: not a block of version %d", ErrCorrupt, version)
	}
	total, rest, err := readUvarint(data[1:])
	if err != nil {
		return nil, err
	}
	if total > maxExpansion*uint64(len(data)) {
		return nil, fmt.Errorf("%w: %d bytes of rows in %d", ErrCorrupt, total, len(data))
	}
	meta, heap, err := readBytes(rest)
	if err != nil {
		return nil, err
	}
	u := unpacker{reader: reader{meta: meta, heap: heap}, total: int(total)}
	if err := u.open(); err != nil {
		return nil, err
	}
	return u.rows(min(u.total, 16*len(data)))
}

// TextStart is where the text of a block begins; before it are numbers. The two parts differ so much that each
// compresses better apart from the other: two zstd frames are 2% shorter than one, and are read as one.
// It is 0 for what is no block.
func TextStart(block []byte) int {
	if len(block) == 0 || block[0] != version {
		return 0
	}
	_, rest, err := readUvarint(block[1:])
	if err != nil {
		return 0
	}
	_, heap, err := readBytes(rest)
	if err != nil {
		return 0
	}
	return len(block) - len(heap)
}

// unpacker puts the rows of a block together.
type unpacker struct {
	reader
	total    int
	shapes   []shape
	rowShape ints
	columns  []source
	out      []byte
}

func (u *unpacker) open() error {
	if err := u.readShapes(); err != nil {
		return err
	}
	var err error
	if u.rowShape, err = u.ints(); err != nil {
		return err
	}
	n, err := u.uvarint()
	if err != nil {
		return err
	}
	for i := range n {
		c, err := u.column(u.columns)
		if err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
		u.columns = append(u.columns, c)
	}
	return u.checkShapes(n)
}

// checkShapes checks that shapes use no other columns than those of the block.
func (u *unpacker) checkShapes(n int) error {
	for i := range u.shapes {
		for _, c := range u.shapes[i].columns {
			if uint(c) >= uint(n) {
				return fmt.Errorf("%w: shape %d asks for column %d of %d", ErrCorrupt, i, c, n)
			}
		}
	}
	return nil
}

func (u *unpacker) readShapes() error {
	holes, err := u.intList()
	if err != nil {
		return err
	}
	numbers, err := u.intList()
	if err != nil {
		return err
	}
	literals, err := u.strings()
	if err != nil {
		return err
	}
	columns := make([]int, len(numbers))
	for i, n := range numbers {
		columns[i] = int(n)
	}
	u.shapes = make([]shape, len(holes))
	for i, n := range holes {
		if n < 0 || n > int64(len(columns)) || n >= int64(len(literals)) {
			return fmt.Errorf("%w: shape %d has %d holes", ErrCorrupt, i, n)
		}
		u.shapes[i] = shape{literals[:n+1], columns[:n]}
		literals, columns = literals[n+1:], columns[n:]
	}
	if len(literals) > 0 || len(columns) > 0 {
		return fmt.Errorf("%w: parts of shapes left over", ErrCorrupt)
	}
	return nil
}

// rows puts all rows into one buffer, for which size is expected to do.
func (u *unpacker) rows(size int) ([][]byte, error) {
	u.out = make([]byte, 0, size)
	ends := make([]int, 0, u.rowShape.count())
	for !u.rowShape.done() {
		n, err := u.rowShape.next()
		if err != nil {
			return nil, err
		}
		if uint64(n) >= uint64(len(u.shapes)) {
			return nil, fmt.Errorf("%w: row %d has shape %d of %d", ErrCorrupt, len(ends), n, len(u.shapes))
		}
		if err := u.row(&u.shapes[n]); err != nil {
			return nil, fmt.Errorf("row %d: %w", len(ends), err)
		}
		ends = append(ends, len(u.out))
	}
	if err := u.finished(); err != nil {
		return nil, err
	}
	rows := make([][]byte, len(ends))
	start := 0
	for i, end := range ends {
		rows[i] = u.out[start:end:end]
		start = end
	}
	return rows, nil
}

func (u *unpacker) row(s *shape) error {
	for i, n := range s.columns {
		u.out = append(u.out, s.literals[i]...)
		if err := u.value(n); err != nil {
			return fmt.Errorf("column %d: %w", n, err)
		}
		if len(u.out) > u.total {
			return fmt.Errorf("%w: rows longer than declared", ErrCorrupt)
		}
	}
	u.out = append(u.out, s.literals[len(s.columns)]...)
	if len(u.out) > u.total {
		return fmt.Errorf("%w: rows longer than declared", ErrCorrupt)
	}
	return nil
}

// value appends the next value of a column.
func (u *unpacker) value(n int) error {
	c := &u.columns[n]
	start := len(u.out)
	switch c.tag {
	case tagSame:
		other := &u.columns[c.other]
		u.out = append(u.out, u.out[other.start:other.end]...)
	case tagRelative:
		difference, err := c.numbers.next()
		if err != nil {
			return err
		}
		u.out = appendInt(u.out, u.columns[c.other].numbers.prev+difference)
	default:
		var err error
		if u.out, err = c.next(u.out); err != nil {
			return err
		}
	}
	c.start, c.end = start, len(u.out)
	return nil
}

// finished checks that the rows have used everything.
func (u *unpacker) finished() error {
	if len(u.out) != u.total {
		return fmt.Errorf("%w: %d bytes of rows, %d declared", ErrCorrupt, len(u.out), u.total)
	}
	for i := range u.columns {
		if !u.columns[i].done() {
			return fmt.Errorf("%w: values of column %d left over", ErrCorrupt, i)
		}
	}
	return u.atEnd()
}
