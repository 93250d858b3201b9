package bundle

import (
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"archiver/internal/loadfile"
	"archiver/internal/rsmf"
)

// readProduction reads the volumes below data/production: the slices among the natives are RSMF files. It holds the load
// files to the documents, as far as the profile has fields for that: numbers follow each other, natives and texts are
// where they should be, hashes are theirs, families are whole.
func readProduction(ctx context.Context, dir string) iter.Seq2[Shown, error] {
	return func(yield func(Shown, error) bool) {
		r := &productionReader{dir: dir, yield: yield}
		if err := r.read(ctx); err != nil && !errors.Is(err, errStop) {
			yield(Shown{}, err)
		}
	}
}

type productionReader struct {
	dir     string
	yield   func(Shown, error) bool
	profile *loadfile.Profile
	prefix  string
	number  int64  // of the document before; 0 is none
	before  string // the same with the prefix
	family  family
}

func (r *productionReader) read(ctx context.Context) (err error) {
	if r.profile, err = profileOf(r.dir); err != nil {
		return err
	}
	volumes, err := filepath.Glob(in(r.dir, "data/production/VOL*"))
	if err != nil {
		return err
	}
	slices.SortFunc(volumes, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for _, volume := range volumes {
		if err := r.volume(ctx, volume); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(volume), err)
		}
	}
	return r.family.close(r.before)
}

// volume reads the natives of a volume beside the rows of its load file, both of which are in the order of numbers.
func (r *productionReader) volume(ctx context.Context, volume string) error {
	name := filepath.Base(volume)
	row, stop := iter.Pull2(rowsOfLoadFile(filepath.Join(volume, "DATA", name+".DAT"), r.profile))
	defer stop()
	err := eachFile(ctx, r.dir, "data/production/"+name+"/NATIVES", "", func(native string) error {
		values, err, ok := row()
		if err == nil && !ok {
			err = errors.New("it has no row in the load file")
		}
		if err == nil {
			err = r.document(volume, native, values)
		}
		if err != nil && !errors.Is(err, errStop) {
			err = fmt.Errorf("%s: %w", filepath.Base(native), err)
		}
		return err
	})
	if err != nil {
		return err
	}
	if values, err, more := row(); err != nil || more {
		return firstOf(err, fmt.Errorf("the load file has a row too many: document %q has no native", values["begin"]))
	}
	return nil
}

// document checks one document, and shows the messages of a slice.
func (r *productionReader) document(volume, native string, row map[string]string) error {
	place, err := filepath.Rel(volume, native)
	if err != nil {
		return err
	}
	place = filepath.ToSlash(place)
	extension := path.Ext(place)
	number := strings.TrimSuffix(path.Base(place), extension)
	if err := r.follow(number); err != nil {
		return err
	}
	text := "TEXT/" + path.Base(path.Dir(place)) + "/" + number + ".txt"
	facts := map[string]string{"begin": number, "end": number, "native": windowsPath(place), "text": windowsPath(text)}
	if err := weigh(native, facts); err != nil {
		return err
	}
	for name, want := range facts {
		if said, ok := row[name]; ok && said != want {
			return fmt.Errorf("the load file says %s %q, it is %q", name, said, want)
		}
	}
	if err := r.family.add(number, r.before, row); err != nil {
		return err
	}
	r.before = number
	searched := filepath.Join(volume, filepath.FromSlash(text))
	if extension != ".rsmf" || r.isAttachment(facts["sha256"]) {
		_, err := os.Stat(searched)
		return err
	}
	return r.slice(native, searched)
}

// slice shows the messages of a slice, and wants each in the text that is searched, in the same order.
func (r *productionReader) slice(native, searched string) error {
	m, err := openRSMF(native)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(searched)
	if err != nil {
		return err
	}
	text := common(string(content))
	for _, e := range m.Events {
		if e.Type != rsmf.Message {
			continue
		}
		var ok bool
		if _, text, ok = strings.Cut(text, ": "+common(e.Body)+"\n"); !ok {
			return fmt.Errorf("message %s has another text in the text that is searched", e.ID)
		}
	}
	return m.show(r.yield)
}

// follow wants a number to be the next one.
func (r *productionReader) follow(number string) error {
	prefix := strings.TrimRight(number, "0123456789")
	n, err := strconv.ParseInt(number[len(prefix):], 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no number of a document", number)
	}
	if r.before != "" && (prefix != r.prefix || n != r.number+1) {
		return fmt.Errorf("follows the number %s", r.before)
	}
	r.prefix, r.number = prefix, n
	return nil
}

// isAttachment tells whether a native is the content of a file of the export.
func (r *productionReader) isAttachment(sum string) bool {
	found, _ := filepath.Glob(in(r.dir, "data/files/"+sum[:2]+"/"+sum[2:4]+"/"+sum+"*")) // the pattern is good
	return len(found) > 0
}

// weigh adds a file's size and hashes to facts, under the names that profiles have for them.
func weigh(name string, facts map[string]string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	m, s, t := md5.New(), sha1.New(), sha256.New()
	n, err := io.Copy(io.MultiWriter(m, s, t), file)
	facts["file_size"] = strconv.FormatInt(n, 10)
	facts["md5"], facts["sha1"], facts["sha256"] = hex.EncodeToString(m.Sum(nil)), hex.EncodeToString(s.Sum(nil)), hex.EncodeToString(t.Sum(nil))
	return err
}

func windowsPath(place string) string { return `.\` + strings.ReplaceAll(place, "/", `\`) }

// family is the documents that belong to the one before: a slice and its attachments.
type family struct {
	first, last string // numbers; "" if it is not known
}

// add takes the next document. Fields that the profile lacks say nothing.
func (f *family) add(number, before string, row map[string]string) error {
	first, known := row["family_begin"]
	if !known {
		return nil
	}
	parent, hasParent := row["parent"]
	last, hasLast := row["family_end"]
	if first == number {
		if err := f.close(before); err != nil {
			return err
		}
		*f = family{first, last}
	}
	switch {
	case first != f.first, hasLast && last != f.last:
		return fmt.Errorf("the load file puts it into the family %s-%s within the family %s-%s", first, last, f.first, f.last)
	case hasParent && (first == number) != (parent == ""), parent != "" && parent != first:
		return fmt.Errorf("the load file says parent %q in the family of %s", parent, first)
	}
	return nil
}

// close wants the family to have ended with a document.
func (f *family) close(before string) error {
	if f.last != "" && f.last != before {
		return fmt.Errorf("the family of %s ends with %s, not with %s", f.first, before, f.last)
	}
	return nil
}
