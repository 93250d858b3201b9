package extract

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html/charset"
)

// walkXML passes on the tokens of an XML document as they stand: namespaces are not resolved, end tags not checked,
// entities that the document declares not expanded.
func (j *job) walkXML(r io.Reader, visit func(xml.Token) error) error {
	d := xml.NewDecoder(r)
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if strings.HasPrefix(strings.ToLower(label), "utf-16") { // decoded before
			return in, nil
		}
		return charset.NewReaderLabel(label, in)
	}
	for n := 0; ; n++ {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(t); err != nil {
			return err
		}
		if n%1024 == 0 && j.ctx.Err() != nil {
			return j.ctx.Err()
		}
	}
}

// readXML gives text, names and attributes of any XML document. What is no XML is text.
func (j *job) readXML(d document) error {
	text := decodeXML(d.data)
	start := j.text.Len()
	err := j.walkXML(strings.NewReader(text), func(t xml.Token) error { return j.anyXML(t, d.format.kind) })
	if err == nil || isFatal(err) {
		return err
	}
	if j.text.Len()-start < len(text)/2 {
		return j.line(text)
	}
	return j.leave(d.name, err)
}

// decodeXML decodes UTF-16, which encoding/xml does not read, and what claims to be UTF-8 and is not.
func decodeXML(data []byte) string {
	if utf16Order(data) != nil {
		return decodeText(data, "")
	}
	head := data[:min(len(data), 200)]
	if e := strings.ToLower(string(head)); strings.Contains(e, "encoding=") && !strings.Contains(e, "utf-8") {
		return string(data)
	}
	return decodeText(data, "")
}

func (j *job) anyXML(t xml.Token, k kind) error {
	switch t := t.(type) {
	case xml.StartElement:
		if err := j.line(t.Name.Local); err != nil {
			return err
		}
		for _, a := range t.Attr {
			if k == kindSVG && (a.Name.Local == "d" || a.Name.Local == "points") || strings.HasPrefix(a.Value, "data:") {
				continue
			}
			if err := j.line(a.Name.Local, " ", a.Value); err != nil {
				return err
			}
		}
	case xml.CharData:
		if text := strings.TrimSpace(string(t)); text != "" {
			return j.line(clean(text))
		}
	case xml.Comment:
		return j.line(clean(string(t)))
	case xml.ProcInst:
		return j.line(t.Target, " ", clean(string(t.Inst)))
	}
	return nil
}

// attribute gives the value of the attribute with a local name, "" for none.
func attribute(e xml.StartElement, local string) string {
	for _, a := range e.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}
