package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"archiver/internal/bundle"
	"archiver/internal/seal"
	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

// verifyBundle checks an export, without an archive.
func (e *env) verifyBundle(ctx context.Context, c *cli.Context) error {
	dir, err := oneArgument(c, "bundle", "archiver verify EXP-2026-000001")
	if err != nil {
		return err
	}
	o, err := bundleOptions(c)
	if err != nil {
		return err
	}
	var done, total atomic.Int64
	o.Progress = func(d, t int64) { done.Store(d); total.Store(t) }
	m := meter{what: "verify", format: size, begun: true}
	stop := e.ui.watch(func(elapsed time.Duration) string { return m.line(done.Load(), total.Load(), elapsed) })
	report, err := bundle.Verify(ctx, dir, o)
	stop()
	switch {
	case errors.Is(err, bundle.ErrNoBundle):
		return &usageError{err.Error(), "name the directory that archiver export made, the one with bagit.txt in it"}
	case errors.Is(err, bundle.ErrSince):
		return &usageError{"--since: " + err.Error(), "take a checkpoint of the archive from before the export"}
	case err != nil:
		return err
	}
	return reportBundle(e, report)
}

// bundleOptions reads what verify BUNDLE is to compare with.
func bundleOptions(c *cli.Context) (o bundle.Options, err error) {
	for _, flag := range []string{"data", "sample", "live", "csv", "seed"} {
		if c.IsSet(flag) {
			return o, &usageError{"--" + flag + " is about an archive, not about an export", "every byte of an export is read anyway"}
		}
	}
	if o.Key, err = keyArgument(c.String("key")); err != nil {
		return o, err
	}
	if o.Roots, err = authorities(c.String("ca")); err != nil {
		return o, err
	}
	if file := c.String("since"); file != "" {
		if o.Since, err = os.ReadFile(file); err != nil {
			return o, &usageError{"--since: " + plainCause(err), "name a file with a checkpoint of the archive"}
		}
	}
	return o, nil
}

// authorities reads the certificates that --ca names; nil without any.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	certificates, err := seal.Certificates(file)
	if err != nil {
		return nil, &usageError{"--ca: " + plainCause(err), "name a PEM file with the certificates of the authorities"}
	}
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c)
	}
	return pool, nil
}

// keyArgument is a public key, or what a file holds that has one.
func keyArgument(given string) (string, error) {
	content, err := os.ReadFile(given)
	switch {
	case given == "" || err != nil && strings.ContainsAny(given, "+=") || errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(given, "RW"):
		return given, nil
	case err != nil:
		return "", &usageError{"--key: " + plainCause(err), "give the public key, or a file with it: one line, or minisign.pub"}
	}
	return string(content), nil
}

// bundleOutcome is what is told of an export beside what is told of an archive, too.
type bundleOutcome struct {
	ID       string   `json:"id"`
	SignedBy string   `json:"signed_by"`
	Pinned   bool     `json:"pinned"`
	Warnings []string `json:"warnings"`

	Timestamp *seal.Timestamp `json:"timestamp,omitzero"`
	SealedBy  string          `json:"sealed_by,omitzero"`
}

// reportBundle says what was found.
func reportBundle(e *env, r *bundle.Report) error {
	archive := &storage.Report{Checked: r.Checked}
	for _, f := range r.Findings {
		archive.Damage = append(archive.Damage, storage.Damage{Where: f.Where, What: f.What,
			Repair: "get the export again, or have it made again: archiver export --reproduce " + firstNonEmpty(r.ID, "ID")})
	}
	for _, w := range r.Warnings {
		e.ui.note("note: %s", w)
	}
	if e.ui.json {
		return e.reportVerified(archive, nil, &bundleOutcome{r.ID, r.SignedBy, r.Pinned, r.Warnings, r.Timestamp, r.SealedBy})
	}
	err := e.ui.printf("export   %s\nsigned   %s\n", firstNonEmpty(r.ID, "unknown"), signedBy(r))
	if r.Timestamp != nil || r.SealedBy != "" {
		err = errors.Join(err, delivered{Timestamp: r.Timestamp, SignedBy: r.SealedBy}.print(e.ui))
	}
	return errors.Join(e.reportVerified(archive, nil, nil), err)
}

func signedBy(r *bundle.Report) string {
	switch {
	case r.SignedBy == "":
		return "no, or not verifiably"
	case r.Pinned:
		return fmt.Sprintf("by the key that was asked for, %s", r.SignedBy)
	}
	return fmt.Sprintf("by %s, the key that came with it", r.SignedBy)
}
