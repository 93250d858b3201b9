package rsmf

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/zip"
)

// Severity says whether a file is invalid or merely odd.
type Severity string

// The severities, as Relativity's validator uses them.
const (
	Error   Severity = "ERROR"
	Warning Severity = "WARN"
)

// Finding is one broken rule.
type Finding struct {
	Severity Severity
	Rule     string // its name: RSMF… of the message, Zip… of rsmf.zip, Manifest… and SchemaViolation of the manifest
	Detail   string
}

// String gives the finding as a line.
func (f Finding) String() string { return fmt.Sprintf("%s %s: %s", f.Severity, f.Rule, f.Detail) }

// checker collects what is wrong with one file.
type checker struct {
	findings []Finding
	header   mail.Header
	files    map[string]bool // in rsmf.zip, but the manifest; true once something refers to it
	raw      []byte          // of the manifest
}

func (c *checker) fail(rule, format string, args ...any) {
	c.findings = append(c.findings, Finding{Error, rule, fmt.Sprintf(format, args...)})
}

func (c *checker) warn(rule, format string, args ...any) {
	c.findings = append(c.findings, Finding{Warning, rule, fmt.Sprintf(format, args...)})
}

// Check reads a file and gives every rule of the format that it breaks: those of Relativity's validator and of the
// published schema. A file that cannot be read gives an error among its findings. Memory holds the manifest; rsmf.zip is
// kept in a temporary file if it is large.
func Check(r io.Reader) []Finding {
	_, findings := Open(r)
	return findings
}

// Open checks a file as Check does, and gives its manifest as it is, nil if it has none that can be read.
func Open(r io.Reader) (manifest []byte, findings []Finding) {
	c := &checker{files: map[string]bool{}}
	c.message(r)
	return c.raw, c.findings
}

// message checks the wrapper.
func (c *checker) message(r io.Reader) {
	m, err := mail.ReadMessage(r)
	if err != nil {
		c.fail("RSMFUnreadable", "message: %v", err)
		return
	}
	c.header = m.Header
	if c.header.Get("X-RSMF-Version") == "" {
		c.fail("RSMFMissingVersion", "there is no header X-RSMF-Version")
	}
	media, params, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(media, "multipart/") {
		c.fail("RSMFMissingZip", "the message has no parts: Content-Type %q", c.header.Get("Content-Type"))
		return
	}
	var w wrapper
	c.parts(multipart.NewReader(m.Body, params["boundary"]), &w)
	if !w.hasText {
		c.warn("RSMFMissingBody", "there is no text")
	}
	if w.attachments == 0 {
		c.fail("RSMFMissingZip", "there is no attachment")
	}
}

// wrapper is what was seen of a message's parts.
type wrapper struct {
	hasText     bool
	attachments int
}

func (c *checker) parts(r *multipart.Reader, w *wrapper) {
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return
		}
		if err != nil {
			c.fail("RSMFUnreadable", "parts: %v", err)
			return
		}
		disposition, params, _ := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		media, _, _ := mime.ParseMediaType(cmp.Or(p.Header.Get("Content-Type"), "text/plain"))
		switch {
		case disposition == "attachment":
			w.attachments++
			c.attachment(p, params["filename"], w.attachments)
		case media == "text/plain":
			text, err := io.ReadAll(decoded(p))
			if err != nil {
				c.fail("RSMFUnreadable", "text: %v", err)
			}
			w.hasText = w.hasText || len(bytes.TrimSpace(text)) > 0
		}
	}
}

// decoded reads a part's content.
func decoded(p *multipart.Part) io.Reader {
	if strings.EqualFold(p.Header.Get("Content-Transfer-Encoding"), "base64") {
		return base64.NewDecoder(base64.StdEncoding, p)
	}
	return p
}

func (c *checker) attachment(p *multipart.Part, name string, nth int) {
	if nth > 1 {
		c.fail("RSMFAttachmentCount", "more than one attachment: %q", name)
		return
	}
	if !strings.EqualFold(name, zipName) {
		c.fail("RSMFMissingZip", "the attachment is %q, not %s", name, zipName)
		return
	}
	content, err := spool(decoded(p))
	if err != nil {
		c.fail("ZipUnreadable", "%v", err)
		return
	}
	defer content.Close()
	c.zip(content)
}

// spooled is a content that can be read anywhere.
type spooled struct {
	io.ReaderAt
	size  int64
	close func() error
}

func (s *spooled) Close() error { return s.close() }

const maxInMemory = 16 << 20 // bytes of rsmf.zip

// spool reads all of r, into memory or, if it is large, into a temporary file.
func spool(r io.Reader) (*spooled, error) {
	var head bytes.Buffer
	n, err := io.CopyN(&head, r, maxInMemory)
	if err == io.EOF {
		return &spooled{bytes.NewReader(head.Bytes()), n, func() error { return nil }}, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "rsmf-*.zip")
	if err != nil {
		return nil, err
	}
	s := &spooled{ReaderAt: file, close: func() error { return errors.Join(file.Close(), os.Remove(file.Name())) }}
	if s.size, err = io.Copy(file, io.MultiReader(&head, r)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// zip checks rsmf.zip and what is in it.
func (c *checker) zip(content *spooled) {
	z, err := zip.NewReader(content, content.size)
	if err != nil {
		c.fail("ZipUnreadable", "%v", err)
		return
	}
	var manifest *zip.File
	for _, f := range z.File {
		switch {
		case f.Name == manifestName:
			manifest = f
		case strings.ContainsAny(f.Name, `/\`):
			c.fail("ZipIntegrity", "%q is in a folder", f.Name)
		default:
			c.files[f.Name] = false
		}
		if err := readable(f); err != nil {
			c.fail("ZipIntegrity", "%q: %v", f.Name, err)
		}
	}
	if manifest == nil {
		c.fail("ZipMissingManifest", "there is no %s at the root", manifestName)
		return
	}
	if !c.readManifest(manifest) {
		return
	}
	for _, name := range sortedKeys(c.files) {
		if !c.files[name] {
			c.warn("ZipUnreferencedFiles", "nothing refers to %q", name)
		}
	}
}

// readable reads an entry to its end, where its checksum is compared.
func readable(f *zip.File) error {
	if f.Flags&1 != 0 {
		return errors.New("encrypted")
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(io.Discard, in)
	return err
}

// readManifest checks the manifest and tells whether it could be read.
func (c *checker) readManifest(f *zip.File) bool {
	in, err := f.Open()
	if err != nil {
		return false // reported by readable
	}
	defer in.Close()
	if c.raw, err = io.ReadAll(in); err != nil {
		c.raw = nil
		return false // likewise
	}
	return c.manifest(c.raw)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
