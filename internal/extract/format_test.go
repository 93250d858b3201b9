package extract

import (
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

func encoded(t testing.TB, e encoding.Encoding, text string) string {
	t.Helper()
	out, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFormats holds what is read from which bytes.
func TestFormats(t *testing.T) {
	const czech = "Příliš žluťoučký kůň úpěl ďábelské ódy"
	const russian = "Съешь же ещё этих мягких французских булок, да выпей чаю"
	const french = "Où êtes-vous allés à la fête, garçon? Voilà où ça mène"
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	attachment := base64.StdEncoding.EncodeToString(zipOf(t, entry{"note.txt", "in the archive"}))
	for _, test := range []struct {
		name, data string
		format     string
		want       string // the text, or parts of it divided by |
	}{
		{"a.txt", czech, "text", czech},
		{"a.txt", "\ufeff" + czech, "text", czech},
		{"a.csv", encoded(t, utf16, czech), "text", czech},
		{"a.csv", encoded(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "some,plain,text"), "text", "some,plain,text"},
		{"a.txt", encoded(t, charmap.Windows1250, czech), "text", czech},
		{"a.txt", encoded(t, charmap.Windows1251, russian), "text", russian},
		{"a.txt", encoded(t, charmap.KOI8R, russian), "text", russian},
		{"a.txt", encoded(t, charmap.Windows1252, french), "text", french},
		{"a.html", "<meta charset=iso-8859-2><p>" + encoded(t, charmap.ISO8859_2, czech), "html", czech},
		{"a", "<html><head><title>T</title><style>p{}</style><script>var x</script></head><body><p>one<b>two</b> three</p><td>a<td>b" +
			"<img alt='picture'><a href='https://x.org/'>link</a>", "html", "T|onetwo three|a\tb|picture|link|https://x.org/"},
		{"a.xml", `<?xml version="1.0" encoding="windows-1250"?><a b="c">` + encoded(t, charmap.Windows1250, czech) + `&#381;</a>`, "xml", czech + "Ž|b c"},
		{"a.xml", encoded(t, utf16, `<?xml version="1.0" encoding="utf-16"?><a>`+czech+`</a>`), "xml", czech},
		{"a.svg", `<svg xmlns="s"><text>words</text><path d="M 1 2"/></svg>`, "svg", "words"},
		{"a.json", `{"a":"b"}`, "text", `{"a":"b"}`},
		{"a.md", "From: is a heading\nTo: another\nSubject: third\n", "text", "From: is a heading"},
		{"a.rtf", `{\rtf1\ansi\ansicpg1250{\fonttbl{\f0\fcharset238 Arial;}}\f0 P\'f8\'edli\'9a \u382?lut\'fd\par {\*\generator x;}\b bold\b0 text}`, "rtf", "Příliš žlutý\nboldtext"},
		{"a.rtf", `{\rtf1\ansi\uc2 \u-10179??\u-8704??!{\footnote note}}`, "rtf", "\U0001F600!|note"},
		{"mail", "From: =?utf-8?Q?Ji=C5=99=C3=AD?= <j@x.org>\r\nTo: a@x.org\r\nSubject: =?windows-1250?B?jmx1-=?= x\r\n\r\nbody", "eml", "Jiří|j@x.org|body"},
		{"a.eml", "Subject: s\nContent-Type: multipart/mixed; boundary=\"b b\"\n\n--b b\nContent-Type: text/plain; charset=iso-8859-2\nContent-Transfer-Encoding: quoted-printable\n\n" +
			"=BElu=BB =\nsoft=20line= \nbreak =ZZ =3D=\n--b b\nContent-Type: text/html\n\n<p>html part</p>\n--b b\n" +
			"Content-Disposition: attachment; filename*=utf-8''%C5%BE.zip\nContent-Transfer-Encoding: base64\n\n" + attachment + "\n--b b--\nepilogue",
			"eml", "žluť soft linebreak =ZZ =|html part|ž.zip|note.txt|in the archive"},
		{"a.eml", "Subject: folded\r\n  twice\r\nno header\r\nX-Broken\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner body", "eml", "folded twice|inner body"},
		{"a.docx", string(docx(t, `<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:delText>gone</w:delText></w:r></w:p>`+
			`<mc:AlternateContent><mc:Choice><w:p><w:t>box</w:t></w:p></mc:Choice><mc:Fallback><w:t>twice</w:t></mc:Fallback></mc:AlternateContent>`+
			`<w:p><w:instrText> HYPERLINK "https://x.org/a" </w:instrText></w:p>`)), "docx", "a\tb\ngone\nbox\nhttps://x.org/a\n"},
		{"a.xlsx", string(zipOf(t, entry{"xl/workbook.xml", `<workbook><sheets><sheet name="Budget"/></sheets></workbook>`},
			entry{"xl/sharedStrings.xml", `<sst><si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r><rPh><t>no</t></rPh></si></sst>`},
			entry{"xl/styles.xml", `<styleSheet><numFmts><numFmt numFmtId="170" formatCode="dd/mm/yyyy"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs></styleSheet>`},
			entry{"xl/worksheets/sheet1.xml", `<worksheet><sheetData><row><c t="s"><v>1</v></c><c t="s"><v>0</v></c><c><v>1.5</v></c><c s="1"><v>42370</v></c></row>` +
				`<row><c t="inlineStr"><is><t>inline</t></is></c><c t="s"><v>99</v></c><c s="2"><v>42370.5</v></c><c t="b"><v>1</v></c></row></sheetData>` +
				`<headerFooter><oddHeader>&amp;C&amp;"Arial,Bold"Secret &amp;P</oddHeader></headerFooter></worksheet>`})),
			"xlsx", "Budget\ntwo\tone\t1.5\t2016-01-01|\ninline\t2016-01-01 12:00:00\tTRUE|Secret"},
		{"a.ods", string(zipOf(t, entry{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"},
			entry{"content.xml", `<o><table:table table:name="S"><table:table-row><table:table-cell><text:p>a<text:s text:c="2"/>b</text:p></table:table-cell></table:table-row></table:table></o>`})), "ods", "S\na  b\n"},
		{"a.gz", string(gz(t, "packed text")), "gz", "packed text"},
	} {
		r, broken := newExtractor(t, DefaultLimits()).Extract(t.Context(), test.name, []byte(test.data))
		if broken || r.Status != Extracted || r.Format != test.format || r.Reason != "" {
			t.Errorf("%s %.60q: %s %s %q, want %s", test.name, test.data, r.Status, r.Format, r.Reason, test.format)
		}
		for part := range strings.SplitSeq(test.want, "|") {
			if !strings.Contains(r.Text, part) {
				t.Errorf("%s %.60q: %q, want %q in it", test.name, test.data, r.Text, part)
			}
		}
		if strings.Contains(r.Text, "twice\n") && test.format == "docx" || strings.Contains(r.Text, "var x") {
			t.Errorf("%s: %q has what does not show", test.name, r.Text)
		}
	}
}

func TestNaturalOrder(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"slide2.xml", "slide10.xml", -1}, {"slide02", "slide2", 0}, {"a", "b", -1}, {"a1b", "a1", 1}, {"", "", 0}} {
		if got := compareNatural(test.a, test.b); got != test.want {
			t.Errorf("%q, %q: %d", test.a, test.b, got)
		}
	}
}
