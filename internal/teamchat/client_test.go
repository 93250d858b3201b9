package teamchat

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestServerURL(t *testing.T) {
	tests := []struct {
		url       string
		allowHTTP bool
		want, err string // of err a part
	}{
		{"https://mail.example.com", false, "https://mail.example.com/teamchatapi/", ""},
		{" https://mail.example.com/ ", false, "https://mail.example.com/teamchatapi/", ""},
		{"HTTPS://mail.example.com:8443/chat//", false, "https://mail.example.com:8443/chat/teamchatapi/", ""},
		{"https://mail.example.com/teamchatapi/", false, "https://mail.example.com/teamchatapi/", ""},
		{"http://127.0.0.1:8080", false, "http://127.0.0.1:8080/teamchatapi/", ""},
		{"http://[::1]:8080", false, "http://[::1]:8080/teamchatapi/", ""},
		{"http://localhost", false, "http://localhost/teamchatapi/", ""},
		{"http://mail.example.com", true, "http://mail.example.com/teamchatapi/", ""},
		{"http://mail.example.com", false, "", "unencrypted"},
		{"http://127.0.0.1.example.com", false, "", "unencrypted"},
		{"mail.example.com", false, "", "want https://HOST"},
		{"mail.example.com:443", false, "", "want https://HOST"},
		{"ftp://mail.example.com", false, "", "want https://HOST"},
		{"https://", false, "", "want https://HOST"},
		{"", false, "", "want https://HOST"},
		{"https://user:hidden@mail.example.com", false, "", "credentials"},
		{"https://user:hidden@mail.example.com:x", false, "", "can't be parsed"},
		{"https://mail.example.com/?a=b", false, "", "must end with the path"},
	}
	for _, test := range tests {
		c, err := New(Options{URL: test.url, AllowHTTP: test.allowHTTP})
		switch {
		case test.err == "" && (err != nil || c.base != test.want):
			t.Errorf("%s: %v, %v", test.url, c, err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "hidden")):
			t.Errorf("%s: error %v", test.url, err)
		}
	}
}

// form is a request's parameters but the token, sorted.
func form(r *http.Request) string {
	values := url.Values{}
	for name := range r.PostForm {
		if name != "token" {
			values.Set(name, r.PostForm.Get(name))
		}
	}
	return values.Encode()
}

func TestRequests(t *testing.T) {
	const channel = "cHU+/=="
	calls := []struct {
		method, body, form string
		call               func(ctx context.Context, c *Client) (any, error)
		want               any
	}{
		{
			methodHistory, emptyPage, "channel=cHU%2B%2F%3D%3D&count=1000&descending=false&inclusive=true&latest=2.000000&oldest=1.000000&page=1",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.History(ctx, HistoryQuery{Channel: channel, Oldest: "1.000000", Latest: "2.000000", Inclusive: true, Count: 1000, Page: 1})
				return len(p.Messages), err
			}, 0,
		},
		{
			methodHistory, emptyPage, "channel=cHU%2B%2F%3D%3D&descending=true",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.History(ctx, HistoryQuery{Channel: channel, Descending: true})
				return len(p.Messages), err
			}, 0,
		},
		{
			methodThreads, emptyPage, "channel=c&count=10&page=2",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.Threads(ctx, ListQuery{"c", 10, 2})
				return len(p.Messages), err
			}, 0,
		},
		{
			methodComments, `{"messages":[{"ts":"2.000001"}],"ok":true}`, "channel=c&ts=1.000000",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.Comments(ctx, "c", "1.000000")
				return brief(p.Messages), err
			}, []string{"2.000001||-1"},
		},
		{
			methodFiles, emptyPage, "channel=c",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.Files(ctx, ListQuery{Channel: "c"})
				return len(p.Messages), err
			}, 0,
		},
		{
			methodItem, `{"message":{"ts":"1.000001"},"ok":true}`, "channel=c&ts=1.000001",
			func(ctx context.Context, c *Client) (any, error) {
				_, m, err := c.Item(ctx, "c", "1.000001")
				return m.TS, err
			}, "1.000001",
		},
		{
			methodItem, `{"message":[{"ts":"1.000001"}],"ok":true}`, "channel=c&ts=1.000001",
			func(ctx context.Context, c *Client) (any, error) {
				_, m, err := c.Item(ctx, "c", "1.000001")
				return m.TS, err
			}, "1.000001",
		},
		{
			methodChannels, `{"channels":[{"id":"c"}],"ok":true}`, "collection_type=0&include_permissions=true&include_unread_count=true&warning=true",
			func(ctx context.Context, c *Client) (any, error) {
				_, channels, err := c.ChannelsList(ctx)
				return channels[0].ID, err
			}, "c",
		},
		{
			methodChannel, `{"channel":{"id":"c"},"ok":true}`, "channel=c&include_unread_count=true&warning=true",
			func(ctx context.Context, c *Client) (any, error) {
				_, channel, err := c.ChannelInfo(ctx, "c")
				return channel.ID, err
			}, "c",
		},
		{
			methodUsers, `{"members":[{"id":"ann@x","name":"Ann"},"bob@x"],"paging":{"total":2},"ok":true}`, "channel=c",
			func(ctx context.Context, c *Client) (any, error) {
				_, users, complete, err := c.Users(ctx, "c")
				return fmt.Sprint(users[0].ID, users[1].ID, complete), err
			}, "ann@xbob@xtrue",
		},
		{
			methodUsers, `{"users":[{"email":"ann@x"}],"paging":{"total":"2"},"ok":true}`, "",
			func(ctx context.Context, c *Client) (any, error) {
				_, users, complete, err := c.Users(ctx, "")
				return fmt.Sprint(users[0].ID, complete), err
			}, "ann@xfalse",
		},
		{
			methodUsers, `{"members":null,"warning":"member_list_truncated","ok":true}`, "",
			func(ctx context.Context, c *Client) (any, error) {
				_, users, complete, err := c.Users(ctx, "")
				return fmt.Sprint(len(users), complete), err
			}, "0 false",
		},
		{
			methodUser, `{"user":{"id":"ann@x"},"ok":true}`, "user=ann%40x",
			func(ctx context.Context, c *Client) (any, error) {
				_, user, err := c.UserInfo(ctx, "ann@x")
				return user.ID + string(user.Raw), err
			}, `ann@x{"id":"ann@x"}`,
		},
		{
			methodSearchUsers, `{"members":[{"id":"ann@x"},"bob@x"],"cache_ts":"1","paging":{"total":"7","page":2},"ok":true}`, "channel=c&count=2&page=2",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.SearchUsers(ctx, ListQuery{"c", 2, 2})
				return fmt.Sprint(p.Users[0].ID, p.Users[1].ID, p.Paging.Total), err
			}, "ann@xbob@x7",
		},
		{
			methodPins, `{"messages":[{"ts":"2.000001"},{"message":{"ts":"1.000001"}}],"ok":true}`, "channel=c&count=2&include_private=false&include_public=true&page=3",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.Pins(ctx, ListQuery{"c", 2, 3})
				return brief(p.Messages), err
			}, []string{"2.000001||-1", "1.000001||-1"},
		},
		{
			methodPins, `{"messages":null,"ok":true}`, "include_private=false&include_public=true",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.Pins(ctx, ListQuery{})
				return len(p.Messages), err
			}, 0,
		},
		{
			methodEventsPast, emptyPage, "channel=c",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.EventsHistory(ctx, "c")
				return len(p.Messages), err
			}, 0,
		},
		{
			methodEventsNext, emptyPage, "channel=c",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.EventsUpcoming(ctx, "c")
				return len(p.Messages), err
			}, 0,
		},
		{
			methodEvent, `{"vcalendar":"BEGIN:VCALENDAR\r\n\u017d\r\n","ok":true}`, "channel=c&evnid=5a5f4d8601cf",
			func(ctx context.Context, c *Client) (any, error) {
				_, calendar, err := c.Event(ctx, "c", "1516195206.000463")
				return calendar.Text, err
			}, "BEGIN:VCALENDAR\r\nŽ\r\n",
		},
		{
			methodConferences, `{"conferences":[{"meeting_id":"1"}],"ok":true}`, "count=10&page=2&type=0",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.Conferences(ctx, ConferencesQuery{Count: 10, Page: 2, Days: 1, Since: 1})
				return briefConferences(p.Conferences), err
			}, "1  0 0",
		},
		{
			methodConferences, `{"conferences":[],"ok":true}`, "days_future=30&days_future_since=1&type=1",
			func(ctx context.Context, c *Client) (any, error) {
				p, err := c.Conferences(ctx, ConferencesQuery{Upcoming: true, Days: 30, Since: 1, Page: 2})
				return briefConferences(p.Conferences), err
			}, "",
		},
		{methodErrors, `{"errors":[],"ok":true}`, "", func(ctx context.Context, c *Client) (any, error) {
			_, raw, err := c.DocumentedErrors(ctx)
			return string(raw), err
		}, `{"errors":[],"ok":true}`},
		{methodAuthTest, `{"user":"a@x","user_id":"a@x","ok":true}`, "", func(ctx context.Context, c *Client) (any, error) { return c.AuthTest(ctx) }, "a@x"},
		{methodVersion, `{"version":14.2,"ok":true}`, "", func(ctx context.Context, c *Client) (any, error) { return c.Version(ctx) }, "14.2"},
		{methodNow, `{"now":"1516195300","ok":true}`, "", func(ctx context.Context, c *Client) (any, error) {
			_, now, err := c.Now(ctx)
			return now.Format(time.RFC3339), err
		}, "2018-01-17T13:21:40Z"},
	}
	for _, test := range calls {
		t.Run(test.method, func(t *testing.T) {
			c := newTestClient(t, methods{test.method: func(w http.ResponseWriter, r *http.Request) {
				if got := form(r); got != test.form {
					t.Errorf("parameters %q, want %q", got, test.form)
				}
				checkRequest(t, r)
				io.WriteString(w, test.body)
			}})
			got, err := test.call(t.Context(), c)
			if err != nil || !cmp.Equal(got, test.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func briefConferences(list []Conference) string {
	var lines []string
	for _, c := range list {
		lines = append(lines, fmt.Sprintf("%s %s %d %d", c.ID, c.Title, c.Start, c.End))
	}
	return strings.Join(lines, "\n")
}

func checkRequest(t *testing.T, r *http.Request) {
	t.Helper()
	if r.Method != http.MethodPost || r.URL.RawQuery != "" || r.UserAgent() != "archiver" {
		t.Errorf("%s %s by %s", r.Method, r.URL, r.UserAgent())
	}
	if got := r.Header.Get("Content-Type"); got != "application/x-www-form-urlencoded; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	if r.PostForm.Get("token") != testToken {
		t.Errorf("token %q", r.PostForm.Get("token"))
	}
}

func TestAnswerTimes(t *testing.T) {
	c := newTestClient(t, methods{methodHistory: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Wed, 17 Jan 2018 13:20:06 GMT")
		io.WriteString(w, emptyPage)
	}})
	begin := time.Now()
	p, err := c.History(t.Context(), HistoryQuery{Channel: "c"})
	if err != nil || p.Date.Unix() != 1516195206 || p.Received.Before(begin) || p.Received.Location() != time.UTC {
		t.Errorf("%v %v %v", p.Date, p.Received, err)
	}
}

func TestCompressedPage(t *testing.T) {
	c := newTestClient(t, methods{methodHistory: func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("no compression is accepted")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(gzipped(t, emptyPage))
	}})
	if err := history(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestAnswerThatIsTooLarge(t *testing.T) {
	body := strings.Repeat(" ", 3<<20)
	for name, handle := range map[string]http.HandlerFunc{
		"plain": answers(body),
		"compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(gzipped(t, body))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, methods{methodHistory: handle})
			if c.maxPage != 64<<20 {
				t.Errorf("the bound is %d", c.maxPage)
			}
			c.maxPage = 2 << 20
			err := history(t.Context(), c)
			if e := (*Error)(nil); !errors.Is(err, ErrTooLarge) || !errors.As(err, &e) || e.Temporary() {
				t.Errorf("got %v", err)
			}
			if most := c.maxPage + 1<<10; c.BytesDownloaded() > most {
				t.Errorf("%d bytes were read", c.BytesDownloaded())
			}
		})
	}
}

func TestTimeLimitOfTheNetworkIsNotTheCallers(t *testing.T) {
	dialer := &net.Dialer{Deadline: time.Unix(1, 0)}
	c, err := New(testOptions(Options{
		URL: "http://127.0.0.1:1", Transport: &http.Transport{DialContext: dialer.DialContext}, GiveUpAfter: time.Millisecond,
	}))
	if err != nil {
		t.Fatal(err)
	}
	err = history(t.Context(), c)
	if !errors.Is(err, ErrGaveUp) || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "i/o timeout") {
		t.Errorf("got %v", err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		io.WriteString(w, emptyPage)
	}))
	defer other.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		c := newTestClient(t, methods{methodHistory: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/login?back=hidden", code)
		}})
		err := history(t.Context(), c)
		want := fmt.Sprintf("channels.historyNoComments: HTTP %d redirect not followed to %s", code, other.URL)
		if e := (*Error)(nil); !errors.As(err, &e) || !e.Temporary() || err.Error() != want {
			t.Errorf("got %v", err)
		}
	}
	if followed.Load() > 0 {
		t.Error("a redirect was followed")
	}
}

func TestBudget(t *testing.T) {
	c := newTestClient(t, methods{
		methodHistory:  answers(emptyPage),
		methodChannels: answers(`{"channels":[],"ok":true}`),
		methodDownload: answers("content"),
	}, Options{MaxRequests: 3})
	for range 2 {
		if _, _, err := c.ChannelsList(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := history(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Version(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := c.Requests()
	if err := history(t.Context(), c); !errors.Is(err, ErrBudget) {
		t.Errorf("history: %v", err)
	}
	if _, err := c.Download(t.Context(), &File{Ticket: "x"}); !errors.Is(err, ErrBudget) {
		t.Errorf("download: %v", err)
	}
	if c.Requests() != before || before != 6 {
		t.Errorf("%d requests, then %d", before, c.Requests())
	}
	if err := c.Close(t.Context()); err != nil {
		t.Errorf("logout: %v", err)
	}
}

func TestConnectionLimit(t *testing.T) {
	var now, most atomic.Int64
	c := newTestClient(t, methods{methodHistory: func(w http.ResponseWriter, _ *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(2 * time.Millisecond)
		now.Add(-1)
		io.WriteString(w, emptyPage)
	}}, Options{Connections: 3})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := history(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 {
		t.Errorf("%d requests at once", most.Load())
	}
}

func TestRateLimit(t *testing.T) {
	inBubble(t, methods{methodHistory: answers(emptyPage)}, Options{Rate: 2}, func(t *testing.T, c *Client) {
		begin := time.Now()
		for range 10 {
			if err := history(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != 5*time.Second { // with the login 11 requests
			t.Errorf("took %v", took)
		}
	})
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(methods{methodHistory: answers(emptyPage)})
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	c, err := New(testOptions(Options{URL: server.URL, RootCAs: pool}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.http.CloseIdleConnections()
	if err := history(t.Context(), c); err != nil {
		t.Errorf("with the server's CA: %v", err)
	}
	c, err = New(testOptions(Options{URL: server.URL}))
	if err != nil {
		t.Fatal(err)
	}
	err = history(t.Context(), c)
	if e := (*Error)(nil); !errors.As(err, &e) || e.Temporary() || c.Requests() != 1 {
		t.Errorf("without: %v after %d requests", err, c.Requests())
	}
}

func TestNoServer(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	c, err := New(testOptions(Options{URL: server.URL, GiveUpAfter: 50 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	err = c.Login(t.Context())
	e := (*Error)(nil)
	if !errors.Is(err, ErrGaveUp) || !errors.As(err, &e) || e.Status != 0 || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}
