package export

import (
	stdjson "encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
)

// readMboxrd gives the messages of a mailbox with CRLF, and their separators.
func readMboxrd(t testing.TB, box string) (messages, separators []string) {
	t.Helper()
	if strings.Contains(box, "\r") || !strings.HasSuffix(box, "\n\n") {
		t.Fatal("lines do not end in LF, or the last message not in an empty line")
	}
	for line := range strings.SplitAfterSeq(box, "\n") {
		if strings.HasPrefix(line, "From ") {
			separators, messages = append(separators, line), append(messages, "")
			continue
		}
		if strings.HasPrefix(strings.TrimLeft(line, ">"), "From ") {
			line = line[1:]
		}
		messages[len(messages)-1] += line
	}
	for i, m := range messages {
		messages[i] = strings.ReplaceAll(strings.TrimSuffix(m, "\n"), "\n", "\r\n")
	}
	return messages, separators
}

// separatorTexts look like what separates the messages of a mailbox.
var separatorTexts = []string{
	"From ann@example.com Fri Jul 14 02:40:00 2017", ">From x", ".", "..\n.\nFrom a\n\nFrom b\n>>From c", "\n\nFrom x", "-- \nFrom me",
}

func separatorSource() *source {
	src := hostileSource()
	var items []Item
	for i, text := range separatorTexts {
		quoted, _ := stdjson.Marshal(text)
		items = append(items, message("chan-00", record.MakeTS(1400000000, i), "", `{"user":"user03","text":`+string(quoted)+`}`))
	}
	src.items = slices.Concat(items, src.items)
	return src
}

// mailFiles gives all mails of the format eml, sorted.
func mailFiles(files map[string]string) (mails []string) {
	for path, raw := range files {
		if strings.HasSuffix(path, ".eml") {
			mails = append(mails, raw)
		}
	}
	slices.Sort(mails)
	return mails
}

func TestMailboxesHoldTheMails(t *testing.T) {
	if testing.Short() {
		t.Skip("writes thousands of mails")
	}
	dir, _ := exportTo(t, smallSelection, separatorSource(), "eml", "mbox")
	files := tree(t, dir)
	var all []string
	for path, box := range files {
		if !strings.HasSuffix(path, ".mbox") {
			continue
		}
		messages, separators := readMboxrd(t, box)
		all = append(all, messages...)
		for i, s := range separators {
			m := parseMail(t, path, messages[i])
			date, err := m.header.Text("Date")
			if err != nil || s[len(s)-5:len(s)-1] != date[12:16] || !strings.HasPrefix(s, "From ") {
				t.Errorf("%s: separator %q of %s", path, s, date)
			}
		}
	}
	slices.Sort(all)
	if diff := cmp.Diff(mailFiles(files), all); diff != "" {
		t.Errorf("%.3000s", diff)
	}
	if !strings.Contains(files["data/mbox/README.txt"], "mboxrd") {
		t.Error("the folder does not state the variant")
	}
}

// pythonReader prints the ids of a mailbox's messages, their texts and what is wrong with them.
const pythonReader = `
import json, mailbox, sys, email, email.policy
out = []
for m in mailbox.mbox(sys.argv[1], factory=lambda f: email.message_from_binary_file(f, policy=email.policy.default)):
    defects = [str(d) for p in m.walk() for d in p.defects]
    out.append([m["Message-ID"], m.get_body(("plain",)).get_content(), defects])
print(json.dumps(out))
`

var quotedFrom = regexp.MustCompile(`(?m)^>+From `)

// plainText is a text with LF, and without what Python leaves where it was quoted, as it takes no variant for granted.
func plainText(text string) string {
	return quotedFrom.ReplaceAllString(strings.ReplaceAll(text, "\r\n", "\n"), "From ")
}

func TestPythonReadsMailboxes(t *testing.T) {
	if testing.Short() {
		t.Skip("has another program read many mails")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	dir, _ := exportTo(t, smallSelection, separatorSource(), "mbox")
	boxes, err := filepath.Glob(filepath.Join(dir, "data", "mbox", "*.mbox"))
	if err != nil || len(boxes) != len(hostile) {
		t.Fatalf("%d mailboxes: %v", len(boxes), err)
	}
	for _, path := range boxes {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		messages, _ := readMboxrd(t, string(content))
		out, err := exec.CommandContext(t.Context(), python, "-c", pythonReader, path).Output()
		if err != nil {
			t.Fatal(err)
		}
		var read [][]any
		if err := stdjson.Unmarshal(out, &read); err != nil || len(read) != len(messages) {
			t.Fatalf("%s: Python reads %d of %d messages: %v", path, len(read), len(messages), err)
		}
		for i, raw := range messages {
			m := parseMail(t, path, raw)
			got, want := plainText(read[i][1].(string)), plainText(m.text)
			if read[i][0] != m.header.Get("Message-Id") || len(read[i][2].([]any)) > 0 || got != want {
				t.Errorf("%s: Python reads %.300q, want %.300q", path, read[i], want)
			}
		}
	}
}

func TestMailboxesAreSplit(t *testing.T) {
	dir := t.TempDir()
	b, err := newBundle(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.discard()
	src := small()
	f, err := newFrame(t.Context(), smallSelection, src)
	if err != nil {
		t.Fatal(err)
	}
	f.bundle, f.progress = b, func() {}
	if f.contents, err = newContents(t.Context(), src, b); err != nil {
		t.Fatal(err)
	}
	w, err := newMbox(f)
	if err != nil {
		t.Fatal(err)
	}
	w.(*mailboxes).limit = mailOverhead + 5000
	if err := f.walk(t.Context(), []sink{f.tally, f.contents, w}); err != nil {
		t.Fatal(err)
	}
	total, files := 0, tree(t, b.dir)
	for _, name := range []string{"general_5b00fb8ce5e6.mbox", "general_5b00fb8ce5e6_p02.mbox", "zluty-kun_6983f31a32eb.mbox"} {
		messages, _ := readMboxrd(t, files["data/mbox/"+name])
		total += len(messages)
	}
	if total != 6 {
		t.Errorf("%d messages in %v", total, names(files))
	}
}
