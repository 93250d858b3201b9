package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/seal/sealtest"

	"github.com/digitorus/timestamp"
)

func TestTimestamp(t *testing.T) {
	a := sealtest.New(t, x509.ExtKeyUsageTimeStamping)
	server := httptest.NewServer(a)
	defer server.Close()
	const content = "the manifest of the manifests\n"
	answer, err := RequestTimestamp(t.Context(), server.Client(), server.URL, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	stamp, err := CheckTimestamp(answer, strings.NewReader(content), a.Roots())
	if err != nil || time.Since(stamp.Time) > time.Minute || stamp.Authority != "CN=Test Signer" {
		t.Errorf("%+v, %v", stamp, err)
	}
	if _, err := CheckTimestamp(answer, strings.NewReader(content+" "), nil); !errors.Is(err, ErrOther) {
		t.Errorf("of another content: %v", err)
	}
	if _, err := CheckTimestamp(answer, strings.NewReader(content), sealtest.New(t, x509.ExtKeyUsageTimeStamping).Roots()); err == nil {
		t.Error("another root is trusted")
	}
	for i := range answer {
		changed := bytes.Clone(answer)
		changed[i] ^= 1
		if again, err := CheckTimestamp(changed, strings.NewReader(content), a.Roots()); err == nil && *again != *stamp {
			t.Errorf("with byte %d changed: %+v, %v", i, again, err)
		}
	}
	openssl(t, a, content, map[string][]byte{"tsr": answer}, "ts", "-verify", "-data", "FILE", "-in", "FILE.tsr", "-CAfile", "root.pem")
}

// openssl has OpenSSL check what lies beside a file; FILE stands for it.
func openssl(t *testing.T, a *sealtest.Authority, content string, beside map[string][]byte, args ...string) {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl")
	}
	beside["txt"] = []byte(content)
	for ending, data := range beside {
		name := strings.TrimSuffix("FILE."+ending, ".txt")
		if err := os.WriteFile(filepath.Join(a.Dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = a.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAuthoritiesThatFail(t *testing.T) {
	a := sealtest.New(t, x509.ExtKeyUsageTimeStamping)
	other, err := timestamp.CreateRequest(strings.NewReader("another"), &timestamp.RequestOptions{Hash: crypto.SHA512})
	if err != nil {
		t.Fatal(err)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"HTTP 500": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"HTML":     func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>log in") },
		"nothing":  func(http.ResponseWriter, *http.Request) {},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			io.Copy(w, io.LimitReader(zeros{}, 2*maxAnswer))
		},
		"a stamp of something else": func(w http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(other))
			a.ServeHTTP(w, r)
		},
	} {
		server := httptest.NewServer(handler)
		if _, err := RequestTimestamp(t.Context(), server.Client(), server.URL, strings.NewReader("x")); err == nil {
			t.Errorf("%s: no error", name)
		}
		server.Close()
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := RequestTimestamp(stopped, http.DefaultClient, "http://127.0.0.1:1", strings.NewReader("x")); err == nil {
		t.Error("no error without an authority")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestSignature(t *testing.T) {
	a := sealtest.New(t, x509.ExtKeyUsageAny)
	signer, err := LoadSigner(filepath.Join(a.Dir, "cert.pem"), filepath.Join(a.Dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	const content = "the manifest of the manifests\n"
	signature, err := Sign([]byte(content), signer)
	if err != nil {
		t.Fatal(err)
	}
	if subject, err := CheckSignature(signature, []byte(content), a.Roots()); err != nil || subject != "CN=Test Signer" {
		t.Errorf("%s, %v", subject, err)
	}
	if _, err := CheckSignature(signature, []byte(content+" "), nil); !errors.Is(err, ErrOther) {
		t.Errorf("of another content: %v", err)
	}
	if _, err := CheckSignature(signature, []byte(content), sealtest.New(t, x509.ExtKeyUsageAny).Roots()); err == nil {
		t.Error("another root is trusted")
	}
	openssl(t, a, content, map[string][]byte{"p7s": signature},
		"cms", "-verify", "-binary", "-inform", "DER", "-in", "FILE.p7s", "-content", "FILE", "-CAfile", "root.pem", "-purpose", "any", "-out", os.DevNull)
}

func TestKeysThatDoNotFit(t *testing.T) {
	a, b := sealtest.New(t, x509.ExtKeyUsageAny), sealtest.New(t, x509.ExtKeyUsageAny)
	for _, files := range [][2]string{
		{filepath.Join(a.Dir, "cert.pem"), filepath.Join(b.Dir, "key.pem")},
		{filepath.Join(a.Dir, "key.pem"), filepath.Join(a.Dir, "key.pem")},
		{filepath.Join(a.Dir, "cert.pem"), filepath.Join(a.Dir, "cert.pem")},
		{filepath.Join(a.Dir, "missing.pem"), filepath.Join(a.Dir, "key.pem")},
	} {
		if _, err := LoadSigner(files[0], files[1]); err == nil {
			t.Errorf("%s: no error", files)
		}
	}
}
