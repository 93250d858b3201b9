package teamchat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"

	"github.com/google/go-cmp/cmp"
)

// startSimulator gives a client of a small world in a variant.
func startSimulator(t *testing.T, o teamchattest.ServerOptions, options ...teamchat.Options) *teamchat.Client {
	t.Helper()
	w := teamchattest.NewWorld(teamchattest.WorldOptions{Start: time.Unix(1_500_000_000, 0)})
	general := w.AddChannel("general", "ann@example.com", "bob@example.com")
	w.AddChannel("empty", "ann@example.com")
	first := w.Post(general, "ann@example.com", "Žluťoučký \"kůň\"\n\u2028")
	w.Comment(general, first, "bob@example.com", "a comment")
	w.PostCode(general, "bob@example.com", "go", "x := 1")
	w.Upload(general, "ann@example.com", "report.html", []byte("<html>a real page</html>"))
	w.Upload(general, "ann@example.com", "empty.txt", nil)
	w.Pin(general, first, "bob@example.com", true)
	w.PostEvent(general, "ann@example.com", "Retro", 1_400_000_000, 1_400_003_600)
	w.PostEvent(general, "ann@example.com", "Review", 4_000_000_000, 4_000_003_600)
	for _, begin := range []int64{1_400_000_000, 4_000_000_000} {
		w.AddConference(teamchattest.Conference{
			Channel: general, User: "bob@example.com", Title: "Call", Password: "hidden-word", Start: begin, End: begin + 60,
		})
	}
	server := teamchattest.Start(t, w, o)
	options = append(options, teamchat.Options{})
	options[0].URL, options[0].Username, options[0].Backoff = server.URL, "archive@example.com", time.Millisecond
	options[0].Password = func(context.Context) (string, error) { return "secret", nil }
	c, err := teamchat.New(options[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// readAll calls every endpoint and puts what the client understood into lines.
func readAll(t *testing.T, c *teamchat.Client) (lines []string) {
	t.Helper()
	ctx := t.Context()
	note := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, channels, err := c.ChannelsList(ctx)
	check(err)
	_, changes, body, err := c.ChannelsDiff(ctx)
	check(err)
	kept, err := teamchat.ParseChannelsDiff(body)
	check(err)
	note("%d changes, %d kept, %d logins", len(changes), len(kept), c.Logins())
	for _, channel := range channels {
		note("channel %s %s %v %d %v %v", strings.TrimRight(channel.ID, "="), channel.Name, channel.Members, channel.NumMembers, channel.Truncated, channel.Readable)
		for _, m := range readChannel(t, c, channel.ID, note) {
			note("message %s %s %d", m.TS, m.Parent, m.CommentsCount)
			if f := m.File; f != nil {
				note("file %s %s %d %s %s", f.ID, f.Name, f.Size, f.Modified, f.Created)
				d, err := c.Download(ctx, f)
				check(err)
				content, err := io.ReadAll(d)
				check(errors.Join(err, d.Close()))
				note("content %q of %d", content, d.Length)
			}
		}
	}
	user, err := c.AuthTest(ctx)
	check(err)
	version, err := c.Version(ctx)
	check(err)
	_, now, err := c.Now(ctx)
	check(err)
	_, u, err := c.UserInfo(ctx, "ann@example.com")
	check(err)
	note("%s %v %v %s", user, version != "", now.Unix() > 1_400_000_000, u.ID)
	_, documented, err := c.DocumentedErrors(ctx)
	check(err)
	note("documented errors: %v", len(documented) > 100)
	for _, upcoming := range []bool{false, true} {
		page, err := c.Conferences(ctx, teamchat.ConferencesQuery{Upcoming: upcoming, Count: 10, Page: 1, Days: 100_000})
		check(err)
		for _, conference := range page.Conferences {
			note("conference %v %s %d %d", len(conference.ID) > 5, conference.Title, conference.Start, conference.End)
			_, calendar, err := c.Event(ctx, "", conference.ID)
			check(err)
			note("calendar %v", strings.HasPrefix(calendar.Text, "BEGIN:VCALENDAR\r\n"))
		}
	}
	revoked, err := c.Revoke(ctx)
	check(err)
	_, err = c.Version(ctx)
	check(err)
	note("revoked %v, %d logins", revoked, c.Logins())
	return lines
}

// readEvents notes the events of a channel.
func readEvents(t *testing.T, c *teamchat.Client, id string, note func(string, ...any)) {
	t.Helper()
	past, err := c.EventsHistory(t.Context(), id)
	next, err2 := c.EventsUpcoming(t.Context(), id)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	for _, e := range append(past.Messages, next.Messages...) {
		_, calendar, err := c.Event(t.Context(), id, e.TS)
		if err != nil {
			t.Fatal(err)
		}
		_, summary, _ := strings.Cut(calendar.Text, "SUMMARY:")
		note("event %s %.6s", e.TS, summary)
	}
	_, _, err = c.Event(t.Context(), id, "123456789abc")
	if e := (*teamchat.Error)(nil); !errors.As(err, &e) || !e.NotFound() {
		t.Errorf("an event that is not there: %v", err)
	}
}

// readChannel gives the messages of all lists of a channel.
func readChannel(t *testing.T, c *teamchat.Client, id string, note func(string, ...any)) (all []teamchat.Message) {
	t.Helper()
	ctx := t.Context()
	_, channel, err := c.ChannelInfo(ctx, id)
	_, users, complete, err2 := c.Users(ctx, id)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	note("info %s, %d users, %v", channel.Name, len(users), complete)
	found, err := c.SearchUsers(ctx, teamchat.ListQuery{Channel: id, Count: 1, Page: 1})
	pins, err2 := c.Pins(ctx, teamchat.ListQuery{Channel: id, Count: 10, Page: 1})
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	note("found %s", found.Users[0].ID)
	for _, m := range pins.Messages {
		note("pin %s", m.TS)
	}
	readEvents(t, c, id, note)
	history, err := c.History(ctx, teamchat.HistoryQuery{Channel: id, Count: 1000})
	threads, err2 := c.Threads(ctx, teamchat.ListQuery{Channel: id})
	files, err3 := c.Files(ctx, teamchat.ListQuery{Channel: id})
	if err = errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	all = append(append(append(all, history.Messages...), threads.Messages...), files.Messages...)
	for _, m := range threads.Messages {
		comments, err := c.Comments(ctx, id, m.TS)
		_, item, err2 := c.Item(ctx, id, m.TS)
		if err = errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		all = append(append(all, comments.Messages...), item)
	}
	_, _, err = c.Item(ctx, id, "1400000000.000000")
	if e := (*teamchat.Error)(nil); !errors.As(err, &e) || !e.NotFound() {
		t.Errorf("an item that is not there: %v", err)
	}
	return all
}

func TestEveryVariantReadsTheSame(t *testing.T) {
	type variant = teamchattest.Variant
	want := readAll(t, startSimulator(t, teamchattest.ServerOptions{}))
	if text := strings.Join(want, "\n"); !strings.Contains(text, "a real page") || len(want) < 15 {
		t.Fatalf("the plain server gives\n%s", text)
	}
	for name, v := range map[string]variant{
		"members as strings": {Members: "strings"},
		"no padding":         {NoPadding: true},
		"numbers as texts":   {NumberText: true},
		"booleans as texts":  {Bools: "text"},
		"booleans as 1":      {Bools: "number"},
		"errors as numbers":  {ErrorNumber: true},
		"errors with 403":    {ErrorStatus: 403},
		"errors with 500":    {ErrorStatus: 500},
		"no paging":          {PagingAbsent: true},
		"wrong paging":       {PagingWrong: true},
		"counts as texts":    {CommentsCount: "text"},
		"null lists":         {NullLists: true},
		"diff b":             {Diff: "b"},
		"diff c":             {Diff: "c"},
		"diff d":             {Diff: "d"},
		"byte order mark":    {BOM: true},
		"more members":       {ExtraFields: true},
		"events as object":   {EventsObject: true},
		"revoked as boolean": {RevokedBool: true},
		"ts as numbers":      {NumberTS: true},
		"several":            {BOM: true, NumberText: true, Bools: "number", ErrorNumber: true, ErrorStatus: 500, NullLists: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := readAll(t, startSimulator(t, teamchattest.ServerOptions{Variant: v}))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDigestOfTheSimulator(t *testing.T) {
	for name, v := range map[string]teamchattest.Variant{
		"plain":         {},
		"md5-sess":      {DigestAlgorithm: "md5-sess"},
		"upper case":    {DigestAlgorithm: "MD5-SESS"},
		"no qop":        {DigestNoQop: true},
		"no qop, sess":  {DigestNoQop: true, DigestAlgorithm: "md5-sess"},
		"another verb":  {DigestMethod: "AUTHENTICATE"},
		"numbers, text": {NumberText: true, Bools: "number", BOM: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := startSimulator(t, teamchattest.ServerOptions{Variant: v}, teamchat.Options{Auth: "digest"})
			if err := c.Login(t.Context()); err != nil || c.Requests() != 2 {
				t.Fatalf("%v after %d requests", err, c.Requests())
			}
			if user, err := c.AuthTest(t.Context()); err != nil || user != "archive@example.com" {
				t.Errorf("%s, %v", user, err)
			}
		})
	}
}

// TestCaptureOfTheSimulator looks into everything that a server says for what must not get out.
func TestCaptureOfTheSimulator(t *testing.T) {
	secret := regexp.MustCompile(`xoxp-\w|eJx\w{8}|hidden-word`)
	got := map[string]int{}
	c := startSimulator(t, teamchattest.ServerOptions{}, teamchat.Options{Connections: 1, Capture: func(method string, status int, body []byte) {
		got[method]++
		if found := secret.Find(body); found != nil || status != 200 {
			t.Errorf("%s: %d with %s", method, status, found)
		}
	}})
	want := readAll(t, startSimulator(t, teamchattest.ServerOptions{}))
	if diff := cmp.Diff(want, readAll(t, c)); diff != "" {
		t.Error(diff)
	}
	status, body, err := c.Probe(t.Context(), "archiver.bogus", map[string]string{"page": "99999"})
	if err != nil || status != 200 || !strings.Contains(string(body), "method_not_exist") || len(got) < 21 {
		t.Errorf("%d %s, %v; captured %v", status, body, err, got)
	}
}

func TestWrongPasswordOfTheSimulator(t *testing.T) {
	server := teamchattest.Start(t, teamchattest.NewWorld(teamchattest.WorldOptions{}), teamchattest.ServerOptions{})
	c, err := teamchat.New(teamchat.Options{
		URL: server.URL, Username: "archive@example.com",
		Password: func(context.Context) (string, error) { return "wrong", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.ChannelsList(t.Context())
	if e := (*teamchat.Error)(nil); !errors.As(err, &e) || !e.LoginRefused() || c.Requests() != 1 {
		t.Errorf("%v after %d requests", err, c.Requests())
	}
}
