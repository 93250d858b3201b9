package extract

import (
	"archive/zip"
	"cmp"
	"encoding/xml"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	odfParts = regexp.MustCompile(`^(Object [^/]*/)?content\.xml$|^styles\.xml$`)
	xhtml    = regexp.MustCompile(`(?i)\.x?html?$`)
)

// readODF reads an OpenDocument text, spreadsheet or presentation.
func (j *job) readODF(d document) error {
	z, err := openZIP(d.data)
	if err != nil {
		return err
	}
	manifest, err := z.Open("META-INF/manifest.xml")
	if err == nil {
		locked := false
		err = j.walkXML(j.unpack(manifest), func(t xml.Token) error {
			e, ok := t.(xml.StartElement)
			locked = locked || ok && e.Name.Local == "encryption-data"
			return nil
		})
		manifest.Close()
		if locked || isFatal(err) {
			return cmp.Or(err, errEncrypted)
		}
	}
	for _, f := range parts(z, odfParts) {
		w := odfText{job: j}
		if err := j.leave(f.Name, j.walkEntry(f, w.visit)); err != nil {
			return err
		}
	}
	for _, f := range z.File {
		if f.Name == "meta.xml" {
			return j.leave(f.Name, j.properties(f))
		}
	}
	return nil
}

// odfText gathers the paragraphs of OpenDocument files.
type odfText struct {
	job   *job
	depth int // of paragraphs
}

func (w *odfText) visit(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		return w.start(t)
	case xml.EndElement:
		return w.end(t.Name.Local)
	case xml.CharData:
		if w.depth > 0 {
			return w.job.write(clean(string(t)))
		}
	}
	return nil
}

func (w *odfText) start(e xml.StartElement) error {
	switch e.Name.Local {
	case "p", "h":
		w.depth++
	case "tab":
		return w.job.write("\t")
	case "line-break":
		return w.job.separate("\n")
	case "s":
		n, _ := strconv.Atoi(attribute(e, "c"))
		return w.job.write(strings.Repeat(" ", min(max(n, 1), 64)))
	case "table":
		if name := attribute(e, "name"); name != "" && w.depth == 0 {
			return w.job.line(name)
		}
	}
	return nil
}

func (w *odfText) end(name string) error {
	switch name {
	case "p", "h":
		w.depth--
		return w.job.separate("\n")
	case "table-row":
		return w.job.separate("\n")
	}
	return nil
}

// readEPUB reads the XHTML files of a book in the order of its spine, others behind them.
func (j *job) readEPUB(d document) error {
	z, err := openZIP(d.data)
	if err != nil {
		return err
	}
	files := parts(z, xhtml)
	order := map[string]int{}
	for _, f := range z.File {
		if extension(f.Name) != ".opf" {
			continue
		}
		p := bookPackage{dir: path.Dir(f.Name), order: order, items: map[string]string{}}
		if err := j.leave(f.Name, j.walkEntry(f, p.visit)); err != nil {
			return err
		}
		if err := j.leave(f.Name, j.properties(f)); err != nil {
			return err
		}
	}
	place := func(name string) int {
		if n, ok := order[name]; ok {
			return n
		}
		return len(order)
	}
	for _, f := range slices.SortedStableFunc(slices.Values(files), func(a, b *zip.File) int { return place(a.Name) - place(b.Name) }) {
		data, err := j.content(f)
		if err == nil {
			err = j.readHTML(data)
		}
		if err := j.leave(f.Name, err); err != nil {
			return err
		}
	}
	return nil
}

// bookPackage reads which files a book has and in which order.
type bookPackage struct {
	dir   string
	items map[string]string // file by id
	order map[string]int    // place by file
}

func (p *bookPackage) visit(t xml.Token) error {
	e, ok := t.(xml.StartElement)
	switch {
	case ok && e.Name.Local == "item":
		p.items[attribute(e, "id")] = path.Join(p.dir, attribute(e, "href"))
	case ok && e.Name.Local == "itemref":
		p.order[p.items[attribute(e, "idref")]] = len(p.order)
	}
	return nil
}
