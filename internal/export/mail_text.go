package export

import (
	"time"

	"archiver/internal/mail"
)

// mailTexts are the two forms of a mail's text while they are made.
type mailTexts struct {
	plain, html []byte
	nuls        int // removed
}

// transcriptTime is how a mail shows when a message was sent, in the selection's zone.
const transcriptTime = "2006-01-02 15:04:05 -07:00"

// The beginning and the end of a mail's HTML.
const (
	mailHead = `<!DOCTYPE html>` + "\r\n" + `<html><head><meta charset="utf-8"><title>`
	mailBody = `</title></head><body>` + "\r\n"
	mailTail = `</body></html>` + "\r\n"
)

// begin starts a mail with a title.
func (t *mailTexts) begin(title string) {
	t.plain, t.html, t.nuls = t.plain[:0], append(t.html[:0], mailHead...), 0
	t.html = append(appendMailHTML(t.html, title), mailBody...)
}

func (t *mailTexts) end() { t.html = append(t.html, mailTail...) }

// text appends a text to both forms.
func (t *mailTexts) text(text string) {
	start := len(t.plain)
	var nuls int
	t.plain, nuls = mail.AppendText(t.plain, text)
	t.nuls += nuls
	t.html = append(t.html, `<div dir="auto" class="text" style="white-space:pre-wrap">`...)
	t.html = append(appendMailHTML(t.html, t.plain[start:]), "</div>\r\n"...)
}

// author appends who wrote what follows and when, to the HTML alone.
func (t *mailTexts) author(a mail.Address, at time.Time) {
	t.html = append(t.html, `<p><b>`...)
	t.html = appendMailHTML(t.html, a.Name)
	t.html = append(t.html, `</b> <time datetime="`...)
	t.html = at.UTC().AppendFormat(t.html, time.RFC3339)
	t.html = append(t.html, `">`...)
	t.html = at.AppendFormat(t.html, transcriptTime)
	t.html = append(t.html, "</time></p>\r\n"...)
}

// notes appends notes, in the plain text each behind an indent.
func (t *mailTexts) notes(notes []string, indent string) {
	if len(notes) == 0 {
		return
	}
	t.html = append(t.html, "<ul>"...)
	for _, note := range notes {
		t.plain = append(append(append(t.plain, indent...), note...), "\r\n"...)
		t.html = append(t.html, "<li>"...)
		t.html = append(appendMailHTML(t.html, note[1:len(note)-1]), "</li>\r\n"...)
	}
	t.html = append(t.html, "</ul>\r\n"...)
}

// mailReferences are the characters that mean something in HTML, and the controls that it does not allow.
var mailReferences = func() (table [0x80]string) {
	for c := range table {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' {
			table[c] = string(rune(0x2400 + c))
		}
	}
	table['&'], table['<'], table['>'], table['"'], table['\''], table[0x7f] = "&amp;", "&lt;", "&gt;", "&#34;", "&#39;", "\u2421"
	return table
}()

// appendMailHTML appends text as the content of an element or attribute.
func appendMailHTML[T string | []byte](dst []byte, text T) []byte {
	done := 0
	for i := range len(text) {
		if c := text[i]; c < 0x80 && mailReferences[c] != "" {
			dst = append(append(dst, text[done:i]...), mailReferences[c]...)
			done = i + 1
		}
	}
	return append(dst, text[done:]...)
}
