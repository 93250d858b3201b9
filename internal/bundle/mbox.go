package bundle

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// readMbox reads the mailboxes below data/mbox, whose mails are those of the format eml, one a version.
func readMbox(ctx context.Context, dir string) iter.Seq2[Shown, error] {
	return func(yield func(Shown, error) bool) {
		found := versions{}
		err := eachFile(ctx, dir, "data/mbox", ".mbox", func(path string) error {
			err := eachMail(ctx, path, func(r io.Reader) error {
				l, err := readLetter(r)
				if err != nil {
					return err
				}
				return found.add(l, yield)
			})
			if err != nil && !errors.Is(err, errStop) {
				err = fmt.Errorf("%s: %w", filepath.Base(path), err)
			}
			return err
		})
		found.end(err, yield)
	}
}

// eachMail calls do with every mail of a mailbox of the variant mboxrd. It need not read all of it.
func eachMail(ctx context.Context, path string, do func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	box := &mailbox{in: bufio.NewReaderSize(file, 64<<10)}
	if err := box.fill(); err != nil || !box.ended {
		return firstOf(err, errors.New("does not begin with a mail"))
	}
	for n := 1; box.ended && ctx.Err() == nil; n++ {
		box.ended = false
		err := do(box)
		if err == nil {
			_, err = io.Copy(io.Discard, box)
		}
		if err != nil {
			return fmt.Errorf("mail %d: %w", n, err)
		}
	}
	return ctx.Err()
}

// mailbox reads the mails of a mailbox: each to its end, which is io.EOF; then ended tells whether another one follows.
type mailbox struct {
	in    *bufio.Reader
	line  []byte // what is left of the current one
	ended bool   // the line was a separator
}

// Read implements [io.Reader] for one mail.
func (b *mailbox) Read(p []byte) (int, error) {
	if len(b.line) == 0 && !b.ended {
		if err := b.fill(); err != nil {
			return 0, err
		}
	}
	if b.ended {
		return 0, io.EOF
	}
	n := copy(p, b.line)
	b.line = b.line[n:]
	return n, nil
}

// fill reads the next line. Lines of mails are short (RFC 5322, 2.1.1); one that does not fit is an error.
func (b *mailbox) fill() error {
	line, err := b.in.ReadSlice('\n')
	if err == io.EOF && len(line) > 0 {
		err = errors.New("ends within a line")
	}
	if err != nil {
		return err
	}
	from := bytes.TrimLeft(line, ">")
	switch quotes := len(line) - len(from); {
	case !bytes.HasPrefix(from, []byte("From ")):
	case quotes == 0:
		line, b.ended = nil, true
	default:
		line = line[1:]
	}
	b.line = line
	return nil
}
