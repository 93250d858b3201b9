package extract

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"
)

// document is bytes to be read as one file: the file itself, or one inside it.
type document struct {
	name    string
	data    []byte
	format  format
	depth   int  // documents around it
	archive bool // one of those is an archive
}

// job is the reading of one file with all that it holds.
type job struct {
	ctx     context.Context
	limits  Limits
	pdf     *pdfReader
	text    strings.Builder
	budget  int64    // bytes that may still be unpacked
	entries int      // that may still be opened
	left    []string // what was left out, and why
	omitted int      // further ones that are not in left
}

// smallUnpacked is what any file may unpack to, however small it is.
const smallUnpacked = 32 << 20

func newJob(ctx context.Context, l Limits, pdf *pdfReader, size int) *job {
	budget := min(l.Unpacked, max(smallUnpacked, l.Ratio*int64(size)))
	return &job{ctx: ctx, limits: l, pdf: pdf, budget: budget, entries: l.Entries}
}

// read reads a document as the format it has.
func (j *job) read(d document) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{r}
		}
	}()
	if err := j.ctx.Err(); err != nil {
		return err
	}
	return d.format.read(j, d)
}

// nested reads a document inside another. What cannot be read is noted; an error ends the job.
func (j *job) nested(within document, name string, data []byte) error {
	d := document{name: name, data: data, depth: within.depth + 1, archive: within.archive || within.format.isArchive()}
	d.format = detect(d)
	switch {
	case d.depth > j.limits.Depth:
		return j.leave(name, &unsupportedError{"it lies too deep"})
	case d.archive && d.format.isArchive():
		return j.leave(name, &unsupportedError{"an archive inside an archive"})
	}
	return j.leave(name, j.read(d))
}

// maxLeft is how many parts that were left out are named.
const maxLeft = 5

// leave notes that a part was left out because of err, unless err is nil or ends the job.
func (j *job) leave(part string, err error) error {
	if err == nil || isFatal(err) {
		return err
	}
	note := clip(printable(part), 80) + ": " + reasonOf(err)
	switch {
	case len(j.left) < maxLeft:
		j.left = append(j.left, note)
	default:
		j.omitted++
		j.left = append(j.left[:maxLeft], fmt.Sprintf("and %d more", j.omitted))
	}
	return nil
}

// write adds text as it is.
func (j *job) write(s string) error {
	if room := j.limits.Text - j.text.Len(); len(s) > room {
		j.text.WriteString(clip(s, room))
		return errTextLimit
	}
	j.text.WriteString(s)
	return nil
}

// line adds text on lines of its own.
func (j *job) line(parts ...string) error {
	if err := j.separate("\n"); err != nil {
		return err
	}
	for _, p := range parts {
		if err := j.write(p); err != nil {
			return err
		}
	}
	return j.write("\n")
}

// separate adds white space, unless some stands there already. A tab or blank behind a line's text becomes a line break
// where one is asked for.
func (j *job) separate(by string) error {
	s := j.text.String()
	if s == "" || s[len(s)-1] == '\n' || by != "\n" && s[len(s)-1] == by[0] {
		return nil
	}
	return j.write(by)
}

// unpack gives a reader that counts what is read against the job's budget and ends with the job.
func (j *job) unpack(r io.Reader) io.Reader { return &metered{j, r} }

type metered struct {
	job *job
	r   io.Reader
}

func (m *metered) Read(p []byte) (int, error) {
	if err := m.job.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	if m.job.budget -= int64(n); m.job.budget < 0 {
		return 0, &sizeError{"it unpacks to more than the limit"}
	}
	return n, err
}

// all reads what is unpacked from r, at most as much as a file may have.
func (j *job) all(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(j.unpack(r), j.limits.Input+1))
	if err == nil && int64(len(data)) > j.limits.Input {
		err = &unsupportedError{"it is larger than the limit"}
	}
	return data, err
}

// clip cuts a string to at most n bytes, between runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n = max(n, 0); n > 0 && !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n]
}

// printable is a name without what is not to be printed.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

// extension is a name's extension in small letters, with the dot.
func extension(name string) string { return strings.ToLower(path.Ext(name)) }
