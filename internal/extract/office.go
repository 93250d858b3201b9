package extract

import (
	"archive/zip"
	"encoding/xml"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The parts of Office Open XML files (ECMA-376) that hold text, in the order in which they are read. The first group is
// the document proper.
var (
	wordParts  = regexp.MustCompile(`^word/(document2?|header\d*|footer\d*|footnotes|endnotes|comments|glossary/document|charts/chart\d*|diagrams/data\d*)\.xml$`)
	slideParts = regexp.MustCompile(`^ppt/(slides/slide\d+|notesSlides/notesSlide\d+|comments/[^/]+|charts/chart[^/]*|diagrams/data\d+)\.xml$`)
	coreParts  = regexp.MustCompile(`^docProps/(core|custom)\.xml$`)
	linkParts  = regexp.MustCompile(`/_rels/[^/]+\.rels$`)
	embeddings = regexp.MustCompile(`^(word|ppt|xl)/embeddings/[^/]+$`)
)

// readOffice reads a text document or a presentation.
func (j *job) readOffice(d document) error {
	z, err := openZIP(d.data)
	if err != nil {
		return err
	}
	pattern := wordParts
	if d.format.kind == kindPPTX {
		pattern = slideParts
	}
	if err := j.officeParts(parts(z, pattern)); err != nil {
		return err
	}
	return j.beside(d, z)
}

func (j *job) officeParts(files []*zip.File) error {
	slices.SortStableFunc(files, func(a, b *zip.File) int { return rank(a.Name) - rank(b.Name) })
	for _, f := range files {
		if err := j.leave(f.Name, j.officePart(f)); err != nil {
			return err
		}
	}
	return nil
}

// rank puts the body and the slides before what belongs to them.
func rank(part string) int {
	if strings.HasPrefix(part, "word/document") || strings.HasPrefix(part, "ppt/slides/") {
		return 0
	}
	return 1
}

func (j *job) officePart(f *zip.File) error {
	r, err := j.open(f)
	if err != nil {
		return err
	}
	defer r.Close()
	w := officeText{job: j}
	if err := j.walkXML(r, w.visit); err != nil {
		return err
	}
	if err := j.separate("\n"); err != nil {
		return err
	}
	return w.addresses()
}

// officeText gathers the runs of text of WordprocessingML, DrawingML and charts.
type officeText struct {
	job     *job
	inText  bool
	inCode  bool
	code    strings.Builder // what fields are told to show, HYPERLINK "https://..."
	skipped int             // depth inside an element that repeats what its sibling says
}

var quotedAddress = regexp.MustCompile(`"([a-z][a-z+.-]*:[^"]+)"`)

// addresses writes the addresses that fields refer to.
func (w *officeText) addresses() error {
	for _, m := range quotedAddress.FindAllStringSubmatch(w.code.String(), -1) {
		if err := w.job.line(clean(m[1])); err != nil {
			return err
		}
	}
	return nil
}

func (w *officeText) visit(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		return w.start(t.Name)
	case xml.EndElement:
		return w.end(t.Name)
	case xml.CharData:
		if w.inText && w.skipped == 0 {
			return w.job.write(clean(string(t)))
		}
		if w.inCode {
			w.code.Write(t)
		}
	}
	return nil
}

func (w *officeText) start(name xml.Name) error {
	if w.skipped > 0 || name.Local == "Fallback" {
		w.skipped++
		return nil
	}
	switch name.Local {
	case "t", "delText", "text":
		w.inText = true
	case "v":
		w.inText = name.Space == "c"
	case "instrText":
		w.inCode = true
	case "tab", "ptab":
		return w.job.separate("\t")
	case "br", "cr":
		return w.job.separate("\n")
	case "noBreakHyphen":
		return w.job.write("-")
	}
	return nil
}

func (w *officeText) end(name xml.Name) error {
	if w.skipped > 0 {
		w.skipped--
		return nil
	}
	switch name.Local {
	case "t", "delText":
		w.inText = false
		if name.Space == "dgm" {
			return w.job.separate("\n")
		}
	case "v", "text":
		w.inText = false
		return w.job.separate(" ")
	case "instrText":
		w.inCode = false
	case "p":
		return w.job.separate("\n")
	case "tc":
		return w.job.separate("\t")
	}
	return nil
}

// beside reads what Office files hold beside their text: title and other properties, addresses of links, documents
// inside them.
func (j *job) beside(d document, z *zip.Reader) error {
	for _, f := range z.File {
		var err error
		switch {
		case coreParts.MatchString(f.Name):
			err = j.leave(f.Name, j.properties(f))
		case linkParts.MatchString(f.Name):
			err = j.leave(f.Name, j.links(f))
		case embeddings.MatchString(f.Name):
			err = j.embedded(d, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// properties reads what a file says of itself: Dublin Core and names of people.
func (j *job) properties(f *zip.File) error {
	wanted := []string{"title", "subject", "creator", "keywords", "description", "lastModifiedBy", "category", "lpwstr",
		"initial-creator", "keyword", "user-defined", "publisher"}
	r, err := j.open(f)
	if err != nil {
		return err
	}
	defer r.Close()
	in := false
	return j.walkXML(r, func(t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			in = slices.Contains(wanted, t.Name.Local)
		case xml.EndElement:
			in = false
		case xml.CharData:
			if text := strings.TrimSpace(string(t)); in && text != "" {
				return j.line(clean(text))
			}
		}
		return nil
	})
}

// links reads the addresses outside the file that a part refers to.
func (j *job) links(f *zip.File) error {
	r, err := j.open(f)
	if err != nil {
		return err
	}
	defer r.Close()
	return j.walkXML(r, func(t xml.Token) error {
		if e, ok := t.(xml.StartElement); ok && attribute(e, "TargetMode") == "External" {
			return j.line(attribute(e, "Target"))
		}
		return nil
	})
}

// embedded reads a document inside an Office file. Objects in the old container are not looked into.
func (j *job) embedded(d document, f *zip.File) error {
	if j.entries--; j.entries < 0 {
		return j.leave(f.Name, &unsupportedError{"more entries than the limit"})
	}
	data, err := j.content(f)
	if err != nil {
		return j.leave(f.Name, err)
	}
	return j.nested(d, path.Base(f.Name), data)
}
