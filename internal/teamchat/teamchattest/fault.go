package teamchattest

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with one answer. Delay combines with the others; of those only the first that is
// set takes effect, in the order of the fields.
type Fault struct {
	Method string                // "" is any
	Match  func(url.Values) bool // which requests by their form; nil is all
	At     int64                 // the request, counted from 1 by method (of all for ""); 0 is the next one that comes
	Times  int                   // how many requests in a row; 0 is 1, below 0 is all

	Delay time.Duration // before the answer

	InvalidToken bool          // the token dies: this call and later ones with it get invalid_token
	Status       int           // HTTP status with a short text in place of the answer
	RetryAfter   string        // header of Status: seconds or a date
	HTML         bool          // a login page with status 200
	Redirect     string        // status 302 to this address, which may be of another host
	Error        string        // an error of the API, its details behind a space: "gw_error e_db"
	Empty        bool          // an empty body with status 200
	Reset        bool          // the connection is reset without an answer
	Drop         bool          // the call is carried out, then the connection is closed without an answer
	Truncate     int           // the answer ends, properly, after so many bytes
	Cut          int           // the connection breaks after so many bytes of the declared length
	CutOpen      int           // likewise, without a declared length: the end looks proper
	Drip         time.Duration // a wait before each of the answer's 16 parts
	BOM          bool          // a byte order mark before the answer
	Gzip         bool          // compressed, and said to be, whether asked for or not

	left  int
	begun bool
}

// Faults are one fault of each kind by name, for campaigns that put each at every request in turn. The slow
// one takes less than 0.1 s, Retry-After is 0 seconds, and the redirect leads to a login page of the same server.
func Faults() map[string]Fault {
	return map[string]Fault{
		"429 with Retry-After":    {Status: 429, RetryAfter: "0"},
		"429 without Retry-After": {Status: 429},
		"500":                     {Status: 500},
		"503":                     {Status: 503},
		"HTML":                    {HTML: true},
		"byte order mark":         {BOM: true},
		"cut body":                {Cut: 20},
		"cut without a length":    {CutOpen: 20},
		"database error":          {Error: "gw_error e_db"},
		"dropped answer":          {Drop: true},
		"empty body":              {Empty: true},
		"expired token":           {InvalidToken: true},
		"gzip":                    {Gzip: true},
		"redirect":                {Redirect: "/login"},
		"reset":                   {Reset: true},
		"slow drip":               {Drip: 5 * time.Millisecond},
		"truncated JSON":          {Truncate: 20},
	}
}

// harmless tells whether the answer is sent as it is, or in a form that holds all of it.
func (f *Fault) harmless() bool {
	return f == nil || !f.Drop && f.Truncate == 0 && f.Cut == 0 && f.CutOpen == 0
}

// Fault adds a fault. Faults are tried in the order they were added; one request meets at most one.
func (s *Server) Fault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.left = f.Times
	if f.Times == 0 {
		f.left = 1
	}
	s.faults = append(s.faults, &f)
}

// ClearFaults takes away the faults that did not happen yet.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault gives the fault of the request that was counted last. Callers hold mu.
func (s *Server) takeFault(method string, form url.Values) *Fault {
	for i, f := range s.faults {
		n := s.total
		if f.Method != "" {
			n = s.requests[method]
		}
		if f.Method != "" && f.Method != method || f.Match != nil && !f.Match(form) {
			continue
		}
		if !f.begun && f.At != 0 && f.At != n {
			continue
		}
		f.begun = true
		if f.left--; f.left == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return f
	}
	return nil
}

// preempts answers in place of the call, if the fault is of that sort.
func (f *Fault) preempts(rw http.ResponseWriter, req *http.Request, c *call) bool {
	switch {
	case f == nil:
		return false
	case f.InvalidToken:
		c.server.sessions.drop(c.form.Get("token"))
		return false
	case f.Status != 0:
		f.refuse(rw)
	case f.HTML:
		loginPage(rw)
	case f.Redirect != "":
		http.Redirect(rw, req, f.Redirect, http.StatusFound)
	case f.Error != "":
		c.fault(rw, f.Error)
	case f.Empty:
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	case f.Reset:
		reset(rw)
	default:
		return false
	}
	return true
}

func loginPage(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(rw, "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form>user, password</form></body></html>\n")
}

func (f *Fault) refuse(rw http.ResponseWriter) {
	if f.RetryAfter != "" {
		rw.Header().Set("Retry-After", f.RetryAfter)
	}
	http.Error(rw, fmt.Sprintf("%d %s", f.Status, http.StatusText(f.Status)), f.Status)
}

// reset closes the connection so that the client sees a reset.
func reset(rw http.ResponseWriter) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// send writes the call's answer, damaged as the fault says.
func (f *Fault) send(rw http.ResponseWriter, c *call) {
	body, err := c.body()
	if err != nil {
		http.Error(rw, "content unreadable", http.StatusInternalServerError)
		return
	}
	defer body.Close()
	rw.Header().Set("Content-Type", c.contentType)
	size := c.size
	switch {
	case f == nil:
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Truncate > 0:
		size = min(size, int64(f.Truncate))
	case f.Cut > 0:
		f.cut(rw, c, body)
		return
	case f.CutOpen > 0:
		f.cutOpen(rw, c, body)
		return
	case f.Drip > 0:
		f.drip(rw, c, body)
		return
	case f.BOM:
		marked(rw, c, body)
		return
	case f.Gzip:
		compress(rw, c, body)
		return
	}
	rw.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	rw.WriteHeader(c.status)
	c.copyTo(rw, body, size)
}

// marked sends the answer behind a byte order mark.
func marked(rw http.ResponseWriter, c *call, body io.Reader) {
	const mark = "\ufeff"
	rw.Header().Set("Content-Length", strconv.FormatInt(c.size+int64(len(mark)), 10))
	rw.WriteHeader(c.status)
	io.WriteString(rw, mark)
	c.copyTo(rw, body, c.size)
}

// compress sends the answer as gzip.
func compress(rw http.ResponseWriter, c *call, body io.Reader) {
	rw.Header().Set("Content-Encoding", "gzip")
	rw.WriteHeader(c.status)
	z := gzip.NewWriter(rw)
	defer z.Close()
	io.Copy(z, body)
}

// fault answers with an error of the API in place of the call.
func (c *call) fault(rw http.ResponseWriter, text string) {
	code, details, _ := strings.Cut(text, " ")
	c.fail("", &apiError{code, details})
	rw.Header().Set("Content-Type", c.contentType)
	rw.WriteHeader(c.status)
	rw.Write(c.b)
}

func (f *Fault) cut(rw http.ResponseWriter, c *call, body io.Reader) {
	rw.Header().Set("Content-Length", strconv.FormatInt(c.size, 10))
	rw.WriteHeader(c.status)
	c.copyTo(rw, body, min(int64(f.Cut), c.size-1))
	http.NewResponseController(rw).Flush()
	panic(http.ErrAbortHandler)
}

// cutOpen answers as an HTTP/1.0 server does: the end of the connection is the end of the body.
func (f *Fault) cutOpen(rw http.ResponseWriter, c *call, body io.Reader) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.0 %d %s\r\nContent-Type: %s\r\n\r\n", c.status, http.StatusText(c.status), c.contentType)
	c.copyTo(conn, body, int64(f.CutOpen))
}

func (f *Fault) drip(rw http.ResponseWriter, c *call, body io.Reader) {
	rw.Header().Set("Content-Length", strconv.FormatInt(c.size, 10))
	rw.WriteHeader(c.status)
	for sent, part := int64(0), c.size/16+1; sent < c.size; sent += part {
		time.Sleep(f.Drip)
		if !c.copyTo(rw, body, min(part, c.size-sent)) || http.NewResponseController(rw).Flush() != nil {
			return
		}
	}
}
