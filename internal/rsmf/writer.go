package rsmf

import (
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"archiver/internal/mail"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"
)

// Names within a file.
const (
	zipName      = "rsmf.zip"
	manifestName = "rsmf_manifest.json"
)

// boundary separates the parts. It never occurs in them, as base64 has no underscore.
const boundary = "=_rsmf_part"

// Document is one file. What X-RSMF-* headers say of the manifest is not repeated here.
type Document struct {
	From        mail.Address   // of the one who sent the first message
	To          []mail.Address // all participants
	Subject     string
	Date        time.Time
	MessageID   string // without brackets
	Generator   string // product and version
	Application string // where the conversation was held; 2.0.0
	Custodian   string // data owner; 2.0.0
	Custom      []Custom
	UTF8Headers bool // RFC 6532 instead of encoded words

	Text        []byte // UTF-8
	Manifest    *Manifest
	Attachments []Attachment // by name, each once
}

// Attachment is a file that events refer to by its name.
type Attachment struct {
	Name string // flat, ASCII
	Open func() (io.ReadCloser, error)
}

// Writer writes documents one after the other, with the same buffers.
type Writer struct {
	deflate *flate.Writer
	header  mail.Header
	lines   mail.Base64
	people  people
	buf     []byte // of the manifest
}

// compression is the level of DEFLATE: beyond it manifests hardly become smaller.
const compression = 5

// Write writes one document.
func (w *Writer) Write(out io.Writer, d *Document) error {
	w.people.meet(d)
	w.fillHeader(d)
	if _, err := out.Write(w.header.Bytes()); err != nil {
		return err
	}
	w.lines.Reset(out)
	if err := part(out, "text/plain; charset=utf-8", ""); err != nil {
		return err
	}
	if _, err := w.lines.Write(d.Text); err != nil {
		return err
	}
	if err := w.lines.Close(); err != nil {
		return err
	}
	if err := part(out, `application/zip; name="`+zipName+`"`, `attachment; filename="`+zipName+`"`); err != nil {
		return err
	}
	if err := w.zip(d); err != nil {
		return err
	}
	if err := w.lines.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(out, "--"+boundary+"--\r\n")
	return err
}

// part begins a part.
func part(out io.Writer, contentType, disposition string) error {
	head := "--" + boundary + "\r\nContent-Type: " + contentType + "\r\n"
	if disposition != "" {
		head += "Content-Disposition: " + disposition + "\r\n"
	}
	_, err := io.WriteString(out, head+"Content-Transfer-Encoding: base64\r\n\r\n")
	return err
}

func (w *Writer) fillHeader(d *Document) {
	h, m := &w.header, d.Manifest
	h.Reset()
	h.UTF8, h.Exact = d.UTF8Headers, true
	first, last := m.span()
	h.Addresses("From", d.From)
	h.Append(w.people.toField)
	h.Text("Subject", d.Subject)
	h.Text("Date", d.Date.UTC().Format(time.RFC1123Z))
	h.Text("Message-ID", "<"+d.MessageID+">")
	h.Text("X-RSMF-Version", m.Version)
	h.Text("X-RSMF-Generator", d.Generator)
	h.Text("X-RSMF-BeginDate", first.String())
	h.Text("X-RSMF-EndDate", last.String())
	h.Text("X-RSMF-EventCount", strconv.Itoa(len(m.Events)))
	if m.Version != Version1 {
		h.Text("X-RSMF-Application", d.Application)
		h.Text("X-RSMF-Custodian", d.Custodian)
		h.Append(w.people.names)
		h.Text("X-RSMF-AttachmentCount", strconv.Itoa(m.attachments()))
		h.Text("X-RSMF-EventCollectionID", m.EventCollectionID)
		for _, c := range d.Custom {
			h.Text("X-RSMF-"+c.Name, c.Value)
		}
	}
	h.Text("MIME-Version", "1.0")
	h.Text("Content-Type", `multipart/mixed; boundary="`+boundary+`"`)
	h.Append([]byte("\r\n"))
}

// zip writes rsmf.zip. The manifest comes last, as the order is that of names.
func (w *Writer) zip(d *Document) error {
	z := zip.NewWriter(&w.lines)
	z.RegisterCompressor(zip.Deflate, w.compressor)
	for _, a := range d.Attachments {
		if err := addAttachment(z, a); err != nil {
			return fmt.Errorf("attachment %s: %w", a.Name, err)
		}
	}
	entry, err := z.CreateHeader(entryHeader(manifestName, zip.Deflate))
	if err != nil {
		return err
	}
	if err := w.writeManifest(entry, d.Manifest, w.people.list); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return z.Close()
}

// compressor gives the one compressor, as entries are written one after the other.
func (w *Writer) compressor(out io.Writer) (_ io.WriteCloser, err error) {
	if w.deflate == nil {
		w.deflate, err = flate.NewWriter(out, compression)
		return w.deflate, err
	}
	w.deflate.Reset(out)
	return w.deflate, nil
}

func addAttachment(z *zip.Writer, a Attachment) error {
	entry, err := z.CreateHeader(entryHeader(a.Name, method(a.Name)))
	if err != nil {
		return err
	}
	in, err := a.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(entry, in)
	return err
}

// entryHeader describes an entry of 1980-01-01 0:00, the earliest time that ZIP knows.
func entryHeader(name string, method uint16) *zip.FileHeader {
	h := &zip.FileHeader{Name: name, Method: method}
	h.ModifiedDate = 1<<5 | 1 //lint:ignore SA1019 Modified would add an extra field
	return h
}

// method is how a file is kept, by its ending: what is compressed already is stored.
func method(name string) uint16 {
	switch strings.ToLower(path.Ext(name)) {
	case ".7z", ".avi", ".br", ".bz2", ".docm", ".docx", ".flac", ".gif", ".gz", ".heic", ".jar", ".jpeg", ".jpg", ".m4a",
		".mkv", ".mov", ".mp3", ".mp4", ".odp", ".ods", ".odt", ".ogg", ".opus", ".png", ".pptx", ".rar", ".tgz", ".webm",
		".webp", ".xlsm", ".xlsx", ".xz", ".zip", ".zst":
		return zip.Store
	}
	return zip.Deflate
}
