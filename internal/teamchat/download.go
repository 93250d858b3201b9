package teamchat

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
)

const (
	sniffed = 4 << 10 // bytes that tell an error from a file
	maxHTML = 1 << 20 // bytes of a page of HTML without a length that are read to learn it
)

// Download is files.download, with the ticket alone unless the server wants the token too. f needs Ticket, Size and
// Name: an error of the API, a page of HTML or nothing in place of the file is an [*Error], also with status 200, but a
// file that really is JSON or HTML is told from those by its size, or where that is unknown by its name. Any other body
// is taken for the file, also when its length is not Size, which can lag behind.
//
// The body fails with an error that wraps [io.ErrUnexpectedEOF] when it is shorter than its length. A body without a
// length has Length -1, and only the file's size can prove it whole. Reading is not repeated after an error.
func (c *Client) Download(ctx context.Context, f *File) (*Download, error) {
	r := newRequest(methodDownload, "ticket", f.Ticket)
	r.open, r.identity, r.accept = true, true, "*/*"
	var d *Download
	err := c.persist(ctx, r, func() (err error) {
		d, err = c.startDownload(ctx, r, f)
		return c.settle(ctx, r, err)
	})
	return d, err
}

// settle finds out whether a status without JSON is the API's word about the file or that of something in front of an
// API that is down: it must come twice while the API answers other calls.
func (c *Client) settle(ctx context.Context, r *request, err error) error {
	e := (*Error)(nil)
	if !errors.As(err, &e) || e.Err == nil {
		return err
	}
	switch e.Status {
	case http.StatusNotFound, http.StatusGone, http.StatusForbidden:
		if c.alive(ctx) {
			e.settled = r.doubted == e.Status
			r.doubted = e.Status
		}
	}
	return err
}

// startDownload makes the request once and reads so much of the body as tells an error from the file.
func (c *Client) startDownload(ctx context.Context, r *request, f *File) (*Download, error) {
	res, err := c.open(ctx, r, 0)
	if err != nil {
		return nil, err
	}
	d, err := receive(res, r, f)
	if err != nil {
		res.Body.Close()
		return nil, err
	}
	return d, nil
}

func receive(res *http.Response, r *request, f *File) (*Download, error) {
	if res.StatusCode != http.StatusOK {
		return nil, refusal(res, r)
	}
	content, length, err := plain(res, r, f)
	if err != nil {
		return nil, err
	}
	head, whole, err := peek(content, sniffed)
	if err == nil && !whole && length < 0 && looksLikeHTML(head) {
		var more []byte
		more, whole, err = peek(content, maxHTML)
		head = append(head, more...)
	}
	if err != nil {
		return nil, err
	}
	s := sample{head: head, whole: whole, length: length, contentType: res.Header.Get("Content-Type"), file: f}
	if whole {
		s.length = int64(len(head))
	}
	if err := s.isError(res, r); err != nil {
		return nil, err
	}
	return &Download{joined{io.MultiReader(bytes.NewReader(head), content), res.Body}, length}, nil
}

// joined reads from one and closes the other.
type joined struct {
	io.Reader
	io.Closer
}

// refusal is the error of an answer whose status is not 200.
func refusal(res *http.Response, r *request) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxHTML))
	if err != nil {
		return err
	}
	if _, err = judge(res, body, r); err == nil {
		err = &Error{Method: r.method, Status: res.StatusCode, Err: errors.New("no file")}
	}
	return err
}

// plain undoes a compression that was not asked for, unless the compressed bytes are the file.
func plain(res *http.Response, r *request, f *File) (io.Reader, int64, error) {
	switch encoding := strings.ToLower(res.Header.Get("Content-Encoding")); {
	case encoding == "" || encoding == "identity" || f.Size > 0 && f.Size == res.ContentLength:
		return res.Body, res.ContentLength, nil
	case encoding == "gzip" || encoding == "x-gzip":
		unzipped, err := gzip.NewReader(res.Body)
		if err != nil {
			return nil, 0, &Error{Method: r.method, Status: res.StatusCode, Err: fmt.Errorf("compressed file: %w", err)}
		}
		return unzipped, -1, nil
	default:
		err := fmt.Errorf("file with content encoding %q", r.clean(encoding))
		return nil, 0, &Error{Method: r.method, Status: res.StatusCode, Err: err}
	}
}

// peek reads a little more than n bytes, or the whole of what is shorter.
func peek(content io.Reader, n int) (head []byte, whole bool, err error) {
	head, err = io.ReadAll(io.LimitReader(content, int64(n)+1))
	return head, len(head) <= n, err
}

// sample is the beginning of what came for a file.
type sample struct {
	head        []byte
	whole       bool  // nothing comes after the head
	length      int64 // of all that comes, -1 when unknown
	contentType string
	file        *File
}

// isError gives the error that came in place of the file, nil if it is the file.
func (s *sample) isError(res *http.Response, r *request) error {
	sized := s.file.Size > 0
	if sized && s.length == s.file.Size {
		return nil
	}
	text := trimStart(s.head)
	switch {
	case sized && s.length == 0:
		return &Error{Method: r.method, Status: res.StatusCode, Err: errors.New("an empty body came in place of the file")}
	case s.whole && len(text) > 0 && text[0] == '{':
		return s.jsonError(res, r)
	case looksLikeHTML(text) && !s.mayBeHTML(sized):
		return &Error{Method: r.method, Status: res.StatusCode, Err: errors.New("a page of HTML came in place of the file")}
	}
	return nil
}

// jsonError tells an answer of the API, which comes as text/html, from a file that looks like one.
func (s *sample) jsonError(res *http.Response, r *request) error {
	e, err := parseEnvelope(s.head, nil)
	if err != nil || !e.saysOK && e.code == "" || len(bytes.TrimSpace(trimStart(s.head)[len(e.object):])) > 0 {
		return nil
	}
	if s.file.Size < 0 && s.hasExtension(".json") && !s.isType("text/html") {
		return nil
	}
	if _, err = judge(res, s.head, r); err == nil {
		err = &Error{Method: r.method, Status: res.StatusCode, Err: errors.New("an answer without the file")}
	}
	return err
}

// mayBeHTML tells whether the file can be a page of HTML, though its length does not prove it.
func (s *sample) mayBeHTML(sized bool) bool {
	if s.length < 0 { // it is longer than maxHTML
		return true
	}
	return !sized && s.hasExtension(".html", ".htm", ".xhtml")
}

func (s *sample) hasExtension(extensions ...string) bool {
	for _, e := range extensions {
		if strings.EqualFold(path.Ext(s.file.Name), e) {
			return true
		}
	}
	return false
}

func (s *sample) isType(want string) bool {
	got, _, err := mime.ParseMediaType(s.contentType)
	return err == nil && got == want
}

// looksLikeHTML tells whether text begins as a page of HTML does.
func looksLikeHTML(text []byte) bool {
	text = trimStart(text)
	for bytes.HasPrefix(text, []byte("<!--")) || bytes.HasPrefix(text, []byte("<?")) {
		_, after, found := bytes.Cut(text, []byte(">"))
		if !found {
			return false
		}
		text = trimStart(after)
	}
	for _, begin := range []string{"<!doctype html", "<html", "<head", "<body", "<script", "<title"} {
		if len(text) >= len(begin) && strings.EqualFold(string(text[:len(begin)]), begin) {
			return true
		}
	}
	return false
}
