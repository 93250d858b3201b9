package doctor_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/doctor"
	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"
)

// company is a server that shows everything: one channel with enough messages of all kinds, another one, and secrets.
const company = `
user ann Ann Example
user bob Bob Example
channel general ann bob
channel sales ann
m1 = post general ann one
m2 = post general bob two
post general ann three
post general ann four
post general bob five
post general ann six
post general bob seven
edit m1 ann first
comment m1 bob why?
c2 = comment m1 ann because
event general ann 30 Planning
f1 = upload general ann notes.txt planted content of a file
upload general bob plan.txt The plan
code general ann go fmt.Println("x")
pin m2 ann
post general bob last
post sales ann hello
`

// serve starts a server of the company whose clock is right.
func serve(t *testing.T, o teamchattest.ServerOptions) *teamchattest.Server {
	t.Helper()
	w, err := teamchattest.ParseScenario(company)
	if err != nil {
		t.Fatal(err)
	}
	w.PostConference("general", "ann@example.com", "Standup", "planted-meeting-password")
	w.UseClock(time.Now)
	return teamchattest.Start(t, w, o)
}

func clientOptions(url string) teamchat.Options {
	return teamchat.Options{
		URL: url, Username: "archive@example.com", Backoff: time.Millisecond,
		Password: func(context.Context) (string, error) { return "secret", nil },
	}
}

// examined is what was found, by name.
type examined map[string]doctor.Finding

func examine(t *testing.T, o doctor.ServerOptions) examined {
	t.Helper()
	found := examined{}
	err := doctor.Server(t.Context(), o, func(f doctor.Finding) { found.add(t, f) })
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// add checks what holds of every finding.
func (x examined) add(t *testing.T, f doctor.Finding) {
	t.Helper()
	if _, twice := x[f.Name]; twice {
		t.Errorf("two findings are called %q", f.Name)
	}
	if f.Name == "" || f.Detail == "" || f.Status != doctor.OK && f.Hint == "" {
		t.Errorf("finding without a word: %+v", f)
	}
	x[f.Name] = f
}

// expect checks a finding: its status, and what its detail holds.
func (x examined) expect(t *testing.T, name string, status doctor.Status, detail string) {
	t.Helper()
	if f := x[name]; f.Status != status || !strings.Contains(f.Detail, detail) {
		t.Errorf("%s: %s %q, want %s with %q", name, f.Status, f.Detail, status, detail)
	}
}

func TestDefaultDialect(t *testing.T) {
	s := serve(t, teamchattest.ServerOptions{})
	found := examine(t, doctor.ServerOptions{Client: clientOptions(s.URL)})
	for name, f := range found {
		if f.Status != doctor.OK {
			t.Errorf("%s: %s %s", name, f.Status, f.Detail)
		}
	}
	for name, detail := range map[string]string{
		"connection":        "answers in",
		"login":             "accepted as archive@example.com",
		"version":           "14.2.0.1",
		"clock":             "agrees",
		"errors":            "an expired token gives invalid_token, an unknown method method_not_exist",
		"calls":             "by POST and GET",
		"channels":          "2 channels",
		"channels.diff":     "gives every channel, as {status, channel}",
		"rights":            "every channel",
		"channel objects":   "ids with = padding; members as objects; numbers as numbers",
		"users":             "all 2",
		"looked into":       "general",
		"page size":         "honoured",
		"page numbers":      "begin at 1, and 0 is taken as 1; a page past the end is empty",
		"order":             "honoured",
		"bounds":            "oldest, latest and inclusive are honoured",
		"history":           "walked by ts",
		"messages":          "1 marked as edited",
		"comment counts":    "comments_count",
		"comments":          "a thread of 2 comes whole",
		"comment by itself": "is given",
		"items.info":        "one that is not e_notfound",
		"files":             "files.list gives 2, history 2, and they agree",
		"downloads":         "a ticket alone is enough; a wrong one gives no_permission",
		"calendar and pins": "are given",
	} {
		found.expect(t, name, doctor.OK, detail)
	}
	var requests int64
	for _, n := range s.RequestCounts() {
		requests += n
	}
	if requests > 45 {
		t.Errorf("%d requests are more than a few dozen", requests)
	}
}

func TestVariantsAreNamed(t *testing.T) {
	type variant = teamchattest.Variant
	type want struct {
		name   string
		status doctor.Status
		detail string
	}
	walked, paged := want{"history", doctor.OK, "walked by ts"}, want{"history", doctor.Warn, "overlapping pages"}
	for name, test := range map[string]struct {
		variant variant
		wants   []want
	}{
		"count capped":              {variant{CountCap: 5}, []want{{"page size", doctor.OK, "at most 5 a page"}, walked}},
		"capped and silent":         {variant{CountCap: 5, PagingAbsent: true}, []want{{"page size", doctor.OK, "at most 5 a page"}, walked}},
		"count ignored":             {variant{CountFixed: 6}, []want{{"page size", doctor.Warn, "gives all 6"}, {"page numbers", doctor.OK, "one page holds"}, walked}},
		"short pages":               {variant{ShortPages: true}, []want{{"page size", doctor.OK, "can hold fewer (1 of 2)"}, {"page numbers", doctor.OK, "begin at 1"}, walked}},
		"empty pages":               {variant{EmptyPages: true}, []want{{"page numbers", doctor.OK, "pages in the middle can be empty"}, walked}},
		"page ignored":              {variant{PageIgnored: true}, []want{{"page numbers", doctor.Warn, "ignored"}, walked}},
		"pages from 0":              {variant{PageBase0: true}, []want{{"page numbers", doctor.OK, "begin at 0"}, walked}},
		"last page again":           {variant{PastEnd: "last"}, []want{{"page numbers", doctor.OK, "past the end is the last page again"}}},
		"first page again":          {variant{PastEnd: "first"}, []want{{"page numbers", doctor.OK, "past the end is the first page again"}}},
		"reversed":                  {variant{Reversed: true}, []want{{"order", doctor.Warn, "wrong way round"}, {"bounds", doctor.OK, "honoured"}, paged}},
		"newest first always":       {variant{IgnoreDescending: true}, []want{{"order", doctor.Warn, "always newest first"}, paged}},
		"oldest ignored":            {variant{IgnoreOldest: true}, []want{{"bounds", doctor.Warn, "oldest is ignored"}, paged}},
		"latest ignored":            {variant{IgnoreLatest: true}, []want{{"bounds", doctor.Warn, "latest is ignored"}, walked}},
		"inclusive ignored":         {variant{IgnoreInclusive: true}, []want{{"bounds", doctor.Warn, "inclusive=true is ignored"}, paged}},
		"always inclusive":          {variant{AlwaysInclusive: true}, []want{{"bounds", doctor.Warn, "kept even without inclusive"}, walked}},
		"nothing works":             {variant{IgnoreOldest: true, IgnoreLatest: true, PageIgnored: true, CountCap: 5}, []want{{"bounds", doctor.Warn, "oldest is ignored, latest is ignored"}, {"history", doctor.Fail, "only 5 messages"}}},
		"bounds ignored and capped": {variant{IgnoreOldest: true, IgnoreLatest: true, CountCap: 5}, []want{{"bounds", doctor.Warn, "oldest is ignored, latest is ignored"}, paged}},
		"no paging object":          {variant{PagingAbsent: true}, []want{{"page numbers", doctor.OK, "begin at 1"}, walked}},
		"wrong paging object":       {variant{PagingWrong: true}, []want{{"page numbers", doctor.OK, "begin at 1"}, {"files", doctor.OK, "agree"}, walked}},
		"members as strings":        {variant{Members: "strings"}, []want{{"channel objects", doctor.OK, "members as strings"}}},
		"no members":                {variant{Members: "absent"}, []want{{"channel objects", doctor.OK, "no members"}, {"members", doctor.OK, "users.list gives them all"}}},
		"ids without padding":       {variant{NoPadding: true}, []want{{"channel objects", doctor.OK, "ids without = padding"}, walked}},
		"numbers as strings":        {variant{NumberText: true}, []want{{"channel objects", doctor.OK, "numbers as strings"}, walked}},
		"ts as numbers":             {variant{NumberTS: true}, []want{{"messages", doctor.OK, "ts are numbers"}, walked}},
		"booleans as text":          {variant{Bools: "text"}, []want{{"rights", doctor.OK, "every channel"}, walked}},
		"booleans as numbers":       {variant{Bools: "number"}, []want{{"rights", doctor.OK, "every channel"}, walked}},
		"build of 2026":             {variant{Build: "2026"}, []want{{"channel objects", doctor.OK, "is_recent"}}},
		"no latest":                 {variant{NoLatest: true}, []want{{"channel objects", doctor.OK, "no latest"}}},
		"byte order mark":           {variant{BOM: true, ExtraFields: true, NullLists: true}, []want{walked}},
		"errors as numbers":         {variant{ErrorNumber: true}, []want{{"items.info", doctor.OK, "e_notfound (as the number 7)"}}},
		"errors with a status":      {variant{ErrorStatus: 403}, []want{{"errors", doctor.OK, "invalid_token with HTTP 403"}, {"items.info", doctor.OK, "e_notfound with HTTP 403"}}},
		"no count of comments":      {variant{CommentsCount: "absent"}, []want{{"comment counts", doctor.Warn, "no comments_count"}, {"comments", doctor.OK, "comes with 2"}}},
		"count of comments as text": {variant{CommentsCount: "text"}, []want{{"comment counts", doctor.OK, "as text"}}},
		"comments cut":              {variant{CommentsCut: 1}, []want{{"comments", doctor.Warn, "a thread of 2 comments comes with 1"}}},
		"no mark on edits":          {variant{NoEdited: true}, []want{{"messages", doctor.OK, "none is marked"}}},
		"modified in its place":     {variant{Edited: "modified"}, []want{{"messages", doctor.OK, "(modified)"}}},
		"users cut":                 {variant{UsersCap: 1}, []want{{"users", doctor.Warn, "1 of 2"}}},
		"diff inline":               {variant{Diff: "b"}, []want{{"channels.diff", doctor.OK, "channel objects with a status"}}},
		"diff short":                {variant{Diff: "c"}, []want{{"channels.diff", doctor.OK, "{status, id, name}"}}},
		"diff with one status":      {variant{Diff: "d"}, []want{{"channels.diff", doctor.OK, "one status for all"}}},
		"first diff is empty":       {variant{DiffFirst: "nothing"}, []want{{"channels.diff", doctor.OK, "gives 0 changes"}}},
		"errors of downloads":       {variant{ErrorType: "application/json"}, []want{{"downloads", doctor.OK, "no_permission"}}},
		"skewed clock":              {variant{Skew: 90 * time.Minute}, []want{{"clock", doctor.Warn, "90 minutes ahead of"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, teamchattest.ServerOptions{Variant: test.variant})
			found := examine(t, doctor.ServerOptions{Client: clientOptions(s.URL)})
			for _, w := range test.wants {
				found.expect(t, w.name, w.status, w.detail)
			}
		})
	}
}

func TestWhatCannotBeArchivedIsNamed(t *testing.T) {
	s := serve(t, teamchattest.ServerOptions{})
	if err := s.World().Apply("readable sales off\nchannel secret-plans ann\nreadable secret-plans off"); err != nil {
		t.Fatal(err)
	}
	found := examine(t, doctor.ServerOptions{Client: clientOptions(s.URL), Exclude: []string{"secret-plans"}})
	found.expect(t, "rights", doctor.Warn, "may not read 1 channel: sales (no items_read)")
	found.expect(t, "channels", doctor.OK, "3 channels, of which sync.exclude_channels leaves out 1")
}

func TestExcludedChannelsAreLeftAlone(t *testing.T) {
	s := serve(t, teamchattest.ServerOptions{})
	found := examine(t, doctor.ServerOptions{Client: clientOptions(s.URL), Exclude: []string{"general"}})
	found.expect(t, "looked into", doctor.OK, "sales: 1 message")
	found.expect(t, "history", doctor.Warn, "too few messages")
	found = examine(t, doctor.ServerOptions{Client: clientOptions(s.URL), Channel: "nowhere"})
	found.expect(t, "looked into", doctor.Warn, "no readable channel is called nowhere")
}

func TestLargeChannel(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	var members []string
	for i := range 350 {
		members = append(members, fmt.Sprintf("u%03d@example.com", i))
	}
	w.AddChannel("crowd", members...)
	for name, test := range map[string]struct {
		variant teamchattest.Variant
		status  doctor.Status
		detail  string
	}{
		"whole": {teamchattest.Variant{}, doctor.OK, "users.list gives them all (350 of crowd)"},
		"cut":   {teamchattest.Variant{UsersCap: 300}, doctor.Warn, "users.list gives 300 of the 350 of crowd"},
	} {
		t.Run(name, func(t *testing.T) {
			s := teamchattest.Start(t, w, teamchattest.ServerOptions{Variant: test.variant})
			found := examine(t, doctor.ServerOptions{Client: clientOptions(s.URL)})
			found.expect(t, "members", test.status, test.detail)
			found.expect(t, "looked into", doctor.Warn, "no channel that can be read holds messages")
		})
	}
}

// TestNoWayIn: where there is no way in, one failure says why, and nothing else is asked.
func TestNoWayIn(t *testing.T) {
	wrong := func(context.Context) (string, error) { return "wrong", nil }
	for name, test := range map[string]struct {
		fault  teamchattest.Fault
		spoil  func(*teamchat.Options)
		name   string
		detail string
		hint   string
	}{
		"wrong password": {spoil: func(o *teamchat.Options) { o.Password = wrong }, name: "login", detail: "login_failed", hint: "check the username"},
		"unreachable":    {spoil: func(o *teamchat.Options) { o.URL = "http://127.0.0.1:1" }, name: "connection", detail: "connection refused", hint: "and the server up"},
		"wants quiet":    {fault: teamchattest.Fault{Status: 503, RetryAfter: "7200", Times: -1}, name: "connection", detail: "asks to come back in 2h", hint: "asks for quiet"},
		"web page":       {fault: teamchattest.Fault{HTML: true, Times: -1}, name: "connection", detail: "page of HTML", hint: "lead to TeamChat"},
		"no URL":         {spoil: func(o *teamchat.Options) { o.URL = "mail.example.com" }, name: "connection", detail: "want https://HOST", hint: "server.url"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, teamchattest.ServerOptions{})
			if test.fault.Times != 0 {
				s.Fault(test.fault)
			}
			o := clientOptions(s.URL)
			if test.spoil != nil {
				test.spoil(&o)
			}
			found := examine(t, doctor.ServerOptions{Client: o})
			found.expect(t, test.name, doctor.Fail, test.detail)
			if f := found[test.name]; f.Err == nil || !strings.Contains(f.Hint, test.hint) {
				t.Errorf("error %v, hint %q", f.Err, f.Hint)
			}
			if s.Requests("channels.list") > 0 {
				t.Error("asked on")
			}
		})
	}
}

// TestCertificates: an authority that is not known, a certificate that is good, and one that ends soon.
func TestCertificates(t *testing.T) {
	s := httptest.NewTLSServer(serve(t, teamchattest.ServerOptions{}))
	defer s.Close()
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	o := clientOptions(s.URL)
	found := examine(t, doctor.ServerOptions{Client: o})
	found.expect(t, "connection", doctor.Fail, "certificate signed by unknown authority")
	if !strings.Contains(found["connection"].Hint, "server.ca_file") {
		t.Errorf("hint %q", found["connection"].Hint)
	}
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AddCert(s.Certificate())
	end := s.Certificate().NotAfter
	detail := "TLS 1.3, certificate good until " + end.UTC().Format(time.DateOnly)
	examine(t, doctor.ServerOptions{Client: o}).expect(t, "connection", doctor.OK, detail)
	soon := func() time.Time { return end.Add(-time.Hour) }
	examine(t, doctor.ServerOptions{Client: o, Now: soon}).expect(t, "connection", doctor.Warn, detail)
}

// TestOneFaultStopsNothingElse: a call that fails leaves its own check open.
func TestOneFaultStopsNothingElse(t *testing.T) {
	s := serve(t, teamchattest.ServerOptions{})
	s.Fault(teamchattest.Fault{Method: "threads.list", Status: 500, Times: -1})
	s.Fault(teamchattest.Fault{Method: "pins.list", Error: "method_not_exist", Times: -1})
	found := examine(t, doctor.ServerOptions{Client: clientOptions(s.URL)})
	found.expect(t, "comment counts", doctor.Warn, "could not be told: threads.list: HTTP 500")
	found.expect(t, "calendar and pins", doctor.Warn, "not to be had: pins.list (method_not_exist)")
	found.expect(t, "files", doctor.OK, "agree")
}

func TestNothingIsChanged(t *testing.T) {
	s := serve(t, teamchattest.ServerOptions{})
	examine(t, doctor.ServerOptions{Client: clientOptions(s.URL)})
	for method := range s.RequestCounts() {
		for _, verb := range []string{"post", "update", "delete", "add", "remove", "create", "set", "invite", "kick", "rename", "join", "leave"} {
			if strings.Contains(strings.ToLower(method), verb) {
				t.Errorf("%s was called", method)
			}
		}
	}
	if n := s.Requests("iwauthentication.logout"); n != 1 {
		t.Errorf("%d logouts", n)
	}
}

// TestRecorderKeepsNoSecrets: answers are kept as they came, but for passwords, tokens and tickets.
func TestRecorderKeepsNoSecrets(t *testing.T) {
	s := serve(t, teamchattest.ServerOptions{Password: "planted-account-password"})
	if err := s.World().Apply(`post general ann see https://mail.example.com/x?ticket=planted-ticket-in-a-text`); err != nil {
		t.Fatal(err)
	}
	o := clientOptions(s.URL)
	o.Password = func(context.Context) (string, error) { return "planted-account-password", nil }
	var tickets []string
	dir := filepath.Join(t.TempDir(), "answers")
	recorder, err := doctor.NewRecorder(dir)
	if err != nil {
		t.Fatal(err)
	}
	examine(t, doctor.ServerOptions{Client: o, Recorder: recorder})
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	client, err := teamchat.New(o)
	if err != nil {
		t.Fatal(err)
	}
	_, channels, err := client.ChannelsList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.Files(t.Context(), teamchat.ListQuery{Channel: channels[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Messages {
		tickets = append(tickets, m.File.Ticket)
	}
	kept := read(t, dir)
	for _, secret := range append(tickets, "planted-account-password", "planted-meeting-password", "planted-ticket", "planted content of a file") {
		if strings.Contains(kept, secret) {
			t.Errorf("%q was kept", secret)
		}
	}
	for _, want := range []string{`"file":"channels.list.json"`, `"parameters":{"channel":"`, `"text":"first"`, `"error":"method_not_exist"`, `"page":"99999"`} {
		if !strings.Contains(kept, want) {
			t.Errorf("%s was not kept", want)
		}
	}
	if strings.Count(kept, `"token":"xoxp-`) != strings.Count(kept, `"token":"xoxp-archiver-doctor-no-such-token"`) {
		t.Error("a token was kept")
	}
	if _, err := doctor.NewRecorder(dir); err == nil {
		t.Error("a directory with answers is taken again")
	}
}

// read gives all that files in dir hold, and checks that they are for their owner alone.
func read(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, error %v", path, info.Mode(), err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}
