package extract

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/go-json-experiment/json"
)

// sample is a document of the corpus with words that are in it.
type sample struct {
	Path  string   `json:"path"`
	Words []string `json:"words"`
}

// corpusDir finds the documents beside the module, and skips the test without them.
func corpusDir(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "corpus", "files")
	if _, err := os.Stat(path); err != nil {
		t.Skip("no corpus")
	}
	return path
}

func samples(t testing.TB) (dir string, all []sample) {
	t.Helper()
	dir = corpusDir(t)
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(manifest, &all); err != nil {
		t.Fatal(err)
	}
	return dir, all
}

func (s *sample) read(t testing.TB, dir string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, s.Path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// pdfCache is where tests keep what PDFium is compiled to.
func pdfCache(t testing.TB) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		return t.TempDir()
	}
	return filepath.Join(dir, "archiver-test", "pdfium")
}

func newExtractor(t testing.TB, l Limits) *Extractor {
	x := NewExtractor(l, pdfCache(t))
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// words gives the words of a text as those of the manifest are: runs of letters, in small letters.
func words(text string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r)
	}) {
		all[w] = true
	}
	return all
}

// notFound are the documents of which sample words are not found, how many, and why.
var notFound = map[string]struct {
	words int
	why   string
}{
	"pdf/right_to_left_02.pdf":                     {2, "Arabic whose letters the file places one by one: PDFium reads them in another order than the list's reader"},
	"xlsx/xlsx_image_end.xlsx":                     {2, "the list has neighbouring cells run together"},
	"xlsx/xlsx_complex_layout.xlsx":                {5, "the list has neighbouring cells run together"},
	"eml/email-replace-mime-encodings-error-1.eml": {2, "words of the document type of the HTML part, which is markup"},
	"eml/eml_with_attachment.eml":                  {1, "a piece of the attachment's base64; its text is found"},
	"eml/testEmailWithPNGAtt.eml":                  {8, "pieces of a picture's base64"},
	"epub/eng_spa_mult.epub":                       {5, "words of the book's style sheet"},
}

// TestCorpus reads every document of the corpus and looks for its sample words.
func TestCorpus(t *testing.T) {
	dir, all := samples(t)
	x := newExtractor(t, DefaultLimits())
	found, wanted := 0, 0
	for _, s := range all {
		r, broken := x.Extract(t.Context(), filepath.Base(s.Path), s.read(t, dir))
		if broken {
			t.Errorf("%s: %s", s.Path, r.Reason)
		}
		has := words(r.Text)
		missing := slices.DeleteFunc(slices.Clone(s.Words), func(w string) bool { return has[strings.ToLower(w)] })
		found, wanted = found+len(s.Words)-len(missing), wanted+len(s.Words)
		if len(missing) != notFound[s.Path].words {
			t.Errorf("%s (%s, %s, %s): not found are %q, %d were expected", s.Path, r.Format, r.Status, r.Reason, missing, notFound[s.Path].words)
		}
		if r.Status != expectedStatus(s.Path) {
			t.Errorf("%s: %s (%s), want %s", s.Path, r.Status, r.Reason, expectedStatus(s.Path))
		}
	}
	t.Logf("%d of %d sample words found", found, wanted)
}

// scans are the PDFs of the corpus that are pictures.
var scans = []string{"pdf/swa.pdf", "pdf/ocr_test_rotated_90.pdf", "pdf/ocr_test.pdf", "pdf/grayscale-image.pdf"}

func expectedStatus(path string) Status {
	folder, _, _ := strings.Cut(path, "/")
	switch {
	case slices.Contains([]string{"doc", "xls", "ppt", "msg", "png", "jpg", "gif", "tiff"}, folder):
		return Unsupported
	case slices.Contains(scans, path):
		return Empty
	}
	return Extracted
}
