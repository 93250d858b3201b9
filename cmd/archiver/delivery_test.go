package main

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"archiver/internal/export"
	"archiver/internal/seal"
	"archiver/internal/seal/sealtest"
)

// TestAuthorityThatFailsStopsNothing: the rest of the delivery is made, and what failed is said.
func TestAuthorityThatFailsStopsNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }))
	defer server.Close()
	dir := filepath.Join(t.TempDir(), "EXP-1")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, export.SignedFile), []byte("sums\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := delivery{timestampURL: server.URL, zip: true}.do(context.Background(), dir)
	if err != nil || done.Unstamped == "" || done.Timestamp != nil || len(done.Sealed) != 1 || done.Passphrase == "" {
		t.Errorf("%+v, %v", done, err)
	}
	sum, err := os.ReadFile(dir + ".zip.sha512")
	if err != nil || string(sum) != done.Sealed[0].SHA512+"  EXP-1.zip\n" {
		t.Errorf("%s, %v", sum, err)
	}
	if _, err := (delivery{zip: true}).do(context.Background(), dir); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("the ZIP was overwritten: %v", err)
	}
}

// TestVouchedBundles: what an authority and an X.509 key say of a bundle is checked, and is damage when it does not hold.
func TestVouchedBundles(t *testing.T) {
	authority, notary := sealtest.New(t, x509.ExtKeyUsageTimeStamping), sealtest.New(t, x509.ExtKeyUsageAny)
	server := httptest.NewServer(authority)
	defer server.Close()
	busyArchive(t, 20)
	output := filepath.Join(t.TempDir(), "vouched")
	must(t, "export", "--quiet", "--format", "csv", "--output", output)
	must(t, "timestamp", "--late", "--timestamp", server.URL, output)
	signer, err := seal.LoadSigner(filepath.Join(notary.Dir, "cert.pem"), filepath.Join(notary.Dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := (delivery{signer: signer}).sign(output); err != nil {
		t.Fatal(err)
	}
	code, v := verify(t, output)
	if code != exitOK || v.Bundle.Timestamp == nil || v.Bundle.SealedBy != "CN=Test Signer" || v.Checked["time stamps"] != 1 {
		t.Errorf("verify exits %d: %+v", code, v)
	}
	if code, v := verify(t, output, "--ca", filepath.Join(authority.Dir, "root.pem")); code != exitDamage || len(v.Damage) != 1 || v.Damage[0].Where != export.SignedFile+export.SealEnding {
		t.Errorf("of another authority: verify exits %d: %+v", code, v)
	}
	for _, name := range []string{export.SignedFile + export.TimestampEnding, export.SignedFile + export.SealEnding} {
		content, err := os.ReadFile(filepath.Join(output, name))
		if err != nil {
			t.Fatal(err)
		}
		content[len(content)/2] ^= 1
		if err := os.WriteFile(filepath.Join(output, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, v := verify(t, output); code != exitDamage || len(v.Damage) != 2 {
		t.Errorf("with changed bytes: verify exits %d: %+v", code, v)
	}
}
