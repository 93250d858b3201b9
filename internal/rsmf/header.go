package rsmf

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Lengths of lines in bytes without their ends (RFC 5322 section 2.1.1), and of what is encoded in one word (RFC 2047
// section 2 allows 75 columns, of which 12 are not text).
const (
	foldColumn  = 78
	longestWord = 900 // cannot be folded, and leaves room on a line of 998
	encodedText = 45
)

// Address is somebody in From and To.
type Address struct {
	Name    string
	Address string // local@domain, ASCII unless headers are UTF-8
}

// header builds the header section of a message.
type header struct {
	buf    []byte
	utf8   bool // RFC 6532 instead of encoded words
	column int
}

// begin starts a field.
func (h *header) begin(name string) {
	h.buf = append(append(h.buf, name...), ':')
	h.column = len(name) + 1
}

// word appends what must stay together, on a new line if it does not fit on this one.
func (h *header) word(word string) {
	if h.column+1+len(word) > foldColumn && h.buf[len(h.buf)-1] != ':' {
		h.buf = append(h.buf, '\r', '\n')
		h.column = 0
	}
	h.buf = append(append(h.buf, ' '), word...)
	h.column += 1 + len(word)
}

func (h *header) end() { h.buf = append(h.buf, '\r', '\n') }

// text writes an unstructured field. An empty one is left out.
func (h *header) text(name, value string) {
	if value == "" {
		return
	}
	h.begin(name)
	if h.plain(value) {
		for word := range strings.SplitSeq(value, " ") {
			h.word(word)
		}
	} else {
		h.encoded(value)
	}
	h.end()
}

// addresses writes a list of addresses (RFC 5322 section 3.4).
func (h *header) addresses(name string, list []Address) {
	if len(list) == 0 {
		return
	}
	h.begin(name)
	for i, a := range list {
		h.phrase(a.Name)
		angle := "<" + a.Address + ">"
		if i < len(list)-1 {
			angle += ","
		}
		h.word(angle)
	}
	h.end()
}

// quotedPairs escapes what may not stand in a quoted string (RFC 5322 section 3.2.4).
var quotedPairs = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// phrase writes a display name: as it is, quoted, or encoded.
func (h *header) phrase(name string) {
	switch {
	case name == "":
	case !h.plain(name):
		h.encoded(name)
	case strings.ContainsAny(name, `()<>[]:;@\,."`):
		h.word(`"` + quotedPairs.Replace(name) + `"`)
	default:
		for word := range strings.SplitSeq(name, " ") {
			h.word(word)
		}
	}
}

// encoded writes text as encoded words, which are cut between characters.
func (h *header) encoded(text string) {
	text = strings.ToValidUTF8(text, "\uFFFD")
	for text != "" {
		n := min(len(text), encodedText)
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		h.word("=?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte(text[:n])) + "?=")
		text = text[n:]
	}
}

// plain tells whether text can stand in a header and be folded at its spaces.
func (h *header) plain(text string) bool {
	if !utf8.ValidString(text) || strings.Contains(text, "=?") || strings.Contains(text, "  ") || strings.Trim(text, " ") != text {
		return false
	}
	length := 0
	for i := range len(text) {
		b := text[i]
		if b < ' ' || b == 0x7f || b >= utf8.RuneSelf && !h.utf8 {
			return false
		}
		if length++; b == ' ' {
			length = 0
		}
		if length > longestWord {
			return false
		}
	}
	return true
}
