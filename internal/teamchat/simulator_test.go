package teamchat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"

	"github.com/google/go-cmp/cmp"
)

// startSimulator gives a client of a small world in a variant.
func startSimulator(t *testing.T, o teamchattest.ServerOptions) *teamchat.Client {
	t.Helper()
	w := teamchattest.NewWorld(teamchattest.WorldOptions{Start: time.Unix(1_500_000_000, 0)})
	general := w.AddChannel("general", "ann@example.com", "bob@example.com")
	w.AddChannel("empty", "ann@example.com")
	first := w.Post(general, "ann@example.com", "Žluťoučký \"kůň\"\n\u2028")
	w.Comment(general, first, "bob@example.com", "a comment")
	w.PostCode(general, "bob@example.com", "go", "x := 1")
	w.Upload(general, "ann@example.com", "report.html", []byte("<html>a real page</html>"))
	w.Upload(general, "ann@example.com", "empty.txt", nil)
	server := teamchattest.Start(t, w, o)
	c, err := teamchat.New(teamchat.Options{
		URL: server.URL, Username: "archive@example.com", Backoff: time.Millisecond,
		Password: func(context.Context) (string, error) { return "secret", nil },
	})
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
	return lines
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
