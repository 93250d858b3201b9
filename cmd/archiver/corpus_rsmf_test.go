package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	stdjson "encoding/json"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"testing"

	"archiver/internal/record"
	"archiver/internal/rsmf"
	"archiver/internal/teamchat/teamchattest"
)

// compareRSMF exports the archive as RSMF and compares it with the corpus, by a reader that shares nothing with the
// writer: every message in one file, with its text, author and thread; every attachment with its bytes; and no rule of
// the format broken but the one that encoded names always break.
func compareRSMF(t *testing.T, want map[place]teamchattest.CorpusMessage) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "rsmf")
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"export", "--quiet", "--format", "rsmf", "--slice", "month", "--since", exportSince(), "--output", dir}, nil, &out, &errs); code != 0 {
		t.Fatalf("export exits %d: %s", code, errs.Bytes())
	}
	c := &rsmfComparison{T: t, want: want}
	err := filepath.WalkDir(filepath.Join(dir, "data", "rsmf"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			c.file(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(want) > 0 {
		t.Errorf("%d messages are in no file", len(want))
	}
	t.Logf("%d files, %d events, %d of them context, %d attachments", c.files, c.events, c.context, c.attachments)
}

type rsmfComparison struct {
	*testing.T
	want                                map[place]teamchattest.CorpusMessage
	files, events, context, attachments int
	wrong                               int
}

func (c *rsmfComparison) complain(format string, args ...any) {
	if c.wrong++; c.wrong <= 20 {
		c.Errorf(format, args...)
	}
}

// rsmfManifest is what is compared of rsmf_manifest.json.
type rsmfManifest struct {
	Conversations []struct{ Custom []rsmfCustom }
	Events        []struct {
		ID, Type, Parent, Body, Participant string
		Attachments                         []struct{ ID string }
		Custom                              []rsmfCustom
	}
}

type rsmfCustom struct{ Name, Value string }

func customValue(list []rsmfCustom, name string) string {
	for _, c := range list {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (c *rsmfComparison) file(path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		c.Fatal(err)
	}
	c.files++
	for _, f := range rsmf.Check(bytes.NewReader(content)) {
		if f.Rule != "RSMFHeaderParticipantsMismatch" {
			c.complain("%s: %s", path, f)
		}
	}
	packed := c.unpack(content)
	var m rsmfManifest
	if err := stdjson.Unmarshal(packed["rsmf_manifest.json"], &m); err != nil {
		c.Fatalf("%s: %v", path, err)
	}
	channel := customValue(m.Conversations[0].Custom, "Channel")
	for _, e := range m.Events {
		c.events++
		if customValue(e.Custom, "Context") != "" {
			c.context++
			continue
		}
		at := place{channel, record.TS(e.ID)}
		w, ok := c.want[at]
		delete(c.want, at)
		author := e.Participant
		if author == "(unknown)" {
			author = ""
		}
		root := record.TS(e.Parent)
		if root == "" && len(customValue(e.Custom, "Thread root")) >= 17 {
			root = record.TS(customValue(e.Custom, "Thread root")[:17])
		}
		if !ok || e.Type != "message" || e.Body != w.Text || author != w.User || root != w.Thread || (len(e.Attachments) > 0) != (w.File != "") {
			c.complain("%s: %v (known: %t) is %+v, want %+v", path, at, ok, e, w)
		}
		for _, a := range e.Attachments {
			c.attachments++
			sum := sha256.Sum256(packed[a.ID])
			if hex.EncodeToString(sum[:]) != customValue(e.Custom, "Attachment SHA-256") {
				c.complain("%s: %v: attachment %s has other bytes", path, at, a.ID)
			}
		}
	}
}

// unpack reads a file with the standard library.
func (c *rsmfComparison) unpack(content []byte) map[string][]byte {
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		c.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		c.Fatal(err)
	}
	var part []byte // the last one is rsmf.zip
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextPart()
		if err == io.EOF {
			break
		}
		if err == nil {
			part, err = io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		}
		if err != nil {
			c.Fatal(err)
		}
	}
	z, err := zip.NewReader(bytes.NewReader(part), int64(len(part)))
	if err != nil {
		c.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			c.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(in); err != nil {
			c.Fatal(err)
		}
	}
	return files
}
