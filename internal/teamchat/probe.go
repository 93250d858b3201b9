package teamchat

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// bogus is how the names of methods begin that no server has.
const bogus = "archiver."

// reading are the methods of the API, old ones included, that change nothing but the account's own view: what it has
// read, and its base of channels.diff.
var reading = map[string]bool{
	"api.test": true, methodAuthTest: true, "channels.comments": true, methodChannelsDiff: true,
	"channels.getAutoFollow": true, "channels.getNotificationsSettings": true, "channels.history": true,
	methodHistory: true, methodChannel: true, methodChannels: true, "channels.userPermissions": true,
	"conferences.info": true, methodConferences: true, methodErrors: true, methodEvent: true, methodEventsPast: true,
	methodEventsNext: true, methodDownload: true, "files.exists": true, methodFiles: true,
	"folders.userPermissions": true, methodItem: true, methodDigest: true, "mentions.list": true,
	"password.policy": true, methodPins: true, methodSearchUsers: true, methodComments: true,
	"threads.followed": true, methodThreads: true, "threads.unreadCount": true, "threads.unreadList": true,
	"ticket.info": true, methodNow: true, "users.getNotificationsSettings": true, "users.getPresence": true,
	"users.identity": true, methodUser: true, methodUsers: true, methodVersion: true,
}

// Probe calls a method once, by POST, with the parameters as they are, to learn what the server makes of them. Any
// JSON is a success, an error of the API too; err says what else came, or why nothing did. Only methods that are known
// to read can be called, and, to see how the server refuses an unknown one, those whose names begin with "archiver.".
//
// The client's token is added, after a login if need be, unless params has a token; "" sends none.
//
// body is the JSON as received, without what follows it, but with secrets blanked: strings and numbers in members
// whose names speak of a token, ticket, password, secret or JWT become "" and 0; in other strings what follows such a
// word and an equals sign or a colon is cut out, and so is what looks like a token or a ticket; a string that still
// repeats a secret of the request becomes "".
func (c *Client) Probe(ctx context.Context, method string, params map[string]string) (status int, body []byte, err error) {
	return c.probe(ctx, probeRequest(method, params))
}

// ProbeGet is Probe by GET, with the parameters in the URL. Since URLs are logged on their way, the client's token is
// not among them: the server's refusal tells that it takes calls by GET.
func (c *Client) ProbeGet(ctx context.Context, method string, params map[string]string) (status int, body []byte, err error) {
	r := probeRequest(method, params)
	r.get, r.open = true, true
	return c.probe(ctx, r)
}

func probeRequest(method string, params map[string]string) *request {
	r := newRequest(method)
	for name, value := range params {
		r.form.Set(name, value)
	}
	token, given := params["token"]
	if r.open = given; given && token == "" {
		r.form.Del("token")
	}
	return r
}

func (c *Client) probe(ctx context.Context, r *request) (status int, body []byte, err error) {
	if !reading[r.method] && !isBogus(r.method) {
		return 0, nil, fmt.Errorf("probe: method %q is not known to read only", r.method)
	}
	if !r.open {
		if _, err := c.authorize(ctx, r); err != nil {
			return 0, nil, err
		}
	}
	res, received, err := c.exchange(ctx, r)
	if err != nil {
		return 0, nil, err
	}
	_, verdict := judge(res, received, r)
	c.heed(r, verdict)
	body, err = redact(received, r.secrets())
	if err != nil {
		err = &Error{Method: r.method, Status: res.StatusCode, RetryAfter: retryAfter(res), Err: noAnswer(res, received, err)}
	}
	return res.StatusCode, body, err
}

// isBogus tells the names that are made up, of letters, digits and dots.
func isBogus(method string) bool {
	rest, found := strings.CutPrefix(method, bogus)
	return found && rest != "" && strings.Trim(strings.ToLower(rest), "abcdefghijklmnopqrstuvwxyz0123456789.") == ""
}

// heed lets later calls know what the outcome of a call that is not repeated says: the server works, or asks for a
// wait.
func (c *Client) heed(r *request, err error) {
	e := (*Error)(nil)
	switch {
	case err == nil:
		c.worked(nil)
	case errors.As(err, &e) && e.told():
		_ = (&patience{client: c, request: r}).wait(e) // only notes it
	}
}

// capture hands an answer to Options.Capture, unless it is no JSON.
func (c *Client) capture(r *request, status int, body []byte) {
	if c.options.Capture == nil {
		return
	}
	if clean, err := redact(body, r.secrets()); err == nil {
		c.options.Capture(r.method, status, clean)
	}
}

// DocumentedErrors is documentation.errors: the answer as received, whose layout nobody has published.
func (c *Client) DocumentedErrors(ctx context.Context) (Answer, []byte, error) {
	answer, err := c.call(ctx, newRequest(methodErrors).wants(anything, "errors"))
	if err != nil {
		return Answer{}, nil, err
	}
	return answer.Answer, answer.object, nil
}
