package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Message writes messages one after another: [Message.Begin], [Message.Attach] for each attachment, [Message.End].
//
//	multipart/mixed
//	    multipart/alternative
//	        text/plain
//	        text/html
//	    attachments
type Message struct {
	out    io.Writer
	mixed  string // boundary
	head   Header // of a part
	quoted []byte // of quoted-printable
	lines  Base64
}

// boundary begins with what quoted-printable and base64 cannot contain (RFC 2045 section 6.7).
const boundary = "=_"

// Begin writes the header, to which it adds the MIME fields, and the two forms of the text. The boundaries are made of
// the id. Texts have CRLF as line ends.
func (m *Message) Begin(w io.Writer, h *Header, id string, text, html []byte) error {
	m.out = w
	sum := sha256.Sum256([]byte(id))
	m.mixed = boundary + "m" + hex.EncodeToString(sum[:12])
	alternative := boundary + "a" + hex.EncodeToString(sum[12:24])
	h.buf = append(h.buf, "MIME-Version: 1.0\r\n"...)
	h.multipart("mixed", m.mixed)
	h.buf = append(append(append(h.buf, "\r\n--"...), m.mixed...), "\r\n"...)
	h.multipart("alternative", alternative)
	if _, err := w.Write(h.buf); err != nil {
		return err
	}
	if err := m.alternative(alternative, "text/plain", text); err != nil {
		return err
	}
	if err := m.alternative(alternative, "text/html", html); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\r\n--"+alternative+"--\r\n")
	return err
}

func (h *Header) multipart(kind, boundary string) {
	h.buf = append(append(h.buf, "Content-Type: multipart/"...), kind...)
	h.buf = append(append(h.buf, ";\r\n boundary=\""...), boundary...)
	h.buf = append(h.buf, "\"\r\n"...)
}

func (m *Message) alternative(boundary, mediaType string, text []byte) error {
	encoding := encodingOf(text)
	m.head.Reset()
	m.head.buf = append(append(m.head.buf, "\r\n--"...), boundary...)
	m.head.buf = append(append(m.head.buf, "\r\nContent-Type: "...), mediaType...)
	m.head.buf = append(m.head.buf, "; charset=utf-8\r\nContent-Transfer-Encoding: "...)
	m.head.buf = append(append(m.head.buf, encoding...), "\r\n\r\n"...)
	if _, err := m.out.Write(m.head.buf); err != nil {
		return err
	}
	return m.writeText(text, encoding)
}

// Attach writes an attachment. The name is made safe by [SafeName]. Errors of content are returned as they are.
func (m *Message) Attach(name, mediaType string, content io.Reader) error {
	h := &m.head
	h.Reset()
	h.buf = append(append(append(h.buf, "\r\n--"...), m.mixed...), "\r\n"...)
	h.buf = append(append(append(h.buf, "Content-Type: "...), mediaType...), "\r\n"...)
	h.buf = append(h.buf, "Content-Transfer-Encoding: base64\r\n"...)
	h.begin("Content-Disposition")
	h.word("attachment;")
	h.fileName(SafeName(name))
	h.end()
	h.end()
	if _, err := m.out.Write(h.buf); err != nil {
		return err
	}
	return m.writeBase64(content)
}

// End ends the message.
func (m *Message) End() error {
	_, err := io.WriteString(m.out, "\r\n--"+m.mixed+"--\r\n")
	m.out = nil
	return err
}

// Lengths of a parameter's value: of one in quotes, and of a piece of one that is continued (RFC 2231 section 3).
const (
	quotedName = 50
	pieceName  = 55
)

// fileName writes the parameter filename: in quotes, or in the extended form (RFC 2231 section 4), in pieces if it is
// long.
func (h *Header) fileName(name string) {
	coded := percentEncoded(name)
	switch {
	case len(name) <= quotedName && !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || strings.ContainsRune(`"\%`, r) }):
		h.word(`filename="`, name, `"`)
	case len(coded) <= quotedName:
		h.word("filename*=utf-8''", coded)
	default:
		for i := 0; coded != ""; i++ {
			piece := cutPercent(coded, pieceName)
			if coded = coded[len(piece):]; i == 0 {
				piece = "utf-8''" + piece
			}
			if coded != "" {
				piece += ";"
			}
			h.word(fmt.Sprintf("filename*%d*=%s", i, piece))
		}
	}
}

// cutPercent gives the beginning of a percent-encoded text that has at most n bytes and cuts no %XX.
func cutPercent(coded string, n int) string {
	if len(coded) <= n {
		return coded
	}
	if i := strings.LastIndexByte(coded[:n], '%'); i > n-3 {
		n = i
	}
	return coded[:n]
}

// percentEncoded is a text in the form of RFC 2231's extended values.
func percentEncoded(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; isLetterOrDigit(rune(c)) || strings.IndexByte("!#$&+-.^_`{|}~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
