package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Version counts the ways in which files were read. Whoever changes what comes out of the same bytes raises it; what
// an earlier version read is then read again.
const Version = 1

// Status says what became of a file's text.
type Status string

// The outcomes.
const (
	Extracted   Status = "extracted"   // there is text; a reason says what is missing from it
	Empty       Status = "empty"       // read, and holds no text
	Encrypted   Status = "encrypted"   // needs a password
	Unsupported Status = "unsupported" // a format whose text is not read
	Failed      Status = "failed"      // damaged, or reading it took too long
	TooLarge    Status = "too-large"   // itself, or what it unpacks to
)

// Result is the outcome of one file.
type Result struct {
	Status Status `json:"status"`
	Format string `json:"format"`           // see the package's comment; a MIME type where it is none of them
	Reason string `json:"reason,omitempty"` // why there is no text, or what of it is missing
	Text   string `json:"-"`                // UTF-8
}

// Limits bound what is spent on one file.
type Limits struct {
	Input    int64         // bytes of the file
	Text     int           // bytes of text; the rest is cut off
	Unpacked int64         // bytes that all of its compressed parts may unpack to
	Ratio    int64         // times the file's size that they may unpack to, beyond 32 MiB
	Entries  int           // of an archive
	Depth    int           // of documents inside documents
	Time     time.Duration // to read it
	Memory   int64         // bytes, of a worker's process
}

// DefaultLimits are those that the command line starts from.
func DefaultLimits() Limits {
	return Limits{Input: 64 << 20, Text: 4 << 20, Unpacked: 512 << 20, Ratio: 200, Entries: 10000, Depth: 4,
		Time: 30 * time.Second, Memory: 1 << 30}
}

// Extractor reads files in this process. Use a Pool where bytes come from strangers. It reads one file at a time.
type Extractor struct {
	limits Limits
	pdf    pdfReader
}

// NewExtractor makes an extractor. cache is a directory for what PDFium is compiled to, which saves seconds at the first
// PDF of the next process; "" for none.
func NewExtractor(l Limits, cache string) *Extractor {
	return &Extractor{limits: l, pdf: pdfReader{cache: cache, memory: l.Memory / 2}}
}

// Close lets go of PDFium.
func (x *Extractor) Close() error { return x.pdf.close() }

// Extract gives the text of a file. A file that makes a reader panic is Failed; broken tells that the extractor should
// not be used again.
func (x *Extractor) Extract(ctx context.Context, name string, data []byte) (r Result, broken bool) {
	if int64(len(data)) > x.limits.Input {
		return Result{Status: TooLarge, Reason: fmt.Sprintf("%d bytes, the limit is %d", len(data), x.limits.Input)}, false
	}
	x.Prepare(data)
	ctx, cancel := context.WithTimeout(ctx, x.limits.Time)
	defer cancel()
	j := newJob(ctx, x.limits, &x.pdf, len(data))
	d := document{name: name, data: data}
	d.format = detect(d)
	err := j.read(d)
	broken = errors.As(err, new(*panicError))
	return j.result(d.format, err), broken
}

// Prepare starts PDFium if a file seems to hold a PDF, since that takes longer than most files may take. What fails
// shows when the file is read.
func (x *Extractor) Prepare(data []byte) {
	for _, mark := range []string{"%PDF-", "JVBERi0", ".pdf", ".PDF"} { // the second is the first in base64
		if bytes.Contains(data, []byte(mark)) {
			_ = x.pdf.start()
			return
		}
	}
}

// result says what came of a job that ended with err.
func (j *job) result(f format, err error) Result {
	r := Result{Format: f.name(), Status: Extracted, Text: j.text.String(), Reason: strings.Join(j.left, "; ")}
	blank := strings.TrimSpace(r.Text) == ""
	if err == nil && blank {
		r.Status = Empty
	}
	if err == nil {
		return r
	}
	r.Reason = reasonOf(err)
	if !blank {
		r.Reason = "not all of it: " + r.Reason
		return r
	}
	r.Status, r.Text = statusOf(err), ""
	return r
}

// Errors that are statuses.
var (
	errEncrypted = errors.New("it needs a password")
	errTextLimit = errors.New("more text than the limit")
	errDeadline  = errors.New("it took longer than the limit")
)

// unsupportedError is the error of a format whose text is not read.
type unsupportedError struct{ reason string }

func (e *unsupportedError) Error() string { return e.reason }

// sizeError is the error of what unpacks to too much.
type sizeError struct{ reason string }

func (e *sizeError) Error() string { return e.reason }

// panicError is the error of a reader that panicked.
type panicError struct{ cause any }

func (e *panicError) Error() string { return fmt.Sprintf("the reader panicked: %v", e.cause) }

func statusOf(err error) Status {
	var unsupported *unsupportedError
	var size *sizeError
	switch {
	case errors.Is(err, errEncrypted):
		return Encrypted
	case errors.As(err, &unsupported):
		return Unsupported
	case errors.As(err, &size), errors.Is(err, errTextLimit):
		return TooLarge
	default:
		return Failed
	}
}

// reasonOf is an error in one line of bounded length.
func reasonOf(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		err = errDeadline
	}
	line, _, _ := strings.Cut(strings.ToValidUTF8(err.Error(), "?"), "\n")
	return clip(line, 300)
}

// isFatal tells whether an error ends the whole job, not only the part it came up in.
func isFatal(err error) bool {
	var size *sizeError
	return errors.Is(err, errTextLimit) || errors.As(err, &size) || errors.As(err, new(*panicError)) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
