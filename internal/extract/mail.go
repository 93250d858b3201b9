package extract

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"strings"

	"golang.org/x/net/html/charset"
)

// readMail reads a message (RFC 5322, MIME): all headers, its texts, and what is attached, each as what it is. Broken
// ones are read as far as they make sense, as mail programs do.
func (j *job) readMail(d document) error {
	data := d.data
	if utf16Order(data) != nil {
		data = []byte(decodeText(data, ""))
	}
	return j.mailPart(d, data, 0)
}

// mailHeader is what a part says of itself.
type mailHeader struct {
	kind     string // media type in small letters
	params   map[string]string
	encoding string
	name     string // of an attachment
	attached bool
}

// maxMailParts bounds how deep multipart bodies nest.
const maxMailParts = 20

// mailPart reads a message or a part of one: headers, a blank line, a body.
func (j *job) mailPart(d document, data []byte, depth int) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	fields, body := splitHeader(data)
	h := mailHeader{kind: "text/plain"}
	for _, f := range fields {
		h.take(f)
		if err := j.line(f.name, ": ", f.value); err != nil {
			return err
		}
	}
	boundary := h.params["boundary"]
	if strings.HasPrefix(h.kind, "multipart/") && boundary != "" {
		return j.multipart(d, splitParts(body, boundary), depth)
	}
	return j.mailBody(d, &h, body)
}

func (j *job) multipart(d document, parts [][]byte, depth int) error {
	for _, p := range parts {
		if j.entries--; j.entries < 0 || depth == maxMailParts {
			return j.leave("parts of the message", &unsupportedError{"more than the limit"})
		}
		if err := j.mailPart(d, p, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// mailBody reads the body of a part that has no parts.
func (j *job) mailBody(d document, h *mailHeader, body []byte) error {
	body, err := j.transfer(h.encoding, body)
	if err != nil {
		return err
	}
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return j.fileName(h)
	case h.kind == "text/html":
		text := body
		if label := h.params["charset"]; label != "" {
			text = []byte(decodeText(body, label))
		}
		return j.readHTML(text)
	case strings.HasPrefix(h.kind, "text/") && !h.attached, h.kind == "message/delivery-status":
		return j.line(decodeText(body, h.params["charset"]))
	}
	if err := j.fileName(h); err != nil {
		return err
	}
	name := h.name
	if name == "" {
		name = "part of type " + h.kind
	}
	if h.kind == "message/rfc822" && extension(name) != ".eml" {
		name += ".eml"
	}
	return j.nested(d, name, body)
}

// fileName writes the name of an attachment, which in the header may be encoded.
func (j *job) fileName(h *mailHeader) error {
	if h.name == "" {
		return nil
	}
	return j.line(clean(h.name))
}

// transfer undoes a Content-Transfer-Encoding.
func (j *job) transfer(encoding string, body []byte) ([]byte, error) {
	switch encoding {
	case "base64":
		return j.all(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(base64Only(body))))
	case "quoted-printable":
		return unquote(body), nil
	}
	return body, nil
}

// base64Only leaves only what is base64, up to its end, in whole groups of four.
func base64Only(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for _, c := range body {
		if c == '=' {
			break
		}
		if isLetter(c) && c < 0x80 || c >= '0' && c <= '9' || c == '+' || c == '/' {
			out = append(out, c)
		}
	}
	switch len(out) % 4 {
	case 1:
		out = out[:len(out)-1]
	case 2:
		out = append(out, "=="...)
	case 3:
		out = append(out, '=')
	}
	return out
}

// unquote decodes quoted-printable (RFC 2045, 6.7). What is none stays as it is.
func unquote(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		if body[i] != '=' {
			out = append(out, body[i])
			continue
		}
		rest := body[i+1:]
		after := bytes.TrimLeft(rest, " \t") // blanks at the end of a line are none of its
		switch {
		case bytes.HasPrefix(after, []byte("\r\n")):
			i += len(rest) - len(after) + 2
		case bytes.HasPrefix(after, []byte("\n")):
			i += len(rest) - len(after) + 1
		case len(rest) >= 2 && fromHex(rest[0]) >= 0 && fromHex(rest[1]) >= 0:
			out = append(out, byte(fromHex(rest[0])<<4|fromHex(rest[1])))
			i += 2
		default:
			out = append(out, '=')
		}
	}
	return out
}

// fromHex is the value of a hexadecimal digit, -1 for none.
func fromHex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

type mailField struct{ name, value string }

// splitHeader reads header fields up to a blank line; lines that are none are left out. Values are unfolded and decoded.
func splitHeader(data []byte) (fields []mailField, body []byte) {
	rest := bytes.TrimLeft(data, "\r\n")
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		rest = after
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			return decodeFields(fields), rest
		}
		if (line[0] == ' ' || line[0] == '\t') && len(fields) > 0 {
			fields[len(fields)-1].value += " " + string(bytes.TrimSpace(line))
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && len(name) > 0 && !bytes.ContainsAny(name, " \t") {
			fields = append(fields, mailField{string(name), string(bytes.TrimSpace(value))})
		}
	}
	return decodeFields(fields), nil
}

// decodeFields decodes encoded words (RFC 2047).
func decodeFields(fields []mailField) []mailField {
	words := mime.WordDecoder{CharsetReader: func(label string, in io.Reader) (io.Reader, error) {
		return charset.NewReaderLabel(label, in)
	}}
	for i, f := range fields {
		text := decodeText([]byte(f.value), "")
		if decoded, err := words.DecodeHeader(text); err == nil {
			text = clean(decoded)
		}
		fields[i] = mailField{clean(f.name), text}
	}
	return fields
}

// take notes what a field says of the part.
func (h *mailHeader) take(f mailField) {
	switch strings.ToLower(f.name) {
	case "content-type":
		kind, params, err := mime.ParseMediaType(f.value)
		if kind == "" || err != nil && params == nil {
			kind, params = looseMediaType(f.value)
		}
		h.kind, h.params = kind, params
		h.name = firstOf(h.name, params["name"])
	case "content-transfer-encoding":
		h.encoding = strings.ToLower(strings.TrimSpace(f.value))
	case "content-disposition":
		kind, params, _ := mime.ParseMediaType(f.value)
		h.attached = kind == "attachment"
		h.name = firstOf(params["filename"], h.name)
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// looseMediaType reads a media type that is not well formed.
func looseMediaType(value string) (kind string, params map[string]string) {
	parts := strings.Split(value, ";")
	params = map[string]string{}
	for _, p := range parts[1:] {
		k, v, _ := strings.Cut(p, "=")
		params[strings.ToLower(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(v), `"'`)
	}
	return strings.ToLower(strings.TrimSpace(parts[0])), params
}

// splitParts cuts a multipart body at the lines of its boundary (RFC 2046, 5.1).
func splitParts(body []byte, boundary string) (parts [][]byte) {
	mark := []byte("--" + boundary)
	start := -1
	for at := 0; at < len(body); {
		end := bytes.IndexByte(body[at:], '\n')
		next := len(body)
		if end >= 0 {
			next = at + end + 1
		}
		line := bytes.TrimRight(body[at:next], "\r\n \t")
		if after, ok := bytes.CutPrefix(line, mark); ok && (len(after) == 0 || string(after) == "--") {
			if start >= 0 {
				parts = append(parts, body[start:at])
			}
			start = next
			if len(after) > 0 {
				return parts
			}
		}
		at = next
	}
	if start >= 0 && start < len(body) {
		parts = append(parts, body[start:])
	}
	return parts
}
