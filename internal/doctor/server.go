package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"archiver/internal/teamchat"
)

// ServerOptions say which server is examined, and how.
type ServerOptions struct {
	Client   teamchat.Options // as for a sync; an outage is waited for no longer than 15 s
	Exclude  []string         // ids or names of channels that are not archived: they are not looked into
	Channel  string           // id or name of the channel to look into; "" is the one that shows most
	Recorder *Recorder        // nil keeps no answers
	Now      func() time.Time // nil is time.Now
}

const (
	patience      = 15 * time.Second // without an answer
	expiresSoon   = 21 * 24 * time.Hour
	toleratedSkew = 5 * time.Second
)

// Server examines a server and passes on what it finds. The error is the context's.
func Server(ctx context.Context, o ServerOptions, found func(Finding)) error {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Client.GiveUpAfter, o.Client.MaxWait = patience, patience
	o.Client.Capture = o.Recorder.capture
	s := &server{findings: findings{found}, o: o}
	client, err := teamchat.New(o.Client)
	if err != nil {
		s.fail("connection", err, "server.url in archiver.yaml, --server or ARCHIVER_SERVER names the server")
		return ctx.Err()
	}
	s.client = client
	defer s.logOut(ctx)
	s.examine(ctx)
	return ctx.Err()
}

// server is an examination under way.
type server struct {
	findings
	o        ServerOptions
	client   *teamchat.Client
	channels []teamchat.Channel
}

// examine makes the checks in an order in which each finds what it needs.
func (s *server) examine(ctx context.Context) {
	if !s.connection(ctx) || !s.login(ctx) {
		return
	}
	for _, check := range []func(context.Context){s.version, s.clock, s.refusals, s.documented} {
		if ctx.Err() != nil {
			return
		}
		check(ctx)
	}
	first, err := s.ask(ctx, "channels.diff")
	if !s.listChannels(ctx) {
		return
	}
	s.diff(ctx, first, err)
	for _, check := range []func(context.Context){s.rights, s.inactive, s.layout, s.members, s.users, s.look} {
		if ctx.Err() != nil {
			return
		}
		check(ctx)
	}
}

// logOut ends the session. A server that does not answer must not hold up the end.
func (s *server) logOut(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.client.Close(ctx) // the token expires by itself
}

// connection checks that something that speaks the API answers.
func (s *server) connection(ctx context.Context) bool {
	const name = "connection"
	var secured atomic.Pointer[tls.ConnectionState]
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if err == nil {
				secured.Store(&state)
			}
		},
	})
	started := s.o.Now()
	if _, err := s.ask(ctx, "version", "token", ""); err != nil {
		s.fail(name, err, advice(err))
		return false
	}
	detail := fmt.Sprintf("%s answers in %v", s.o.Client.URL, s.o.Now().Sub(started).Round(time.Millisecond))
	state := secured.Load()
	switch {
	case state != nil:
		s.encryption(name, detail, state)
	case isLoopback(s.o.Client.URL):
		s.ok(name, "%s; not encrypted, on this machine", detail)
	default:
		s.warn(name, detail+"; not encrypted", "the password and all messages can be read on the way: use https://")
	}
	return true
}

// encryption says how a connection is secured, and until when.
func (s *server) encryption(name, detail string, state *tls.ConnectionState) {
	detail += ", " + tls.VersionName(state.Version)
	if len(state.PeerCertificates) == 0 {
		s.ok(name, "%s", detail)
		return
	}
	end := state.PeerCertificates[0].NotAfter
	detail += ", certificate good until " + end.UTC().Format(time.DateOnly)
	if end.Sub(s.o.Now()) < expiresSoon {
		s.warn(name, detail, "the server needs a new certificate by then, or nothing can be archived any more")
		return
	}
	s.ok(name, "%s", detail)
}

func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// advice says what to do about an error of a call.
func advice(err error) string {
	var (
		server      *teamchat.Error
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &authority):
		return "server.ca_file names a file with the authority's certificate, if the server's is right"
	case errors.As(err, &certificate):
		return "the server's certificate is not valid for this address or this day: it has to be put right there"
	case !errors.As(err, &server):
		return "check the configuration"
	case errors.Is(err, teamchat.ErrWait), server.RetryAfter > 0:
		return "the server asks for quiet: run archiver doctor again after that time"
	case server.LoginRefused():
		return "check the username and the password, and that the account may use TeamChat"
	case server.Status == 0:
		return "is the server's URL right, and the server up? can this machine reach it, past proxies and firewalls?"
	case server.Code == "":
		return "does the server's URL lead to TeamChat? its API is expected at <url>/teamchatapi/"
	}
	return "the server refuses this call: ask its administrator, with the code it gives"
}

// login checks that the server lets the account in.
func (s *server) login(ctx context.Context) bool {
	const name = "login"
	if err := s.client.Login(ctx); err != nil {
		s.fail(name, err, advice(err))
		return false
	}
	user, err := s.client.AuthTest(ctx)
	switch {
	case err != nil:
		s.ok(name, "accepted as %s", s.o.Client.Username)
	case user != s.o.Client.Username:
		s.ok(name, "accepted as %s, which the server calls %s", s.o.Client.Username, user)
	default:
		s.ok(name, "accepted as %s", user)
	}
	return true
}

func (s *server) version(ctx context.Context) {
	const name = "version"
	version, err := s.client.Version(ctx)
	if err != nil {
		s.untold(name, err)
		return
	}
	s.ok(name, "%s", version)
}

// clock compares the server's clock with this machine's. The answer is some time old when it arrives: half of the
// time that the call took counts as its way.
func (s *server) clock(ctx context.Context) {
	const name = "clock"
	asked := s.o.Now()
	answer, now, err := s.client.Now(ctx)
	received := s.o.Now()
	if err != nil {
		s.untold(name, err)
		return
	}
	skew := now.Sub(asked.Add(received.Sub(asked) / 2)).Round(time.Second)
	detail := "the server's clock agrees with this machine's"
	if skew.Abs() > time.Second {
		detail = fmt.Sprintf("the server's clock is %s %s this machine's", span(skew.Abs()), direction(skew))
	}
	if gap := answer.Date.Sub(now); !answer.Date.IsZero() && gap.Abs() > toleratedSkew {
		detail += fmt.Sprintf("; the Date of its HTTP answers is %s %s its own time.now", span(gap.Abs()), direction(gap))
	}
	if skew.Abs() > toleratedSkew {
		s.warn(name, detail, "let both follow NTP: the archive holds the server's time of each message beside this machine's time of reading it")
		return
	}
	s.ok(name, "%s", detail)
}

func direction(d time.Duration) string {
	if d < 0 {
		return "behind"
	}
	return "ahead of"
}

// refusals checks how the server says no, on which logging in anew and telling errors apart depend.
func (s *server) refusals(ctx context.Context) {
	const name = "errors"
	token, err := s.ask(ctx, "auth.test", "token", "xoxp-archiver-doctor-no-such-token")
	if err != nil {
		s.untold(name, err)
		return
	}
	method, err := s.ask(ctx, "archiver.nosuchmethod")
	if err != nil {
		s.untold(name, err)
		return
	}
	detail := fmt.Sprintf("an expired token gives %s, an unknown method %s", token.verdict(), method.verdict())
	if token.refused() && (token.reason() == "invalid_token" || token.status == 401) {
		s.ok(name, "%s", detail)
		return
	}
	s.warn(name, detail, "archiver may not notice that it must log in again: a sync that outlives its token would end early, and the next one goes on")
}

// documented asks for what the server says of its own errors, and whether it takes calls by GET.
func (s *server) documented(ctx context.Context) {
	get := "by POST only"
	if s.takesGet(ctx) {
		get = "by POST and GET"
	}
	answer, err := s.ask(ctx, "documentation.errors")
	switch {
	case err != nil:
		s.ok("calls", "%s; documentation.errors: %v", get, err)
	case answer.refused():
		s.ok("calls", "%s; the server does not document its errors", get)
	default:
		s.ok("calls", "%s; the server documents its errors (documentation.errors)", get)
	}
}

// takesGet tells whether calls by GET reach the API: any JSON says so.
func (s *server) takesGet(ctx context.Context) bool {
	s.o.Recorder.begin("GET", "version", map[string]string{})
	_, _, err := s.client.ProbeGet(ctx, "version", nil)
	return err == nil
}
