package record

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Clean gives the bytes of a JSON value that are kept: insignificant whitespace is removed, and secrets are replaced
// by "" (the members token, ticket and password, the value of ticket= in a url_* member, and what CleanConference
// removes from a member conference). Everything else stays as received, invalid UTF-8 and odd escapes included. Text that only looks like a secret is not touched.
//
// Clean expects the syntax of JSON; of anything else it returns a copy.
func Clean(raw []byte) []byte {
	c := cleaner{in: raw, out: make([]byte, 0, len(raw))}
	if !c.value(nil) || !c.atEnd() {
		return bytes.Clone(raw)
	}
	return c.out
}

// maxDepth is how deep values may be nested, as in package jsontext.
const maxDepth = 10000

type cleaner struct {
	in    []byte
	pos   int
	depth int
	out   []byte
	edit  func(name, value []byte) []byte // gives what becomes of a string or literal; nil blanks secrets
}

func (c *cleaner) peek() byte {
	for c.pos < len(c.in) {
		switch b := c.in[c.pos]; b {
		case ' ', '\t', '\r', '\n':
			c.pos++
		default:
			return b
		}
	}
	return 0
}

func (c *cleaner) atEnd() bool { return c.peek() == 0 && c.pos == len(c.in) }

func (c *cleaner) take(b byte) bool {
	if c.peek() != b {
		return false
	}
	c.pos++
	c.out = append(c.out, b)
	return true
}

// value copies one value, the one of the member called name.
func (c *cleaner) value(name []byte) bool {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		return false
	}
	switch c.peek() {
	case '{':
		return c.object()
	case '[':
		return c.array(name)
	case '"':
		return c.text(name)
	default:
		return c.literal(name)
	}
}

func (c *cleaner) object() bool {
	c.take('{')
	if c.take('}') {
		return true
	}
	for {
		name, ok := c.quoted()
		if !ok {
			return false
		}
		c.out = append(c.out, name...)
		if !c.take(':') || !c.member(unquote(name)) {
			return false
		}
		if c.take('}') {
			return true
		}
		if !c.take(',') {
			return false
		}
	}
}

// member copies the value of a member.
func (c *cleaner) member(name []byte) bool {
	if c.edit == nil && string(name) == "conference" {
		return c.conference()
	}
	return c.value(name)
}

func (c *cleaner) array(name []byte) bool {
	c.take('[')
	if c.take(']') {
		return true
	}
	for {
		if !c.value(name) {
			return false
		}
		if c.take(']') {
			return true
		}
		if !c.take(',') {
			return false
		}
	}
}

func (c *cleaner) text(name []byte) bool {
	value, ok := c.quoted()
	switch {
	case !ok:
		return false
	case c.edit != nil:
		c.out = append(c.out, c.edit(name, value)...)
	case isSecret(name):
		c.out = append(c.out, `""`...)
	case bytes.HasPrefix(name, []byte("url_")):
		c.out = appendWithoutTicket(c.out, value)
	default:
		c.out = append(c.out, value...)
	}
	return true
}

// literal copies a number, true, false or null; a secret that is a number is blanked too.
func (c *cleaner) literal(name []byte) bool {
	start := c.pos
	for c.pos < len(c.in) && strings.IndexByte(" \t\r\n,:{}[]\"", c.in[c.pos]) < 0 {
		c.pos++
	}
	value := c.in[start:c.pos]
	if c.edit != nil && len(value) > 0 {
		value = c.edit(name, value)
	} else if isSecret(name) && len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
		value = []byte(`""`)
	}
	c.out = append(c.out, value...)
	return c.pos > start
}

// quoted consumes a string literal and returns it with its quotes.
func (c *cleaner) quoted() ([]byte, bool) {
	if c.peek() != '"' {
		return nil, false
	}
	start := c.pos
	for c.pos++; c.pos < len(c.in); c.pos++ {
		switch c.in[c.pos] {
		case '\\':
			c.pos++
		case '"':
			c.pos++
			return c.in[start:c.pos], true
		}
	}
	return nil, false
}

// unquote gives the value of a string literal, a part of quoted where it holds no escapes.
func unquote(quoted []byte) []byte {
	if inner := quoted[1 : len(quoted)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	value, _ := jsontext.AppendUnquote(nil, quoted)
	return value
}

func isSecret(name []byte) bool {
	switch string(name) {
	case "token", "ticket", "password":
		return true
	}
	return false
}

// appendWithoutTicket appends a quoted URL with the value of every ticket= cut out.
func appendWithoutTicket(dst, quoted []byte) []byte {
	const key = "ticket="
	for {
		i := bytes.Index(quoted, []byte(key))
		if i < 0 {
			return append(dst, quoted...)
		}
		dst = append(dst, quoted[:i+len(key)]...)
		quoted = quoted[i+len(key):]
		end := bytes.IndexAny(quoted, "&#\"")
		if end < 0 {
			return dst
		}
		quoted = quoted[end:]
	}
}
