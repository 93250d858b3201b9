package export

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/lenient"
	"archiver/internal/record"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// messageLine is the line of a message as a type, for the encoder by reflection that lines are compared with.
type messageLine struct {
	Annotations []annotationPart `json:"annotations"`
	Channel     string           `json:"channel"`
	Deleted     *deletionPart    `json:"deleted"`
	File        *string          `json:"file"`
	Kind        record.Kind      `json:"kind"`
	Raw         jsontext.Value   `json:"raw"`
	RawBase64   string           `json:"raw_base64,omitzero"`
	Reason      Reason           `json:"reason"`
	Record      string           `json:"record"`
	Seq         uint64           `json:"seq"`
	Text        string           `json:"text"`
	Thread      record.TS        `json:"thread_ts"`
	TS          record.TS        `json:"ts"`
	User        string           `json:"user"`
	Versions    []versionPart    `json:"versions"`
}

type annotationPart struct {
	Observed string   `json:"observed"`
	What     []string `json:"what"`
}

type deletionPart struct {
	FirstMissing string `json:"first_missing"`
	LastSeen     string `json:"last_seen"`
}

type versionPart struct {
	Observed string `json:"observed"`
	SHA256   string `json:"sha256"`
	Text     string `json:"text"`
}

func encodedLine(t *rapid.T, item Item) string {
	line := messageLine{
		Channel: item.Channel, Kind: item.Kind, Raw: item.Raw, Reason: item.Reason, Record: "message",
		Seq: item.Change, Text: item.Text, Thread: item.Thread, TS: item.TS, User: item.User,
	}
	if !record.ValidJSON(item.Raw) {
		line.Raw, line.RawBase64 = jsontext.Value("null"), base64.StdEncoding.EncodeToString(item.Raw)
	}
	for _, v := range item.Versions {
		line.Versions = append(line.Versions, versionPart{formatTime(v.Observed), v.SHA256, v.Text})
	}
	for _, a := range item.Annotations {
		line.Annotations = append(line.Annotations, annotationPart{formatTime(a.Observed), a.What})
	}
	if d := item.Deleted; d != nil {
		line.Deleted = &deletionPart{formatTime(d.FirstMissing), formatTime(d.LastSeen)}
	}
	if item.FileID != "" {
		line.File = &item.FileID
	}
	text, err := json.Marshal(&line, lenient.Options, jsontext.PreserveRawStrings(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func TestLineIsWhatAnEncoderWrites(t *testing.T) {
	trapped, _ := trapSource()
	moment := rapid.Custom(func(t *rapid.T) time.Time { return time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "ms")) })
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	raw := rapid.OneOf(rapid.Map(text, func(s string) string { return s }),
		rapid.SampledFrom([]string{"", "{}", ` { "a" : [ 1 , 2.50 ] } `, `{"a":1,"a":"\u0041\/"}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":1}x`}))
	for _, item := range append(small().items, trapped.items...) {
		rapid.Check(t, func(t *rapid.T) {
			m := *item.Message
			if rapid.Bool().Draw(t, "changed") {
				m.Channel, m.User, m.Text, m.FileID = text.Draw(t, "channel"), text.Draw(t, "user"), text.Draw(t, "text"), text.Draw(t, "file")
				m.Raw, m.Change = record.Clean([]byte(raw.Draw(t, "raw"))), rapid.Uint64().Draw(t, "change")
				for range rapid.IntRange(0, 2).Draw(t, "annotations") {
					m.Annotations = append(m.Annotations, record.Annotation{Observed: moment.Draw(t, "observed"), What: rapid.SliceOf(text).Draw(t, "what")})
				}
				m.Versions = append(m.Versions[:1:1], record.Version{Text: text.Draw(t, "version"), SHA256: "00", Observed: moment.Draw(t, "read")})
				m.Deleted = &record.Deletion{LastSeen: moment.Draw(t, "seen"), FirstMissing: moment.Draw(t, "missing")}
			}
			item := Item{Message: &m, Reason: ReasonContext}
			if got, want := string(AppendMessageLine(nil, item)), encodedLine(t, item); got != want {
				t.Fatalf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// TestLinesFollowTheSchema holds all lines of exports against the schema that the bundle has beside them.
func TestLinesFollowTheSchema(t *testing.T) {
	for name, src := range map[string]Source{"small": small(), "hostile": hostileSource()} {
		dir, _ := exportTo(t, smallSelection, src, "ndjson")
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		schema, err := c.Compile(filepath.Join(dir, "data", "ndjson", "schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]int{}
		for path, content := range tree(t, dir) {
			if !strings.HasSuffix(path, ".ndjson") || !strings.HasPrefix(path, "data/ndjson/") {
				continue
			}
			for line := range strings.Lines(content) {
				validate(t, schema, line)
				kinds[path]++
			}
		}
		if len(kinds) != 4 {
			t.Errorf("%s: lines in %v", name, kinds)
		}
		if broken, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"record":"message","ts":"1"}`)); err != nil || schema.Validate(broken) == nil {
			t.Errorf("%s: the schema takes anything (%v)", name, err)
		}
	}
}
