package loadfile

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Document has the values of a document by their names: strings, []string, int64 and time.Time, in its zone. What is
// missing, and a zero time, is written as an empty field.
type Document map[string]any

// Replaced counts what could not be written as it was.
type Replaced struct {
	Delimiters int64 // characters that delimit
	Unmappable int64 // characters that the encoding lacks, each written as ?
}

// Writer writes a table.
type Writer struct {
	profile  *Profile
	out      io.Writer
	cells    *strings.Replacer
	multi    *strings.Replacer
	charset  *charmap.Charmap // of a single-byte encoding
	encoder  *encoding.Encoder
	replaced Replaced
}

const byteOrderMark = "\uFEFF"

// NewWriter writes the first line of a table.
func NewWriter(out io.Writer, p *Profile) (*Writer, error) {
	w := &Writer{
		profile: p, out: out,
		cells: strings.NewReplacer(p.Column, " ", p.Quote, " ", p.Newline, substitute(p.Newline), "\r\n", p.Newline, "\r", p.Newline, "\n", p.Newline),
		multi: strings.NewReplacer(p.Multi, ","),
	}
	switch p.Encoding {
	case UTF16:
		w.encoder = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder()
	case Windows1252:
		w.charset = charmap.Windows1252
	}
	if w.charset == nil {
		if err := w.write(byteOrderMark); err != nil {
			return nil, err
		}
	}
	names := make([]string, len(p.Fields))
	for i, f := range p.Fields {
		names[i] = f.Name
	}
	return w, w.line(names)
}

// substitute is what a delimiter for line ends becomes where it stands for itself.
func substitute(newline string) string {
	if newline == "®" {
		return "(R)"
	}
	return " "
}

// Write adds a document.
func (w *Writer) Write(d Document) error {
	cells := make([]string, len(w.profile.Fields))
	for i, f := range w.profile.Fields {
		cell, err := w.cell(f, d[f.Value])
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		cells[i] = cell
	}
	return w.line(cells)
}

// Replaced says what was replaced so far.
func (w *Writer) Replaced() Replaced { return w.replaced }

func (w *Writer) cell(f Field, value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case []string:
		return w.join(v), nil
	case time.Time:
		return w.profile.moment(f.As, v), nil
	}
	return "", fmt.Errorf("value of type %T", value)
}

// join writes several values. The character between them may not stand in one.
func (w *Writer) join(values []string) string {
	joined := strings.Join(values, w.profile.Multi)
	if strings.Count(joined, w.profile.Multi) == len(values)-1 {
		return joined
	}
	clean := make([]string, len(values))
	for i, v := range values {
		w.replaced.Delimiters += int64(strings.Count(v, w.profile.Multi))
		clean[i] = w.multi.Replace(v)
	}
	return strings.Join(clean, w.profile.Multi)
}

// moment writes a moment in its zone. Years that platforms refuse are left out.
func (p *Profile) moment(as Form, t time.Time) string {
	if t.IsZero() || t.Year() < 1800 || t.Year() > 2200 {
		return ""
	}
	switch as {
	case AsDate:
		return t.Format(layout(p.Date))
	case AsTime:
		return t.Format(layout(p.Time))
	case AsTimeZone:
		return t.Format(layout(p.Time)) + " " + t.Location().String()
	}
	return t.Format(layout(p.Date) + " " + layout(p.Time))
}

// line writes a record.
func (w *Writer) line(cells []string) error {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString(w.profile.Column)
		}
		b.WriteString(w.profile.Quote)
		b.WriteString(w.clean(cell))
		b.WriteString(w.profile.Quote)
	}
	b.WriteString("\r\n")
	return w.write(b.String())
}

// clean makes a value one that can stand between delimiters, as most can.
func (w *Writer) clean(cell string) string {
	cell = strings.ReplaceAll(cell, "\x00", " ")
	if !utf8.ValidString(cell) {
		cell = strings.ToValidUTF8(cell, "\uFFFD")
	}
	found := 0
	for _, d := range []string{w.profile.Column, w.profile.Quote, w.profile.Newline} {
		found += strings.Count(cell, d)
	}
	w.replaced.Delimiters += int64(found)
	if found == 0 && !strings.Contains(cell, "\r") && !strings.Contains(cell, "\n") {
		return cell
	}
	return w.cells.Replace(cell)
}

// write encodes a line.
func (w *Writer) write(line string) (err error) {
	switch {
	case w.charset != nil:
		_, err = w.out.Write(w.single(line))
	case w.encoder != nil:
		if line, err = w.encoder.String(line); err == nil {
			_, err = io.WriteString(w.out, line)
		}
	default:
		_, err = io.WriteString(w.out, line)
	}
	return err
}

// single encodes a line in a single-byte encoding.
func (w *Writer) single(line string) []byte {
	encoded := make([]byte, 0, len(line))
	for _, r := range line {
		b, ok := w.charset.EncodeRune(r)
		if !ok {
			b = '?'
			w.replaced.Unmappable++
		}
		encoded = append(encoded, b)
	}
	return encoded
}
