package export

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// manifestName is the file that makes a directory a bundle. It is written last.
const manifestName = "manifest.json"

// manifestVersion is raised when a reader of manifest.json must know of a change.
const manifestVersion = 1

// manifest is the content of manifest.json.
type manifest struct {
	Version    int            `json:"version"`
	ID         string         `json:"id"`
	Generator  string         `json:"generator"`
	Started    string         `json:"started"`
	Finished   string         `json:"finished"`
	Selection  Selection      `json:"selection"`
	Formats    []string       `json:"formats"`
	Counts     Counts         `json:"counts"`
	First      string         `json:"first"`
	Last       string         `json:"last"`
	Channels   []ChannelCount `json:"channels"`
	Notes      []Note         `json:"notes"`
	Exceptions []Note         `json:"exceptions"`
	Files      []writtenFile  `json:"files"` // every file but the manifest, by path
}

// timeFormat is how the bundle writes moments: RFC 3339 UTC, milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

// writeManifest writes the manifest of a bundle that is otherwise complete, and notes its digest in the summary.
func (b *bundle) writeManifest(s *Summary, generator string) error {
	files := slices.SortedFunc(slices.Values(b.written), func(x, y writtenFile) int { return cmp.Compare(x.Path, y.Path) })
	m := manifest{
		Version: manifestVersion, ID: s.ID, Generator: generator,
		Started: s.Started.Format(timeFormat), Finished: s.Finished.Format(timeFormat),
		Selection: s.Selection, Formats: s.Formats, Counts: s.Counts, First: s.First, Last: s.Last,
		Channels: s.Channels, Notes: s.Notes, Exceptions: s.Exceptions, Files: files,
	}
	out, err := b.create(manifestName)
	if err != nil {
		return err
	}
	if err := json.MarshalWrite(out, m, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true)); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	sum, n, err := out.close()
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	s.Manifest, s.Written = sum, n
	for _, f := range files {
		s.Written += f.Bytes
	}
	return nil
}
