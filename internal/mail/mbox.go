package mail

import (
	"bytes"
	"io"
	"time"
)

// Mbox writes messages into a mailbox of the variant mboxrd: each begins with a line "From address time" (the time is
// UTC), lines end in LF, a line of "From " behind any number of ">" gets one more ">", and an empty line ends a message.
type Mbox struct {
	out  io.Writer
	line []byte
}

// NewMbox writes to w, in short pieces.
func NewMbox(w io.Writer) *Mbox { return &Mbox{out: w} }

// Begin begins a message. What is written until End is the message, with CRLF.
func (m *Mbox) Begin(sender string, at time.Time) error {
	m.line = append(append(append(m.line[:0], "From "...), sender...), ' ')
	m.line = append(at.UTC().AppendFormat(m.line, time.ANSIC), '\n')
	_, err := m.out.Write(m.line)
	m.line = m.line[:0]
	return err
}

// Write implements [io.Writer].
func (m *Mbox) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			m.line = append(m.line, rest...)
			break
		}
		line := rest[:i]
		if len(m.line) > 0 {
			m.line = append(m.line, line...)
			line = m.line
		}
		if err := m.writeLine(bytes.TrimSuffix(line, []byte{'\r'})); err != nil {
			return len(p) - len(rest), err
		}
		m.line = m.line[:0]
		rest = rest[i+1:]
	}
	return len(p), nil
}

func (m *Mbox) writeLine(line []byte) error {
	if bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
		if _, err := m.out.Write([]byte{'>'}); err != nil {
			return err
		}
	}
	if _, err := m.out.Write(line); err != nil {
		return err
	}
	_, err := m.out.Write([]byte{'\n'})
	return err
}

// End ends a message.
func (m *Mbox) End() error {
	if len(m.line) > 0 {
		if err := m.writeLine(m.line); err != nil {
			return err
		}
		m.line = m.line[:0]
	}
	_, err := m.out.Write([]byte{'\n'})
	return err
}
