package mail

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// AppendText appends a text as MIME wants it: every line end is CRLF, NUL is removed, and bytes that are no UTF-8 become
// U+FFFD. It tells how many NUL there were.
func AppendText(dst []byte, text string) (out []byte, nuls int) {
	for i := 0; i < len(text); {
		n := strings.IndexFunc(text[i:], func(r rune) bool { return r == '\r' || r == '\n' || r == 0 || r == utf8.RuneError })
		if n < 0 {
			return append(dst, text[i:]...), nuls
		}
		dst = append(dst, text[i:i+n]...)
		r, size := utf8.DecodeRuneInString(text[i+n:])
		i += n + size
		switch r {
		case 0:
			nuls++
		case utf8.RuneError:
			dst = utf8.AppendRune(dst, r)
		case '\r':
			if strings.HasPrefix(text[i:], "\n") {
				i++
			}
			fallthrough
		default:
			dst = append(dst, '\r', '\n')
		}
	}
	return dst, nuls
}

// Transfer encodings (RFC 2045 section 6).
const (
	quotedPrintable = "quoted-printable"
	base64Encoding  = "base64"
)

// encodingOf chooses the encoding that leaves a text readable where it can be, and is shorter where it cannot.
func encodingOf(text []byte) string {
	coded := 0
	for _, b := range text {
		if b >= utf8.RuneSelf || b < ' ' && b != '\t' && b != '\r' && b != '\n' {
			coded++
		}
	}
	if coded > len(text)/6 {
		return base64Encoding
	}
	return quotedPrintable
}

// writeText writes a text in an encoding.
func (m *Message) writeText(text []byte, encoding string) error {
	if encoding == base64Encoding {
		return m.writeBase64(bytes.NewReader(text))
	}
	m.quoted = appendQuoted(m.quoted[:0], text)
	_, err := m.out.Write(m.quoted)
	return err
}

// quotedWidth is how many columns a line of quoted-printable has, with the "=" of a soft line break.
const quotedWidth = 76

const hexDigits = "0123456789ABCDEF"

// appendQuoted appends a text in quoted-printable (RFC 2045 section 6.7). Its line ends are CRLF, and stay.
func appendQuoted(dst, text []byte) []byte {
	for len(text) > 0 {
		i := bytes.Index(text, []byte("\r\n"))
		if i < 0 {
			return appendQuotedLine(dst, text)
		}
		dst = append(appendQuotedLine(dst, text[:i]), '\r', '\n')
		text = text[i+2:]
	}
	return dst
}

func appendQuotedLine(dst, line []byte) []byte {
	column := 0
	for i, b := range line {
		last := i == len(line)-1
		width := 1
		if b == '=' || b >= 0x7f || b < ' ' && b != '\t' || last && (b == ' ' || b == '\t') {
			width = 3
		}
		if column+width > quotedWidth-1 && (!last || column+width > quotedWidth) {
			dst = append(dst, "=\r\n"...)
			column = 0
		}
		if width == 1 {
			dst = append(dst, b)
		} else {
			dst = append(dst, '=', hexDigits[b>>4], hexDigits[b&15])
		}
		column += width
	}
	return dst
}

// writeBase64 encodes a stream in lines.
func (m *Message) writeBase64(content io.Reader) error {
	m.lines.Reset(m.out)
	if _, err := io.Copy(&m.lines, content); err != nil {
		return err
	}
	return m.lines.Close()
}
