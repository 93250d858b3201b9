package extract

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

// format is what a document's bytes are. Of those that are not read, only the MIME type is known.
type format struct {
	kind kind
	mime string
}

type kind string

const (
	kindPDF   kind = "pdf"
	kindDOCX  kind = "docx"
	kindPPTX  kind = "pptx"
	kindXLSX  kind = "xlsx"
	kindODT   kind = "odt"
	kindODS   kind = "ods"
	kindODP   kind = "odp"
	kindEPUB  kind = "epub"
	kindEML   kind = "eml"
	kindHTML  kind = "html"
	kindRTF   kind = "rtf"
	kindSVG   kind = "svg"
	kindXML   kind = "xml"
	kindText  kind = "text"
	kindZIP   kind = "zip"
	kindGZ    kind = "gz"
	kindOLE   kind = "ole"   // the container of the old binary formats
	kindOther kind = "other" // not read
)

// name is the format as results have it.
func (f format) name() string {
	if f.kind == kindOther || f.kind == kindOLE {
		return f.mime
	}
	return string(f.kind)
}

func (f format) isArchive() bool { return f.kind == kindZIP || f.kind == kindGZ }

func (f format) read(j *job, d document) error {
	switch f.kind {
	case kindPDF:
		return j.readPDF(d)
	case kindDOCX, kindPPTX:
		return j.readOffice(d)
	case kindXLSX:
		return j.readXLSX(d)
	case kindODT, kindODS, kindODP:
		return j.readODF(d)
	case kindEPUB:
		return j.readEPUB(d)
	case kindEML:
		return j.readMail(d)
	case kindHTML:
		return j.readHTML(d.data)
	case kindRTF:
		return j.readRTF(d.data)
	case kindSVG, kindXML:
		return j.readXML(d)
	case kindText:
		return j.write(decodeText(d.data, ""))
	case kindZIP:
		return j.readZIP(d)
	case kindGZ:
		return j.readGZ(d)
	case kindOLE:
		return readOLE(d)
	default:
		return &unsupportedError{"text of " + f.mime + " is not read"}
	}
}

// detect tells what a document is.
func detect(d document) format {
	head := d.data[:min(len(d.data), 4096)]
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return format{kind: detectZIP(d.data)}
	case bytes.Contains(head[:min(len(head), 1024)], []byte("%PDF-")):
		return format{kind: kindPDF}
	case bytes.HasPrefix(head, []byte("{\\rtf")):
		return format{kind: kindRTF}
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return format{kind: kindGZ}
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return format{kindOLE, oleMIME(d)}
	}
	if text, ok := sniffText(head); ok {
		return format{kind: textKind(text, d.name)}
	}
	mime := mimetype.Detect(d.data).String()
	if strings.HasPrefix(mime, "text/") { // binary to sniffText, which looks closer
		mime = "application/octet-stream"
	}
	return format{kindOther, mime}
}

// sniffText gives the beginning of a document as text, if it is that: UTF-16, or bytes without control characters.
func sniffText(head []byte) (string, bool) {
	if utf16Order(head) != nil {
		return decodeText(head[:len(head)&^1], ""), true
	}
	for _, c := range head {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b && c != 0x1a && c != '\v' && c != '\b' {
			return "", false
		}
	}
	if binary := mimetype.Detect(head); !binary.Is("application/octet-stream") && !isTextual(binary) {
		return "", false
	}
	if cut := trimRune(head); utf8.Valid(cut) {
		return string(cut), true
	}
	return decodeText(head, ""), true
}

// isTextual tells whether a MIME type is some kind of plain text.
func isTextual(m *mimetype.MIME) bool {
	for ; m != nil; m = m.Parent() {
		if m.Is("text/plain") {
			return true
		}
	}
	return false
}

var (
	headerLine = regexp.MustCompile(`(?im)^(from|to|subject|date|message-id|received|return-path|mime-version|delivered-to|x-[a-z-]+):`)
	anyHeader  = regexp.MustCompile(`^(?:From [^\n]*\n)?[!-9;-~]+:`)
	htmlStart  = regexp.MustCompile(`(?is)^(?:\s|<!--.*?-->|<\?xml[^>]*>)*<(?:!doctype\s+html|html|head|body)[\s>]`)
	xmlStart   = regexp.MustCompile(`^\s*<(?:\?xml|!DOCTYPE|[A-Za-z_][\w.:-]*[\s/>])`)
	svgStart   = regexp.MustCompile(`(?i)<(?:[a-z0-9]+:)?svg[\s>]`)
	htmlBlock  = regexp.MustCompile(`(?is)^\s*<(?:h[1-6]|p|div|table|ul|ol|a|b|span|br|title|meta|style|script)[\s>]`)
)

// textKind tells kinds of text apart by how it begins, and by the name where that says nothing.
func textKind(head, name string) kind {
	head = strings.TrimPrefix(head, "\ufeff")
	ext := extension(name)
	switch {
	case htmlStart.MatchString(head):
		return kindHTML
	case xmlStart.MatchString(head) && (svgStart.MatchString(head) || ext == ".svg"):
		return kindSVG
	case ext == ".html" || ext == ".htm" || ext == ".xhtml":
		return kindHTML
	case ext == ".xml" && xmlStart.MatchString(head):
		return kindXML
	case ext == ".md" || ext == ".txt" || ext == ".csv" || ext == ".json" || ext == ".log":
		return kindText
	case isMail(head, ext):
		return kindEML
	case htmlBlock.MatchString(head):
		return kindHTML
	case xmlStart.MatchString(head):
		return kindXML
	}
	return kindText
}

// isMail tells whether text is a message with headers: by name, or by three headers that mails have.
func isMail(head, ext string) bool {
	head = strings.ReplaceAll(head, "\r\n", "\n")
	trimmed := strings.TrimLeft(head, "\n \t")
	if !anyHeader.MatchString(trimmed) {
		return false
	}
	if ext == ".eml" || ext == ".mht" || ext == ".mhtml" {
		return true
	}
	top, _, _ := strings.Cut(trimmed, "\n\n")
	return len(headerLine.FindAllString(top, 3)) == 3
}

// readOLE tells why a document in the container of the old binary formats is not read.
func readOLE(d document) error {
	if bytes.Contains(d.data, utf16le("EncryptedPackage")) {
		return errEncrypted
	}
	return &unsupportedError{"text of the old binary formats is not read"}
}

// oleMIME is what a compound file is by the names of its streams.
func oleMIME(d document) string {
	for _, f := range []struct{ stream, mime string }{
		{"__substg1.0_", "application/vnd.ms-outlook"}, {"WordDocument", "application/msword"},
		{"Workbook", "application/vnd.ms-excel"}, {"PowerPoint Document", "application/vnd.ms-powerpoint"},
	} {
		if bytes.Contains(d.data, utf16le(f.stream)) {
			return f.mime
		}
	}
	return "application/x-ole-storage"
}

func utf16le(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for _, c := range []byte(s) {
		out = append(out, c, 0)
	}
	return out
}
