package teamchat

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// sends serves a body with a content type, with its length or by closing or chunking without one.
func sends(contentType, body string, withLength bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		if withLength {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		} else {
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, body)
	}
}

// fetch downloads a whole file.
func fetch(ctx context.Context, c *Client, f *File) (string, int64, error) {
	d, err := c.Download(ctx, f)
	if err != nil {
		return "", 0, err
	}
	defer d.Close()
	content, err := io.ReadAll(d)
	return string(content), d.Length, err
}

func TestDownloadedFiles(t *testing.T) {
	const (
		page    = "<!DOCTYPE html><html>a real page</html>"
		refusal = `{"error":"no_permission","ok":false}`
	)
	big := strings.Repeat("0123456789abcdef", 1<<17)
	bigPage := "\ufeff<!-- long --> <HTML>" + big + "</html>"
	tests := []struct {
		name, file, contentType, body string
		size                          int64
		withLength                    bool
	}{
		{"plain", "a.bin", "application/octet-stream", "\x00\xff bytes", 8, true},
		{"empty", "a.bin", "application/octet-stream", "", 0, true},
		{"empty without a length", "a.bin", "application/octet-stream", "", 0, false},
		{"big", "a.bin", "application/octet-stream", big, int64(len(big)), true},
		{"big without a length", "a.bin", "application/octet-stream", big, int64(len(big)), false},
		{"size lags", "a.bin", "application/octet-stream", "content", 0, true},
		{"size differs", "a.bin", "application/octet-stream", "content", 99, true},
		{"as text/html", "a.txt", "text/html", "content", 7, true},
		{"really HTML", "a.txt", "text/html", page, int64(len(page)), true},
		{"really HTML without a length", "a.txt", "text/html", page, int64(len(page)), false},
		{"HTML by name", "A.HTML", "text/html", page, -1, true},
		{"big HTML without a length or size", "a.txt", "text/html", bigPage, -1, false},
		{"really an error", "error.json", "text/html", refusal, int64(len(refusal)), true},
		{"really an error without a length", "error.json", "text/html", refusal, int64(len(refusal)), false},
		{"JSON by name", "error.json", "application/json", refusal, -1, true},
		{"another object", "a.json", "text/html", `{"a":1}`, 99, true},
		{"an object and more", "a.ndjson", "text/html", refusal + "\n" + refusal, -1, true},
		{"cut object", "a.json", "text/html", `{"ok":false,`, -1, true},
		{"XML", "a.xml", "text/xml", `<?xml version="1.0"?><svg/>`, -1, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newTestClient(t, methods{methodDownload: sends(test.contentType, test.body, test.withLength)})
			got, length, err := fetch(t.Context(), c, &File{Name: test.file, Size: test.size, Ticket: testTicket})
			if err != nil || got != test.body {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if want := int64(len(test.body)); test.withLength && length != want || !test.withLength && length != -1 {
				t.Errorf("length %d", length)
			}
			if c.Requests() != 1 || c.BytesDownloaded() != int64(len(test.body)) {
				t.Errorf("%d requests, %d bytes", c.Requests(), c.BytesDownloaded())
			}
		})
	}
}

func TestErrorsInPlaceOfAFile(t *testing.T) {
	denied := func(e *Error) bool { return e.Denied() && !e.Temporary() }
	missing := func(e *Error) bool { return e.NotFound() && !e.Temporary() }
	temporary := func(e *Error) bool { return e.Temporary() && !e.NotFound() && !e.Denied() }
	tests := []struct {
		name   string
		handle http.HandlerFunc
		size   int64
		want   func(*Error) bool
	}{
		{"JSON as text/html", sends("text/html", `{"error":"no_permission","ok":false}`, true), 1000, denied},
		{"JSON as JSON", sends("application/json", `{"error":"no_permission","ok":false}`, true), 1000, denied},
		{"JSON without a length", sends("text/html", ` {"error":"gw_error","error_details":"e_notfound","ok":false}`+"\n", false), 1000, missing},
		{"JSON, size unknown", sends("text/html", `{"error":"e_notfound","ok":false}`, true), -1, missing},
		{"JSON, size lags", sends("text/html", `{"error":"e_notfound","ok":false}`, true), 0, missing},
		{"error as number", sends("text/html", `{"error":41}`, true), 1000, denied},
		{"ok without a file", sends("text/html", `{"ok":true}`, true), 1000, temporary},
		{"login page", sends("text/html", "\n<!doctype HTML><title>Log in</title>", true), 1000, temporary},
		{"login page without a length", sends("text/html", "<html>"+strings.Repeat("x", 100_000), false), 1000, temporary},
		{"login page, size unknown", sends("text/html", "<html>Log in</html>", true), -1, temporary},
		{"nothing", sends("", "", true), 1000, temporary},
		{"nothing without a length", sends("", "", false), 1000, temporary},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://other.example/?x=1", http.StatusFound)
		}, 1000, temporary},
		{"404", status(404, "", "not here"), 1000, missing},
		{"410", status(410, "", "<html>"), 1000, missing},
		{"403", status(403, "", "<html>"), 1000, denied},
		{"403 with JSON", status(403, "", `{"error":"e_document_invite","ok":false}`), 1000, denied},
		{"500", status(500, "", ""), 1000, temporary},
		{"204", status(204, "", ""), 1000, temporary},
		{"another compression", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, "content")
		}, 1000, temporary},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newTestClient(t, methods{methodDownload: test.handle})
			_, _, err := fetch(t.Context(), c, &File{Name: "report.pdf", Size: test.size, Ticket: testTicket})
			e := (*Error)(nil)
			if !errors.As(err, &e) || !test.want(e) || e.Method != methodDownload {
				t.Errorf("got %#v", err)
			}
		})
	}
}

func TestFileIsNotGoneWhileTheAPIIsDown(t *testing.T) {
	handler := methods{methodDownload: status(404, "", "<html>"), methodVersion: status(404, "", "<html>")}
	inBubble(t, handler, Options{}, func(t *testing.T, c *Client) {
		_, err := c.Download(t.Context(), &File{Size: 7, Ticket: testTicket})
		e := (*Error)(nil)
		if !errors.As(err, &e) || e.NotFound() || !e.Temporary() || !errors.Is(err, ErrGaveUp) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFileThatIsCutShort(t *testing.T) {
	cut := func(send int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			io.WriteString(w, strings.Repeat("x", send))
		}
	}
	c := newTestClient(t, methods{methodDownload: cut(50_000)})
	d, err := c.Download(t.Context(), &File{Size: 100_000, Ticket: testTicket})
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, d)
	if e := (*Error)(nil); n != 50_000 || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &e) || !e.Temporary() {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	// cut in its first bytes it is tried again
	whole := strings.Repeat("x", 100_000)
	c = newTestClient(t, methods{methodDownload: inTurn(cut(10), sends("", whole, true))})
	if got, _, err := fetch(t.Context(), c, &File{Size: 100_000, Ticket: testTicket}); err != nil || got != whole {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestFileThatStops(t *testing.T) {
	handle := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("x", 10_000))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	inBubble(t, methods{methodDownload: handle}, Options{}, func(t *testing.T, c *Client) {
		d, err := c.Download(t.Context(), &File{Ticket: testTicket})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, err := io.CopyN(io.Discard, d, 9000); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // a reader may take its time
		begin := time.Now()
		if _, err := io.Copy(io.Discard, d); !errors.Is(err, errSilent) || time.Since(begin) != silentTime {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

func TestCompressedFile(t *testing.T) {
	content := strings.Repeat("content ", 1000)
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	io.WriteString(zip, content)
	zip.Close()
	c := newTestClient(t, methods{methodDownload: func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding: %q", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", strconv.Itoa(zipped.Len()))
		w.Write(zipped.Bytes())
	}})
	got, length, err := fetch(t.Context(), c, &File{Size: int64(len(content)), Ticket: testTicket})
	if err != nil || got != content || length != -1 {
		t.Errorf("%d bytes of %d, %v", len(got), length, err)
	}
	// the compressed bytes are the file: the server only names what they are
	got, length, err = fetch(t.Context(), c, &File{Name: "a.gz", Size: int64(zipped.Len()), Ticket: testTicket})
	if err != nil || got != zipped.String() || length != int64(zipped.Len()) {
		t.Errorf("%d bytes of %d, %v", len(got), length, err)
	}
}

func TestTicketAlone(t *testing.T) {
	var withToken atomic.Int64
	handle := func(needsToken bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "" || r.PostForm.Get("ticket") != testTicket {
				t.Errorf("query %q, form %v", r.URL.RawQuery, r.PostForm)
			}
			if r.PostForm.Get("token") == testToken {
				withToken.Add(1)
			} else if needsToken {
				io.WriteString(w, `{"error":"invalid_token","ok":false}`)
				return
			}
			io.WriteString(w, "content")
		}
	}
	for _, needsToken := range []bool{false, true} {
		withToken.Store(0)
		c := newTestClient(t, methods{methodDownload: handle(needsToken)})
		for range 2 {
			if got, _, err := fetch(t.Context(), c, &File{Size: 7, Ticket: testTicket}); err != nil || got != "content" {
				t.Errorf("%q, %v", got, err)
			}
		}
		if want := map[bool]int64{false: 0, true: 2}[needsToken]; withToken.Load() != want || c.Logins() != want/2 {
			t.Errorf("%d requests with the token, %d logins", withToken.Load(), c.Logins())
		}
	}
}

func TestDownloadsHoldConnectionsUntilClosed(t *testing.T) {
	c := newTestClient(t, methods{methodDownload: answers("content")}, Options{Connections: 2})
	f := &File{Size: 7, Ticket: testTicket}
	var open []*Download
	for range 2 {
		d, err := c.Download(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, d)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Download(ctx, f); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("third download: %v", err)
	}
	for _, d := range open {
		d.Close()
		d.Close()
	}
	if _, _, err := fetch(t.Context(), c, f); err != nil {
		t.Error(err)
	}
}

func TestFileHidesItsTicketFromLogs(t *testing.T) {
	f := &File{ID: "5a", Name: "a", Ticket: testTicket, Raw: []byte(testTicket)}
	if s := fmt.Sprint(f.LogValue()); strings.Contains(s, testTicket) {
		t.Error(s)
	}
}
