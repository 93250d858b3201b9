package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"archiver/internal/index"
	"archiver/internal/record"
	"archiver/internal/storage"
)

// unfound are the documents of the corpus that search does not find by some of their sample words, how many, and why.
var unfound = map[string]struct {
	words int
	why   string
}{
	"pdf/right_to_left_02.pdf":                     {1, "Arabic whose letters the file places one by one: they are read in another order than the list's reader has"},
	"xlsx/xlsx_image_end.xlsx":                     {2, "the list has neighbouring cells run together"},
	"xlsx/xlsx_complex_layout.xlsx":                {5, "the list has neighbouring cells run together"},
	"csv/csv-with-long-lines.csv":                  {3, "parts of words in which letters and digits alternate so often that they have no parts"},
	"eml/email-replace-mime-encodings-error-1.eml": {8, "the HTML part's document type, and pieces of signatures"},
	"eml/eml_with_attachment.eml":                  {1, "a piece of the attachment's base64; its text is found"},
	"eml/testRFC822_dkim.eml":                      {5, "pieces of a signature in base64"},
	"eml/testEmailWithPNGAtt.eml":                  {8, "pieces of a picture's base64"},
	"md/testMARKDOWN_dataURI.md":                   {1, "a piece of a picture's base64"},
	"epub/eng_spa_mult.epub":                       {5, "words of the book's style sheet"},
}

// TestFileCorpus puts the corpus' documents into an archive and has the program make the index; then each must
// be found by each of its sample words.
func TestFileCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles PDFium")
	}
	dir := filepath.Join("..", "..", "..", "shared", "corpus", "files")
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Skip("no corpus of files")
	}
	var all []struct {
		Path  string   `json:"path"`
		Words []string `json:"words"`
	}
	if err := json.Unmarshal(manifest, &all); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "archive")
	t.Setenv("ARCHIVER_ARCHIVE", path)
	a, err := storage.Create(t.Context(), path, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	page := &storage.Page{Observed: time.Unix(1.7e9, 0).UTC(), Channel: "C"}
	for i, s := range all {
		data, err := os.ReadFile(filepath.Join(dir, s.Path))
		if err != nil {
			t.Fatal(err)
		}
		sum, n, err := a.Blobs().Put(t.Context(), bytes.NewReader(data), 0)
		if err != nil {
			t.Fatal(err)
		}
		page.Files = append(page.Files, record.FileState{ID: fmt.Sprintf("f%d", i), Name: filepath.Base(s.Path), Size: n,
			State: record.FileStored, SHA256: sum, Bytes: n, Raw: []byte(`{}`)})
	}
	if err := errors.Join(a.Put(t.Context(), page), a.Flush(t.Context()), a.Close()); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"index", "rebuild"}, nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	t.Logf("rebuilt in %s: %s", time.Since(begun), out.String())
	a, err = storage.Open(t.Context(), path, storage.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ix, err := index.Open(t.Context(), filepath.Join(path, "index"), index.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	searchable, whole, found, wanted := 0, 0, 0, 0
	for i, s := range all {
		missing := slices.DeleteFunc(slices.Clone(s.Words), func(w string) bool { return slices.Contains(filesWith(t, ix, a, w), fmt.Sprintf("f%d", i)) })
		wanted, found = wanted+len(s.Words), found+len(s.Words)-len(missing)
		if len(s.Words) > 0 {
			searchable++
			if len(missing) == 0 {
				whole++
			}
		}
		if len(missing) != unfound[s.Path].words {
			t.Errorf("%s: not found by %q, %d were expected", s.Path, missing, unfound[s.Path].words)
		}
	}
	t.Logf("%d of %d sample words find their file; %d of %d files are found by all of theirs", found, wanted, whole, searchable)
}

// filesWith gives the ids of the files that a search for a word finds.
func filesWith(t *testing.T, ix *index.Index, a *storage.Archive, word string) (ids []string) {
	t.Helper()
	q, err := index.Parse(word)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ix.Search(t.Context(), a, index.Request{Query: q}, func(h index.Hit) error {
		ids = append(ids, *h.File)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
