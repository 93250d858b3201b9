package teamchat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The methods of the API that the client calls.
const (
	methodLogin        = "iwauthentication.login.plain"
	methodDigest       = "iwauthentication.login.digest"
	methodLogout       = "iwauthentication.logout"
	methodRevoke       = "auth.revoke"
	methodAuthTest     = "auth.test"
	methodVersion      = "version"
	methodNow          = "time.now"
	methodChannels     = "channels.list"
	methodChannelsDiff = "channels.diff"
	methodChannel      = "channels.info"
	methodHistory      = "channels.historyNoComments"
	methodThreads      = "threads.list"
	methodComments     = "threads.comments"
	methodItem         = "items.info"
	methodFiles        = "files.list"
	methodDownload     = "files.download"
	methodUsers        = "users.list"
	methodUser         = "users.info"
	methodSearchUsers  = "search.users"
	methodPins         = "pins.list"
	methodEventsPast   = "events.history"
	methodEventsNext   = "events.upcoming"
	methodEvent        = "events.get"
	methodConferences  = "conferences.list"
	methodErrors       = "documentation.errors"
)

const maxPooled = 4 << 20 // bytes of a buffer worth keeping

// request is one call of a method.
type request struct {
	method   string
	form     url.Values
	payload  []string // names that the member asked for goes by; none is any answer with ok
	shape    shape    // of that member
	open     bool     // needs no token
	free     bool     // does not count to Options.MaxRequests
	once     bool     // an answer that was lost can't be had again
	get      bool     // by GET, with the parameters in the URL
	accept   string
	identity bool      // bytes as they are, without compression
	sent     time.Time // when it was made last
	doubted  int       // the status of an earlier answer without JSON, while the API worked
}

// newRequest gives a request with the parameters as pairs of name and value; empty values are not sent.
func newRequest(method string, parameters ...string) *request {
	form := make(url.Values, 8)
	for i := 0; i+1 < len(parameters); i += 2 {
		if parameters[i+1] != "" {
			form.Set(parameters[i], parameters[i+1])
		}
	}
	return &request{method: method, form: form, accept: "application/json"}
}

// wants names the member that the answer must hold.
func (r *request) wants(s shape, names ...string) *request {
	r.shape, r.payload = s, names
	return r
}

// positive is a number as a parameter, nothing for zero.
func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// withhold gives err, or a stand-in for a text that quotes what the server sent, or repeats one of the request's
// secrets.
func (r *request) withhold(err error) error {
	text := err.Error()
	switch {
	case isHopeless(err):
		return err
	case strings.Contains(text, "malformed") || strings.Contains(text, `"`):
		return errors.New("answer is no valid HTTP")
	case r.clean(text) != text:
		return errors.New("connection failed")
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return errors.New(text) // a time limit of the network, which must not look like the caller's
	}
	return err
}

// clean makes one line of at most 200 bytes of text, and nothing of a text that repeats one of the request's secrets.
func (r *request) clean(text string) string {
	if repeats(text, r.secrets()) {
		return "withheld: repeats a secret"
	}
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
}

// secrets are the values of the request's parameters that nobody may learn, in lower case, as they are and as they
// look in a URL.
func (r *request) secrets() (secrets []string) {
	for _, name := range []string{"token", "password", "ticket", "response"} {
		if secret := strings.ToLower(r.form.Get(name)); secret != "" {
			secrets = append(secrets, secret, strings.ToLower(url.QueryEscape(secret)))
		}
	}
	return secrets
}

// repeats tells whether text holds one of the secrets, which are in lower case.
func repeats(text string, secrets []string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(text, secret) })
}

// reply is a successful answer that was held in memory.
type reply struct {
	Answer
	envelope
}

// call makes a request until it succeeds or patience ends.
func (c *Client) call(ctx context.Context, r *request) (*reply, error) {
	var answer *reply
	err := c.persist(ctx, r, func() (err error) {
		answer, err = c.attempt(ctx, r)
		return err
	})
	return answer, err
}

// attempt makes a request once.
func (c *Client) attempt(ctx context.Context, r *request) (*reply, error) {
	res, body, err := c.exchange(ctx, r)
	if err != nil {
		return nil, err
	}
	env, err := judge(res, body, r)
	if err != nil {
		return nil, err
	}
	return &reply{Answer{Received: c.options.Now().UTC(), Date: date(res)}, env}, nil
}

// exchange makes a request once and gives the response and its whole body, whatever they are.
func (c *Client) exchange(ctx context.Context, r *request) (*http.Response, []byte, error) {
	res, err := c.open(ctx, r, pageTime)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := c.readPage(res, r)
	if err != nil {
		return nil, nil, err
	}
	c.capture(r, res.StatusCode, body)
	return res, body, nil
}

// readPage reads a whole body into memory of its own, up to c.maxPage.
func (c *Client) readPage(res *http.Response, r *request) ([]byte, error) {
	buffer, _ := c.buffers.Get().(*bytes.Buffer)
	if buffer == nil {
		buffer = new(bytes.Buffer)
	}
	buffer.Reset()
	if n := res.ContentLength; n > 0 && n <= c.maxPage {
		buffer.Grow(int(n) + bytes.MinRead)
	}
	_, err := buffer.ReadFrom(io.LimitReader(res.Body, c.maxPage+1))
	if err == nil && int64(buffer.Len()) > c.maxPage {
		err = &Error{Method: r.method, Status: res.StatusCode, Err: ErrTooLarge}
	}
	if failure := (*Error)(nil); errors.As(err, &failure) {
		failure.Status = res.StatusCode
	}
	if buffer.Cap() > maxPooled {
		return buffer.Bytes(), err
	}
	defer c.buffers.Put(buffer)
	return bytes.Clone(buffer.Bytes()), err
}

// judge tells a success from everything else that can come back.
func judge(res *http.Response, body []byte, r *request) (envelope, error) {
	e := &Error{Method: r.method, Status: res.StatusCode, RetryAfter: retryAfter(res)}
	if res.StatusCode/100 == 3 {
		e.Err = redirectTarget(res)
		return envelope{}, e
	}
	env, err := parseEnvelope(body, r.payload)
	if err != nil {
		e.Err = noAnswer(res, body, err)
		return envelope{}, e
	}
	if !env.refused() && (env.ok || env.found) {
		if e.Err = env.misses(r); e.Err == nil && res.StatusCode/100 == 2 {
			return env, nil
		}
		return envelope{}, e
	}
	if !env.refused() && !env.saysOK {
		e.Err = errors.New("answer is no TeamChat answer")
	}
	e.Code, e.Details = r.cleanCode(env.code), strings.ToLower(r.clean(env.details))
	return envelope{}, e
}

// cleanCode gives a code in lower case; only one that is unknown can repeat a secret.
func (r *request) cleanCode(code string) string {
	code = strings.ToLower(strings.TrimSpace(code))
	if _, known := codes[code]; known {
		return code
	}
	return strings.ToLower(r.clean(code))
}

// noAnswer says what came in place of a JSON object.
func noAnswer(res *http.Response, body []byte, err error) error {
	text := trimStart(body)
	switch {
	case len(text) == 0:
		return errors.New("empty answer")
	case text[0] == '<':
		return fmt.Errorf("answer is a page of HTML, %d bytes", len(body))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("answer is cut short after %d bytes: %w", len(body), io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("answer is no JSON object, %d bytes", len(body))
}
