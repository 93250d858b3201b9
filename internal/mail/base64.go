package mail

import (
	"encoding/base64"
	"io"
)

// A line of base64 (RFC 2045 section 6.8), and how many are written at once.
const (
	lineBytes  = 57
	lineWidth  = 76
	blockLines = 128
)

// Base64 encodes what is written to it in lines that end in CRLF. Close ends a part; after Reset another may begin.
type Base64 struct {
	out   io.Writer
	n     int
	plain [blockLines * lineBytes]byte
	coded [blockLines * (lineWidth + 2)]byte
}

// Reset begins a part.
func (b *Base64) Reset(out io.Writer) { b.out, b.n = out, 0 }

// Write implements [io.Writer].
func (b *Base64) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := copy(b.plain[b.n:], rest)
		b.n, rest = b.n+n, rest[n:]
		if b.n == len(b.plain) {
			if err := b.flush(); err != nil {
				return len(p) - len(rest), err
			}
		}
	}
	return len(p), nil
}

// Close writes what is left.
func (b *Base64) Close() error { return b.flush() }

func (b *Base64) flush() error {
	out := b.coded[:0]
	for plain := b.plain[:b.n]; len(plain) > 0; {
		n := min(len(plain), lineBytes)
		out = base64.StdEncoding.AppendEncode(out, plain[:n])
		out = append(out, '\r', '\n')
		plain = plain[n:]
	}
	b.n = 0
	_, err := b.out.Write(out)
	return err
}

// EncodedSize is how long content of a length is as an attachment, its lines with their ends, in bytes.
func EncodedSize(n int64) int64 { return (n + lineBytes - 1) / lineBytes * (lineWidth + 2) }
