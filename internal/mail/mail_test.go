package mail

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	stdmail "net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/jhillyerd/enmime/v2"
	"pgregory.net/rapid"
)

// anyText draws strings with what headers and bodies get wrong.
func anyText() *rapid.Generator[string] {
	pieces := rapid.SampledFrom([]string{
		"\r\n", "\r", "\n", "\x00", "\x00\x00", "From ", ">From ", "\r\n.", ".", "=?utf-8?B?QQ==?=", "=", "=20", " ", "  ", "\t", ",", `"`, `\`,
		"Bcc: eve@example.com\r\n\r\n", "žluťoučký kůň", "\u202Eevil\u202C", "שלום", "🚀👩‍👩‍👧", "\xff\xfe", "\xed\xa0\x80", "\u2028", "\x7f", "\u0085",
		"--=_m", strings.Repeat("x", 998), strings.Repeat("ž", 400), "<script>", "../", ";", "%", "'", "*",
	})
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			if rapid.Bool().Draw(t, "trap") {
				b.WriteString(pieces.Draw(t, "piece"))
			} else {
				b.WriteString(rapid.String().Draw(t, "text"))
			}
		}
		return b.String()
	})
}

// checkLines checks what holds for all lines of a header.
func checkLines(t require, header string) {
	if !strings.HasSuffix(header, "\r\n") {
		t.Fatalf("does not end: %q", header)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(header, "\r\n"), "\r\n") {
		coded := strings.Contains(line, "=?")
		_, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.ContainsAny(line, "\r\n\x00") || strings.ContainsFunc(line, func(r rune) bool { return r >= 0x7f }):
			t.Fatalf("not a clean line: %q", line)
		case strings.TrimSpace(line) == "":
			t.Fatalf("an empty line in %q", header)
		case len(line) > 998 || coded && len(line) > 76 || len(line) > 78 && strings.Contains(rest, " "):
			t.Fatalf("line of %d: %q", len(line), line)
		}
	}
}

// require is what testing.T, testing.F's T and rapid.T have in common.
type require interface {
	Fatalf(format string, args ...any)
}

func readHeader(t require, header string) stdmail.Header {
	m, err := stdmail.ReadMessage(strings.NewReader(header + "\r\n"))
	if err != nil {
		t.Fatalf("%v: %q", err, header)
	}
	return m.Header
}

func checkText(t require, value string) {
	var h Header
	h.Text("X-Before", "1")
	h.Text("Subject", value)
	h.Encoded("X-Coded", value)
	h.Text("X-After", "2")
	checkLines(t, string(h.Bytes()))
	read := readHeader(t, string(h.Bytes()))
	if len(read) > 4 || read.Get("X-Before") != "1" || read.Get("X-After") != "2" {
		t.Fatalf("%q adds fields: %v", value, read)
	}
	for _, name := range []string{"Subject", "X-Coded"} {
		if got, err := new(mime.WordDecoder).DecodeHeader(read.Get(name)); err != nil || got != Visible(value) {
			t.Fatalf("%s: %q is %q (%v), want %q", name, value, got, err, Visible(value))
		}
	}
}

func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkText(t, anyText().Draw(t, "value")) })
}

func TestAddressesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []Address
		for i, name := range rapid.SliceOfN(anyText(), 1, 5).Draw(t, "names") {
			list = append(list, Address{Name: name, Address: fmt.Sprintf("user.%d+x@example-%d.com", i, i)})
		}
		var h Header
		h.Addresses("To", list...)
		checkLines(t, string(h.Bytes()))
		read, err := readHeader(t, string(h.Bytes())).AddressList("To")
		if err != nil || len(read) != len(list) {
			t.Fatalf("%d of %d: %v: %q", len(read), len(list), err, h.Bytes())
		}
		for i, a := range read {
			if a.Name != Visible(list[i].Name) || a.Address != list[i].Address {
				t.Fatalf("%+v is %+v", list[i], a)
			}
		}
	})
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain":        "plain",
		"a\x00b":       "ab",
		"a\r\nBcc: b":  "a␍␊Bcc: b",
		"\x7f\x1b":     "␡␛",
		"a\xffb":       "a\uFFFDb",
		"\u0085\u2028": "\uFFFD\uFFFD",
		"žluť\u202E":   "žluť\u202E",
	} {
		if got := Visible(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestIsAddress(t *testing.T) {
	good := []string{"ann@example.com", "a.b+c@x", "o'neil@x-y.example", "1@2.3"}
	bad := []string{
		"", "ann", "@x", "a@", "a@b@c", "a b@c", "a@b c", ".a@b", "a.@b", "a..b@c", "a@-b", "a@b-", "a@b..c", "žluť@x", "a@kůň.cz",
		"a\r\nb@c", "<a@b>", "a,b@c", strings.Repeat("a", 65) + "@b", "a@" + strings.Repeat("b", 64),
	}
	for _, s := range good {
		if !IsAddress(s) {
			t.Errorf("%q is an address", s)
		}
	}
	for _, s := range bad {
		if IsAddress(s) {
			t.Errorf("%q is no address", s)
		}
	}
}

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"report.pdf":                         "report.pdf",
		"../../etc/passwd":                   "_.._etc_passwd",
		`C:\temp\x.txt`:                      "C__temp_x.txt",
		"con.txt":                            "_con.txt",
		"NUL":                                "_NUL",
		"":                                   "attachment",
		" ... ":                              "attachment",
		"a\r\nContent-Type: x":               "a__Content-Type_ x",
		"gpj\u202Eexe.":                      "gpj_exe",
		"žluť.txt":                           "žluť.txt",
		strings.Repeat("ž", 200) + ".docx":   strings.Repeat("ž", 97) + ".docx",
		"x." + strings.Repeat("y", 300):      "x." + strings.Repeat("y", 198),
		strings.Repeat("a", 199) + ".b.pdf":  strings.Repeat("a", 196) + ".pdf",
		"COM1" + " .tar.gz":                  "_COM1 .tar.gz",
		"tab\tnul\x00\xff.PDF":               "tab_nul__.PDF",
		"control\u0007":                      "control_",
		"https://x/y?z=1":                    "https___x_y_z=1",
		"name\u2028with\u2029separators.txt": "name_with_separators.txt",
	} {
		if got := SafeName(name); got != want || len(got) > 200 {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

func TestQuotedPrintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, _ := AppendText(nil, anyText().Draw(t, "text"))
		coded := appendQuoted(nil, text)
		for line := range bytes.SplitSeq(coded, []byte("\r\n")) {
			if len(line) > 76 || bytes.ContainsAny(line, "\r\n") || bytes.HasSuffix(line, []byte(" ")) || bytes.HasSuffix(line, []byte("\t")) {
				t.Fatalf("line %q", line)
			}
		}
		got, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(coded)))
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%q: %q is %q: %v", text, coded, got, err)
		}
	})
}

func TestAppendText(t *testing.T) {
	got, nuls := AppendText([]byte("> "), "a\rb\nc\r\nd\n\re\x00\x00f\xffg")
	if want := "> a\r\nb\r\nc\r\nd\r\n\r\nef\uFFFDg"; string(got) != want || nuls != 2 {
		t.Errorf("%q, %d NUL, want %q", got, nuls, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := anyText().Draw(t, "text")
		got, nuls := AppendText(nil, text)
		plain := strings.ReplaceAll(string(got), "\r\n", "")
		if strings.ContainsAny(plain, "\r\n\x00") || !utf8.Valid(got) || nuls != strings.Count(text, "\x00") {
			t.Fatalf("%q is %q, %d NUL", text, got, nuls)
		}
	})
}

// mailOf writes a message with one attachment.
func mailOf(t require, text, name string, content []byte) []byte {
	var out bytes.Buffer
	var h Header
	h.IDs("Message-ID", "1@example.com")
	h.Date("Date", time.Unix(1500000000, 0).UTC())
	h.Addresses("From", Address{"Ann", "ann@example.com"})
	h.Text("Subject", name)
	plain, _ := AppendText(nil, text+"\n") // enmime takes a text of no bytes for none
	var m Message
	if err := m.Begin(&out, &h, "1@example.com", plain, append([]byte("<p>"), plain...)); err != nil {
		t.Fatalf("%v", err)
	}
	if err := m.Attach(name, MediaType(name), bytes.NewReader(content)); err != nil {
		t.Fatalf("%v", err)
	}
	if err := m.End(); err != nil {
		t.Fatalf("%v", err)
	}
	return out.Bytes()
}

// checkMessage reads a message by two readers.
func checkMessage(t require, text, name string, content []byte) {
	raw := mailOf(t, text, name, content)
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") || bytes.ContainsFunc(line, func(r rune) bool { return r >= 0x7f }) {
			t.Fatalf("line %q", line)
		}
	}
	plain, _ := AppendText(nil, text+"\n")
	want := []string{string(plain), "<p>" + string(plain), string(content)}
	entity, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("go-message: %v", err)
	}
	var got []string
	err = entity.Walk(func(_ []int, part *message.Entity, err error) error {
		if err != nil || part.MultipartReader() != nil {
			return err
		}
		body, err := io.ReadAll(part.Body)
		got = append(got, string(body))
		if _, p, _ := part.Header.ContentDisposition(); len(got) == 3 && p["filename"] != SafeName(name) {
			t.Fatalf("name %q is %q, want %q", name, p["filename"], SafeName(name))
		}
		return err
	})
	if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Fatalf("go-message: %q, want %q: %v", got, want, err)
	}
	envelope, err := enmime.NewParser(enmime.DisableCharacterDetection(true)).ReadEnvelope(bytes.NewReader(raw))
	if err != nil || len(envelope.Errors) > 0 || len(envelope.Attachments) != 1 {
		t.Fatalf("enmime: %v %v, %d attachments of\n%s", err, envelope.Errors, len(envelope.Attachments), raw)
	}
	if a := envelope.Attachments[0]; !bytes.Equal(a.Content, content) || a.FileName != SafeName(name) {
		t.Fatalf("enmime: %q %q, want %q %q", a.FileName, a.Content, SafeName(name), content)
	}
	if again := mailOf(t, text, name, content); !bytes.Equal(raw, again) {
		t.Fatalf("not the same bytes again")
	}
}

func TestMessageRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkMessage(t, anyText().Draw(t, "text"), anyText().Draw(t, "name"), rapid.SliceOf(rapid.Byte()).Draw(t, "content"))
	})
	checkMessage(t, "", "", nil)
	checkMessage(t, strings.Repeat("long ", 1000), "big.bin", bytes.Repeat([]byte{0, 1, 2, 3, 4, 5, 6}, 100_000))
}

func TestEncodedSize(t *testing.T) {
	for _, n := range []int64{0, 1, 56, 57, 58, 14592, 100_000} {
		with, without := mailOf(t, "", "x", make([]byte, n)), mailOf(t, "", "x", nil)
		if got := int64(len(with) - len(without)); got > EncodedSize(n) {
			t.Errorf("%d bytes take %d, which is over %d", n, got, EncodedSize(n))
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a\r\nb: c", "=?utf-8?Q?=41?=", strings.Repeat("ž", 100), "\x00", "  "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) { checkText(t, value) })
}

func FuzzMessage(f *testing.F) {
	f.Add("From me\r\n.\r\n--=_m", "../x", []byte("content"))
	f.Add("ž\x00\r", strings.Repeat("ů", 300), []byte{})
	f.Fuzz(func(t *testing.T, text, name string, content []byte) { checkMessage(t, text, name, content) })
}
