package export

import (
	"errors"
	"fmt"
	"io"

	"archiver/internal/mail"
	"archiver/internal/record"
)

// maxMailbox is how long a mailbox may become in bytes; importers take no more.
const maxMailbox = 10_000_000_000

// mboxReadme says what readers of mailboxes must know.
const mboxReadme = `Mailboxes, one for each channel; one that would be longer than 10 GB goes on in _p02 and so on.

Their variant is mboxrd (media type application/mbox, RFC 4155): a message begins with a line "From address time", where
the time is that of sending, UTC; every other line that is "From " behind any number of ">", none included, has one more
">" before it, which readers take away; an empty line ends a message; lines end in LF.

The messages are those of the format eml with one mail a message: one for every version, and one for a deletion.
`

// mailboxes writes the mails of each channel into one file: data/mbox/<channel>.mbox.
type mailboxes struct {
	*mailer
	out   *countedOutput
	box   *mail.Mbox
	part  int
	limit int64 // maxMailbox; tests lower it
}

// countedOutput is a file of the bundle that knows its length.
type countedOutput struct {
	*output
	n int64
}

func (c *countedOutput) Write(p []byte) (int, error) {
	n, err := c.output.Write(p)
	c.n += int64(n)
	return n, err
}

func newMbox(f *frame) (sink, error) {
	out, err := f.bundle.create("data/mbox/README.txt")
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(out, mboxReadme); err != nil {
		return nil, err
	}
	_, _, err = out.close()
	members := func(folder string) string { return "data/mbox/" + folder + "_members-" }
	return &mailboxes{mailer: newMailer(f, members), limit: maxMailbox}, err
}

func (w *mailboxes) channel(c *record.Channel) error {
	err := w.finishBox()
	w.enter(c)
	w.part = 0
	return err
}

func (w *mailboxes) file(*record.File) error { return nil }
func (w *mailboxes) user(*record.User) error { return nil }

func (w *mailboxes) close() error {
	w.finish("mbox")
	return w.finishBox()
}

func (w *mailboxes) finishBox() error {
	if w.out == nil {
		return nil
	}
	_, _, err := w.out.close()
	w.out = nil
	return err
}

// next begins the channel's first mailbox or its next.
func (w *mailboxes) next() error {
	if err := w.finishBox(); err != nil {
		return err
	}
	path := "data/mbox/" + w.current.folder
	if w.part++; w.part > 1 {
		path += fmt.Sprintf("_p%02d", w.part)
	}
	out, err := w.frame.bundle.create(path + ".mbox")
	if err != nil {
		return err
	}
	w.out = &countedOutput{output: out}
	w.box = mail.NewMbox(w.out)
	return nil
}

func (w *mailboxes) message(item Item) error {
	for v := range mailsOf(item) {
		if w.out == nil || w.out.n > 0 && w.out.n+w.atMost(item, v) > w.limit {
			if err := w.next(); err != nil {
				return err
			}
		}
		err := errors.Join(w.box.Begin(w.person(item.User).Address, item.TS.Time()), w.write(w.box, item, v), w.box.End())
		if err != nil {
			return err
		}
	}
	return nil
}

// mailOverhead is more than a mail has beside its text and its attachment: fields, recipients, boundaries, notes.
const mailOverhead = 1 << 20

// atMost is how long a mail can become. Its text stands there twice, and a byte of it takes twelve at most; of the raw
// object there may be reactions, in encoded words.
func (w *mailboxes) atMost(item Item, v mailVersion) int64 {
	n := mailOverhead + 24*int64(len(v.Text)) + 2*int64(len(item.Raw))
	if a := w.attachment(item); v.newest() && a.missing == "" {
		n += mail.EncodedSize(a.Size)
	}
	return n
}
