package teamchat

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testPassword = "Planted-Password"
	testToken    = "xoxp-planted-token"
	testTicket   = "eJx.planted,ticket"
)

// methods are a server's handlers by API method. The login has a default.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil { // reads the body, so that the server sees when the client goes away
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	method := strings.TrimPrefix(r.URL.Path, "/teamchatapi/")
	if handle := m[method]; handle != nil {
		handle(w, r)
		return
	}
	switch method {
	case methodLogin:
		io.WriteString(w, `{"authorized":true,"token":"`+testToken+`","host":"h","email":"a@x","ok":true}`)
	case methodVersion:
		io.WriteString(w, `{"version":"14.2","ok":true}`)
	case methodLogout:
		io.WriteString(w, `{"ok":true}`)
	default:
		io.WriteString(w, `{"error":"method_not_exist","error_details":"","ok":false}`)
	}
}

// answers serves bodies one after the other, the last one for ever.
func answers(bodies ...string) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		body := bodies[0]
		if len(bodies) > 1 {
			bodies = bodies[1:]
		}
		mu.Unlock()
		io.WriteString(w, body)
	}
}

// status answers with a status, an optional Retry-After and a body.
func status(code int, retryAfter, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// inTurn serves by one handler after the other, the last one for ever.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		handle := handlers[0]
		if len(handlers) > 1 {
			handlers = handlers[1:]
		}
		mu.Unlock()
		handle(w, r)
	}
}

func testOptions(o Options) Options {
	o.Username = cmp.Or(o.Username, "archive@example.com")
	o.Backoff = cmp.Or(o.Backoff, time.Millisecond)
	if o.Password == nil {
		o.Password = func(context.Context) (string, error) { return testPassword, nil }
	}
	return o
}

// newTestClient gives a client of a server on loopback.
func newTestClient(t testing.TB, handler http.Handler, options ...Options) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o := Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if len(options) > 0 {
		o = options[0]
	}
	o.URL = server.URL
	c, err := New(testOptions(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// pipes is a listener whose connections are pipes, which a bubble of synctest can see through.
type pipes struct {
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.incoming:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.incoming <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// inBubble runs a test whose waits take no time, with a client of a real HTTP server behind pipes.
func inBubble(t *testing.T, handler http.Handler, o Options, test func(t *testing.T, c *Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := &pipes{incoming: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: handler}
		go server.Serve(listener)
		transport := &http.Transport{DialContext: listener.dial}
		defer server.Close()
		defer transport.CloseIdleConnections()
		o.URL, o.Transport = "http://localhost", transport
		o.Backoff = cmp.Or(o.Backoff, 250*time.Millisecond)
		c, err := New(testOptions(o))
		if err != nil {
			t.Fatal(err)
		}
		test(t, c)
	})
}

func history(ctx context.Context, c *Client) error {
	_, err := c.History(ctx, HistoryQuery{Channel: "c"})
	return err
}
