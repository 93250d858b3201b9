package teamchat

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	dialTime   = 30 * time.Second
	silentTime = 60 * time.Second // without a byte: before the answer begins, and while a body is read
	pageTime   = 10 * time.Minute // for a whole answer that is held in memory
)

var (
	errSilent   = fmt.Errorf("no byte came for %v", silentTime)
	errSlow     = fmt.Errorf("answer took longer than %v", pageTime)
	errRedirect = errors.New("redirect not followed")
)

// apiURL checks the server's URL and gives the one of its API.
func apiURL(server string, allowHTTP bool) (string, error) {
	u, err := url.Parse(strings.TrimSpace(server))
	if err != nil {
		return "", errors.New("server URL can't be parsed") // the cause would print what may hold a password
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch {
	case u.User != nil:
		return "", errors.New("server URL must not hold credentials")
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return "", fmt.Errorf("server URL %q: want https://HOST", server)
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("server URL %q must end with the path", server)
	case u.Scheme == "http" && !allowHTTP && !isLoopback(u.Hostname()):
		return "", fmt.Errorf("server URL %q would send the password unencrypted: use https, or allow http", server)
	}
	const api = "/teamchatapi"
	path := strings.TrimRight(u.EscapedPath(), "/")
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(path, api) + api + "/", nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func newHTTPClient(o Options) *http.Client {
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: dialTime}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialTime,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           o.Connections,
			MaxIdleConnsPerHost:    o.Connections,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 1 << 20,
			ReadBufferSize:         64 << 10,
		}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// open makes one request and gives the response with its body unread, whatever the status. The body must be closed.
// limit is for the whole exchange, 0 is none.
func (c *Client) open(ctx context.Context, r *request, limit time.Duration) (*http.Response, error) {
	if err := c.admit(ctx, r); err != nil {
		return nil, err
	}
	b := &body{client: c, parent: ctx, request: r}
	ctx, cancel := context.WithCancelCause(ctx)
	b.stop = func() { cancel(nil) }
	if limit > 0 {
		whole := time.AfterFunc(limit, func() { cancel(errSlow) })
		b.stop = func() { whole.Stop(); cancel(nil) }
	}
	b.ctx, b.silence = ctx, time.AfterFunc(silentTime, func() { cancel(errSilent) })
	res, err := c.send(ctx, r)
	if b.silence.Stop(); err == nil && c.gate.answered(r.method, r.sent) {
		c.log.Info("server has become slow", "method", r.method, "requests at once", c.gate.bound())
	}
	if err != nil {
		err = b.explain(err)
		b.Close()
		return nil, err
	}
	b.Reader, b.closer = res.Body, res.Body
	res.Body = b
	return res, nil
}

func (c *Client) send(ctx context.Context, r *request) (*http.Response, error) {
	req, err := c.newHTTPRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.options.UserAgent)
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if r.identity {
		req.Header.Set("Accept-Encoding", "identity")
	}
	return c.http.Do(req)
}

func (c *Client) newHTTPRequest(ctx context.Context, r *request) (*http.Request, error) {
	form := r.form.Encode()
	if r.get {
		return http.NewRequestWithContext(ctx, http.MethodGet, c.base+r.method+"?"+form, http.NoBody)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+r.method, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return req, nil
}

// body is a response's body that fails when no byte comes for silentTime, counts what it reads and gives back the
// client's place when it is closed.
type body struct {
	io.Reader
	closer  io.Closer
	client  *Client
	request *request
	parent  context.Context // the caller's
	ctx     context.Context // the exchange's
	stop    func()
	silence *time.Timer
	once    sync.Once
}

func (b *body) Read(p []byte) (int, error) {
	b.silence.Reset(silentTime)
	n, err := b.Reader.Read(p)
	b.silence.Stop()
	b.client.downloaded.Add(int64(n))
	if err != nil && err != io.EOF {
		err = b.explain(err)
	}
	return n, err
}

func (b *body) Close() error {
	b.once.Do(func() {
		b.silence.Stop()
		b.stop()
		if b.closer != nil {
			b.closer.Close() // what it says is of no use after the last read
		}
		b.client.gate.leave()
	})
	return nil
}

// explain gives the caller's own cancellation as such and everything else as an *Error without the URL.
func (b *body) explain(err error) error {
	if cancelled := b.parent.Err(); cancelled != nil {
		return fmt.Errorf("%s: %w", b.request.method, cancelled)
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	if cause := context.Cause(b.ctx); cause != nil {
		err = cause
	}
	return &Error{Method: b.request.method, Err: b.request.withhold(err)}
}

// isHopeless tells the causes that another try can't cure.
func isHopeless(err error) bool {
	certificate := (*tls.CertificateVerificationError)(nil)
	return errors.As(err, &certificate) || errors.Is(err, ErrTooLarge) || errors.Is(err, http.ErrSchemeMismatch)
}

// redirectTarget names where a redirect leads, without what may be secret.
func redirectTarget(res *http.Response) error {
	u, err := res.Location()
	if err != nil {
		return errRedirect
	}
	return fmt.Errorf("%w to %s", errRedirect, cmp.Or(u.Scheme, "?")+"://"+u.Host)
}
