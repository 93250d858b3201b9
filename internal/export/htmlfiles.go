package export

import (
	"fmt"
	"html/template"

	"archiver/internal/record"
)

// filePages are the pages that list attachments.
type filePages struct {
	rows    []fileRow // of the page being filled
	written int
	count   int64
}

// fileRow is one file.
type fileRow struct {
	ID, Name, Channel string
	Messages          []link
	Contents          template.HTML
}

// file lists a file; its channel's messages have been given.
func (w *htmlReader) file(f *record.File) error {
	if len(w.files.rows) == listRows {
		if err := w.writeFilePage(true); err != nil {
			return err
		}
	}
	w.files.count++
	w.current.entry.Files++
	w.files.rows = append(w.files.rows, fileRow{
		ID: f.ID, Name: f.Name, Channel: w.current.channel.Name, Messages: w.current.uses[f.ID],
		Contents: template.HTML(w.appendContents(nil, "../files/", f, false)),
	})
	return nil
}

func (w *htmlReader) writeFiles() error { return w.writeFilePage(false) }

// writeFilePage writes one page. more tells whether another follows.
func (w *htmlReader) writeFilePage(more bool) error {
	n := w.files.written + 1
	head := w.head("Files")
	head.Trail = []link{{"index.html", "All channels"}}
	if n > 1 {
		head.Previous = link{numbered("files", n-1), fmt.Sprintf("page %d", n-1)}
	}
	if more {
		head.Next = link{numbered("files", n+1), fmt.Sprintf("page %d", n+1)}
	}
	err := w.page(numbered("files", n), head, func() error { return w.execute("files", w.files.rows) })
	w.files.written, w.files.rows = n, w.files.rows[:0]
	return err
}
