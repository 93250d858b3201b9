package rsmf

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ourmail "archiver/internal/mail"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

var noon = time.Date(2024, 1, 15, 12, 0, 0, 0, time.UTC)

func stamp(minutes int) Time { return Time{noon.Add(time.Duration(minutes) * time.Minute)} }

func content(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// full is a document with everything that the format has.
func full() *Document {
	return &Document{
		From: ourmail.Address{Name: "Ada Novak", Address: "ada@example.com"}, To: []ourmail.Address{{Name: "Ada Novak", Address: "ada@example.com"}, {Name: "Bob", Address: "u2@users.teamchat.invalid"}},
		Subject: "#finance 2024-01-15 (Europe/Prague)", Date: noon, MessageID: "rsmf.42.20240115.1@archive.teamchat.invalid",
		Generator: "archiver 1.0", Application: "IceWarp TeamChat", Custodian: "Ada Novak",
		Custom: []Custom{{"SlicePart", "1/1"}, {"Empty", ""}},
		Text:   []byte("[12:00] Ada: hello\n"),
		Manifest: &Manifest{
			Version: Version2, EventCollectionID: "teamchat:example.com:42",
			Participants: []Participant{
				{ID: "ada", Display: "Ada Novak", Email: "ada@example.com", AccountID: "ada"},
				{ID: "bob", Display: "Bob", Custom: []Custom{{"Type", "bot"}}}, {ID: "cy", Display: "Cy"}, {ID: "system", Display: "system"},
			},
			Conversations: []Conversation{{
				ID: "42", Display: "finance", Platform: "IceWarp TeamChat", Type: Channel, Participants: []string{"ada", "bob", "system"},
				Custodian: "ada", Custom: []Custom{{"Members at start", "ada, bob"}},
			}},
			Events: []Event{
				{ID: "m1", Type: Message, Body: "hello", Participant: "ada", Conversation: "42", Timestamp: stamp(0),
					Reactions:   []Reaction{{"thumbsup", 2, []string{"bob"}}},
					Attachments: []AttachmentRef{{"ATT00001.txt", "contract, final.txt", 5}, {"ATT00002.png", "x.png", 3}},
					Edits:       []Edit{{"bob", stamp(1), "helo", "hello"}}},
				{ID: "j1", Type: Join, Participant: "cy", Conversation: "42", Timestamp: stamp(2)},
				{ID: "m2", Type: Message, Parent: "m1", Body: "hi", Participant: "cy", Conversation: "42", Timestamp: stamp(3),
					Deleted: true, Custom: []Custom{{"Deleted", "yes"}}, Attachments: []AttachmentRef{{ID: "ATT00001.txt"}}},
				{ID: "h1", Type: History, Body: "renamed", Participant: "system", Conversation: "42", Timestamp: stamp(4)},
				{ID: "l1", Type: Leave, Participant: "cy", Conversation: "42", Timestamp: stamp(5)},
			},
		},
		Attachments: []Attachment{{"ATT00001.txt", content("hello")}, {"ATT00002.png", content("png")}},
	}
}

func write(t testing.TB, d *Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := new(Writer).Write(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unpack reads a file with the standard library alone.
func unpack(t testing.TB, file string) (h mail.Header, text string, files map[string]string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, string(content))
	}
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	z, err := zip.NewReader(strings.NewReader(parts[1]), int64(len(parts[1])))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Extra) > 0 || f.ModifiedDate != 33 || f.ModifiedTime != 0 {
			t.Errorf("%s: extra fields or time", f.Name)
		}
		files[f.Name] = string(content)
	}
	return m.Header, parts[0], files
}

func TestWriteHasNoFindings(t *testing.T) {
	d := full()
	file := write(t, d)
	for _, f := range Check(strings.NewReader(file)) {
		t.Error(f)
	}
	header, text, files := unpack(t, file)
	if text != string(d.Text) || files["ATT00001.txt"] != "hello" || files["ATT00002.png"] != "png" || len(files) != 3 {
		t.Errorf("text %q, files %q", text, files)
	}
	for name, want := range map[string]string{
		"From": `Ada Novak <ada@example.com>`, "To": `Ada Novak <ada@example.com>, Bob <u2@users.teamchat.invalid>`,
		"Date": "Mon, 15 Jan 2024 12:00:00 +0000", "X-Rsmf-Version": "2.0.0", "X-Rsmf-Begindate": "2024-01-15T12:00:00.000Z",
		"X-Rsmf-Enddate": "2024-01-15T12:05:00.000Z", "X-Rsmf-Eventcount": "5", "X-Rsmf-Attachmentcount": "3",
		"X-Rsmf-Participants": "Ada Novak, Bob, Cy, system", "X-Rsmf-Slicepart": "1/1", "X-Rsmf-Empty": "",
		"X-Rsmf-Eventcollectionid": "teamchat:example.com:42", "X-Rsmf-Custodian": "Ada Novak",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	var m struct{ Events []struct{ Timestamp string } }
	if err := json.Unmarshal([]byte(files["rsmf_manifest.json"]), &m); err != nil || m.Events[0].Timestamp != "2024-01-15T12:00:00.000Z" {
		t.Errorf("%v, %v", m, err)
	}
	checkLines(t, file)
}

// checkLines checks what RFC 5322 and RFC 2045 say of lines.
func checkLines(t rapid.TB, file string) {
	t.Helper()
	body := false
	for line := range strings.SplitSeq(strings.TrimSuffix(file, "\r\n"), "\r\n") {
		body = body || line == ""
		if len(line) > 998 || body && len(line) > 76 || strings.ContainsAny(line, "\r\n\x00") || !body && strings.TrimSpace(line) == "" {
			t.Fatalf("bad line %.100q of %d bytes", line, len(line))
		}
	}
}

func TestWriteIsDeterministic(t *testing.T) {
	var w Writer
	var files []string
	for range 3 {
		var b bytes.Buffer
		if err := w.Write(&b, full()); err != nil {
			t.Fatal(err)
		}
		files = append(files, b.String())
	}
	if files[0] != files[1] || files[1] != files[2] || files[0] != write(t, full()) {
		t.Error("the same document gives other bytes")
	}
}

// TestLargeFilesAreChecked has rsmf.zip kept in a temporary file.
func TestLargeFilesAreChecked(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := full()
	d.Attachments[1].Open = content(strings.Repeat("0123456789abcdef", maxInMemory/16))
	file := write(t, d)
	for _, f := range Check(strings.NewReader(file)) {
		t.Error(f)
	}
	broken := strings.Replace(file, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlh", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlX", 1)
	if diff := cmp.Diff([]string{"ERROR ZipIntegrity"}, rules(Check(strings.NewReader(broken)))); diff != "" {
		t.Error(diff)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestVersion1LacksWhatCameLater(t *testing.T) {
	d := full()
	d.Manifest.Version, d.Manifest.EventCollectionID, d.Manifest.Events[3].Type = Version1, "", Unknown
	file := write(t, d)
	for _, f := range Check(strings.NewReader(file)) {
		t.Error(f)
	}
	for _, name := range []string{"Application", "Custodian", "Participants", "AttachmentCount", "EventCollectionID", "SlicePart"} {
		if strings.Contains(file, "X-RSMF-"+name) {
			t.Errorf("X-RSMF-%s in version 1", name)
		}
	}
	d = full()
	d.Manifest.Version = Version1
	got := rules(Check(strings.NewReader(write(t, d))))
	if diff := cmp.Diff([]string{"WARN ManifestUndefinedProperty", "ERROR SchemaViolation"}, got); diff != "" {
		t.Error(diff)
	}
}

func rules(findings []Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, string(f.Severity)+" "+f.Rule)
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(a[strings.Index(a, " "):], b[strings.Index(b, " "):]) })
	return slices.Compact(list)
}

// published gives the schema that Relativity publishes, if it lies beside the project.
func published(t testing.TB) *jsonschema.Schema {
	path := filepath.Join("..", "..", "..", "shared", "spec", "rsmf", "rsmf_schema_2_0_0.json")
	if _, err := os.Stat(path); err != nil {
		t.Skip("no published schema at " + path)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestPublishedSchemaAccepts(t *testing.T) {
	schema := published(t)
	_, _, files := unpack(t, write(t, full()))
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(files["rsmf_manifest.json"]))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
}

// TestSchemaAgrees compares Check with the published schema on manifests in which one value was replaced.
func TestSchemaAgrees(t *testing.T) {
	schema := published(t)
	_, _, files := unpack(t, write(t, full()))
	rapid.Check(t, func(rt *rapid.T) {
		tree, err := jsonschema.UnmarshalJSON(strings.NewReader(files["rsmf_manifest.json"]))
		if err != nil {
			rt.Fatal(err)
		}
		mutate(rt, tree)
		if v, ok := tree.(map[string]any)["version"].(string); ok && v != Version2 {
			return // another schema
		}
		changed, err := json.Marshal(tree)
		if err != nil {
			rt.Fatal(err)
		}
		c := &checker{files: map[string]bool{}, header: mail.Header{}}
		c.manifest(changed)
		broken := slices.ContainsFunc(c.findings, func(f Finding) bool {
			// The library does not know the format idn-email, which Relativity's validator does.
			return f.Rule == "SchemaViolation" && !(strings.Contains(f.Detail, "/email: ") && strings.HasSuffix(f.Detail, "has not the format"))
		})
		if err := schema.Validate(tree); (err != nil) != broken {
			rt.Errorf("schema: %v\nfindings: %v", err, c.findings)
		}
	})
}

// mutate replaces or removes one value somewhere below a container.
func mutate(rt *rapid.T, at any) {
	values := []any{nil, "", "x", "message", "channel", "2024-01-15T12:00:00.000Z", "a@b.c", true, json.Number("1"), json.Number("1.5"), []any{}, map[string]any{}}
	switch v := at.(type) {
	case map[string]any:
		key := rapid.SampledFrom(sortedKeys(v)).Draw(rt, "key")
		if inner := v[key]; isContainer(inner) && rapid.IntRange(0, 4).Draw(rt, "deeper") > 0 {
			mutate(rt, inner)
			return
		}
		if rapid.Bool().Draw(rt, "delete") {
			delete(v, key)
			return
		}
		v[key] = rapid.SampledFrom(values).Draw(rt, "value")
	case []any:
		i := rapid.IntRange(0, len(v)-1).Draw(rt, "index")
		if isContainer(v[i]) && rapid.IntRange(0, 4).Draw(rt, "deeper") > 0 {
			mutate(rt, v[i])
			return
		}
		v[i] = rapid.SampledFrom(values).Draw(rt, "value")
	}
}

func isContainer(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return false
}

func TestHeadersSurvive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z ",.<>()@\\=?]{0,60}`), rapid.StringMatching(`[a-ž=?_ ]{0,900}`),
			rapid.StringMatching(`[a-z]{880,990}`)).Draw(rt, "name")
		raw := rapid.Bool().Draw(rt, "raw")
		d := full()
		d.Subject, d.UTF8Headers = name, raw
		d.From.Name = name
		file := write(t, d)
		checkLines(rt, file)
		head, _, _ := strings.Cut(file, "\r\n\r\n")
		if !raw && strings.ContainsFunc(head, func(r rune) bool { return r >= utf8.RuneSelf }) {
			rt.Fatalf("not ASCII: %q", head)
		}
		m, err := mail.ReadMessage(strings.NewReader(file))
		if err != nil {
			rt.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if want := strings.ToValidUTF8(name, "\uFFFD"); err != nil || subject != want {
			rt.Fatalf("subject %q, want %q (%v)", subject, want, err)
		}
		from, err := m.Header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Name != strings.ToValidUTF8(name, "\uFFFD") {
			rt.Fatalf("from %v, want %q (%v) in %q", from, name, err, m.Header["From"])
		}
	})
}

func TestIsAddress(t *testing.T) {
	for s, want := range map[string]bool{
		"ada@example.com": true, "a.b+c@x": true, "žluťoučký@kůň.cz": true, "": false, "ada": false, "@x": false, "a@": false,
		"a b@x": false, "a@x y": false, "Ada <a@x>": false, "a@-x": false, "a@x..y": false, "a@x\r\nBcc: b": false,
		strings.Repeat("a", 65) + "@x": false, "a,b@x": false, `"a"@x`: false, "a@[127.0.0.1]": false, "a@@b": false,
	} {
		if IsAddress(s) != want {
			t.Errorf("IsAddress(%q) = %t", s, !want)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(write(f, full())))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Disposition: attachment; filename=rsmf.zip\n\nPK\n--x--"))
	f.Fuzz(func(t *testing.T, file []byte) { Check(bytes.NewReader(file)) })
}
