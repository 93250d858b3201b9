package bundle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strconv"
	"strings"

	"archiver/internal/record"
)

// letter is a mail as far as it is compared: its header, and the two forms of its text.
type letter struct {
	header      mail.Header
	plain, html string // plain with LF
}

// readLetter reads a mail up to its attachments.
func readLetter(r io.Reader) (*letter, error) {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return nil, err
	}
	mixed, err := partsOf(m.Header.Get("Content-Type"), m.Body)
	if err != nil {
		return nil, err
	}
	texts, err := mixed.NextPart()
	if err != nil {
		return nil, fmt.Errorf("its texts: %w", err)
	}
	forms, err := partsOf(texts.Header.Get("Content-Type"), texts)
	if err != nil {
		return nil, err
	}
	l := &letter{header: m.Header}
	if l.plain, err = nextText(forms); err == nil {
		l.html, err = nextText(forms)
	}
	l.plain = strings.ReplaceAll(l.plain, "\r\n", "\n")
	return l, err
}

func partsOf(mediaType string, body io.Reader) (*multipart.Reader, error) {
	kind, parameters, err := mime.ParseMediaType(mediaType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return nil, fmt.Errorf("it has no parts, but %q", mediaType)
	}
	return multipart.NewReader(body, parameters["boundary"]), nil
}

func nextText(parts *multipart.Reader) (string, error) {
	part, err := parts.NextPart()
	if err != nil {
		return "", fmt.Errorf("its texts: %w", err)
	}
	var in io.Reader = part // quoted-printable is decoded
	if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
		in = base64.NewDecoder(base64.StdEncoding, part)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return "", fmt.Errorf("its texts: %w", err)
	}
	return string(text), nil
}

// field gives a field of the program's own, decoded; an error if there is none.
func (l *letter) field(name string) (string, error) {
	text, err := new(mime.WordDecoder).DecodeHeader(l.header.Get("X-TeamChat-" + name))
	if err == nil && text == "" {
		err = errors.New("is missing")
	}
	if err != nil {
		return "", fmt.Errorf("X-TeamChat-%s: %w", name, err)
	}
	return text, nil
}

// mailVersion is a version of a message that has a mail of its own.
type mailVersion struct {
	channel    string
	ts         record.TS
	number, of int
	deletion   bool // it tells of the deletion, which is no version
	text       string
}

// version reads the mail as that of one version.
func (l *letter) version() (v mailVersion, err error) {
	var fields [4]string
	for i, name := range []string{"Conversation-ID", "Message-ID", "Version", "Event"} {
		if fields[i], err = l.field(name); err != nil {
			return v, err
		}
	}
	v.channel, v.ts, v.deletion = fields[0], record.TS(fields[1]), fields[3] == "deleted"
	number, of, _ := strings.Cut(fields[2], "/")
	v.number, err = strconv.Atoi(number)
	v.of, _ = strconv.Atoi(of)
	if err != nil || v.number < 1 || v.number > v.of {
		return v, fmt.Errorf("X-TeamChat-Version: %q", fields[2])
	}
	if v.text, err = l.message(); err != nil {
		return v, err
	}
	return v, l.sameText(v.text)
}

// message is the plain text without the notes, of which the header gives the number.
func (l *letter) message() (string, error) {
	notes := l.header.Get("X-TeamChat-Notes")
	text, ok := strings.CutSuffix(l.plain, "\n")
	if notes != "" {
		at := strings.LastIndex(l.plain, "\n-- \n")
		ok = at >= 0 && strconv.Itoa(strings.Count(l.plain[at:], "\n")-2) == notes
		text = l.plain[:max(at, 0)]
	}
	if !ok {
		return "", errors.New("its text does not end as its header says")
	}
	return text, nil
}

// sameText wants the HTML to show a text and no other.
func (l *letter) sameText(text string) error {
	p := newPage(strings.NewReader(l.html), "text")
	a, err := p.next()
	if err == nil && (a != nil || len(p.loose) != 1 || common(p.loose[0]) != common(text)) {
		err = errors.New("shows another text in HTML than in plain text")
	}
	return err
}

// repeatedNote is the first note of a message that is there only because comments in the slice answer it.
const repeatedNote = "context: the message that comments here answer; it stands in another slice"

// slice gives the messages of a mail that is a slice of a conversation. Its HTML has an article for each.
func (l *letter) slice(yield func(Shown, error) bool) error {
	channel, err := l.field("Conversation-ID")
	if err != nil {
		return err
	}
	plain := common(l.plain) // what of it is not compared yet
	for p := newPage(strings.NewReader(l.html), "text"); ; {
		a, err := p.next()
		if a == nil || err != nil {
			return err
		}
		ts, ok := strings.CutPrefix(a.attributes["id"], "m-")
		if !ok || len(a.texts) == 0 {
			return fmt.Errorf("message %q has no text", a.attributes["id"])
		}
		for _, text := range a.texts {
			if _, plain, ok = strings.Cut(plain, ": "+common(text)+"\n"); !ok {
				return fmt.Errorf("message %s has another text in HTML than in plain text", ts)
			}
		}
		m := Shown{Channel: channel, TS: record.TS(ts), Versions: len(a.texts), Text: TextHash(a.texts[0])}
		if a.note != repeatedNote && !yield(m, nil) {
			return errStop
		}
	}
}
