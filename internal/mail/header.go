package mail

import (
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"
)

// Lengths of lines in bytes, without their ends.
const (
	foldColumn  = 78  // RFC 5322 section 2.1.1: should not be exceeded
	codedColumn = 76  // RFC 2047 section 2: not by a line with encoded words
	longestWord = 900 // cannot be folded, and leaves room on a line of 998, which must not be exceeded
)

// What surrounds the text of an encoded word, and how little text is not worth one at the end of a line.
const (
	wordStart = "=?utf-8?B?"
	wordEnd   = "?="
	leastText = 12
)

// Address is somebody in From or To. The address must be one by [IsAddress]; the name may be anything.
type Address struct {
	Name    string
	Address string
}

// Header builds the header section of a message. The zero value is empty.
type Header struct {
	UTF8  bool // as it is where it need not be encoded (RFC 6532)
	Exact bool // controls are encoded as they are, not as their pictures

	buf    []byte
	column int
}

// Reset empties the header and keeps its memory.
func (h *Header) Reset() { h.buf = h.buf[:0] }

// Bytes gives the fields. They are valid until the header is changed.
func (h *Header) Bytes() []byte { return h.buf }

// Append appends fields that another header holds.
func (h *Header) Append(fields []byte) { h.buf = append(h.buf, fields...) }

// Text writes an unstructured field: as it is where it can be, else encoded. An empty one is left out.
func (h *Header) Text(name, value string) {
	if value == "" {
		return
	}
	h.begin(name)
	if h.isPlain(value) {
		h.words(value)
	} else {
		h.encoded(value)
	}
	h.end()
}

// Encoded writes an unstructured field in encoded words, whatever it holds. An empty one is left out.
func (h *Header) Encoded(name, value string) {
	if value == "" {
		return
	}
	h.begin(name)
	h.encoded(value)
	h.end()
}

// Date writes a field with a time (RFC 5322 section 3.3), with its own offset.
func (h *Header) Date(name string, t time.Time) {
	h.begin(name)
	h.buf = t.AppendFormat(append(h.buf, ' '), "Mon, 02 Jan 2006 15:04:05 -0700")
	h.end()
}

// IDs writes a field of message ids, which come without angle brackets. Without any it is left out.
func (h *Header) IDs(name string, ids ...string) {
	if len(ids) == 0 {
		return
	}
	h.begin(name)
	for _, id := range ids {
		h.word("<", id, ">")
	}
	h.end()
}

// Addresses writes a list of addresses (RFC 5322 section 3.4). An empty one is left out.
func (h *Header) Addresses(name string, list ...Address) {
	if len(list) == 0 {
		return
	}
	h.begin(name)
	for i, a := range list {
		h.phrase(a.Name)
		if i < len(list)-1 {
			h.word("<", a.Address, ">,")
		} else {
			h.word("<", a.Address, ">")
		}
	}
	h.end()
}

// List writes a field with a name and an id in angle brackets, as List-Id is (RFC 2919).
func (h *Header) List(field, name, id string) {
	h.Addresses(field, Address{Name: name, Address: id})
}

// begin starts a field.
func (h *Header) begin(name string) {
	h.buf = append(append(h.buf, name...), ':')
	h.column = len(name) + 1
}

func (h *Header) end() { h.buf = append(h.buf, '\r', '\n') }

func (h *Header) fold() {
	h.buf = append(h.buf, '\r', '\n')
	h.column = 0
}

// words writes words that are apart by single spaces.
func (h *Header) words(text string) {
	for word := range strings.SplitSeq(text, " ") {
		h.word(word)
	}
}

// word writes parts that must stay together, on a new line if they do not fit on this one.
func (h *Header) word(parts ...string) {
	n := 1
	for _, p := range parts {
		n += len(p)
	}
	if h.column+n > foldColumn && h.buf[len(h.buf)-1] != ':' {
		h.fold()
	}
	h.buf = append(h.buf, ' ')
	for _, p := range parts {
		h.buf = append(h.buf, p...)
	}
	h.column += n
}

// phrase writes a display name: as it is, quoted, or encoded.
func (h *Header) phrase(name string) {
	switch {
	case name == "":
	case !h.isPlain(name):
		h.encoded(name)
	case !strings.ContainsAny(name, `()<>[]:;@\,."`):
		h.words(name)
	case len(name) < foldColumn/2:
		h.word(`"`, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name), `"`)
	default: // a quoted string cannot be folded everywhere
		h.encoded(name)
	}
}

// encoded writes text as encoded words. They are as long as the line has room, and none cuts a character.
func (h *Header) encoded(text string) {
	if h.Exact {
		text = strings.ToValidUTF8(text, "\uFFFD")
	} else {
		text = Visible(text)
	}
	for text != "" {
		room := codedColumn - h.column - len(" "+wordStart+wordEnd)
		if room/4*3 < min(leastText, len(text)) {
			h.fold()
			continue
		}
		n := min(len(text), room/4*3)
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		start := len(h.buf)
		h.buf = append(append(h.buf, ' '), wordStart...)
		h.buf = base64.StdEncoding.AppendEncode(h.buf, []byte(text[:n]))
		h.buf = append(h.buf, wordEnd...)
		h.column += len(h.buf) - start
		text = text[n:]
	}
	h.column += foldColumn - codedColumn // what else is on the line must keep to the same limit
}

// isPlain tells whether text can stand in a header as it is and be folded at its spaces.
func (h *Header) isPlain(text string) bool {
	if strings.Contains(text, "=?") || h.UTF8 && !utf8.ValidString(text) || text != "" && (text[0] == ' ' || text[len(text)-1] == ' ') {
		return false
	}
	length := 0
	for i := range len(text) {
		b := text[i]
		if b < ' ' || b == 0x7f || b >= utf8.RuneSelf && !h.UTF8 || b == ' ' && length == 0 {
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

// Visible gives what of a text can stand in a header: NUL is removed, other controls become their pictures, and bytes
// that are no UTF-8 become U+FFFD.
func Visible(text string) string {
	if strings.IndexFunc(text, needsPicture) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == 0:
			return -1
		case r < ' ':
			return '\u2400' + r
		case r == 0x7f:
			return '\u2421'
		case needsPicture(r):
			return utf8.RuneError
		}
		return r
	}, text)
}

// needsPicture is true of C0, DEL and C1 controls, of Unicode's line ends, and of what is no UTF-8.
func needsPicture(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == utf8.RuneError
}

// IsAddress tells whether s is an address of the common form: atoms and dots, an at sign, a domain name (RFC 5321
// section 4.1.2 without quoted strings and literals).
func IsAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(local) > 64 || len(domain) > 253 {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return !isLetterOrDigit(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) }) {
			return false
		}
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return !isLetterOrDigit(r) && r != '-' }) {
			return false
		}
	}
	return true
}

func isLetterOrDigit(r rune) bool {
	return r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' && r < utf8.RuneSelf
}
