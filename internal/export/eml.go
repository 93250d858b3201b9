package export

import (
	"errors"
	"fmt"

	"archiver/internal/record"
)

// maxFolder is how many mails are in one folder.
const maxFolder = 2000

// emlFiles writes every version of a message as a mail of its own:
//
//	data/eml/<channel>/<month>/<YYYYMMDDTHHMMSSZ>_<ts>_v<version>.eml
//
// The time is when the message was sent, UTC. A deletion is v<version>-deleted. A month of many mails goes on in
// <month>_p02.
type emlFiles struct {
	*mailer
	month string
	mails int // of the month
}

func newEML(f *frame) (sink, error) {
	return &emlFiles{mailer: newMailer(f, emlMembers)}, nil
}

// emlMembers is how the paths of lists of members begin.
func emlMembers(folder string) string { return "data/eml/" + folder + "/members-" }

func (w *emlFiles) channel(c *record.Channel) error {
	w.enter(c)
	w.month = ""
	return nil
}

func (w *emlFiles) file(*record.File) error { return nil }
func (w *emlFiles) user(*record.User) error { return nil }

func (w *emlFiles) close() error {
	w.finish("eml")
	return nil
}

func (w *emlFiles) message(item Item) error {
	for v := range mailsOf(item) {
		out, err := w.frame.bundle.create(w.place(item.TS, v))
		if err != nil {
			return err
		}
		if err := w.write(out, item, v); err != nil {
			return errors.Join(err, out.abandon())
		}
		if _, _, err := out.close(); err != nil {
			return err
		}
	}
	return nil
}

// place gives the path of the next mail.
func (w *emlFiles) place(ts record.TS, v mailVersion) string {
	sent := ts.Time()
	if month := sent.Format("2006-01"); month != w.month {
		w.month, w.mails = month, 0
	}
	folder := w.month
	if part := w.mails/maxFolder + 1; part > 1 {
		folder += fmt.Sprintf("_p%02d", part)
	}
	w.mails++
	return "data/eml/" + w.current.folder + "/" + folder + "/" + sent.Format("20060102T150405Z") + "_" + safeTS(ts) + "_v" + v.label() + ".eml"
}
