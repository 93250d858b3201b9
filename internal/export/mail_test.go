package export

import (
	"bytes"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	ourmail "archiver/internal/mail"
	"archiver/internal/record"

	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/google/go-cmp/cmp"
	"github.com/jhillyerd/enmime/v2"
)

// readMail is a mail as readers of others see it.
type readMail struct {
	header      gomessage.Header
	text, html  string
	attachments map[string]string // contents by name
}

func (m readMail) get(name string) string {
	text, err := m.header.Text(name)
	if err != nil {
		return err.Error()
	}
	return text
}

// body is the message's text: without the notes, of which the header gives the number.
func (m readMail) body() string {
	if m.get("X-TeamChat-Notes") == "" {
		return strings.TrimSuffix(m.text, "\r\n")
	}
	return m.text[:strings.LastIndex(m.text, "\r\n-- \r\n")]
}

// parseMail reads a mail by go-message and by enmime, which must find nothing wrong and the same.
func parseMail(t testing.TB, path, raw string) readMail {
	t.Helper()
	checkMailLines(t, path, raw)
	entity, err := gomessage.Read(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: go-message: %v", path, err)
	}
	m := readMail{header: entity.Header, attachments: map[string]string{}}
	err = entity.Walk(func(_ []int, part *gomessage.Entity, err error) error {
		if err != nil || part.MultipartReader() != nil {
			return err
		}
		body, err := io.ReadAll(part.Body)
		m.take(part.Header, string(body))
		return err
	})
	if err != nil {
		t.Fatalf("%s: go-message: %v", path, err)
	}
	e, err := enmime.NewParser(enmime.DisableCharacterDetection(true)).ReadEnvelope(strings.NewReader(raw))
	if err != nil || len(e.Errors) > 0 {
		t.Fatalf("%s: enmime: %v %v", path, err, e.Errors)
	}
	if e.Text != m.text || e.HTML != m.html || len(e.Inlines)+len(e.OtherParts) > 0 {
		t.Fatalf("%s: the readers differ: %q and %q", path, e.Text, m.text)
	}
	attached := map[string]string{}
	for _, a := range e.Attachments {
		attached[a.FileName] = string(a.Content)
	}
	if diff := cmp.Diff(m.attachments, attached); diff != "" {
		t.Fatalf("%s: the readers differ: %s", path, diff)
	}
	for _, key := range e.GetHeaderKeys() {
		if got := e.GetHeader(key); got != m.get(key) {
			t.Fatalf("%s: the readers differ: %s: %q and %q", path, key, got, m.get(key))
		}
		if n := len(e.GetHeaderValues(key)); n != 1 {
			t.Fatalf("%s: %d times %s", path, n, key)
		}
	}
	return m
}

func (m *readMail) take(h gomessage.Header, body string) {
	_, disposition, _ := h.ContentDisposition()
	mediaType, _, _ := h.ContentType()
	switch {
	case disposition["filename"] != "":
		m.attachments[disposition["filename"]] = body
	case mediaType == "text/html":
		m.html = body
	default:
		m.text = body
	}
}

func checkMailLines(t testing.TB, path, raw string) {
	t.Helper()
	if strings.ContainsFunc(raw, func(r rune) bool { return r >= 0x7f || r < ' ' && r != '\r' && r != '\n' && r != '\t' }) {
		t.Fatalf("%s: not only printable ASCII", path)
	}
	for line := range strings.SplitSeq(raw, "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
			t.Fatalf("%s: line %q", path, line)
		}
	}
}

// readMails reads all mails below data/eml, by path.
func readMails(t testing.TB, files map[string]string) map[string]readMail {
	t.Helper()
	mails, ids := map[string]readMail{}, map[string]string{}
	for path, raw := range files {
		if !strings.HasPrefix(path, "data/eml/") || !strings.HasSuffix(path, ".eml") {
			continue
		}
		m := parseMail(t, path, raw)
		id := m.header.Get("Message-Id")
		if other := ids[id]; other != "" {
			t.Errorf("%s and %s have the same id %s", path, other, id)
		}
		ids[id] = path
		if _, err := mail.ParseDate(m.header.Get("Date")); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, field := range []string{"From", "To"} {
			if _, err := mail.ParseAddressList(m.header.Get(field)); err != nil && m.header.Get(field) != "undisclosed-recipients:;" {
				t.Errorf("%s: %s: %v: %q", path, field, err, m.header.Get(field))
			}
		}
		mails[path] = m
	}
	return mails
}

// mailText is what a mail can hold of a text.
func asMailText(text string) string {
	plain, _ := ourmail.AppendText(nil, text)
	return string(plain)
}

// hostile are names that must not get out of a header.
var hostile = []string{
	"Novak, Ada", "Ada Nováková", "x\r\nBcc: eve@example.com\r\n\r\nbody", "a\x00b", "\u202Eevil\u202C שלום", `"quoted" <b@c>`, "\xff\xfe",
	"", "   ", "=?utf-8?Q?=0D=0ABcc:?=", strings.Repeat("long ", 100), strings.Repeat("ž", 500), "tab\tand\vmore", "🚀👩‍👩‍👧",
}

// hostileSource has the traps as texts, and the hostile names as those of people, channels and files.
func hostileSource() *source {
	src, _ := trapSource()
	src.channels, src.users = nil, nil
	src.files = map[string][]*record.File{}
	for i, name := range hostile {
		id := fmt.Sprintf("user%02d", i)
		src.users = append(src.users, &record.User{ID: id, Name: name, Email: []string{"", "ann@example.com\r\nBcc: eve@x", "ž@x", id + "@example.com"}[i%4]})
	}
	texts := src.items
	src.items = nil
	for i, name := range hostile {
		c := channelWith(fmt.Sprintf("chan-%02d", i), name, src.users)
		src.channels = append(src.channels, c)
		for j, trap := range texts {
			item := *trap.Message
			item.Channel, item.User = c.ID, src.users[j%len(src.users)].ID
			src.items = append(src.items, Item{Message: &item, Reason: ReasonHit})
		}
		ts := record.MakeTS(1600000000, i)
		src.items = append(src.items, message(c.ID, ts, texts[0].TS,
			fmt.Sprintf(`{"user":"user00","text":"file","subtype":"file_share","file":{"id":"f%d","name":%q}}`, i, name)))
		src.attach(c.ID, fmt.Sprintf("f%d", i), name, "content "+name)
	}
	return src
}

func channelWith(id, name string, users []*record.User) *record.Channel {
	c := &record.Channel{ID: id, Name: name, Names: []string{name}, State: record.ChannelPresent, Since: time.Unix(1400000000, 0)}
	for _, u := range users {
		c.Members = append(c.Members, u.ID)
		c.History.Members = append(c.History.Members, record.Span{Value: u.ID, From: c.Since})
	}
	return c
}

func TestHostileNamesAndTextsInMails(t *testing.T) {
	src := hostileSource()
	dir, summary := exportTo(t, smallSelection, src, "eml")
	mails := readMails(t, tree(t, dir))
	if len(mails) != len(src.items) {
		t.Fatalf("%d mails of %d messages", len(mails), len(src.items))
	}
	texts := map[string]string{}
	for _, m := range mails {
		if m.header.Has("Bcc") || m.header.Get("X-TeamChat-Attachment-Unavailable") != "" {
			t.Errorf("fields that should not be: %v", m.header.Map())
		}
		texts[m.get("X-TeamChat-Conversation-ID")+"/"+m.get("X-TeamChat-Message-ID")] = m.body()
	}
	for _, item := range src.items {
		if got := texts[item.ID()]; got != asMailText(item.Text) {
			t.Errorf("%s: %.200q, want %.200q", item.ID(), got, asMailText(item.Text))
		}
	}
	if n := summary.Exceptions; len(n) != 1 || !strings.HasPrefix(n[0].What, fmt.Sprintf("%d NUL bytes", len(hostile))) {
		t.Errorf("exceptions %v", n)
	}
}

func TestMailsOfVersionsAndThreads(t *testing.T) {
	src := small()
	dir, _ := exportTo(t, smallSelection, src, "eml")
	mails := readMails(t, tree(t, dir))
	var got []string
	for path, m := range mails {
		got = append(got, strings.Join([]string{path[strings.LastIndexByte(path, '/')+1:], m.get("Message-Id"), m.get("In-Reply-To"), m.get("References"),
			m.get("X-TeamChat-Event"), m.get("X-TeamChat-Version"), m.get("Subject"), m.body()}, "|"))
	}
	slices.Sort(got)
	general, other := "m.5b00fb8ce5-", "m.6983f31a32-"
	host := "@4f2a.teamchat.invalid>"
	root := "<" + general + "1500000000-000001.1" + host
	want := []string{
		"20140513T165320Z_1400000000-000000_v1-deleted.eml|<" + other + "1400000000-000000.1-deleted" + host + "||<" + other + "1400000000-000000.1" + host +
			"|deleted|1/1|[#žlutý, \"kůň\"] =cmd()|=cmd()",
		"20140513T165320Z_1400000000-000000_v1.eml|<" + other + "1400000000-000000.1" + host + "|||created|1/1|[#žlutý, \"kůň\"] =cmd()|=cmd()",
		"20170714T024000Z_1500000000-000001_v1.eml|" + root + "|||created|1/2|[#general] hello|hello",
		"20170714T024000Z_1500000000-000001_v2.eml|<" + general + "1500000000-000001.2" + host + "||" + root +
			"|edited|2/2|[#general] hello|hello @[bob@x] and @[@all@]",
		"20170714T024001Z_1500000001-000000_v1.eml|<" + general + "1500000001-000000.1" + host + "|" + root + "|" + root +
			"|created|1/1|Re: [#general] hello|a comment, \"quoted\"\r\nand\r\nmore",
		"20170714T024002Z_1500000002-000000_v1.eml|<" + general + "1500000002-000000.1" + host + "|||created|1/1|[#general] see|see",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMailTellsWhatIsKnownOfItsMessage(t *testing.T) {
	dir, _ := exportTo(t, smallSelection, small(), "eml")
	mails := readMails(t, tree(t, dir))
	edited := mailWith(t, mails, "1500000000-000001_v2.eml")
	for name, want := range map[string]string{
		"From": "Ann <ann@example.com>", "Date": "Fri, 14 Jul 2017 02:40:00 +0000", "List-Id": "#general <5b00fb8ce5.4f2a.teamchat.invalid>",
		"Auto-Submitted": "auto-generated", "X-TeamChat-Edited-At": "2017-07-14T02:41:40Z", "X-TeamChat-Edited-By": "bob@x",
		"X-TeamChat-Reactions": `[{"name":"heart","count":2},{"name":"ok","count":1}]`, "X-TeamChat-Archive-Seq": "101", "X-TeamChat-Notes": "4",
		"X-TeamChat-Export-ID": "EXP-2026-000001", "X-TeamChat-Kind": "text", "X-TeamChat-Reason": "hit", "X-TeamChat-Author-ID": "ann@x",
	} {
		if got := edited.get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if want := small().items[0].Versions[1].SHA256; edited.get("X-TeamChat-Archive-Hash") != want {
		t.Errorf("hash %s, want %s", edited.get("X-TeamChat-Archive-Hash"), want)
	}
	for _, note := range []string{"[version 2 of 2, first read 2026-01-02 04:04:05Z]", "[edited 2017-07-14 02:41:40Z by =Bob]", "[reaction: heart x2]"} {
		if !strings.Contains(edited.text, note+"\r\n") {
			t.Errorf("no %s in %q", note, edited.text)
		}
	}
	first := mailWith(t, mails, "1500000000-000001_v1.eml")
	for _, name := range []string{"X-TeamChat-Edited-At", "X-TeamChat-Reactions"} {
		if first.header.Has(name) {
			t.Errorf("%s in the mail of an earlier version", name)
		}
	}
	deleted := mailWith(t, mails, "_v1-deleted.eml")
	if got := deleted.get("X-TeamChat-Deleted-At"); got != "2026-01-02T04:04:05.678Z" {
		t.Errorf("deleted at %s", got)
	}
}

func mailWith(t testing.TB, mails map[string]readMail, ending string) readMail {
	t.Helper()
	for path, m := range mails {
		if strings.HasSuffix(path, ending) {
			return m
		}
	}
	t.Fatalf("no mail ends in %s", ending)
	return readMail{}
}

func TestAttachmentsOfMails(t *testing.T) {
	src := small()
	src.files["chan-c"] = append(src.files["chan-c"], &record.File{Channel: "chan-c", ID: "f4", Name: "lost.bin", State: record.FileStored,
		Versions: []record.Revision{{SHA256: strings.Repeat("00", 32), Size: 3}}})
	share := `{"user":"ann@x","text":"","subtype":"file_share","file":{"id":"%s","name":"%s"}}`
	src.items = append(src.items,
		message("chan-c", "1400000001.000000", "", fmt.Sprintf(share, "f3", "gone.bin")),
		message("chan-c", "1400000002.000000", "", fmt.Sprintf(share, "f4", "lost.bin")),
		message("chan-c", "1400000003.000000", "", fmt.Sprintf(share, "f5", "unknown.bin")),
		message("chan-c", "1400000004.000000", "", fmt.Sprintf(share, "f6", strings.Repeat("ů", 300)+".pdf"), fmt.Sprintf(share, "f6", "short.pdf")),
	)
	src.attach("chan-c", "f6", "short.pdf", string(bytes.Repeat([]byte("0123456789\x00\xff\r\n"), 50_000)))
	dir, _ := exportTo(t, smallSelection, src, "eml")
	mails := readMails(t, tree(t, dir))
	for ending, want := range map[string]map[string]string{
		"1500000002-000000_v1.eml": {"_.._etc_pass wd.PDF": "second content"},
		"1400000001-000000_v1.eml": {},
		"1400000004-000000_v1.eml": {},
		"1400000004-000000_v2.eml": {"short.pdf": strings.Repeat("0123456789\x00\xff\r\n", 50_000)},
	} {
		if diff := cmp.Diff(want, mailWith(t, mails, ending).attachments); diff != "" {
			t.Errorf("%s: %s", ending, diff)
		}
	}
	for ending, want := range map[string]string{
		"1400000001-000000_v1.eml": "gone.bin|gone e_notfound",
		"1400000002-000000_v1.eml": "lost.bin|its content could not be read: SHA-256 " + strings.Repeat("00", 32),
		"1400000003-000000_v1.eml": "unknown.bin|the archive knows of no such file",
	} {
		m := mailWith(t, mails, ending)
		name, why, _ := strings.Cut(want, "|")
		if m.get("X-TeamChat-Attachment-Name") != name || m.get("X-TeamChat-Attachment-Unavailable") != why {
			t.Errorf("%s: %v", ending, m.header.Map())
		}
		if note := "[attachment unavailable: " + name + " (" + why + ")]"; !strings.Contains(m.text, note) || !strings.Contains(m.html, why) {
			t.Errorf("%s: no %s in %q", ending, note, m.text)
		}
	}
	if m := mailWith(t, mails, "1500000002-000000_v1.eml"); !strings.Contains(m.text, "[earlier content of ../../etc/pass wd.PDF: data/files/") {
		t.Errorf("no earlier content in %q", m.text)
	}
}

// TestRecipientsAreMembersAtSendTime also sees that many are one address and a file that is written once.
func TestRecipientsAreMembersAtSendTime(t *testing.T) {
	src := small()
	src.users = nil
	for i := range 600 {
		id := fmt.Sprintf("user%03d@example.com", i)
		src.users = append(src.users, &record.User{ID: id, Name: fmt.Sprintf("User, %d", i)})
	}
	few, many := channelWith("chan-a", "few", src.users[:3]), channelWith("chan-b", "many", src.users[:502])
	at := func(second int64) time.Time { return time.Unix(1500000000+second, 0) }
	few.History.Members[0].To = at(10)
	few.History.Members = append(few.History.Members, record.Span{Value: "user500@example.com", From: at(20)})
	many.History.Members[0].To, many.History.Members[1].To = at(10), at(20)
	src.channels, src.items = []*record.Channel{few, many}, nil
	for _, c := range src.channels {
		for _, second := range []int64{5, 6, 10, 15, 20} {
			src.items = append(src.items, message(c.ID, record.MakeTS(1500000000+second, 0), "", `{"user":"user001@example.com","text":"x"}`))
		}
	}
	dir, _ := exportTo(t, smallSelection, src, "eml")
	files := tree(t, dir)
	var got []string
	for path, m := range readMails(t, files) {
		list, err := mail.ParseAddressList(m.header.Get("To"))
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s %s %d of them %s", m.get("X-TeamChat-Conversation-Name"), m.get("X-TeamChat-Message-ID"), len(list), list[len(list)-1].Name)
		if file := m.get("X-TeamChat-Members-File"); file != "" {
			line += fmt.Sprintf(", %d listed", strings.Count(files[file], "\r\n")-1)
		}
		got = append(got, line)
		_ = path
	}
	slices.Sort(got)
	want := []string{
		"few 1500000005.000000 3 of them User, 2", "few 1500000006.000000 3 of them User, 2", "few 1500000010.000000 2 of them User, 2",
		"few 1500000015.000000 2 of them User, 2", "few 1500000020.000000 3 of them User, 500",
		"many 1500000005.000000 1 of them #many (502 members), 502 listed", "many 1500000006.000000 1 of them #many (502 members), 502 listed",
		"many 1500000010.000000 1 of them #many (501 members), 501 listed", "many 1500000015.000000 1 of them #many (501 members), 501 listed",
		"many 1500000020.000000 500 of them User, 501",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	lists := 0
	for path := range files {
		if strings.Contains(path, "/members-") {
			lists++
		}
	}
	if lists != 2 {
		t.Errorf("%d lists of members for two states of the channel", lists)
	}
}

func TestMailFoldersStaySmall(t *testing.T) {
	if testing.Short() {
		t.Skip("writes thousands of files")
	}
	src := small()
	src.channels, src.files, src.items = src.channels[:1], nil, nil
	one := message("chan-a", "1500000000.000000", "", `{"user":"ann@x","text":"x"}`)
	for i := range 2*maxFolder + 1 {
		item := *one.Message
		item.TS = record.MakeTS(1500000000, i)
		src.items = append(src.items, Item{Message: &item, Reason: ReasonHit})
	}
	dir, _ := exportTo(t, smallSelection, src, "eml")
	folders := map[string]int{}
	for path := range tree(t, dir) {
		if strings.HasSuffix(path, ".eml") {
			folders[path[len("data/eml/general_5b00fb8ce5e6/"):strings.LastIndexByte(path, '/')]]++
		}
	}
	if diff := cmp.Diff(map[string]int{"2017-07": maxFolder, "2017-07_p02": maxFolder, "2017-07_p03": 1}, folders); diff != "" {
		t.Error(diff)
	}
}

func TestRootOutsideOfTheExport(t *testing.T) {
	src := small()
	src.items = src.items[1:2]
	dir, _ := exportTo(t, smallSelection, src, "eml")
	m := mailWith(t, readMails(t, tree(t, dir)), ".eml")
	if m.get("Subject") != "Re: [#general] thread 1500000000.000001" || m.get("In-Reply-To") != "<m.5b00fb8ce5-1500000000-000001.1@4f2a.teamchat.invalid>" ||
		!strings.Contains(m.text, "[comment on message 1500000000.000001, which is not in this export]") {
		t.Errorf("%v %q", m.header.Map(), m.text)
	}
}

func TestSubjects(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "(text without text)",
		"short":                            "short",
		" line\r\nends  and\tspaces ":      "line ends and spaces",
		strings.Repeat("ž", 70):            strings.Repeat("ž", 70),
		strings.Repeat("ž", 71):            strings.Repeat("ž", 70),
		strings.Repeat("123456789 ", 1000): strings.TrimSpace(strings.Repeat("123456789 ", 7)),
		"a\x00b\x1b":                       "ab␛",
	} {
		m := &record.Message{Kind: record.KindText, Versions: []record.Version{{Text: text}, {Text: "later"}}}
		if got := mailSubject(m); got != want {
			t.Errorf("%.50q: %q, want %q", text, got, want)
		}
	}
}
