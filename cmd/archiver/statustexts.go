package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"archiver/internal/extract"
	"archiver/internal/filetext"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"
)

// textStatus says of how many stored files the text can be searched: the newest revisions, by what came of reading them.
type textStatus struct {
	State       string       `json:"state"` // read, off, none, in use, damaged
	Extracted   int          `json:"extracted"`
	Empty       int          `json:"empty"`
	Encrypted   int          `json:"encrypted"`
	Unsupported int          `json:"unsupported"`
	Failed      int          `json:"failed"`
	TooLarge    int          `json:"too_large"`
	Pending     int          `json:"pending"` // not read yet
	Files       []unreadFile `json:"files"`   // all that are not extracted whole
}

// unreadFile is a file of which search does not find the text, or not all of it.
type unreadFile struct {
	Channel     string `json:"channel"`
	ChannelName string `json:"channel_name"`
	ID          string `json:"id"`
	Name        string `json:"name"`
	Status      string `json:"status"`
	Format      string `json:"format"`
	Reason      string `json:"reason"`
}

// addTexts asks what was read from every stored file.
func (s *statusReport) addTexts(ctx context.Context, e *env, a *storage.Archive, c *cli.Context) (err error) {
	s.Texts.Files = []unreadFile{}
	if !e.cfg.Search.Extract {
		s.Texts.State = "off"
		return nil
	}
	store, err := filetext.Open(e.textFile(), true, c.Duration("lock-wait"))
	switch {
	case errors.Is(err, filetext.ErrNone):
		s.Texts.State = "none"
	case errors.Is(err, filetext.ErrInUse):
		s.Texts.State = "in use"
	case errors.Is(err, filetext.ErrDamaged):
		s.Texts.State = "damaged"
	case err != nil:
		return err
	default:
		s.Texts.State = "read"
		defer closing(&err, store.Close)
		for _, c := range s.Channels {
			if err := s.Texts.addChannel(ctx, a, store, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *textStatus) addChannel(ctx context.Context, a *storage.Archive, store *filetext.Store, c channelStatus) error {
	for f, err := range a.Files(ctx, c.ID, 0) {
		if err != nil {
			return err
		}
		if len(f.Versions) == 0 {
			continue
		}
		r, known, err := store.Get(f.Versions[len(f.Versions)-1].SHA256, false)
		if err != nil {
			return err
		}
		t.add(c, f, r, known)
	}
	return nil
}

func (t *textStatus) add(c channelStatus, f *record.File, r extract.Result, known bool) {
	status := string(r.Status)
	switch {
	case !known:
		status = "pending"
		t.Pending++
	case r.Status == extract.Extracted:
		t.Extracted++
		if r.Reason == "" {
			return
		}
	case r.Status == extract.Empty:
		t.Empty++
	case r.Status == extract.Encrypted:
		t.Encrypted++
	case r.Status == extract.Unsupported:
		t.Unsupported++
	case r.Status == extract.TooLarge:
		t.TooLarge++
	default:
		t.Failed++
	}
	t.Files = append(t.Files, unreadFile{c.ID, c.Name, f.ID, f.Name, status, r.Format, r.Reason})
}

// print writes the counts in one line.
func (t *textStatus) print(u *ui) error {
	switch t.State {
	case "read":
	case "off":
		return u.printf("texts    search.extract: false, the text inside files is not searched\n")
	default:
		return u.printf("texts    %s; the next sync or archiver index rebuild reads the text inside files\n", t.State)
	}
	parts := []string{count(t.Extracted) + " extracted"}
	for _, n := range []struct {
		n    int
		what string
	}{{t.Empty, "empty"}, {t.Encrypted, "encrypted"}, {t.Unsupported, "unsupported"}, {t.Failed, "failed"}, {t.TooLarge, "too large"}, {t.Pending, "pending"}} {
		if n.n > 0 {
			parts = append(parts, count(n.n)+" "+n.what)
		}
	}
	return u.printf("texts    %s\n", strings.Join(parts, ", "))
}

// shownUnread is how many files the table lists.
const shownUnread = 50

func (t *textStatus) printFiles(u *ui) error {
	if len(t.Files) == 0 {
		return nil
	}
	rows := make([]table.Row, 0, shownUnread)
	for _, f := range t.Files[:min(len(t.Files), shownUnread)] {
		rows = append(rows, table.Row{printable(f.Name), f.Status, printable(firstNonEmpty(f.Reason, reasonOfStatus[f.Status])),
			printable(firstNonEmpty(f.ChannelName, f.Channel)), f.Channel + "/" + f.ID})
	}
	err := errors.Join(u.printf("\n"), u.table(table.Row{"file not searchable as a whole", "text", "reason", "channel", "id"}, rows))
	if n := len(t.Files) - shownUnread; n > 0 {
		err = errors.Join(err, u.printf("%s\n", fmt.Sprintf("and %s; --json lists all", counted(n, "more file"))))
	}
	return err
}

// reasonOfStatus explains the outcomes that come without a reason.
var reasonOfStatus = map[string]string{"empty": "holds no text", "pending": "not read yet"}
