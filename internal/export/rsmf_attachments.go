package export

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"archiver/internal/record"
	"archiver/internal/rsmf"
)

// rsmfAttachments are the files of one slice.
type rsmfAttachments struct {
	contents *contents
	list     []rsmf.Attachment
	names    map[string]string // of contents that are in the list already, by SHA-256
}

// attach gives a message its file: the last stored content, or a note of why there is none.
func (d *rsmfSlice) attach(e *rsmf.Event, item Item, c *customs) {
	if item.FileID == "" && item.FileName == "" {
		return
	}
	content, _ := newest(item.File)
	name := cmp.Or(item.FileName, item.FileID)
	if why := d.attachments.unavailable(item, content); why != "" {
		c.add("Attachment status", "unavailable: "+why)
		e.Attachments = []rsmf.AttachmentRef{d.attachments.addNote(item, content, why)}
		return
	}
	e.Attachments = []rsmf.AttachmentRef{{ID: d.attachments.add(content, name), Display: name, Size: content.Size}}
	c.add("Attachment SHA-256", content.SHA256)
	if f := item.File; f.State != record.FileStored {
		c.add("Attachment status", "the last stored content; since then "+stateOf(f))
	}
	for _, r := range item.File.Versions[:len(item.File.Versions)-1] {
		c.add("Earlier content of the attachment", fmt.Sprintf("%s, %d bytes, SHA-256 %s", rsmf.Time{Time: r.Observed}, r.Size, r.SHA256))
	}
}

func stateOf(f *record.File) string {
	if f.Reason == "" {
		return string(f.State)
	}
	return string(f.State) + ": " + f.Reason
}

// unavailable says why a file cannot be attached, "" if it can.
func (a *rsmfAttachments) unavailable(item Item, content record.Revision) string {
	switch {
	case item.FileID == "":
		return "the message names a file without its id"
	case item.File == nil:
		return "the archive knows of no such file"
	case content.SHA256 == "":
		return stateOf(item.File)
	case a.contents.path(content.SHA256) == "":
		return "the archive could not give its content"
	case content.Size > maxSliceBytes:
		return "too large for this format; the bundle has it as " + a.contents.path(content.SHA256)
	}
	return ""
}

// add takes a content in, once, and gives its name.
func (a *rsmfAttachments) add(content record.Revision, display string) string {
	if name, has := a.names[content.SHA256]; has {
		return name
	}
	name := a.nextName() + safeExtension(display)
	if a.names == nil {
		a.names = map[string]string{}
	}
	a.names[content.SHA256] = name
	a.list = append(a.list, rsmf.Attachment{Name: name, Open: func() (io.ReadCloser, error) { return a.contents.open(content.SHA256) }})
	return name
}

func (a *rsmfAttachments) nextName() string { return fmt.Sprintf("ATT%05d", len(a.list)+1) }

// addNote takes in a text that stands for a file.
func (a *rsmfAttachments) addNote(item Item, content record.Revision, why string) rsmf.AttachmentRef {
	var b strings.Builder
	b.WriteString("This file is not here.\n\n")
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s%s\n", label, value)
		}
	}
	line("Reason", why)
	line("Name", item.FileName)
	line("Id", item.FileID)
	if item.File != nil && item.File.Size > 0 {
		line("Size", fmt.Sprintf("%d bytes", item.File.Size))
	}
	line("SHA-256", content.SHA256)
	name, text := a.nextName()+"_UNAVAILABLE.txt", b.String()
	a.list = append(a.list, rsmf.Attachment{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
	return rsmf.AttachmentRef{ID: name, Display: cmp.Or(item.FileName, item.FileID) + " (unavailable).txt", Size: int64(len(text))}
}

// open gives a content as it was copied into the bundle, where its SHA-256 was compared.
func (c *contents) open(sum string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(c.bundle.dir, filepath.FromSlash(c.path(sum))))
}

// safeExtension is the extension of a name with its dot, "" if it has none that is short, ASCII letters and digits.
func safeExtension(name string) string {
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if ext == "" || len(ext) > maxExtension || strings.Trim(ext, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return ""
	}
	return "." + ext
}
