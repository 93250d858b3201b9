package export

import (
	"archive/zip"
	"encoding/base64"
	stdjson "encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"archiver/internal/rsmf"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// rsmfFile is a file as a reader of its own sees it, by the standard library alone.
type rsmfFile struct {
	header mail.Header
	text   string
	files  map[string]string
	raw    string // rsmf_manifest.json

	Version       string
	Participants  []rsmf.Participant
	Conversations []rsmf.Conversation
	Events        []rsmfEvent
}

type rsmfEvent struct {
	ID, Type, Parent, Body, Participant, Timestamp string
	Deleted                                        bool
	Reactions                                      []rsmf.Reaction
	Attachments                                    []rsmf.AttachmentRef
	Edits                                          []struct{ Participant, Timestamp, Previous, New string }
	Custom                                         []rsmf.Custom
}

// custom gives a property, "" without it.
func (e *rsmfEvent) custom(name string) string { return customOf(e.Custom, name) }

func customOf(list []rsmf.Custom, name string) string {
	for _, c := range list {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func readRSMF(t testing.TB, content string) *rsmfFile {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	f := &rsmfFile{header: m.Header, files: map[string]string{}}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	f.text = readPart(t, r)
	packed := readPart(t, r)
	z, err := zip.NewReader(strings.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range z.File {
		in, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		f.files[entry.Name] = string(content)
	}
	f.raw = f.files["rsmf_manifest.json"]
	if err := stdjson.Unmarshal([]byte(f.raw), f); err != nil {
		t.Fatal(err)
	}
	return f
}

func readPart(t testing.TB, r *multipart.Reader) string {
	t.Helper()
	p, err := r.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// event gives the event of a message.
func (f *rsmfFile) event(t testing.TB, id string) *rsmfEvent {
	t.Helper()
	i := slices.IndexFunc(f.Events, func(e rsmfEvent) bool { return e.ID == id })
	if i < 0 {
		t.Fatalf("no event %s", id)
	}
	return &f.Events[i]
}

// exportRSMF exports a source and gives every file by its path. A finding fails the test, but for the one that encoded
// names bring with them.
func exportRSMF(t testing.TB, src Source, r Rendering) map[string]*rsmfFile {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	o := Options{ID: "EXP-2026-000001", Output: dir, Formats: []string{"rsmf"}, Rendering: r, Generator: "archiver test"}
	if _, err := Write(t.Context(), o, smallSelection, src); err != nil {
		t.Fatal(err)
	}
	files, schema := map[string]*rsmfFile{}, published(t)
	for path, content := range tree(t, dir) {
		if !strings.HasSuffix(path, ".rsmf") {
			continue
		}
		for _, f := range rsmf.Check(strings.NewReader(content)) {
			if f.Severity == rsmf.Error || f.Rule != "RSMFHeaderParticipantsMismatch" || r.RawUTF8Headers {
				t.Errorf("%s: %s", path, f)
			}
		}
		files[path] = readRSMF(t, content)
		if schema != nil {
			validate(t, schema, files[path].raw)
		}
	}
	return files
}

// published gives the schema that Relativity publishes for 2.0.0, nil where it does not lie beside the project.
func published(t testing.TB) *jsonschema.Schema {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "spec", "rsmf", "rsmf_schema_2_0_0.json")
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t testing.TB, schema *jsonschema.Schema, manifest string) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
}

// only gives the one file.
func only(t testing.TB, files map[string]*rsmfFile) *rsmfFile {
	t.Helper()
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	for _, f := range files {
		return f
	}
	return nil
}
