package columnar

import "bytes"

// hole stands in a shape's key for a value.
const hole = 0

// maxDepth bounds the nesting of rows that are split.
const maxDepth = 64

// split is a row taken apart.
type split struct {
	key    []byte   // the row with a hole in place of each value
	values [][]byte // what was in the holes; strings without their quotes
}

// scan splits row, reusing the memory of s. It fails on rows whose key could be mistaken: those with control
// characters outside of values, or with a string that does not end. That the row is JSON is not checked; the key
// filled with the values is the row in any case.
func (s *split) scan(row []byte) bool {
	s.key, s.values = s.key[:0], s.values[:0]
	for i := 0; i < len(row); {
		switch b := row[i]; {
		case b == '"':
			end := stringEnd(row, i+1)
			if end < 0 {
				return false
			}
			if !s.quoted(row[i:end], end < len(row) && row[end] == ':') {
				return false
			}
			i = end
		case b == '-' || b >= '0' && b <= '9':
			end := numberEnd(row, i+1)
			s.key = append(s.key, hole)
			s.values = append(s.values, row[i:end])
			i = end
		case b < ' ':
			return false
		default:
			s.key = append(s.key, b)
			i++
		}
	}
	return true
}

// quoted takes a string with its quotes: the name of a member, which is part of the shape, or a value.
func (s *split) quoted(text []byte, isName bool) bool {
	if !isName {
		s.key = append(s.key, '"', hole, '"')
		s.values = append(s.values, text[1:len(text)-1])
		return true
	}
	for _, b := range text {
		if b < ' ' {
			return false
		}
	}
	s.key = append(s.key, text...)
	return true
}

// stringEnd finds the end of a string whose content begins at i, after its closing quote; -1 when there is none.
func stringEnd(row []byte, i int) int {
	for {
		n := bytes.IndexByte(row[i:], '"')
		if n < 0 {
			return -1
		}
		backslashes := 0
		for j := i + n - 1; j >= i && row[j] == '\\'; j-- {
			backslashes++
		}
		i += n + 1
		if backslashes%2 == 0 {
			return i
		}
	}
}

func numberEnd(row []byte, i int) int {
	for i < len(row) {
		switch b := row[i]; {
		case b >= '0' && b <= '9', b == '.', b == '-', b == '+', b == 'e', b == 'E':
			i++
		default:
			return i
		}
	}
	return i
}

// walker finds the JSON paths of the holes of keys. Equal paths have equal numbers, whatever the key.
type walker struct {
	steps map[step]int

	key   []byte
	pos   int
	path  int // of the value at hand
	found []int
}

// step leads from a path to a longer one: into the member of a quoted name, or with anyElement into an array.
type step struct {
	from int
	name string
}

const anyElement = "["

// walk gives the path of each hole of key. It fails when key has not the structure of JSON.
func (w *walker) walk(key []byte) (paths []int, ok bool) {
	w.key, w.pos, w.path, w.found = key, 0, 0, nil
	ok = w.value(maxDepth) && w.pos == len(key)
	return w.found, ok
}

// enter makes the path at hand one step longer.
func (w *walker) enter(name []byte) {
	path, ok := w.steps[step{w.path, string(name)}]
	if !ok {
		path = len(w.steps) + 1
		w.steps[step{w.path, string(name)}] = path
	}
	w.path = path
}

func (w *walker) peek() byte {
	if w.pos == len(w.key) {
		return 0xff
	}
	return w.key[w.pos]
}

func (w *walker) take(b byte) bool {
	if w.peek() != b {
		return false
	}
	w.pos++
	return true
}

func (w *walker) value(depth int) bool {
	switch b := w.peek(); {
	case depth == 0:
		return false
	case b == '{':
		return w.list('}', depth, w.member)
	case b == '[':
		return w.list(']', depth, w.element)
	case b == '"':
		return w.take('"') && w.hole() && w.take('"')
	case b == hole:
		return w.hole()
	default:
		return w.word("true") || w.word("false") || w.word("null")
	}
}

func (w *walker) hole() bool {
	w.found = append(w.found, w.path)
	return w.take(hole)
}

func (w *walker) word(text string) bool {
	if !bytes.HasPrefix(w.key[w.pos:], []byte(text)) {
		return false
	}
	w.pos += len(text)
	return true
}

// list follows an object or an array to its closing bracket.
func (w *walker) list(closing byte, depth int, item func(depth int) bool) bool {
	w.pos++
	if w.take(closing) {
		return true
	}
	path := w.path
	for {
		if !item(depth - 1) {
			return false
		}
		w.path = path
		if w.take(closing) {
			return true
		}
		if !w.take(',') {
			return false
		}
	}
}

func (w *walker) element(depth int) bool {
	w.enter([]byte(anyElement))
	return w.value(depth)
}

func (w *walker) member(depth int) bool {
	if w.peek() != '"' {
		return false
	}
	end := stringEnd(w.key, w.pos+1)
	if end < 0 {
		return false
	}
	w.enter(w.key[w.pos:end])
	w.pos = end
	return w.take(':') && w.value(depth)
}
