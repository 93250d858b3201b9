package export

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Span is a stretch of a text, in bytes.
type Span struct{ Start, End int }

// How text gets into a page: & < > " ' as references; line ends, tabs and joiners (which emoji are made of) as they are;
// every other character that does not show, or that moves what does, as its visible code
//
//	<b class="u" data-u="202E" title="right-to-left override">U+202E</b>
//
// so that a page shows all that a text holds, and a program that reads data-u gets the text back to the byte. The CR of
// a CRLF is <i data-u="D"></i>, which shows nothing. Bytes that are no UTF-8 are U+FFFD each.

// references are the characters that mean something in HTML.
var references = [utf8.RuneSelf]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&#34;", '\'': "&#39;"}

// directionNames are what Unicode calls the characters that change the direction of text.
var directionNames = map[rune]string{
	0x061C: "Arabic letter mark", 0x200E: "left-to-right mark", 0x200F: "right-to-left mark",
	0x202A: "left-to-right embedding", 0x202B: "right-to-left embedding", 0x202C: "pop directional formatting",
	0x202D: "left-to-right override", 0x202E: "right-to-left override", 0x2066: "left-to-right isolate",
	0x2067: "right-to-left isolate", 0x2068: "first strong isolate", 0x2069: "pop directional isolate",
}

// hidden tells whether a character is shown by its code.
func hidden(r rune) bool {
	switch {
	case r < ' ':
		return r != '\n' && r != '\t'
	case r < 0x7F:
		return false
	case r < 0xA0, r == 0xAD, r == 0x61C, r == 0x180E, r == 0x3164, r == 0xFEFF, r == 0xFFA0:
		return true
	case r == 0x200B, r == 0x200E, r == 0x200F, 0x2028 <= r && r <= 0x202E, 0x2060 <= r && r <= 0x206F:
		return true
	case 0xFDD0 <= r && r <= 0xFDEF, 0xFFF0 <= r && r <= 0xFFFB, r&0xFFFE == 0xFFFE, 0xE0000 <= r && r <= 0xE0FFF:
		return true
	}
	return false
}

// appendText appends a text as the content of an element.
func appendText(dst []byte, s string) []byte {
	done := 0 // what of s is in dst
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf && c >= ' ' && c != 0x7F {
			if ref := references[c]; ref != "" {
				dst = append(append(dst, s[done:i]...), ref...)
				done = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || hidden(r) {
			dst = append(dst, s[done:i]...)
			dst = appendHidden(dst, r, r == '\r' && strings.HasPrefix(s[i:], "\r\n"))
			done = i + size
		}
		i += size
	}
	return append(dst, s[done:]...)
}

// appendHidden appends a character by its code. lineEnd tells that it is the CR of a CRLF.
func appendHidden(dst []byte, r rune, lineEnd bool) []byte {
	switch {
	case r == utf8.RuneError:
		return utf8.AppendRune(dst, r)
	case lineEnd:
		return append(dst, `<i data-u="D"></i>`...)
	}
	code := strings.ToUpper(strconv.FormatInt(int64(r), 16))
	dst = append(append(append(dst, `<b class="u" data-u="`...), code...), '"')
	if name := directionNames[r]; name != "" {
		dst = append(append(append(dst, ` title="`...), name...), '"')
	}
	return fmt.Appendf(dst, ">U+%04X</b>", r)
}

// plain gives a text for places that take no elements, titles and attributes; it is still to be escaped. Line ends
// become spaces.
func plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case hidden(r):
			fmt.Fprintf(&b, "[U+%04X]", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// appendAttribute appends a text where no elements can stand: as the value of an attribute, between double quotes, or as a
// title. A plus sign is a reference, too, as in what templates write.
func appendAttribute(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf && references[r] != "":
			dst = append(dst, references[r]...)
		case r == '+':
			dst = append(dst, "&#43;"...)
		case r == '\n' || r == '\t':
			dst = append(dst, ' ')
		case hidden(r):
			dst = fmt.Appendf(dst, "[U+%04X]", r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// appendMarked appends a text in which the marks, which are in order and apart, are highlighted.
func appendMarked(dst []byte, s string, marks []Span) []byte {
	at := 0
	for _, m := range marks {
		if m.Start < at || m.End > len(s) || m.Start >= m.End {
			continue
		}
		dst = append(appendText(dst, s[at:m.Start]), "<mark>"...)
		dst = append(appendText(dst, s[m.Start:m.End]), "</mark>"...)
		at = m.End
	}
	return appendText(dst, s[at:])
}

// appendBody appends the text of a message: marks are highlighted and addresses of the web set off. They are no links,
// so that reading evidence tells nobody that it is read; one click selects an address whole.
func appendBody(dst []byte, s string, marks []Span) []byte {
	at := 0
	for {
		url := nextURL(s, at)
		if url.End == 0 {
			return appendMarked(dst, s[at:], within(marks, Span{at, len(s)}))
		}
		dst = appendMarked(dst, s[at:url.Start], within(marks, Span{at, url.Start}))
		dst = append(dst, `<span class="url">`...)
		dst = appendMarked(dst, s[url.Start:url.End], within(marks, url))
		dst = append(dst, "</span>"...)
		at = url.End
	}
}

// within gives the parts of marks that lie in a span, from its start.
func within(marks []Span, in Span) []Span {
	var out []Span
	for _, m := range marks {
		if start, end := max(m.Start, in.Start), min(m.End, in.End); start < end {
			out = append(out, Span{start - in.Start, end - in.Start})
		}
	}
	return out
}

// nextURL finds the next address of the web from an offset on; its End is 0 if there is none.
func nextURL(s string, from int) Span {
	for {
		i := strings.Index(s[from:], "http")
		if i < 0 {
			return Span{}
		}
		start := from + i
		scheme, _, ok := strings.Cut(s[start:min(len(s), start+8)], "://")
		if !ok || scheme != "http" && scheme != "https" {
			from = start + 4
			continue
		}
		end := start + len(scheme) + len("://") + urlLength(s[start+len(scheme)+len("://"):])
		if url := strings.TrimRight(s[start:end], ".,;:!?'\"()[]{}*_"); len(url) > len(scheme)+len("://") {
			return Span{start, start + len(url)}
		}
		from = end
	}
}

// urlLength is how much of the beginning of s may belong to an address.
func urlLength(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune("<>\"|\\^`", r) || hidden(r) || r == 0xA0 })
	if n < 0 {
		return len(s)
	}
	return n
}

const excerptRunes = 80 // of a message that another one quotes

// excerpt is the beginning of a text, on one line.
func excerpt(s string) string {
	n := 0
	for i, r := range s {
		if n == excerptRunes {
			return s[:i] + "…"
		}
		if r == '\n' && n > 0 {
			return strings.TrimRight(s[:i], "\r\n ") + " …"
		}
		n++
	}
	return s
}

// grouped writes a number with a comma before every three digits.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted is a number with its noun.
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// readableSize is a number of bytes for people, in units of 1000.
func readableSize(n int64) string {
	if n < 1000 {
		return counted(n, "byte")
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB"} {
		if value /= 1000; value < 999.95 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
