package teamchat

import (
	"bytes"
	"errors"
	"regexp"
	"strings"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

// In a string, what is cut out ends where a parameter of a URL or a word does.
var secretPatterns = []*regexp.Regexp{
	regexp.MustCompile(`(?i)((?:token|ticket|password|passwd|pwd|secret|jwt)(?:\s*[=:]\s*|%(?:25)*3D))[^&#\s"'<>]+`),
	regexp.MustCompile(`(?i)(/ticket/)[^/?#\s"'<>]+`),
	regexp.MustCompile(`(xox[a-z]-)[0-9A-Za-z-]+`),
	// A ticket is a zlib stream in a base64 of its own; this is how each kind of header begins.
	regexp.MustCompile(`(^|[^0-9A-Za-z+/])e(?:J[w-z]|N[o-r]|A[E-H]|F[4-7])[0-9A-Za-z+/.,_=%-]{37,}`),
}

// isSecretName tells the names of members whose values are blanked.
func isSecretName(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"token", "ticket", "password", "passwd", "secret", "jwt"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// redact gives the JSON object or array at the beginning of body with secrets blanked, see [Client.Probe]; all else is
// as received. known are further secrets, in lower case.
func redact(body []byte, known []string) ([]byte, error) {
	text := trimStart(body)
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return nil, errors.New("no JSON object or array")
	}
	d := redactor{
		in:    text,
		out:   append(make([]byte, 0, len(body)), body[:len(body)-len(text)]...),
		dec:   jsontext.NewDecoder(bytes.NewBuffer(text), lenient.Options),
		known: known,
	}
	if err := d.value(false); err != nil {
		return nil, noEOF(err)
	}
	return append(d.out, text[d.copied:d.dec.InputOffset()]...), nil
}

type redactor struct {
	in     []byte
	out    []byte
	copied int // of in, or replaced
	dec    *jsontext.Decoder
	known  []string
}

// value reads one value, which is a secret if the name of a member around it says so.
func (d *redactor) value(secret bool) error {
	kind := d.dec.PeekKind()
	if kind != '{' && kind != '[' {
		return d.scalar(secret)
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	for d.dec.PeekKind() != '}' && d.dec.PeekKind() != ']' {
		inner := secret
		if kind == '{' {
			name, err := d.name()
			if err != nil {
				return err
			}
			inner = inner || isSecretName(name)
		}
		if err := d.value(inner); err != nil {
			return err
		}
	}
	_, err := d.dec.ReadToken()
	return err
}

// name reads the name of a member.
func (d *redactor) name() (string, error) {
	literal, err := d.dec.ReadValue()
	if err != nil {
		return "", err
	}
	name := unquote(literal)
	d.put(literal, name, d.cut(name))
	return name, nil
}

func (d *redactor) scalar(secret bool) error {
	literal, err := d.dec.ReadValue()
	if err != nil {
		return err
	}
	switch literal.Kind() {
	case '"':
		text, clean := unquote(literal), ""
		if !secret {
			clean = d.cut(text)
		}
		d.put(literal, text, clean)
	case '0':
		if secret || repeats(string(literal), d.known) {
			d.replace(literal, []byte("0"))
		}
	}
	return nil
}

// cut gives text without secrets.
func (d *redactor) cut(text string) string {
	for _, pattern := range secretPatterns {
		text = pattern.ReplaceAllString(text, "$1")
	}
	if repeats(text, d.known) {
		return ""
	}
	return text
}

// put replaces a string literal, the last value that was read, if its text has changed.
func (d *redactor) put(literal []byte, before, after string) {
	if before != after {
		quoted, _ := jsontext.AppendQuote(nil, after) // invalid UTF-8 has been replaced
		d.replace(literal, quoted)
	}
}

// replace replaces the last value that was read.
func (d *redactor) replace(literal, by []byte) {
	end := int(d.dec.InputOffset())
	d.out = append(d.out, d.in[d.copied:end-len(literal)]...)
	d.out = append(d.out, by...)
	d.copied = end
}

// unquote gives the text of a string literal.
func unquote(literal []byte) string {
	text, _ := jsontext.AppendUnquote(nil, literal) // it was read before; invalid UTF-8 is replaced
	return string(text)
}
