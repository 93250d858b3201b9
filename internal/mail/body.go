package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
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
	sevenBit        = "7bit"
	quotedPrintable = "quoted-printable"
	base64Encoding  = "base64"
)

// encodingOf chooses the encoding that leaves a text readable where it can be: none, quoted-printable, or base64 for
// what is mostly not ASCII. Lines end in CRLF.
func encodingOf(text []byte) string {
	length, coded, plain := 0, 0, true
	last := byte('\n')
	for _, b := range text {
		switch {
		case b == '\n':
			plain = plain && length <= foldColumn+1 // with the CR
			length = -1
		case b == '\r':
			plain = plain && last != ' ' && last != '\t'
		case b >= utf8.RuneSelf || b < ' ' && b != '\t' || b == 0x7f:
			coded++
		case b == '=' && last == '-':
			plain = false // might look like one of our boundaries
		}
		length++
		last = b
	}
	switch {
	case coded == 0 && plain && length <= foldColumn && last != ' ' && last != '\t':
		return sevenBit
	case coded > len(text)/6:
		return base64Encoding
	}
	return quotedPrintable
}

// writeText writes a text in an encoding.
func (m *Message) writeText(text []byte, encoding string) error {
	switch encoding {
	case sevenBit:
		_, err := m.out.Write(text)
		return err
	case base64Encoding:
		return m.writeBase64(bytes.NewReader(text))
	}
	w := quotedprintable.NewWriter(m.out)
	if _, err := w.Write(text); err != nil {
		return err
	}
	return w.Close()
}

// A line of base64 (RFC 2045 section 6.8), and how many are written at once.
const (
	lineBytes  = 57
	lineWidth  = 76
	blockLines = 256
)

// writeBase64 encodes a stream in lines. What it reads is asked for in whole lines.
func (m *Message) writeBase64(content io.Reader) error {
	if m.plain == nil {
		m.plain = make([]byte, blockLines*lineBytes)
		m.coded = make([]byte, 0, blockLines*(lineWidth+2))
	}
	for {
		n, err := io.ReadFull(content, m.plain)
		if _, err := m.out.Write(m.encodeLines(m.plain[:n])); err != nil {
			return err
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return nil
		default:
			return err
		}
	}
}

func (m *Message) encodeLines(plain []byte) []byte {
	coded := m.coded[:0]
	for len(plain) > 0 {
		n := min(len(plain), lineBytes)
		coded = base64.StdEncoding.AppendEncode(coded, plain[:n])
		coded = append(coded, '\r', '\n')
		plain = plain[n:]
	}
	return coded
}

// EncodedSize is how long content of a length is as an attachment, its lines with their ends, in bytes.
func EncodedSize(n int64) int64 { return (n + lineBytes - 1) / lineBytes * (lineWidth + 2) }
