package extract

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// entry is one of an archive that a test makes.
type entry struct{ name, content string }

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.Create(e.name)
		if err == nil {
			_, err = w.Write([]byte(e.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(t testing.TB, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// locked marks every entry of an archive as encrypted.
func locked(data []byte) []byte {
	out := bytes.Clone(data)
	for _, mark := range []struct {
		magic string
		flags int
	}{{"PK\x03\x04", 6}, {"PK\x01\x02", 8}} {
		for at := 0; ; {
			i := bytes.Index(out[at:], []byte(mark.magic))
			if i < 0 {
				break
			}
			at += i + mark.flags
			out[at] |= 1
		}
	}
	return out
}

func docx(t testing.TB, body string) []byte {
	return zipOf(t, entry{"word/document.xml", `<w:document xmlns:w="w"><w:body>` + body + `</w:body></w:document>`})
}

// small limits make bombs cheap to test.
func smallLimits() Limits {
	l := DefaultLimits()
	l.Unpacked, l.Text, l.Entries, l.Input = 4<<20, 64<<10, 100, 8<<20
	return l
}

func TestHostileFiles(t *testing.T) {
	zeros := strings.Repeat("\x00", 20<<20)
	spaces := strings.Repeat(" ", 20<<20)
	bomb := `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>before &c; after</a>`
	many := make([]entry, 300)
	for i := range many {
		many[i] = entry{fmt.Sprintf("file%d.txt", i), fmt.Sprintf("content%d", i)}
	}
	deep := []byte("Subject: innermost\r\n\r\nthe core")
	for i := range 10 {
		deep = fmt.Appendf(nil, "Subject: level%d\r\nContent-Type: message/rfc822\r\n\r\n%s", i, deep)
	}
	for _, test := range []struct {
		name   string
		data   []byte
		status Status
		reason string // part of it
		text   string // part of it
	}{
		{"bomb.zip", zipOf(t, entry{"a.txt", "small text"}, entry{"b.txt", zeros}), Extracted, "unpacks to more", "small text"},
		{"bomb.gz", gz(t, zeros), TooLarge, "unpacks to more", ""},
		{"bomb.docx", docx(t, "<w:p>"+spaces+"</w:p>"), TooLarge, "unpacks to more", ""},
		{"bomb.xlsx", zipOf(t, entry{"xl/workbook.xml", "<workbook/>"}, entry{"xl/sharedStrings.xml", "<sst>" + strings.Repeat("<si><t>x</t></si>", 1<<20)}), TooLarge, "unpacks to more", ""},
		{"inner.zip", zipOf(t, entry{"a.txt", "outside"}, entry{"b.zip", string(zipOf(t, entry{"c.txt", "hidden"}))}), Extracted, "archive inside an archive", "outside"},
		{"a.zip", zipOf(t, entry{"word.docx", string(docx(t, "<w:p><w:r><w:t>within</w:t></w:r></w:p>"))}), Extracted, "", "within"},
		{"many.zip", zipOf(t, many...), Extracted, "more entries than the limit; and ", "content99"},
		{"locked.zip", locked(zipOf(t, entry{"a.txt", "secret"})), Encrypted, "password", ""},
		{"half.zip", append(zipOf(t, entry{"a.txt", "text"})[:60], "garbage"...), Failed, "zip", ""},
		{"locked.docx", append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), utf16le("EncryptedPackage")...), Encrypted, "password", ""},
		{"locked.odt", zipOf(t, entry{"mimetype", "application/vnd.oasis.opendocument.text"}, entry{"META-INF/manifest.xml", "<m><encryption-data/></m>"}, entry{"content.xml", "\x9d\x10"}), Encrypted, "password", ""},
		{"locked.pdf", []byte(lockedPDF), Encrypted, "password", ""},
		{"broken.pdf", []byte("%PDF-1.7\n1 0 obj\n<< /Type /Catalog"), Failed, "PDF", ""},
		{"bomb.xml", []byte(bomb), Extracted, "", "before"},
		{"deep.xml", []byte(strings.Repeat("<a>", 200_000)), Extracted, "more text", "a"},
		{"deep.html", []byte("<html>" + strings.Repeat("<div>", 200_000) + "the core"), Extracted, "", "the core"},
		{"deep.rtf", []byte("{\\rtf1 text" + strings.Repeat("{", 200_000)), Extracted, "groups nest too deep", "text"},
		{"deep.eml", deep, Extracted, "lies too deep", "level9"},
		{"long.txt", []byte(strings.Repeat("word ", 100_000)), Extracted, "more text than the limit", "word"},
		{"large.txt", []byte(strings.Repeat("word ", 2<<20)), TooLarge, "the limit is", ""},
		{"empty.txt", nil, Empty, "", ""},
		{"blank.docx", docx(t, "<w:p/>"), Empty, "", ""},
		{"broken.docx", docx(t, "<w:p><w:r><w:t>the beginning</w:t></w:r></w:p><w:p <<<"), Extracted, "word/document.xml", "the beginning"},
		{"program.exe", []byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00"), Unsupported, "not read", ""},
		{"old.doc", append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), utf16le("WordDocument")...), Unsupported, "old binary", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := newExtractor(t, smallLimits())
			begun := time.Now()
			r, broken := x.Extract(t.Context(), test.name, test.data)
			if broken || r.Status != test.status || !strings.Contains(r.Reason, test.reason) || test.reason == "" && r.Reason != "" {
				t.Errorf("%s %q, want %s %q", r.Status, r.Reason, test.status, test.reason)
			}
			if !strings.Contains(r.Text, test.text) || strings.Contains(r.Text, "hidden") || len(r.Text) > 64<<10 {
				t.Errorf("%d bytes of text: %.200q; want %q", len(r.Text), r.Text, test.text)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestExtractEndsWithItsTime(t *testing.T) {
	l := DefaultLimits()
	l.Time = time.Nanosecond
	r, broken := NewExtractor(l, "").Extract(context.Background(), "a.docx", docx(t, "<w:p/>"))
	if broken || r.Status != Failed || r.Reason != errDeadline.Error() {
		t.Errorf("%+v", r)
	}
}

// lockedPDF needs a password that is not empty (standard security handler, revision 2).
const lockedPDF = `%PDF-1.4
1 0 obj
<< /Type /Catalog /Pages 2 0 R >>
endobj
2 0 obj
<< /Type /Pages /Kids [3 0 R] /Count 1 >>
endobj
3 0 obj
<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>
endobj
4 0 obj
<< /Filter /Standard /V 1 /R 2 /P -4 /O <000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f> /U <202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f> >>
endobj
trailer
<< /Size 5 /Root 1 0 R /Encrypt 4 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] >>
%%EOF
`
