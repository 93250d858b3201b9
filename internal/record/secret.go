package record

import (
	"bytes"
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// CleanConference is Clean for the object of a conference: its password is also removed from links and descriptions,
// and so are the values of pwd= and password= in links. Clean does the same with a message's member conference.
func CleanConference(raw []byte) []byte {
	return withoutPasswords(Clean(raw), Passwords(raw))
}

// Passwords gives the values of every member password of a JSON value, without empty ones.
func Passwords(raw []byte) []string {
	var found []string
	c := cleaner{in: raw, edit: func(name, value []byte) []byte {
		if string(name) == "password" {
			if value[0] == '"' {
				value = unquote(value)
			}
			if len(value) > 0 && !slices.Contains(found, string(value)) {
				found = append(found, string(value))
			}
		}
		return nil
	}}
	c.value(nil)
	return found
}

// untouched are the members of which nothing is removed: what people wrote, and what identifies things.
var untouched = map[string]bool{
	"title": true, "name": true, "text": true, "meeting_id": true, "id": true, "ts": true, "type": true, "subtype": true,
	"user": true, "email": true, "organizer": true, "channel": true,
}

// withoutPasswords removes passwords from the strings of an object as Clean leaves it.
func withoutPasswords(clean []byte, passwords []string) []byte {
	c := cleaner{in: clean, out: make([]byte, 0, len(clean)), edit: func(name, value []byte) []byte {
		if value[0] != '"' || untouched[string(name)] {
			return value
		}
		text := string(unquote(value))
		if blank := cut(text, secretSpans(text, passwords)); blank != text {
			return appendQuoted(nil, blank)
		}
		return value
	}}
	if !c.value(nil) || !c.atEnd() {
		return clean
	}
	return c.out
}

// CleanEvent is Clean for an event of a list, which may hold the link of a conference; passwords are those that are known.
func CleanEvent(raw []byte, passwords []string) []byte {
	return withoutPasswords(Clean(raw), passwords)
}

// BlankCalendar removes passwords, and the values of pwd= and password= in links, from iCalendar text. Its lines stay
// folded as they are.
func BlankCalendar(text string, passwords []string) string {
	plain, at := unfold(text)
	var spans [][2]int
	for _, s := range secretSpans(plain, passwords) {
		for i := s[0]; i < s[1]; i++ {
			spans = append(spans, [2]int{at[i], at[i] + 1})
		}
	}
	return cut(text, spans)
}

// unfold joins the folded lines of iCalendar text (RFC 5545 section 3.1), and tells where each byte stands in the text.
func unfold(text string) (plain string, at []int) {
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		rest := strings.TrimPrefix(text[i:], "\r")
		if len(rest) > 1 && rest[0] == '\n' && (rest[1] == ' ' || rest[1] == '\t') {
			i = len(text) - len(rest) + 1
			continue
		}
		b, at = append(b, text[i]), append(at, i)
	}
	return string(b), at
}

// Unfold joins the folded lines of iCalendar text.
func Unfold(text string) string {
	plain, _ := unfold(text)
	return plain
}

// linkSecret is a part of a link that holds a password. In iCalendar text a line break is \n, which ends a link.
var linkSecret = regexp.MustCompile(`(?i)[?&;#](?:pwd|passwd|password|passcode)=((?:[^&#\s"'<>\\]|\\[^nN])*)`)

// secretSpans gives the parts of a text that are passwords, in order and apart.
func secretSpans(text string, passwords []string) [][2]int {
	var spans [][2]int
	for _, m := range linkSecret.FindAllStringSubmatchIndex(text, -1) {
		spans = append(spans, [2]int{m[2], m[3]})
	}
	for _, p := range passwords {
		for _, form := range forms(p) {
			spans = appendFound(spans, text, form)
		}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], b[1]-a[1]) })
	end := 0
	for i := range spans {
		spans[i][0] = max(spans[i][0], end)
		end = max(end, spans[i][1])
	}
	return slices.DeleteFunc(spans, func(s [2]int) bool { return s[0] >= s[1] })
}

var calendarEscapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`)

// forms are the ways in which a password may be written in links and in iCalendar text.
func forms(password string) []string {
	list := []string{password, url.QueryEscape(password), url.PathEscape(password), calendarEscapes.Replace(password)}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(form string) bool { return form == "" })
}

// shortPassword is the length below which a password is looked for as a whole word only.
const shortPassword = 4

func appendFound(spans [][2]int, text, form string) [][2]int {
	for from := 0; ; {
		i := strings.Index(text[from:], form)
		if i < 0 {
			return spans
		}
		start := from + i
		end := start + len(form)
		if len(form) >= shortPassword || !isWord(text, start-1) && !isWord(text, end) {
			spans = append(spans, [2]int{start, end})
		}
		from = start + 1
	}
}

// isWord tells whether the byte of a text belongs to a word.
func isWord(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	b := text[i]
	return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' || b >= 0x80
}

// cut removes parts of a text, which are in order and apart.
func cut(text string, spans [][2]int) string {
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	from := 0
	for _, s := range spans {
		b.WriteString(text[from:s[0]])
		from = s[1]
	}
	b.WriteString(text[from:])
	return b.String()
}

// meetingWords are words of which a text that tells how to join a conference has at least one.
var meetingWords = []string{"conference", "meet", "pwd", "passcode", "password"}

// MentionsMeeting tells whether a text may say how to join a conference.
func MentionsMeeting(text string) bool {
	plain, _ := unfold(strings.ToLower(text))
	return slices.ContainsFunc(meetingWords, func(word string) bool { return strings.Contains(plain, word) })
}

// conference copies the value of a message's member conference.
func (c *cleaner) conference() bool {
	start, from := len(c.out), c.pos
	if !c.value(conferenceMember) {
		return false
	}
	if object := c.out[start:]; bytes.HasPrefix(object, []byte("{")) {
		blank := withoutPasswords(bytes.Clone(object), Passwords(c.in[from:c.pos]))
		c.out = append(c.out[:start], blank...)
	}
	return true
}

var conferenceMember = []byte("conference")
