package sync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"archiver/internal/blob"
	"archiver/internal/record"
	"archiver/internal/teamchat"
)

const (
	downloadTries = 3
	downloadPause = 300 * time.Millisecond // after the first try; longer after the second
)

var (
	errFileGone = errors.New("the server does not have the file any more")
	errNoTicket = errors.New("the server gives no ticket for the file")
	errLength   = errors.New("the body ended at another length than declared")
)

// readFile fetches a file and settles its debt, or leaves it pending.
func (c *room) readFile(ctx context.Context, job fileJob) {
	state, err := c.fetch(ctx, &job)
	p := c.page(teamchat.Answer{Received: c.run.Now().UTC()})
	switch {
	case err == nil:
		p.Paid, p.Files = append(p.Paid, job.owed), append(p.Files, state)
	case c.fault(ctx, job.ts, "file "+job.file.ID, err):
		return
	default:
		p.Owe = append(p.Owe, postponed(job.owed, err, p.Observed))
		if !final(job.was.state) && (job.was.state == "" || len(job.file.Raw) > 0) {
			p.Files = append(p.Files, describe(&job.file, record.FilePending, reasonPending))
		}
	}
	_ = c.run.put(ctx, p)
}

// fetch stores a file's bytes. A refusal counts only when a fresh ticket does not help, and a bare one only at last; then
// it is the file's state.
func (c *room) fetch(ctx context.Context, job *fileJob) (record.FileState, error) {
	sum, n, err := "", int64(0), errNoTicket
	if job.file.Ticket != "" {
		sum, n, err = c.download(ctx, &job.file)
	}
	if err != nil && (errors.Is(err, errNoTicket) || refusal(err) != "") {
		if err = c.refresh(ctx, job); err == nil {
			sum, n, err = c.download(teamchat.Begun(ctx), &job.file)
		}
	}
	reason := refusal(err)
	switch {
	case err == nil:
		return stored(&job.file, sum, n), nil
	case errors.Is(err, blob.ErrTooLarge):
		return describe(&job.file, record.FileRefused, reasonTooLarge), nil
	case errors.Is(err, errFileGone):
		return describe(&job.file, record.FileGone, reasonGone), nil
	case reason == "":
		return record.FileState{}, err
	case isBare(err) && final(job.was.state):
		return describe(&job.file, job.was.state, job.was.reason), nil
	case isBare(err) && !job.isLastTry(c.run.Now()):
		return record.FileState{}, err
	case reason == reasonGone:
		return describe(&job.file, record.FileGone, reason), nil
	}
	return describe(&job.file, record.FileRefused, reason), nil
}

func stored(f *teamchat.File, sum string, n int64) record.FileState {
	state := describe(f, record.FileStored, "")
	state.SHA256, state.Bytes = sum, n
	if f.Size < 0 {
		state.Size = n
	}
	return state
}

// refusal gives the reason why the server will not hand out a file, "" if err is none of that kind.
func refusal(err error) string {
	var e *teamchat.Error
	if !errors.As(err, &e) || e.Temporary() {
		return ""
	}
	final := []string{"e_virus", "e_toobig", "e_attachment_blocked_by_filter"}
	switch {
	case e.NotFound():
		return reasonGone
	case e.Denied():
		return reasonDenied
	case slices.Contains(final, e.Code):
		return e.Code
	case slices.Contains(final, e.Details):
		return e.Details
	}
	return ""
}

// refresh gets the file's object with a fresh ticket. errFileGone means that the server works and does not know it.
func (c *room) refresh(ctx context.Context, job *fileJob) error {
	own, _ := record.TSFromHex(job.file.ID)
	for _, ts := range []record.TS{job.ts, own} {
		if ts == "" {
			continue
		}
		_, m, err := c.run.Client.Item(ctx, c.call, string(ts))
		ctx = teamchat.Begun(ctx)
		if err == nil && job.renew(m.File) {
			return nil
		}
		if err != nil && refusal(err) != reasonGone {
			return err
		}
	}
	page, err := c.run.Client.Files(ctx, teamchat.ListQuery{Channel: c.call, Count: c.run.PageSize})
	if err != nil {
		return err
	}
	for _, m := range page.Messages {
		if job.renew(m.File) {
			return nil
		}
	}
	return errFileGone
}

// renew takes over a fresh object of the same file.
func (job *fileJob) renew(f *teamchat.File) bool {
	if f == nil || f.ID != job.file.ID || f.Ticket == "" {
		return false
	}
	job.file = *f
	return true
}

// download stores a file's bytes, with some tries if the body is cut. Bytes of another length than declared count only
// if they come twice: the declared length may lag behind, but an answer may also have lost its end.
func (c *room) download(ctx context.Context, f *teamchat.File) (sum string, n int64, err error) {
	var before string
	for try := range downloadTries {
		if err := pause(ctx, time.Duration(try)*downloadPause); err != nil {
			return "", 0, err
		}
		var cut bool
		sum, n, cut, err = c.store(ctx, f)
		switch {
		case cut:
		case err != nil, f.Size < 0, n == f.Size, sum == before:
			return sum, n, err
		default:
			before, err = sum, errLength
		}
	}
	return "", 0, err
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errHalt
	}
}

// store asks once for a file and stores what comes. cut tells that the body could not be read to its end.
func (c *room) store(ctx context.Context, f *teamchat.File) (sum string, n int64, cut bool, err error) {
	d, err := c.run.Client.Download(ctx, f)
	if err != nil {
		return "", 0, false, err
	}
	defer d.Close() // what it says is of no use after the last read
	body := &body{Reader: d, left: -1}
	if d.Length < 0 && f.Size >= 0 {
		body.left = f.Size
	}
	sum, n, err = c.run.Archive.Blobs().Put(ctx, body, c.run.MaxFileSize)
	switch {
	case err == nil, errors.Is(err, blob.ErrTooLarge), ctx.Err() != nil:
		return sum, n, false, err
	case body.err != nil:
		return "", 0, true, fmt.Errorf("read body: %w", body.err)
	}
	return "", 0, false, c.run.broken("store file "+f.ID, err)
}

// body is a file's body. It keeps the error of reading, and without a Content-Length holds the body to the declared size.
type body struct {
	io.Reader
	left int64 // bytes to come, -1 when they are not counted
	err  error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left >= 0 {
		if b.left -= int64(n); b.left < 0 || err == io.EOF && b.left > 0 {
			b.left, err = 0, errLength
		}
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
