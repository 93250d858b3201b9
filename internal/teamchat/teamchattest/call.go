package teamchattest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"archiver/internal/record"
)

// call is one request on its way to its answer.
type call struct {
	renderer
	server  *Server
	form    url.Values
	session *session
	whole   bool    // the answer will be sent as it is
	buffer  *[]byte // what the renderer began with, goes back to the pool

	status      int
	contentType string
	size        int64 // of the answer, bytes
	file        *content
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

func newCall(s *Server, form url.Values) *call {
	b := buffers.Get().(*[]byte)
	c := &call{server: s, form: form, buffer: b, status: http.StatusOK, contentType: "application/json; charset=utf-8"}
	c.renderer = renderer{b: (*b)[:0], v: &s.o.Variant, w: s.w}
	return c
}

func (c *call) release() {
	*c.buffer = c.b[:0]
	buffers.Put(c.buffer)
}

// apiError is an error of the API: code and details.
type apiError struct{ code, details string }

func (e *apiError) Error() string { return strings.TrimRight(e.code+" "+e.details, " ") }

var (
	errInvalidToken = &apiError{"invalid_token", ""}
	errNoMethod     = &apiError{"method_not_exist", ""}
	errNoPermission = &apiError{"no_permission", ""}
	errNotFound     = &apiError{"gw_error", "e_notfound"}
	errRights       = &apiError{"gw_error", "e_rights"}
	errParameters   = &apiError{"gw_error", "e_parameters"}
)

// gwNumbers are the numbers of the groupware store's errors.
var gwNumbers = map[string]string{"e_rights": "2", "e_parameters": "5", "e_notfound": "7"}

// methods are the calls that the server knows.
var methods = map[string]func(*call) error{
	"auth.revoke":                   (*call).revoke,
	"auth.test":                     (*call).authTest,
	"channels.diff":                 (*call).channelsDiff,
	"channels.historyNoComments":    (*call).history,
	"channels.info":                 (*call).channelInfo,
	"channels.list":                 (*call).channelsList,
	"conferences.list":              (*call).conferencesList,
	"documentation.errors":          (*call).documentationErrors,
	"events.get":                    (*call).eventsGet,
	"events.history":                (*call).eventsHistory,
	"events.upcoming":               (*call).eventsUpcoming,
	"files.download":                (*call).download,
	"files.list":                    (*call).filesList,
	"items.info":                    (*call).itemInfo,
	"iwauthentication.login.digest": (*call).digest,
	"iwauthentication.login.plain":  (*call).login,
	"iwauthentication.logout":       (*call).logout,
	"mentions.list":                 (*call).mentionsList,
	"pins.list":                     (*call).pinsList,
	"search.users":                  (*call).searchUsers,
	"threads.comments":              (*call).comments,
	"threads.list":                  (*call).threads,
	"time.now":                      (*call).timeNow,
	"users.info":                    (*call).userInfo,
	"users.list":                    (*call).usersList,
	"version":                       (*call).version,
}

// withoutToken are the calls that need no token.
var withoutToken = map[string]bool{
	"iwauthentication.login.digest": true, "iwauthentication.login.plain": true, "files.download": true,
}

// run carries the call out and renders its answer.
func (c *call) run(method string) {
	if c.v.BOM {
		c.raw("\ufeff")
	}
	start := len(c.b)
	if err := c.dispatch(method); err != nil {
		c.b = c.b[:start]
		c.fail(method, err)
	}
	if c.file == nil {
		c.size = int64(len(c.b))
	}
}

func (c *call) dispatch(method string) error {
	if !withoutToken[method] {
		c.session = c.server.sessions.get(c.form.Get("token"), c.server.o.Now())
		if c.session == nil {
			return errInvalidToken
		}
	}
	do := methods[method]
	if do == nil {
		return errNoMethod
	}
	c.w.mu.RLock()
	defer c.w.mu.RUnlock()
	if rec := c.w.served; rec != nil && c.whole && slices.Contains(rec.methods, method) {
		c.rec = rec
	}
	return do(c)
}

// ok ends a success.
func (c *call) ok() {
	if c.v.ExtraFields {
		c.raw(`,"x_took":0.25`)
	}
	c.flag("ok", true)
	c.raw("}")
}

// fail renders an error.
func (c *call) fail(method string, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{"unexpected_error", err.Error()}
	}
	if c.server.o.Variant.ErrorStatus != 0 {
		c.status = c.server.o.Variant.ErrorStatus
	}
	switch {
	case method == "files.download":
		c.contentType = "text/html; charset=utf-8"
		if t := c.v.ErrorType; t != "" {
			c.contentType = t
		}
	case err == errLogin:
		c.refuseLogin()
		return
	}
	c.raw(`{"error":`)
	if number := gwNumbers[e.details]; c.v.ErrorNumber && number != "" {
		c.raw(number)
	} else {
		c.b = appendQuoted(c.b, e.code)
	}
	if e.details != "" || method != "files.download" {
		c.text("error_details", e.details)
	}
	c.flag("ok", false)
	c.raw("}")
}

// body is what is sent: the rendered answer, or a file's content.
func (c *call) body() (io.ReadCloser, error) {
	if c.file != nil {
		return c.file.open()
	}
	return io.NopCloser(bytes.NewReader(c.b)), nil
}

// copyTo sends the next n bytes of the body and tells whether that went well.
func (c *call) copyTo(w io.Writer, body io.Reader, n int64) bool {
	if c.file == nil && n == c.size {
		_, err := w.Write(c.b)
		return err == nil
	}
	_, err := io.CopyN(w, body, n)
	return err == nil
}

// channelParam gives the channel of the call, which the account must be allowed to read.
func (c *call) channelParam() (*channel, error) {
	ch := c.w.byID[record.ChannelID(c.form.Get("channel"))]
	switch {
	case ch == nil || ch.unlisted:
		return nil, errNotFound
	case ch.unreadable:
		return ch, errRights
	}
	return ch, nil
}

func (c *call) boolParam(name string, missing bool) bool {
	switch strings.ToLower(c.form.Get(name)) {
	case "":
		return missing
	case "1", "true", "yes", "on":
		return true
	}
	return false
}

func (c *call) intParam(name string) int {
	n, _ := strconv.Atoi(c.form.Get(name))
	return n
}
