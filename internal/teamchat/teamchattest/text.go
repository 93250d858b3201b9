package teamchattest

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// arena keeps many small strings in few allocations.
type arena struct{ chunk *strings.Builder }

const arenaChunk = 1 << 20

// quote keeps the inside of text's JSON string.
func (a *arena) quote(text string) string {
	if text == "" {
		return ""
	}
	if most := 6 * len(text); a.chunk == nil || a.chunk.Cap()-a.chunk.Len() < most {
		a.chunk = &strings.Builder{}
		a.chunk.Grow(max(arenaChunk, most))
	}
	start := a.chunk.Len()
	clean := 0
	for i := range len(text) {
		if b := text[i]; b < ' ' || b == '"' || b == '\\' {
			a.chunk.WriteString(text[clean:i])
			a.chunk.WriteString(escape(b))
			clean = i + 1
		}
	}
	a.chunk.WriteString(text[clean:])
	return a.chunk.String()[start:]
}

// escape gives the JSON escape of a byte that needs one.
func escape(b byte) string {
	switch b {
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	const hex = "0123456789abcdef"
	return `\u00` + string([]byte{hex[b>>4], hex[b&15]})
}

// unquote gives the text whose quoted form was kept.
func unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(quoted, '\\')
		if i < 0 {
			b.WriteString(quoted)
			return b.String()
		}
		n := 2
		if quoted[i+1] == 'u' {
			n = 6
		}
		plain, _ := jsontext.AppendUnquote(nil, `"`+quoted[i:i+n]+`"`)
		b.WriteString(quoted[:i])
		b.Write(plain)
		quoted = quoted[i+n:]
	}
}

// appendQuoted appends s as a JSON string. Invalid UTF-8 stays as it is.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			b = append(b, escape(c)...)
		} else {
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// appendTS appends an id as ts.
func appendTS(b []byte, id uint64) []byte {
	b = appendDigits(b, id>>16, 10)
	b = append(b, '.')
	return appendDigits(b, id&0xffff, 6)
}

func appendDigits(b []byte, n uint64, width int) []byte {
	b = append(b, "0000000000"[:width]...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// appendHex appends an id as 12 hex digits.
func appendHex(b []byte, id uint64) []byte {
	for shift := 44; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[id>>shift&15])
	}
	return b
}
