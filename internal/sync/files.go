package sync

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"archiver/internal/lenient"
	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// Reasons of files that are not stored. They are part of the archive's content.
const (
	reasonTooLarge = "larger than the configured limit"
	reasonGone     = "not found"
	reasonDenied   = "no permission"
	reasonPending  = "could not be fetched"
)

// file is what a walk knows of a file.
type file struct {
	name     string
	state    record.FilePresence // "" for a file that the archive does not know
	reason   string
	modified string
	size     int64 // as the server declared it
	bytes    int64 // of the newest stored revision
	begun    bool  // this run has begun to fetch the revision described
}

// fileJob is a file to fetch.
type fileJob struct {
	ts   record.TS // of the message or the entry of files.list that shows the file, "" if unknown
	file teamchat.File
	owed storage.Debt
	was  file // what was known of this revision
}

// loadFiles reads what the archive knows of the channel's files.
func (c *room) loadFiles(ctx context.Context) error {
	c.files = make(map[string]file)
	for f, err := range c.run.Archive.Files(ctx, c.id, 0) {
		if err != nil {
			return err
		}
		known := file{name: f.Name, state: f.State, reason: f.Reason, modified: f.Modified, size: f.Size, bytes: f.Size}
		var declared struct {
			Size *lenient.Int `json:"size"`
		}
		if len(f.Raw) > 0 && lenient.Unmarshal(f.Raw, &declared) == nil && declared.Size != nil {
			known.size = int64(*declared.Size)
		}
		c.files[f.ID] = known
	}
	return nil
}

// shows tells whether an object describes the revision that is known. A member that is missing says nothing, and an
// object with an older time of modification is a copy made earlier.
func (k file) shows(f *teamchat.File) bool {
	known, errKnown := strconv.ParseInt(k.modified, 10, 64)
	shown, errShown := strconv.ParseInt(f.Modified, 10, 64)
	if errKnown == nil && errShown == nil && shown < known {
		return true
	}
	return (f.Modified == "" || f.Modified == k.modified) && (f.Size < 0 || f.Size == k.size || f.Size == k.bytes)
}

// settled tells whether nothing is to be done for a file that shows f. A full run asks again for what could not be had.
func (k file) settled(f *teamchat.File, limit int64, full bool) bool {
	switch {
	case k.state == "" && !k.begun, !k.shows(f):
		return false
	case k.begun, k.state == record.FileStored:
		return true
	case k.reason == reasonTooLarge:
		return tooLarge(f.Size, limit)
	}
	return final(k.state) && !full
}

func tooLarge(size, limit int64) bool { return limit > 0 && size > limit }

// wantFile owes the bytes of a file when they are not stored. listed tells that files.list shows the file: then another
// name is news, too.
func (c *room) wantFile(p *storage.Page, w *work, ts record.TS, f *teamchat.File, listed bool) {
	if f == nil || f.ID == "" {
		return
	}
	known := c.files[f.ID]
	owed, owes := c.owed[f.ID]
	if known.settled(f, c.run.MaxFileSize, c.run.Full) && !owes {
		if listed && !known.begun && known.name != f.Name {
			p.Files = append(p.Files, describe(f, known.state, known.reason))
			known.name = f.Name
			c.files[f.ID] = known
		}
		return
	}
	job := fileJob{ts: ts, file: *f, owed: owed, was: known}
	if !known.shows(f) {
		job.was = file{}
	}
	if !owes || job.was.state == "" && known.state != "" {
		job.owed = c.debt(storage.DebtFile, f.ID)
	}
	if !c.isDue(job.owed) {
		return // payFiles names it
	}
	delete(c.owed, f.ID)
	known.begun, known.name, known.modified, known.size, known.bytes = true, f.Name, f.Modified, f.Size, f.Size
	c.files[f.ID] = known
	if tooLarge(f.Size, c.run.MaxFileSize) {
		p.Files = append(p.Files, describe(f, record.FileRefused, reasonTooLarge))
		p.Paid = append(p.Paid, job.owed)
		return
	}
	p.Owe = append(p.Owe, job.owed)
	w.files = append(w.files, job)
}

// describe is the state of a file that is not stored.
func describe(f *teamchat.File, presence record.FilePresence, reason string) record.FileState {
	return record.FileState{
		ID: f.ID, Name: f.Name, Size: max(f.Size, 0), Modified: f.Modified,
		State: presence, Reason: reason, Raw: record.Clean(f.Raw),
	}
}

// listFiles walks files.list.
func (c *room) listFiles(ctx context.Context) error {
	_, err := pager{
		size: c.run.PageSize,
		ask: func(ctx context.Context, count, page int) (*teamchat.MessagePage, error) {
			return c.run.Client.Files(ctx, teamchat.ListQuery{Channel: c.call, Count: count, Page: page})
		},
		take: c.takeFiles,
	}.walk(ctx)
	return err
}

func (c *room) takeFiles(ctx context.Context, page *teamchat.MessagePage) error {
	p := c.page(page.Answer)
	var work work
	for i := range page.Messages {
		m := &page.Messages[i]
		ts, _ := record.ParseTS(m.TS) // only to ask for a fresh ticket
		if m.File == nil || m.File.ID == "" {
			c.failed.Store(true)
			c.run.problem(c.id+"/"+string(ts), "the list of files has an entry without a file")
			continue
		}
		c.wantFile(p, &work, ts, m.File, true)
	}
	if len(p.Owe)+len(p.Files) > 0 {
		if err := c.run.put(ctx, p); err != nil {
			return err
		}
	}
	return c.begin(ctx, work)
}

// payFiles fetches the files that earlier runs owe and that no list has shown in this one.
func (c *room) payFiles(ctx context.Context) error {
	if len(c.owed) == 0 {
		return nil
	}
	jobs := make(map[string]fileJob, len(c.owed))
	for id, owed := range c.owed {
		if !c.isDue(owed) {
			c.failed.Store(true)
			c.run.problem(c.id, fmt.Sprintf("file %s is still to be fetched, not before %s: %s", id, owed.NotBefore.Format(time.RFC3339), owed.Reason))
			continue
		}
		jobs[id] = fileJob{file: teamchat.File{ID: id, Size: -1}, owed: owed, was: c.files[id]}
	}
	for m, err := range c.run.Archive.Messages(ctx, c.id, storage.Range{}) {
		if err != nil {
			return c.unreadable(ctx, "messages", err)
		}
		if job, ok := jobs[m.FileID]; ok {
			job.ts, job.file.Name = m.TS, m.FileName
			jobs[m.FileID] = job
		}
	}
	for _, job := range jobs {
		if err := c.spawn(ctx, func() { c.readFile(ctx, job) }); err != nil {
			return err
		}
	}
	return nil
}
