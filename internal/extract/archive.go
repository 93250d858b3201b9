package extract

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
)

// maxEntries bounds what a directory may list, so that listing it costs little.
const maxEntries = 100_000

// openZIP reads the directory of a ZIP archive.
func openZIP(data []byte) (*zip.Reader, error) {
	if n := bytes.Count(data, []byte("PK\x01\x02")); n > maxEntries {
		return nil, &sizeError{fmt.Sprintf("%d entries", n)}
	}
	return zip.NewReader(bytes.NewReader(data), int64(len(data)))
}

// detectZIP tells what a ZIP archive is by what it holds.
func detectZIP(data []byte) kind {
	z, err := openZIP(data)
	if err != nil {
		return kindZIP
	}
	for _, f := range z.File {
		switch f.Name {
		case "word/document.xml", "word/document2.xml":
			return kindDOCX
		case "ppt/presentation.xml":
			return kindPPTX
		case "xl/workbook.xml":
			return kindXLSX
		case "mimetype":
			if k := openDocumentKind(f); k != kindZIP {
				return k
			}
		}
	}
	return kindZIP
}

// openDocumentKind reads what an ODF or EPUB file says it is.
func openDocumentKind(f *zip.File) kind {
	r, err := f.Open()
	if err != nil {
		return kindZIP
	}
	defer r.Close()
	mime, err := io.ReadAll(io.LimitReader(r, 100))
	if err != nil {
		return kindZIP
	}
	m := strings.TrimSpace(string(mime))
	switch {
	case m == "application/epub+zip":
		return kindEPUB
	case strings.HasPrefix(m, "application/vnd.oasis.opendocument.text"):
		return kindODT
	case strings.HasPrefix(m, "application/vnd.oasis.opendocument.spreadsheet"):
		return kindODS
	case strings.HasPrefix(m, "application/vnd.oasis.opendocument."):
		return kindODP
	}
	return kindZIP
}

// isLocked tells whether an entry is encrypted.
func isLocked(f *zip.File) bool { return f.Flags&1 != 0 }

// open opens an entry. Reading from it counts against the budget.
func (j *job) open(f *zip.File) (io.ReadCloser, error) {
	if isLocked(f) {
		return nil, errEncrypted
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{j.unpack(r), r}, nil
}

// content reads an entry whole.
func (j *job) content(f *zip.File) ([]byte, error) {
	if isLocked(f) {
		return nil, errEncrypted
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return j.all(r)
}

// readZIP names the entries of an archive and reads each as what it is. One of which every entry is encrypted is
// encrypted.
func (j *job) readZIP(d document) error {
	z, err := openZIP(d.data)
	if err != nil {
		return err
	}
	files, locked := 0, 0
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if files++; isLocked(f) {
			locked++
		}
	}
	if files > 0 && files == locked {
		return errEncrypted
	}
	for _, f := range z.File {
		if err := j.entry(d, f); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) entry(d document, f *zip.File) error {
	name := decodeText([]byte(f.Name), "")
	if err := j.line(name); err != nil || f.FileInfo().IsDir() {
		return err
	}
	if j.entries--; j.entries < 0 {
		return j.leave(name, &unsupportedError{"more entries than the limit"})
	}
	data, err := j.content(f)
	if err != nil {
		return j.leave(name, err)
	}
	return j.nested(d, path.Base(name), data)
}

// readGZ reads the file that was compressed.
func (j *job) readGZ(d document) error {
	z, err := gzip.NewReader(bytes.NewReader(d.data))
	if err != nil {
		return err
	}
	data, err := j.all(z)
	if err != nil && len(data) == 0 || isFatal(err) {
		return err
	}
	if err := j.leave(d.name, err); err != nil {
		return err
	}
	name := z.Name
	if name == "" {
		name = strings.TrimSuffix(d.name, path.Ext(d.name))
	}
	inner := document{name: name, data: data, depth: d.depth + 1, archive: true}
	if inner.format = detect(inner); inner.format.isArchive() {
		return &unsupportedError{"an archive inside an archive"}
	}
	return j.read(inner)
}

// parts gives the entries whose names match, in the order of the numbers in their names.
func parts(z *zip.Reader, pattern *regexp.Regexp) []*zip.File {
	var out []*zip.File
	for _, f := range z.File {
		if pattern.MatchString(f.Name) {
			out = append(out, f)
		}
	}
	sortNatural(out)
	return out
}
