package rsmf

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// MarshalJSONTo is for the encoder by reflection that manifests are compared with.
func (t Time) MarshalJSONTo(e *jsontext.Encoder) error {
	return e.WriteToken(jsontext.String(t.String()))
}

// TestManifestIsWhatItsTypesSay compares manifests with those that an encoder makes of the types and their tags. The
// writer is used for all, so that it would show if it kept what it must not.
func TestManifestIsWhatItsTypesSay(t *testing.T) {
	var w Writer
	moment := rapid.Custom(func(t *rapid.T) any {
		return Time{time.UnixMilli(rapid.SampledFrom([]int64{-62135596800000, 0, 1700000000123}).Draw(t, "ms"))}
	})
	manifests := rapid.MakeCustom[Manifest](rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{reflect.TypeFor[Time](): moment}})
	rapid.Check(t, func(t *rapid.T) {
		m := manifests.Draw(t, "manifest")
		d := &Document{Manifest: &m}
		d.Manifest.Events = append(d.Manifest.Events, full().Manifest.Events...)
		want, err := json.Marshal(d.Manifest, jsontext.AllowInvalidUTF8(true))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		w.people.meet(d)
		if err := w.writeManifest(&got, d.Manifest, w.people.list); err != nil || got.String() != string(want) {
			t.Fatalf("got %v\n%s\nwant\n%s", err, got.Bytes(), want)
		}
	})
}
