package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"archiver/internal/record"
	"archiver/internal/rsmf"

	"github.com/go-json-experiment/json"
)

// rsmfManifest is what is compared of a manifest.
type rsmfManifest struct {
	Conversations []struct {
		ID string `json:"id"`
	} `json:"conversations"`
	Events []rsmfEvent `json:"events"`
}

type rsmfEvent struct {
	ID     string        `json:"id"`
	Type   string        `json:"type"`
	Body   string        `json:"body"`
	Edits  []struct{}    `json:"edits"`
	Custom []rsmf.Custom `json:"custom"`
}

// readRSMF reads the files below data/rsmf. A message that is repeated before its comments is not one of the slice.
func readRSMF(ctx context.Context, dir string) iter.Seq2[Shown, error] {
	return func(yield func(Shown, error) bool) {
		err := eachFile(ctx, dir, "data/rsmf", ".rsmf", func(path string) error {
			m, err := openRSMF(path)
			if err != nil {
				return err
			}
			return m.show(yield)
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(Shown{}, err)
		}
	}
}

// show gives the messages of the slice, errStop when nobody wants more.
func (m *rsmfManifest) show(yield func(Shown, error) bool) error {
	for _, e := range m.Events {
		if e.Type == rsmf.Message && !e.has("Context") && !yield(e.shown(m.Conversations[0].ID), nil) {
			return errStop
		}
	}
	return nil
}

// openRSMF reads the manifest of a file that breaks no rule of the format.
func openRSMF(path string) (*rsmfManifest, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, findings := rsmf.Open(file)
	if i := slices.IndexFunc(findings, func(f rsmf.Finding) bool { return f.Severity == rsmf.Error }); i >= 0 {
		return nil, fmt.Errorf("%s: %s", filepath.Base(path), findings[i])
	}
	m := &rsmfManifest{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if len(m.Conversations) != 1 {
		return nil, fmt.Errorf("%s: %d conversations", filepath.Base(path), len(m.Conversations))
	}
	return m, nil
}

func (e *rsmfEvent) has(custom string) bool {
	return slices.ContainsFunc(e.Custom, func(c rsmf.Custom) bool { return c.Name == custom })
}

// shown gives the event as a message. One that had been edited before it was first read has an edit without a version.
func (e *rsmfEvent) shown(channel string) Shown {
	versions := 1 + len(e.Edits)
	if e.has("Earlier text") {
		versions = 1
	}
	return Shown{Channel: channel, TS: record.TS(e.ID), Versions: versions, Text: TextHash(e.Body)}
}

// eachFile calls do with every file of an ending below a folder of a bundle, in the order of names.
func eachFile(ctx context.Context, dir, folder, ending string, do func(path string) error) error {
	err := filepath.WalkDir(in(dir, folder), func(path string, d fs.DirEntry, err error) error {
		if err = firstOf(err, ctx.Err()); err != nil || d.IsDir() || !strings.HasSuffix(path, ending) {
			return err
		}
		return do(path)
	})
	if errors.Is(err, fs.ErrNotExist) { // nothing was selected
		return nil
	}
	return err
}
