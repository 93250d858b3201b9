package rsmf

import (
	"encoding/base64"
	"io"
)

const (
	lineBytes = 57 // in a line of 76 columns (RFC 2045 section 6.8)
	lineWidth = 76
	blockSize = 128 // lines
)

// base64Lines encodes in lines that end in CRLF. Close ends a part; writing may go on with another.
type base64Lines struct {
	out   io.Writer
	n     int
	plain [blockSize * lineBytes]byte
	coded [blockSize * (lineWidth + 2)]byte
}

// Write implements [io.Writer].
func (b *base64Lines) Write(p []byte) (int, error) {
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
func (b *base64Lines) Close() error { return b.flush() }

func (b *base64Lines) flush() error {
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
