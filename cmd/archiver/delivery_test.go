package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"archiver/internal/export"
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
