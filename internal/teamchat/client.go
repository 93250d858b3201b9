package teamchat

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Options configure a Client.
type Options struct {
	URL       string // of the server; the API is at URL/teamchatapi/
	AllowHTTP bool   // accept http:// beyond loopback

	Username string
	Password func(ctx context.Context) (string, error) // asked for at each login
	Auth     string                                    // "plain", or "digest", with which the password is not sent; "" is plain

	RootCAs     *x509.CertPool    // nil is the system's
	Transport   http.RoundTripper // nil is a transport of the client's own; tests wrap it
	Connections int               // requests and downloads at once, 0 is 4; fewer while the server has too much to do
	Rate        float64           // requests a second, 0 is no limit
	UserAgent   string            // "" is archiver

	MaxWait     time.Duration // longest wait that the server may ask for; a longer one is an error. 0 is 1 h
	GiveUpAfter time.Duration // without any success; told waits don't count. 0 is 10 min
	Backoff     time.Duration // the first pause before a retry is up to this long, the next up to twice that, ... 0 is 250 ms
	MaxRequests int64         // of all calls but login, logout, auth.revoke and channels.list; 0 is no limit. More gives ErrBudget

	OnWait func(time.Duration) // called, maybe from several goroutines, when the server asks for a wait, and with 0 when it answers again
	Logger *slog.Logger        // nil discards
	Now    func() time.Time    // of Answer.Received, nil is time.Now

	// Capture, unless nil, is called, maybe from several goroutines, with every answer that is JSON, errors and those
	// of logins included: the JSON as received, with passwords, tokens and tickets blanked as by [Client.Probe]. What
	// [Client.Download] gets is not among them. Other personal data is: whoever keeps body keeps people's messages.
	Capture func(method string, status int, body []byte)
}

// Errors that say why the client stopped asking. They may wrap the [*Error] of the last answer.
var (
	// ErrBudget means that Options.MaxRequests are used up.
	ErrBudget = errors.New("request budget used up")
	// ErrGaveUp means that nothing succeeded for Options.GiveUpAfter. Later calls try once.
	ErrGaveUp = errors.New("server out of reach")
	// ErrWait means that the server asks for a wait longer than Options.MaxWait or beyond the context's deadline.
	ErrWait = errors.New("server asks to come back later")
	// ErrTooLarge means an answer of more than 64 MiB. A smaller page may do.
	ErrTooLarge = errors.New("answer is larger than 64 MiB")
)

// Client talks to one TeamChat server as one account. Its methods may be called from several goroutines.
type Client struct {
	options Options
	base    string // up to and with the slash before the method
	http    *http.Client
	log     *slog.Logger
	limiter *rate.Limiter // nil is no limit
	gate    *gate
	pace    pace
	login   login

	maxPage int64     // bytes of an answer that is held in memory
	buffers sync.Pool // of *bytes.Buffer, for bodies, whose length often is not known before

	downloadsNeedToken atomic.Bool // the server refused a ticket without a token
	eventsByTS         atomic.Bool // the server knows events by ts, not by their hex ids

	requests, budgeted, downloaded atomic.Int64
}

// New checks the options and gives a client that has not yet talked to the server.
func New(o Options) (*Client, error) {
	base, err := apiURL(o.URL, o.AllowHTTP)
	if err != nil {
		return nil, err
	}
	if o.Auth = cmp.Or(o.Auth, authPlain); o.Auth != authPlain && o.Auth != authDigest {
		return nil, fmt.Errorf("way to log in %q: want plain or digest", o.Auth)
	}
	o.Connections = cmp.Or(max(o.Connections, 0), 4)
	o.UserAgent = cmp.Or(o.UserAgent, "archiver")
	o.MaxWait = cmp.Or(o.MaxWait, time.Hour)
	o.GiveUpAfter = cmp.Or(o.GiveUpAfter, 10*time.Minute)
	o.Backoff = cmp.Or(o.Backoff, 250*time.Millisecond)
	if o.OnWait == nil {
		o.OnWait = func(time.Duration) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Client{
		options: o,
		base:    base,
		http:    newHTTPClient(o),
		log:     cmp.Or(o.Logger, slog.New(slog.DiscardHandler)),
		gate:    newGate(o.Connections),
		maxPage: 64 << 20,
		login:   login{turn: make(chan struct{}, 1)},
	}
	if o.Rate > 0 {
		c.limiter = rate.NewLimiter(rate.Limit(o.Rate), 1)
	}
	return c, nil
}

// Close logs out, if logged in, and closes idle connections. It asks once, for at most 10 s.
func (c *Client) Close(ctx context.Context) error {
	defer c.http.CloseIdleConnections()
	s := c.login.current.Swap(nil)
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r := newRequest(methodLogout)
	r.free = true
	r.form.Set("token", s.token)
	if _, err := c.attempt(ctx, r); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return nil
}

// Username is the account that asks.
func (c *Client) Username() string { return c.options.Username }

// Requests is how many HTTP requests were made, all of them counted.
func (c *Client) Requests() int64 { return c.requests.Load() }

// BytesDownloaded is how many bytes of bodies were read, after decompression.
func (c *Client) BytesDownloaded() int64 { return c.downloaded.Load() }

// Logins is how many times the client logged in. The server's base for [Client.ChannelsDiff] belongs to one login:
// when this number moved since the channels were listed, the base is lost.
func (c *Client) Logins() int64 { return c.login.count.Load() }
