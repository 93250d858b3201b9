package export

import (
	"bufio"
	"cmp"
	stdjson "encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"

	"github.com/klauspost/compress/zstd"
)

// corpusSource has every nth message of the chat corpus, threads as far as their roots are among them.
func corpusSource(t testing.TB, n int) *source {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "corpus", "chat", "messages.ndjson.zst"))
	if err != nil {
		t.Skip("the chat corpus is not here")
	}
	defer file.Close()
	in, err := zstd.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	src := &source{}
	channels, users, roots := map[string]*record.Channel{}, map[string]bool{}, map[string]record.TS{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for i := 0; lines.Scan(); i++ {
		if i%n > 1 { // pairs, so that there are answers to what is there
			continue
		}
		var line struct {
			ID, Channel, User, Text, Thread string
			Time                            time.Time
		}
		if err := stdjson.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if channels[line.Channel] == nil {
			channels[line.Channel] = &record.Channel{ID: "id-" + line.Channel, Name: line.Channel, State: record.ChannelPresent}
			src.channels = append(src.channels, channels[line.Channel])
		}
		users[line.User] = true
		raw, _ := stdjson.Marshal(map[string]string{"user": line.User, "text": line.Text})
		ts := record.MakeTS(line.Time.Unix(), i)
		roots[line.ID] = ts
		src.items = append(src.items, message("id-"+line.Channel, ts, roots[line.Thread], string(raw)))
	}
	for id := range users {
		src.users = append(src.users, &record.User{ID: id, Name: id})
	}
	slices.SortFunc(src.users, func(a, b *record.User) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(src.channels, func(a, b *record.Channel) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(src.items, func(a, b Item) int { return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.TS, b.TS)) })
	return src
}

// TestCorpusAsMail exports messages of the corpus as mailboxes and as slices, and finds every text again in both.
func TestCorpusAsMail(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a part of the corpus")
	}
	n := 100
	if testing.Short() {
		n = 1000
	}
	src := corpusSource(t, n)
	inBoxes, inSlices := map[string]string{}, map[string]string{}
	dir, _ := exportTo(t, smallSelection, src, "mbox")
	for path, box := range tree(t, dir) {
		if !strings.HasSuffix(path, ".mbox") {
			continue
		}
		messages, _ := readMboxrd(t, box)
		for _, raw := range messages {
			m := parseMail(t, path, raw)
			inBoxes[m.get("X-TeamChat-Conversation-ID")+"/"+m.get("X-TeamChat-Message-ID")] = m.body()
		}
	}
	for _, m := range readMails(t, exportSlices(t, smallSelection, src, UnitMonth)) {
		for _, a := range articles(t, m.html) {
			inSlices[m.get("X-TeamChat-Conversation-ID")+"/"+strings.TrimPrefix(a.id, "m-")] = a.texts[0]
		}
	}
	if len(inBoxes) != len(src.items) || len(inSlices) != len(src.items) {
		t.Errorf("%d and %d of %d messages", len(inBoxes), len(inSlices), len(src.items))
	}
	for _, item := range src.items {
		if got, want := inBoxes[item.ID()], asMailText(item.Text); got != want {
			t.Errorf("%s: %.200q in its mail, want %.200q", item.ID(), got, want)
		}
		if got, want := inSlices[item.ID()], inHTML(item.Text); got != want {
			t.Errorf("%s: %.200q in its slice, want %.200q", item.ID(), got, want)
		}
	}
}
