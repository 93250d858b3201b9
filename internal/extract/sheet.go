package extract

import (
	"archive/zip"
	"encoding/xml"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	sheetParts = regexp.MustCompile(`^xl/worksheets/[^/]+\.xml$`)
	besideGrid = regexp.MustCompile(`^xl/(comments\d*|comments/comment\d*|threadedComments/threadedComment\d*|drawings/drawing\d+|charts/chart\d*|diagrams/data\d*)\.xml$`)
)

// workbook is what cells refer to.
type workbook struct {
	job    *job
	shared []string // strings
	dates  []bool   // by style: is it a date
	from   int64    // the day 0 of dates, in Unix days
}

// Days 0 of the two date systems of SpreadsheetML. The first counts a 29 February 1900 that there was not.
const (
	days1900 = -25569
	days1904 = -24107
)

// readXLSX reads a spreadsheet: names of sheets, cells as they are stored, with dates as dates, then what lies beside.
func (j *job) readXLSX(d document) error {
	z, err := openZIP(d.data)
	if err != nil {
		return err
	}
	w := workbook{job: j, from: days1900}
	for _, part := range []struct {
		name string
		read func(xml.Token) error
	}{{"xl/workbook.xml", w.readNames}, {"xl/sharedStrings.xml", (&sharedStrings{book: &w}).visit}, {"xl/styles.xml", (&styles{book: &w}).visit}} {
		if err := j.leave(part.name, j.part(z, part.name, part.read)); err != nil {
			return err
		}
	}
	for _, f := range parts(z, sheetParts) {
		s := sheet{book: &w}
		if err := j.leave(f.Name, j.walkEntry(f, s.visit)); err != nil {
			return err
		}
		if err := j.separate("\n"); err != nil {
			return err
		}
	}
	if err := j.officeParts(parts(z, besideGrid)); err != nil {
		return err
	}
	return j.beside(d, z)
}

// part walks the entry with a name, if there is one.
func (j *job) part(z *zip.Reader, name string, visit func(xml.Token) error) error {
	for _, f := range z.File {
		if f.Name == name {
			return j.walkEntry(f, visit)
		}
	}
	return nil
}

func (j *job) walkEntry(f *zip.File, visit func(xml.Token) error) error {
	r, err := j.open(f)
	if err != nil {
		return err
	}
	defer r.Close()
	return j.walkXML(r, visit)
}

func (w *workbook) readNames(t xml.Token) error {
	e, ok := t.(xml.StartElement)
	switch {
	case ok && e.Name.Local == "sheet":
		return w.job.line(attribute(e, "name"))
	case ok && e.Name.Local == "workbookPr" && (attribute(e, "date1904") == "1" || attribute(e, "date1904") == "true"):
		w.from = days1904
	}
	return nil
}

// sharedStrings reads the strings that cells refer to by number. Phonetic readings are left out.
type sharedStrings struct {
	book           *workbook
	now            strings.Builder
	text, phonetic bool
}

func (s *sharedStrings) visit(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		switch t.Name.Local {
		case "si":
			s.now.Reset()
		case "rPh":
			s.phonetic = true
		case "t":
			s.text = !s.phonetic
		}
	case xml.EndElement:
		switch t.Name.Local {
		case "si":
			s.book.shared = append(s.book.shared, clean(s.now.String()))
		case "rPh":
			s.phonetic = false
		case "t":
			s.text = false
		}
	case xml.CharData:
		if s.text {
			s.now.Write(t)
		}
	}
	return nil
}

// styles reads which cell styles show numbers as dates.
type styles struct {
	book    *workbook
	formats map[int]bool // number formats of the file: is it a date
	inCells bool
}

func (s *styles) visit(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		id, _ := strconv.Atoi(attribute(t, "numFmtId"))
		switch t.Name.Local {
		case "numFmt":
			if s.formats == nil {
				s.formats = map[int]bool{}
			}
			s.formats[id] = isDateFormat(attribute(t, "formatCode"))
		case "cellXfs":
			s.inCells = true
		case "xf":
			if s.inCells {
				own, has := s.formats[id]
				s.book.dates = append(s.book.dates, own || !has && isBuiltInDate(id))
			}
		}
	case xml.EndElement:
		if t.Name.Local == "cellXfs" {
			s.inCells = false
		}
	}
	return nil
}

// isBuiltInDate tells whether a number format that files don't define shows dates (ECMA-376 part 1, 18.8.30).
func isBuiltInDate(id int) bool {
	return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 58
}

var quotedFormat = regexp.MustCompile(`"[^"]*"|\[[^\]]*\]|\\.`)

// isDateFormat tells whether a format code has days or years in it.
func isDateFormat(code string) bool {
	return strings.ContainsAny(strings.ToLower(quotedFormat.ReplaceAllString(code, "")), "dy")
}

// sheet reads the cells of a sheet.
type sheet struct {
	book  *workbook
	kind  string // t of the cell
	style int    // s of the cell
	in    string // the element whose text is wanted
	value strings.Builder
}

func (s *sheet) visit(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		s.start(t)
	case xml.EndElement:
		return s.end(t.Name.Local)
	case xml.CharData:
		if s.in != "" {
			s.value.Write(t)
		}
	}
	return nil
}

func (s *sheet) start(e xml.StartElement) {
	switch e.Name.Local {
	case "c":
		s.kind = attribute(e, "t")
		s.style, _ = strconv.Atoi(attribute(e, "s"))
		s.value.Reset()
	case "v", "t":
		s.in = e.Name.Local
	case "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter":
		s.in = e.Name.Local
		s.value.Reset()
	}
}

func (s *sheet) end(name string) error {
	switch name {
	case "c":
		if text := s.cell(); text != "" {
			if err := s.book.job.write(text); err != nil {
				return err
			}
			return s.book.job.separate("\t")
		}
	case "row":
		return s.book.job.separate("\n")
	case s.in:
		s.in = ""
		if strings.HasSuffix(name, "er") {
			return s.book.job.line(headerText(s.value.String()))
		}
	}
	return nil
}

// cell is what a cell shows, as far as that is known without its number format.
func (s *sheet) cell() string {
	v := clean(s.value.String())
	switch s.kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil || n < 0 || n >= len(s.book.shared) {
			return ""
		}
		return s.book.shared[n]
	case "b":
		return map[string]string{"1": "TRUE", "0": "FALSE"}[v]
	case "", "n":
		if s.style >= 0 && s.style < len(s.book.dates) && s.book.dates[s.style] {
			return s.book.date(v)
		}
	}
	return v
}

// date gives a day number as a date, with the time of day if there is one.
func (w *workbook) date(v string) string {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || n < 1 || n > 3e6 {
		return v
	}
	at := time.Unix(0, 0).UTC().AddDate(0, 0, int(w.from)+int(n)).Add(time.Duration((n-float64(int(n)))*86400+0.5) * time.Second)
	if at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0 {
		return at.Format(time.DateOnly)
	}
	return at.Format(time.DateTime)
}

var headerCode = regexp.MustCompile(`&(?:"[^"]*"|K[0-9A-F]{6}|[0-9]+|&|[A-Z])`)

// headerText leaves out the codes of a header or footer.
func headerText(s string) string { return clean(headerCode.ReplaceAllString(s, " ")) }
