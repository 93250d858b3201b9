package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
)

// authority is a certificate authority of the test with a key that it certified.
type authority struct {
	root, certificate *x509.Certificate
	key               crypto.Signer
	dir               string // has root.pem, cert.pem and key.pem
}

func newAuthority(t *testing.T, usage x509.ExtKeyUsage) *authority {
	t.Helper()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, dir: t.TempDir()}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	a.root = certify(t, root, root, rootKey.Public(), rootKey)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Test Signer"},
		KeyUsage: x509.KeyUsageDigitalSignature, NotBefore: root.NotBefore, NotAfter: root.NotAfter}
	if usage == x509.ExtKeyUsageTimeStamping { // RFC 3161, section 2.3: critical
		value, _ := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
		leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: value}}
	}
	a.certificate = certify(t, leaf, a.root, key.Public(), rootKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"root.pem": {Type: "CERTIFICATE", Bytes: a.root.Raw}, "cert.pem": {Type: "CERTIFICATE", Bytes: a.certificate.Raw},
		"key.pem": {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(a.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func certify(t *testing.T, c, parent *x509.Certificate, public any, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (a *authority) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool
}

// ServeHTTP answers queries for time stamps.
func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	query, err := timestamp.ParseRequest(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	stamp := timestamp.Timestamp{HashAlgorithm: query.HashAlgorithm, HashedMessage: query.HashedMessage, Time: time.Now(),
		Nonce: query.Nonce, SerialNumber: big.NewInt(7), Policy: asn1.ObjectIdentifier{1, 2, 3}, AddTSACertificate: true}
	answer, err := stamp.CreateResponseWithOpts(a.certificate, a.key, crypto.SHA256)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.Write(answer)
}

func TestTimestamp(t *testing.T) {
	a := newAuthority(t, x509.ExtKeyUsageTimeStamping)
	server := httptest.NewServer(a)
	defer server.Close()
	const content = "the manifest of the manifests\n"
	answer, err := RequestTimestamp(t.Context(), server.Client(), server.URL, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	stamp, err := CheckTimestamp(answer, strings.NewReader(content), a.roots())
	if err != nil || time.Since(stamp.Time) > time.Minute || stamp.Authority != "CN=Test Signer" {
		t.Errorf("%+v, %v", stamp, err)
	}
	if _, err := CheckTimestamp(answer, strings.NewReader(content+" "), nil); !errors.Is(err, ErrOther) {
		t.Errorf("of another content: %v", err)
	}
	if _, err := CheckTimestamp(answer, strings.NewReader(content), newAuthority(t, x509.ExtKeyUsageTimeStamping).roots()); err == nil {
		t.Error("another root is trusted")
	}
	for i := range answer {
		changed := bytes.Clone(answer)
		changed[i] ^= 1
		if again, err := CheckTimestamp(changed, strings.NewReader(content), a.roots()); err == nil && *again != *stamp {
			t.Errorf("with byte %d changed: %+v, %v", i, again, err)
		}
	}
	openssl(t, a, content, map[string][]byte{"tsr": answer}, "ts", "-verify", "-data", "FILE", "-in", "FILE.tsr", "-CAfile", "root.pem")
}

// openssl has OpenSSL check what lies beside a file; FILE stands for it.
func openssl(t *testing.T, a *authority, content string, beside map[string][]byte, args ...string) {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl")
	}
	beside["txt"] = []byte(content)
	for ending, data := range beside {
		name := strings.TrimSuffix("FILE."+ending, ".txt")
		if err := os.WriteFile(filepath.Join(a.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = a.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAuthoritiesThatFail(t *testing.T) {
	a := newAuthority(t, x509.ExtKeyUsageTimeStamping)
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
	a := newAuthority(t, x509.ExtKeyUsageAny)
	signer, err := LoadSigner(filepath.Join(a.dir, "cert.pem"), filepath.Join(a.dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	const content = "the manifest of the manifests\n"
	signature, err := Sign([]byte(content), signer)
	if err != nil {
		t.Fatal(err)
	}
	if subject, err := CheckSignature(signature, []byte(content), a.roots()); err != nil || subject != "CN=Test Signer" {
		t.Errorf("%s, %v", subject, err)
	}
	if _, err := CheckSignature(signature, []byte(content+" "), nil); !errors.Is(err, ErrOther) {
		t.Errorf("of another content: %v", err)
	}
	if _, err := CheckSignature(signature, []byte(content), newAuthority(t, x509.ExtKeyUsageAny).roots()); err == nil {
		t.Error("another root is trusted")
	}
	openssl(t, a, content, map[string][]byte{"p7s": signature},
		"cms", "-verify", "-binary", "-inform", "DER", "-in", "FILE.p7s", "-content", "FILE", "-CAfile", "root.pem", "-purpose", "any", "-out", os.DevNull)
}

func TestKeysThatDoNotFit(t *testing.T) {
	a, b := newAuthority(t, x509.ExtKeyUsageAny), newAuthority(t, x509.ExtKeyUsageAny)
	for _, files := range [][2]string{
		{filepath.Join(a.dir, "cert.pem"), filepath.Join(b.dir, "key.pem")},
		{filepath.Join(a.dir, "key.pem"), filepath.Join(a.dir, "key.pem")},
		{filepath.Join(a.dir, "cert.pem"), filepath.Join(a.dir, "cert.pem")},
		{filepath.Join(a.dir, "missing.pem"), filepath.Join(a.dir, "key.pem")},
	} {
		if _, err := LoadSigner(files[0], files[1]); err == nil {
			t.Errorf("%s: no error", files)
		}
	}
}
