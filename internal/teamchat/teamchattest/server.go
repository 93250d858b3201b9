package teamchattest

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ServerOptions configure a Server.
type ServerOptions struct {
	Account  string // who may log in beside the users of the world, "" is archive@example.com
	Password string // of everybody, "" is "secret"

	TokenTTL  time.Duration // 0 is for ever
	TicketTTL time.Duration // 0 is for ever
	Latency   time.Duration // before each answer
	Variant   Variant

	Now func() time.Time // for TokenTTL and TicketTTL, nil is time.Now
}

// Server serves a world. It is an http.Handler for the paths below /teamchatapi/.
type Server struct {
	URL string // after Listen or Start: "http://127.0.0.1:port"

	w           *World
	o           ServerOptions
	sessions    sessions
	ticketEpoch atomic.Int64
	extra       *http.ServeMux // paths that are not the API's
	http        *http.Server
	served      chan struct{} // closed when http no longer serves

	mu       sync.Mutex
	total    int64
	requests map[string]int64
	hooks    []hook
	faults   []*Fault
	every    []func(*World)
	turn     sync.Mutex // held while every is called
}

// hook is a change at a certain request.
type hook struct {
	method string // "" is any
	n      int64
	do     func(*World)
}

// NewServer gives a server of a world that does not listen by itself.
func NewServer(w *World, o ServerOptions) *Server {
	o.Account = cmp.Or(o.Account, "archive@example.com")
	o.Password = cmp.Or(o.Password, "secret")
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{w: w, o: o, extra: http.NewServeMux(), sessions: newSessions(), requests: map[string]int64{}}
	s.extra.HandleFunc("/login", func(rw http.ResponseWriter, _ *http.Request) { loginPage(rw) })
	return s
}

// World is what the server serves.
func (s *Server) World() *World { return s.w }

// Handle serves a path outside the API, which counts no requests and meets no faults. It must be called before Listen.
func (s *Server) Handle(pattern string, h http.Handler) { s.extra.Handle(pattern, h) }

// Listen serves on a loopback address ("127.0.0.1:0" picks a free port) until Close.
func (s *Server) Listen(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("address %q: the simulator listens on loopback only", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	s.URL = "http://" + l.Addr().String()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // always ends with ErrServerClosed or with the listener's
	}()
	return nil
}

// Close ends what Listen began.
func (s *Server) Close() error {
	if s.http == nil {
		return nil
	}
	err := s.http.Close()
	<-s.served
	return err
}

// TB is the part of testing.TB that Start needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start serves a world on loopback until the test ends.
func Start(t TB, w *World, o ServerOptions) *Server {
	t.Helper()
	s := NewServer(w, o)
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatalf("TeamChat simulator: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Requests is how many requests were made to a method.
func (s *Server) Requests(method string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[method]
}

// TotalRequests is how many requests were made.
func (s *Server) TotalRequests() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// RequestCounts is how many requests were made, by method.
func (s *Server) RequestCounts() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int64, len(s.requests))
	for method, n := range s.requests {
		counts[method] = n
	}
	return counts
}

// OnRequest changes the world just before the n-th request, counted from 1 and from the server's start, is answered.
func (s *Server) OnRequest(n int64, do func(*World)) { s.OnMethod("", n, do) }

// OnMethod changes the world just before the n-th call of a method, counted from 1, is answered.
func (s *Server) OnMethod(method string, n int64, do func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook{method, n, do})
}

// OnEvery changes the world before each request from now on is answered. The calls are made one after another.
func (s *Server) OnEvery(do func(*World)) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.every = append(s.every, do)
}

// change lets happen what is due at a request.
func (s *Server) change(due []func(*World)) {
	for _, do := range due {
		do(s.w)
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	for _, do := range s.every {
		do(s.w)
	}
}

// arrive counts a request and gives the changes and the fault that are due.
func (s *Server) arrive(method string, form url.Values) (due []func(*World), fault *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total++
	s.requests[method]++
	kept := s.hooks[:0]
	for _, h := range s.hooks {
		if h.method == "" && h.n == s.total || h.method == method && h.n == s.requests[method] {
			due = append(due, h.do)
		} else {
			kept = append(kept, h)
		}
	}
	s.hooks = kept
	return due, s.takeFault(method, form)
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	method, ok := strings.CutPrefix(req.URL.Path, "/teamchatapi/")
	if !ok {
		s.extra.ServeHTTP(rw, req)
		return
	}
	form, err := parameters(req)
	if err != nil {
		http.Error(rw, "bad request", http.StatusBadRequest)
		return
	}
	due, fault := s.arrive(method, form)
	s.change(due)
	if !s.pause(req, fault) {
		return
	}
	c := newCall(s, form)
	defer c.release()
	c.whole = fault.harmless() && req.Context().Err() == nil
	if !fault.preempts(rw, req, c) {
		c.run(method)
		fault.send(rw, c)
	}
}

// pause waits as long as the server is slow; it reports false when the client went away.
func (s *Server) pause(req *http.Request, fault *Fault) bool {
	d := s.o.Latency
	if fault != nil {
		d += fault.Delay
	}
	if d == 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-req.Context().Done():
		return false
	}
}

// maxForm is the largest form that is read, in bytes.
const maxForm = 1 << 20

// parameters gives the form of a request: pairs of the query and, whatever its Content-Type, of the body, which wins.
func parameters(req *http.Request) (url.Values, error) {
	form := req.URL.Query()
	body, err := io.ReadAll(io.LimitReader(req.Body, maxForm))
	if err != nil || len(body) == 0 {
		return form, err
	}
	pairs, err := url.ParseQuery(string(body))
	for name, values := range pairs {
		form[name] = values
	}
	return form, err
}
