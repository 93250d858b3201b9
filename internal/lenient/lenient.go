// Package lenient decodes JSON from servers that disagree about types: numbers as strings, strings as numbers,
// booleans as "true" or 1, an object where an array is documented.
//
// It owns the tolerance and nothing else. A value that fits no reading decodes to the zero value, never to an
// error: callers keep the bytes received beside whatever was understood of them.
package lenient

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Options accept what real servers send though the standard forbids it: invalid UTF-8 (read as U+FFFD) and
// duplicate names (the last one counts).
var Options = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// Unmarshal decodes data into v with Options.
func Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v, Options) }

// String is a JSON string, or the literal text of a number or boolean.
type String string

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (s *String) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	text, err := scalar(dec)
	*s = String(text)
	return err
}

// Int is a JSON integer, or a string that holds one. Fractions are cut off.
type Int int64

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (n *Int) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	text, err := scalar(dec)
	*n = Int(ParseInt(text))
	return err
}

// ParseInt reads the integer part of text and gives 0 when there is none.
func ParseInt(text string) int64 {
	text = strings.TrimSpace(text)
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return v
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil && v > -1<<63 && v < 1<<63 {
		return int64(v)
	}
	return 0
}

// Bool is a JSON boolean, or 1, "1", "true" in any case.
type Bool bool

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (b *Bool) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	text, err := scalar(dec)
	text = strings.TrimSpace(text)
	*b = Bool(text == "1" || strings.EqualFold(text, "true"))
	return err
}

// scalar consumes one value and gives the text of a scalar; null, arrays and objects give "".
func scalar(dec *jsontext.Decoder) (string, error) {
	switch dec.PeekKind() {
	case '{', '[', 'n':
		return "", dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return "", err
	}
	return token.String(), nil
}

// Raw is the bytes of a value as received; a null is nil.
type Raw []byte

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (r *Raw) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	null := dec.PeekKind() == 'n'
	value, err := dec.ReadValue()
	if err != nil || null {
		*r = nil
		return err
	}
	*r = append([]byte(nil), value...)
	return nil
}

// List is the elements of an array, each as received. A single object counts as a list of one; null and scalars
// are an empty list.
type List [][]byte

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (l *List) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = nil
	kind := dec.PeekKind()
	if kind != '[' {
		value, err := dec.ReadValue()
		if err == nil && kind == '{' {
			*l = List{append([]byte(nil), value...)}
		}
		return err
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		*l = append(*l, append([]byte(nil), value...))
	}
	_, err := dec.ReadToken()
	return err
}
