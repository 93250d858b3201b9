package teamchattest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"archiver/internal/record"
)

// ParseScenario builds a world from a scenario: a text with one happening a line, in order. Empty lines and lines that
// begin with # are skipped.
//
//	host mail.example.com              only as the first line
//	time 2024-03-01T09:00:00Z          sets the clock; "time +90m" moves it on
//	user ann Ann Example               the account ann@<domain of the host> and its name
//	channel general ann bob            a channel and its members
//	m1 = post general ann Good morning
//	code general ann go fmt.Println("x\n")   "-" is no language
//	late 1709283601.000007 general bob a message under a given ts
//	join general carol                 joins and posts the system message
//	event general ann 30 Standup       a calendar event of so many minutes
//	conference general ann secret Standup
//	f1 = upload general ann notes.txt What is in the file
//	mail general ann offer.eml Subject: offer\n\nHello
//	c1 = comment m1 bob Hello, Ann
//	edit m1 ann Good morning, all      by whom
//	delete m1                          or a comment
//	react m1 bob thumbsup
//	revise f1 New content
//	renamefile f1 minutes.txt
//	unlink f1 stripped                 stays, stripped, gone or flagged: what becomes of the entry
//	hidden general bob a message that the account does not see
//	p1 = pin m1 ann                    publicly: p1 is the entry; "pin m1 ann private" posts none
//	unpin m1 ann                       or "unpin m1 ann private"
//	purge general 60                   deletes the newest so many
//	add general carol
//	kick general carol
//	rename general all-hands
//	move general sales@example.com
//	archive general on                 on or off; likewise:
//	readable general off
//	listed general off
//	remove general
//
// "name =" before a line gives its message, comment or file a name for later lines and [World.Label]. Names of channels
// with spaces are written as Go strings. Users without @ are of the host's domain, and "-" is nobody. In texts \n, \t
// and \\ stand for line end, tab and backslash.
func ParseScenario(text string) (*World, error) {
	var o WorldOptions
	if first, rest, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "host ") {
		o.Host = strings.TrimSpace(strings.TrimPrefix(first, "host "))
		text = "\n" + rest
	}
	w := NewWorld(o)
	return w, w.Apply(text)
}

// Apply carries out the lines of a scenario. It stops at the first that it does not understand.
func (w *World) Apply(text string) error {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := w.applyLine(line); err != nil {
			return fmt.Errorf("scenario line %d: %w", number, err)
		}
	}
	return nil
}

func (w *World) applyLine(line string) error {
	s := script{w: w, rest: line}
	verb := s.word()
	if after, ok := strings.CutPrefix(s.rest, "= "); ok {
		s.label, s.rest = verb, strings.TrimSpace(after)
		verb = s.word()
	}
	do := verbs[verb]
	if do == nil {
		return fmt.Errorf("unknown word %q", verb)
	}
	do(&s)
	return s.err
}

// verbs are the words that a line may begin with.
var verbs = map[string]func(*script){
	"add":     func(s *script) { s.inChannel(func(c string) { s.member(c, s.w.AddMember) }) },
	"archive": func(s *script) { s.inChannel(func(c string) { s.onOff(c, s.w.Archive) }) },
	"channel": (*script).newChannel,
	"code":    func(s *script) { s.post(s.code) },
	"comment": (*script).comment,
	"conference": func(s *script) {
		s.post(func(c, u string) record.TS { return s.w.PostConference(c, u, s.word(), s.text()) })
	},
	"delete": func(s *script) { s.onLabel(func(l Label) bool { return s.w.Delete(l.Channel, l.TS) }) },
	"edit": func(s *script) {
		s.onLabel(func(l Label) bool { return s.w.Edit(l.Channel, l.TS, s.user(), s.text()) })
	},
	"event": func(s *script) { s.post(s.event) },
	"hidden": func(s *script) {
		s.post(func(c, u string) record.TS { return s.w.PostItem(c, Item{User: u, Text: s.text(), Hidden: true}) })
	},
	"join":   func(s *script) { s.post(s.join) },
	"kick":   func(s *script) { s.inChannel(func(c string) { s.member(c, s.w.RemoveMember) }) },
	"late":   (*script).late,
	"listed": func(s *script) { s.inChannel(func(c string) { s.onOff(c, s.w.SetListed) }) },
	"mail":   func(s *script) { s.upload("mail_share") },
	"move":   func(s *script) { s.inChannel(func(c string) { s.w.Move(c, s.word()) }) },
	"post":   func(s *script) { s.post(func(c, u string) record.TS { return s.w.Post(c, u, s.text()) }) },
	"pin":    (*script).pin,
	"purge":  (*script).purge,
	"react": func(s *script) {
		s.onLabel(func(l Label) bool { return s.w.React(l.Channel, l.TS, s.user(), s.word()) })
	},
	"readable":   func(s *script) { s.inChannel(func(c string) { s.onOff(c, s.w.SetReadable) }) },
	"remove":     func(s *script) { s.inChannel(s.w.RemoveChannel) },
	"rename":     func(s *script) { s.inChannel(func(c string) { s.w.Rename(c, s.text()) }) },
	"renamefile": func(s *script) { s.onFile(func(l Label) bool { return s.w.RenameFile(l.Channel, l.File, s.text()) }) },
	"revise": func(s *script) {
		s.onLabel(func(l Label) bool { return s.w.Revise(l.Channel, l.File, []byte(s.text())) })
	},
	"time":   (*script).time,
	"unlink": (*script).unlink,
	"unpin": func(s *script) {
		s.onLabel(func(l Label) bool { return s.w.Unpin(l.Channel, l.TS, s.user(), s.rest != "private") })
	},
	"upload": func(s *script) { s.upload("file_share") },
	"user":   func(s *script) { s.w.AddUser(s.user(), s.text()) },
}

// script is a line while it is carried out.
type script struct {
	w     *World
	rest  string
	label string
	err   error
}

func (s *script) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// word takes the next word, or a quoted string.
func (s *script) word() string {
	if quoted, err := strconv.QuotedPrefix(s.rest); err == nil && quoted[0] == '"' {
		s.rest = strings.TrimSpace(s.rest[len(quoted):])
		word, _ := strconv.Unquote(quoted)
		return word
	}
	word, rest, _ := strings.Cut(s.rest, " ")
	s.rest = strings.TrimSpace(rest)
	return word
}

// escapes are those of texts.
var escapes = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`)

// text takes the rest of the line.
func (s *script) text() string { return escapes.Replace(s.rest) }

// user takes the next word as an account.
func (s *script) user() string {
	switch name := s.word(); {
	case name == "-" || name == "":
		return ""
	case strings.Contains(name, "@"):
		return name
	default:
		return name + "@" + s.w.domain
	}
}

// inChannel takes the next word as a channel.
func (s *script) inChannel(do func(channel string)) {
	name := s.word()
	s.w.mu.RLock()
	c := s.w.find(name)
	id := ""
	if c != nil {
		id = c.id
	}
	s.w.mu.RUnlock()
	if c == nil {
		s.fail("no channel %q", name)
		return
	}
	do(id)
}

// remember gives what the line made its name.
func (s *script) remember(l Label) {
	if s.label == "" {
		return
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.labels[s.label] = l
}

// onLabel takes the next word as something that a line before gave a name.
func (s *script) onLabel(do func(Label) bool) {
	name := s.word()
	l, ok := s.w.Label(name)
	if !ok {
		s.fail("nothing is called %q", name)
		return
	}
	s.w.mu.RLock()
	there := s.w.find(l.Channel) != nil
	s.w.mu.RUnlock()
	if !there || !do(l) {
		s.fail("%q is gone", name)
	}
}

// onFile is onLabel for what has a file.
func (s *script) onFile(do func(Label) bool) {
	s.onLabel(func(l Label) bool {
		if l.File == "" {
			s.fail("it has no file")
			return true
		}
		return do(l)
	})
}

func (s *script) newChannel() {
	name := s.word()
	var members []string
	for s.rest != "" {
		members = append(members, s.user())
	}
	s.w.AddChannel(name, members...)
}

// post takes a channel and a user, and remembers what was posted.
func (s *script) post(do func(channel, user string) record.TS) {
	s.inChannel(func(c string) { s.remember(Label{Channel: c, TS: do(c, s.user())}) })
}

func (s *script) upload(subtype string) {
	s.inChannel(func(c string) {
		it := Item{User: s.user(), Subtype: subtype}
		name := s.word()
		ts, file := s.w.UploadItem(c, it, name, []byte(s.text()))
		s.remember(Label{Channel: c, TS: ts, File: file})
	})
}

func (s *script) comment() {
	s.onLabel(func(l Label) bool {
		ts := s.w.Comment(l.Channel, l.TS, s.user(), s.text())
		s.remember(Label{Channel: l.Channel, TS: ts})
		return ts != ""
	})
}

func (s *script) join(channel, user string) record.TS {
	s.w.AddMember(channel, user)
	return s.w.PostItem(channel, Item{User: user, Subtype: "channel_join", Text: user + " has joined"})
}

func (s *script) event(channel, user string) record.TS {
	minutes, err := strconv.Atoi(s.word())
	if err != nil {
		s.fail("event: minutes: %w", err)
	}
	start := s.w.Now().Unix()
	return s.w.PostEvent(channel, user, s.text(), start, start+int64(minutes)*60)
}

func (s *script) code(channel, user string) record.TS {
	language := s.word()
	if language == "-" {
		language = ""
	}
	return s.w.PostCode(channel, user, language, s.text())
}

func (s *script) late() {
	ts, err := record.ParseTS(s.word())
	if err != nil {
		s.fail("%w", err)
		return
	}
	s.post(func(c, u string) record.TS {
		if s.w.taken(c, ts) {
			s.fail("ts %s is taken, or no id has it", ts)
			return ""
		}
		return s.w.PostAt(c, ts, u, s.text())
	})
}

func (s *script) time() {
	word := s.word()
	if d, err := time.ParseDuration(strings.TrimPrefix(word, "+")); err == nil && word[0] == '+' {
		s.w.Advance(d)
		return
	}
	t, err := time.Parse(time.RFC3339, word)
	if err != nil {
		s.fail("%w", err)
		return
	}
	s.w.SetClock(t)
}

func (s *script) unlink() {
	s.onFile(func(l Label) bool {
		fates := map[string]EntryFate{"": EntryStays, "stays": EntryStays, "stripped": EntryStripped, "gone": EntryGone, "flagged": EntryFlagged}
		fate, ok := fates[s.rest]
		if !ok {
			s.fail("unlink: %q: want stays, stripped, gone or flagged", s.rest)
		}
		return s.w.DeleteFile(l.Channel, l.File, fate)
	})
}

func (s *script) pin() {
	s.onLabel(func(l Label) bool {
		entry, ok := s.w.Pin(l.Channel, l.TS, s.user(), s.rest != "private")
		s.remember(Label{Channel: l.Channel, TS: entry})
		return ok
	})
}

func (s *script) purge() {
	s.inChannel(func(c string) {
		n, err := strconv.Atoi(s.rest)
		if err != nil {
			s.fail("purge: %w", err)
		}
		s.w.Purge(c, n)
	})
}

func (s *script) member(channel string, set func(channel, user string)) { set(channel, s.user()) }

func (s *script) onOff(channel string, set func(channel string, on bool)) {
	switch s.rest {
	case "on":
		set(channel, true)
	case "off":
		set(channel, false)
	default:
		s.fail("%q: want on or off", s.rest)
	}
}
