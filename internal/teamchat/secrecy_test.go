package teamchat

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	if _, err := io.WriteString(zip, text); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hasSecret looks for what was planted, in any case and encoding.
func hasSecret(text string) bool {
	text = strings.ToLower(text)
	for _, secret := range []string{testPassword, testToken, testTicket, url.QueryEscape(testTicket)} {
		if strings.Contains(text, strings.ToLower(secret)) {
			return true
		}
	}
	return false
}

func TestSecretsStaySecret(t *testing.T) {
	everything := testPassword + " " + testToken + " " + testTicket + " " + url.QueryEscape(testTicket)
	// echo serves a body with the secrets of the request itself in place of %s
	echo := func(code int, format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			form := r.PostForm.Get("password") + r.PostForm.Get("token") + r.PostForm.Get("ticket")
			if code == 429 {
				w.Header().Set("Retry-After", "100000")
			}
			w.WriteHeader(code)
			io.WriteString(w, strings.ReplaceAll(format, "%s", strings.ToUpper(form)))
		}
	}
	echoes := map[string]http.HandlerFunc{
		"as a code":      echo(200, `{"error":"%s","ok":false}`),
		"in the details": echo(200, `{"error":"no_permission","error_details":"For %s","ok":false}`),
		"with 500":       echo(500, `{"error":"%s","error_details":"%s","ok":false}`),
		"as HTML":        answers("<html>" + everything),
		"as nonsense":    status(500, "", "{"+everything),
		"as invalid":     echo(200, `{"error":"invalid_token","error_details":"%s","ok":false}`),
		"in a wait":      echo(429, `{"error":"ratelimited","error_details":"%s","ok":false}`),
		"in a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://h.example/"+testToken+"?"+url.QueryEscape(everything), http.StatusFound)
		},
		"in the encoding": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", everything)
			io.WriteString(w, "x")
		},
		"in the status line": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", everything)
			conn.Close()
		},
		"not at all, reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, handle := range echoes {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			handler := methods{methodHistory: handle, methodDownload: handle}
			c := newTestClient(t, handler, Options{Logger: logger})
			_, downloadErr := c.Download(t.Context(), &File{Size: 7, Ticket: testTicket})
			broken := newTestClient(t, methods{methodLogin: handle}, Options{Logger: logger})
			digest := newTestClient(t, methods{methodDigest: handle}, Options{Logger: logger, Auth: "digest", MaxWait: time.Second, GiveUpAfter: time.Second})
			for _, err := range []error{history(t.Context(), c), downloadErr, broken.Login(t.Context()), digest.Login(t.Context())} {
				checkSecrecy(t, err)
			}
			if hasSecret(log.String()) {
				t.Errorf("log: %s", log.String())
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
				if text := fmt.Sprintf(verb, c.login.current.Load()); hasSecret(text) {
					t.Errorf("session as %s: %s", verb, text)
				}
			}
		})
	}
}

func checkSecrecy(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	text := err.Error()
	for ; err != nil; err = errors.Unwrap(err) {
		text += fmt.Sprintf("%v %+v", err, err)
		if e := (*Error)(nil); errors.As(err, &e) {
			text += fmt.Sprintf("%+v", *e)
		}
	}
	if hasSecret(text) || strings.ContainsAny(text, "\r\n") {
		t.Errorf("error text: %q", text)
	}
}
