package teamchattest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"archiver/internal/record"
)

// GenerateOptions say how large a company is made up. Equal options give equal worlds.
type GenerateOptions struct {
	Seed     uint64
	Messages int // with comments; 0 is 2,000
	Channels int // 0 is one for 400 messages, at least 4, at most 2,000
	Users    int // 0 is one for 150 messages, at least 8, at most 5,000

	Host  string    // as in WorldOptions
	Start time.Time // as in WorldOptions
	Days  int       // in which they chat, weekends left out; 0 is 120

	Now func() time.Time // the clock after what was generated, as in WorldOptions
}

func (o GenerateOptions) withDefaults() GenerateOptions {
	o.Messages = cmp.Or(o.Messages, 2000)
	o.Channels = cmp.Or(o.Channels, min(max(o.Messages/400, 4), 2000))
	o.Users = cmp.Or(o.Users, min(max(o.Messages/150, 8), 5000))
	o.Days = cmp.Or(o.Days, 120)
	return o
}

// Generate makes up a company that chats in Czech, English, German, Japanese, Russian and Greek: large and small
// channels, threads, edits, deletions, code, files, reactions, events, conferences, mails. It takes about 2 µs a
// message.
func Generate(o GenerateOptions) *World {
	o = o.withDefaults()
	g := &generator{o: o, rand: rand.New(rand.NewPCG(o.Seed, 0x7eac4a7)), w: NewWorld(WorldOptions{Host: o.Host, Seed: o.Seed, Start: o.Start})}
	g.people()
	g.rooms()
	for i := range o.Messages {
		g.pass()
		g.item(i)
	}
	g.w.clock++
	g.w.now = o.Now
	return g.w
}

type generator struct {
	o         GenerateOptions
	w         *World
	rand      *rand.Rand
	languages []uint8 // of users, by number
	channels  []generatedChannel
	buf       []byte
	wait      float64 // seconds that passed but are no whole second yet
}

type generatedChannel struct {
	*channel
	language uint8
}

// rank draws one of n things, the first ones often: the cube of a uniform draw is close to Zipf's law.
func (g *generator) rank(n int) int {
	u := g.rand.Float64()
	return int(float64(n) * u * u * u)
}

// common draws one of n words; all of them come up now and then.
func (g *generator) common(n int) int {
	u := g.rand.Float64()
	return int(float64(n) * u * u)
}

// chance is true once in n times.
func (g *generator) chance(n int) bool { return g.rand.IntN(n) == 0 }

func (g *generator) language() uint8 {
	n := g.rand.IntN(110)
	for i := range languages {
		if n -= languages[i].weight; n < 0 {
			return uint8(i)
		}
	}
	return 0
}

func (g *generator) people() {
	g.languages = []uint8{0}
	for i := range g.o.Users {
		n := g.language()
		l := &languages[n]
		first, last := l.first[g.rand.IntN(len(l.first))], l.last[g.rand.IntN(len(l.last))]
		id := strings.ToLower(first + "." + last)
		if _, taken := g.w.userNum[id+"@"+g.w.domain]; taken {
			id = fmt.Sprintf("%s%d", id, i)
		}
		g.w.users[g.w.user(id+"@"+g.w.domain)].name = first + " " + last
		g.languages = append(g.languages, n)
	}
}

// rooms adds the channels: one for all, then ever smaller ones.
func (g *generator) rooms() {
	used := map[string]bool{}
	for i := range g.o.Channels {
		n := g.language()
		names := languages[n].rooms
		name := names[g.rand.IntN(len(names))]
		if i == 0 {
			n, name = 1, "general"
		}
		if used[name] {
			name = fmt.Sprintf("%s-%s-%d", name, g.rare(), i)
		}
		used[name] = true
		c := g.w.addChannel(name, g.w.newID(), nil)
		for range max(2, g.o.Users/(i+1)) {
			c.join(int32(1 + g.rand.IntN(g.o.Users)))
		}
		c.creator = c.members[0]
		g.channels = append(g.channels, generatedChannel{c, n})
	}
}

// workday is from 8 to 19 o'clock.
const workday = 11 * time.Hour

// pass lets the time to the next message go by.
func (g *generator) pass() {
	mean := float64(g.o.Days) * workday.Seconds() / float64(g.o.Messages)
	g.wait += g.rand.ExpFloat64() * mean
	whole := int64(g.wait)
	g.wait -= float64(whole)
	g.w.clock += whole
	day := time.Unix(g.w.clock, 0).UTC()
	if day.Hour() < 8+int(workday.Hours()) && day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
		return
	}
	next := time.Date(day.Year(), day.Month(), day.Day()+1, 8, 0, 0, 0, time.UTC)
	for next.Weekday() == time.Saturday || next.Weekday() == time.Sunday {
		next = next.AddDate(0, 0, 1)
	}
	g.w.clock = next.Unix()
}

// item adds the i-th message or comment.
func (g *generator) item(i int) {
	c := g.channels[g.rank(len(g.channels))]
	user := c.members[g.rank(len(c.members))]
	language := c.language
	if g.chance(5) {
		language = g.languages[user]
	}
	if g.chance(200) {
		g.w.newID() // posted and deleted again
	}
	if len(c.messages) > 3 && g.chance(4) {
		g.comment(c.channel, user, language)
		return
	}
	m := message{id: g.w.newID(), user: user}
	g.kind(i, c.channel, &m, language)
	g.marks(c.channel, &m, language)
	c.insert(m)
}

// kind makes most messages texts, and some of each other kind in worlds of any size.
func (g *generator) kind(i int, c *channel, m *message, language uint8) {
	switch {
	case i%97 == 13:
		snippet := snippets[g.rand.IntN(len(snippets))]
		g.as(m, "code_block", codeMembers(snippet[0]))
		m.text = g.w.text.quote(strings.ReplaceAll(snippet[1], "%d", fmt.Sprint(g.rand.IntN(100000))))
	case i%89 == 7:
		g.as(m, "file_share", "")
		m.more.file = g.file(c, m.user, language)
	case i%193 == 50:
		start := g.w.clock + int64(g.rand.IntN(14*24))*3600
		g.as(m, "event", "")
		m.more.event = g.w.addEvent(c, g.w.newID(), Event{User: g.w.users[m.user].id, Title: g.title(language), Start: start, End: start + 1800})
	case i%229 == 70:
		password := fmt.Sprintf("tajné-%06d", g.rand.IntN(1000000))
		conf := g.w.addConference(g.w.newID(), Conference{User: g.w.users[m.user].id, Title: g.title(language), Password: password})
		conf.in = c
		g.as(m, "conference", conf.members())
	case i%227 == 80:
		g.as(m, "mail_share", "")
		m.more.file = g.mail(c, m.user, language)
	case i%101 == 3:
		g.as(m, "channel_join", "")
		m.text = g.w.text.quote(g.w.users[m.user].name + " joined")
	default:
		m.text = g.w.text.quote(g.text(language))
	}
}

// as makes a message one of another kind.
func (g *generator) as(m *message, subtype, members string) {
	m.subtype = g.w.subtype(subtype)
	if members != "" {
		members = "," + members
	}
	m.rest().members = members
}

// marks lets some messages be edited and reacted to.
func (g *generator) marks(c *channel, m *message, language uint8) {
	if g.chance(50) && m.subtype == 0 {
		m.text = g.w.text.quote(g.text(language))
		r := m.rest()
		r.editor, r.edited = m.user, m.id+uint64(1+g.rand.IntN(600))<<16
	}
	if !g.chance(25) {
		return
	}
	r := m.rest()
	for range 1 + g.rank(8) {
		by := c.members[g.rank(len(c.members))]
		r.reactions = withReaction(withoutReaction(r.reactions, by), by, reactionNames[g.rank(len(reactionNames))])
	}
}

// comment comments on one of the last messages, seldom on an old one.
func (g *generator) comment(c *channel, user int32, language uint8) {
	n := len(c.messages)
	back := 1 + g.rank(min(n, 40))
	if g.chance(30) {
		back = 1 + g.rand.IntN(n)
	}
	m := message{id: g.w.newID(), user: user, text: g.w.text.quote(g.text(language))}
	c.comment(&c.messages[n-back], m)
}

// file uploads a small file with real content.
func (g *generator) file(c *channel, user int32, language uint8) *file {
	name := fmt.Sprintf("%s-%d", g.rare(), g.rand.IntN(1000))
	var data content
	switch g.rand.IntN(5) {
	case 0:
		data.seed, data.size = g.rand.Uint64(), int64(g.rand.IntN(20000))
		name += ".png"
	case 1:
		data.data = []byte(g.csv())
		name += ".csv"
	case 2:
		data.data = []byte("# " + g.title(language) + "\n\n- " + g.text(language) + "\n- " + g.text(language) + "\n")
		name += ".md"
	default:
		data.data = []byte(g.text(language) + "\n\n" + g.text(language) + "\n")
		name += ".txt"
	}
	if data.data != nil {
		data.size = int64(len(data.data))
	}
	return g.add(c, user, name, data)
}

func (g *generator) add(c *channel, user int32, name string, data content) *file {
	return g.w.addFile(c, g.w.newID(), g.w.users[user].id, name, data)
}

func (g *generator) csv() string {
	var b strings.Builder
	b.WriteString("item;count;price\n")
	for range 3 + g.rand.IntN(40) {
		fmt.Fprintf(&b, "%s;%d;%d.%02d\n", g.rare(), g.rand.IntN(500), g.rand.IntN(9000), g.rand.IntN(100))
	}
	return b.String()
}

func (g *generator) mail(c *channel, user int32, language uint8) *file {
	source := fmt.Sprintf("From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
		g.w.users[user].id, c.group, g.title(language), time.Unix(g.w.clock, 0).UTC().Format(time.RFC1123Z), g.rare(), g.w.domain, g.text(language))
	f := g.add(c, user, g.rare()+".eml", content{size: int64(len(source)), data: []byte(source)})
	f.mime = "message/rfc822"
	return f
}

// title is a few words.
func (g *generator) title(language uint8) string {
	g.buf = g.sentence(g.buf[:0], language, 3)
	return string(g.buf)
}

// text is what somebody writes: a sentence or a few, seldom many.
func (g *generator) text(language uint8) string {
	sentences := 1 + g.rank(4)
	if g.chance(100) {
		sentences += g.rand.IntN(25)
	}
	b := g.buf[:0]
	if g.chance(30) {
		b = append(append(append(b, "@["...), g.w.users[1+g.rank(g.o.Users)].id...), "] "...)
	}
	for i := range sentences {
		if i > 0 && g.chance(12) {
			b = append(b, '\n')
		} else if i > 0 {
			b = append(b, languages[language].space...)
		}
		b = g.sentence(b, language, 2+g.rank(16))
		b = append(b, languages[language].stop...)
	}
	switch g.rand.IntN(80) {
	case 0:
		b = fmt.Appendf(b, " https://intranet.%s/%s/%d?q=%s&x=1", g.w.domain, g.rare(), g.rand.IntN(1e6), g.rare())
	case 1, 2, 3:
		b = append(append(b, ' '), emoji[g.rand.IntN(len(emoji))]...)
	case 4:
		b = fmt.Appendf(b, " `%s_%s(\"%d\")`", g.rare(), g.rare(), g.rand.IntN(100))
	}
	g.buf = b
	return string(b)
}

func (g *generator) sentence(b []byte, language uint8, words int) []byte {
	l := &languages[language]
	for i := range words {
		if i > 0 {
			b = append(b, l.space...)
		}
		switch g.rand.IntN(40) {
		case 0:
			b = append(b, g.rare()...)
		case 1:
			b = fmt.Appendf(b, "%d", g.rank(100000))
		default:
			b = append(b, l.words[g.common(len(l.words))]...)
		}
	}
	return b
}

// rare gives one of about 20,000 words that no list has.
func (g *generator) rare() string {
	n := len(syllables)
	k := g.rank(n * n * n)
	return syllables[k%n] + syllables[k/n%n] + syllables[k/n/n]
}

// Busy lets a generated company go on: some messages, comments, edits, deletions and uploads, decided by seed. It
// gives the ts of the main messages that were posted.
func (w *World) Busy(seed uint64, changes int) []record.TS {
	r := rand.New(rand.NewPCG(seed, 0xb5))
	var posted []record.TS
	for _, c := range w.Channels() {
		if len(c.Members) == 0 {
			continue
		}
		for range changes {
			user := c.Members[r.IntN(len(c.Members))]
			if ts := w.happening(r, c.ID, user); ts != "" {
				posted = append(posted, ts)
			}
		}
	}
	return posted
}

// happening changes one thing in a channel; it gives the ts of a message that was posted.
func (w *World) happening(r *rand.Rand, channel, user string) record.TS {
	some := w.someMessage(r, channel)
	text := fmt.Sprintf("update %d: %s", r.IntN(1000), syllables[r.IntN(len(syllables))])
	switch kind := r.IntN(10); {
	case kind < 4 || some == "":
		return w.Post(channel, user, text)
	case kind < 6:
		w.Comment(channel, some, user, text)
	case kind == 6:
		w.Edit(channel, some, user, text)
	case kind == 7:
		w.React(channel, some, user, reactionNames[r.IntN(len(reactionNames))])
	case kind == 8:
		w.Delete(channel, some)
	default:
		ts, _ := w.Upload(channel, user, "update.txt", []byte(text))
		return ts
	}
	return ""
}

// someMessage gives a main message of a channel, "" if it has none.
func (w *World) someMessage(r *rand.Rand, channel string) record.TS {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.channel(channel)
	if len(c.messages) == 0 {
		return ""
	}
	return tsOf(c.messages[r.IntN(len(c.messages))].id)
}
