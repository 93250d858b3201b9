//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/klauspost/compress/zstd"
)

// message is what every contender indexes.
type message struct {
	channel, user, kind, text string
	ts                        record.TS
}

// world is what the contenders of one size share: files in a directory.
type world struct {
	Dir      string
	Messages int
	Queries  []class
	Classes  string // regular expression of those to ask
	Profiles string // directory for profiles, "" for none
}

func (w *world) archive() string       { return filepath.Join(w.Dir, "archive") }
func (w *world) lines() string         { return filepath.Join(w.Dir, "messages.ndjson") }
func (w *world) byChannel() string     { return filepath.Join(w.Dir, "by-channel") }
func (w *world) byTime() string        { return filepath.Join(w.Dir, "by-time") }
func (w *world) of(name string) string { return filepath.Join(w.Dir, name) }

// description is the file that tells a child of the world.
func (w *world) description() string { return filepath.Join(w.Dir, "world.json") }

// prepare makes the messages, the files that the contenders read, and the queries.
func (w *world) prepare(corpus string) error {
	if err := os.MkdirAll(w.Dir, 0o700); err != nil {
		return err
	}
	messages, err := grown(corpus, w.Messages)
	if err != nil {
		return err
	}
	w.Queries = queries(messages)
	for _, step := range []func([]message) error{w.writeArchive, w.writeLines, w.writeByChannel, w.writeByTime} {
		if err := step(messages); err != nil {
			return err
		}
	}
	return w.describe()
}

// revisit takes the queries from what an earlier run prepared.
func (w *world) revisit() error {
	was, err := readWorld(w.description())
	if err != nil {
		return err
	}
	w.Queries = was.Queries
	return w.describe()
}

// asked gives the classes that are measured.
func (w *world) asked() ([]class, error) {
	wanted, err := regexp.Compile(w.Classes)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(w.Queries), func(c class) bool { return !wanted.MatchString(c.Name) }), nil
}

func (w *world) describe() error {
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return os.WriteFile(w.description(), text, 0o600)
}

func readWorld(path string) (*world, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	w := &world{}
	return w, json.Unmarshal(text, w)
}

// grown gives n messages: a part of the corpus, or all of it and then its texts again with their words shuffled, in
// channels of their own. Part means some of the channels, as many as it takes.
func grown(corpus string, n int) ([]message, error) {
	all, err := readCorpus(filepath.Join(corpus, "messages.ndjson.zst"))
	if err != nil {
		return nil, err
	}
	if n < len(all) {
		return someOf(all, n), nil
	}
	random := rand.New(rand.NewPCG(7, 7))
	out := slices.Clip(all)
	for copies := 1; len(out) < n; copies++ {
		for _, m := range all[:min(len(all), n-len(out))] {
			words := strings.Split(m.text, " ")
			random.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
			m.text, m.channel = strings.Join(words, " "), fmt.Sprintf("%s-%d", m.channel, copies)
			out = append(out, m)
		}
	}
	return out, nil
}

// chunk is how many successive messages of a channel are taken or left out together.
const chunk = 500

// someOf takes n messages in chunks spread evenly over the corpus.
func someOf(all []message, n int) []message {
	var out []message
	for i, c := 0, 0; i < len(all) && len(out) < n; i, c = i+chunk, c+1 {
		if c*n/len(all) != (c+1)*n/len(all) || len(all)-i <= n-len(out) {
			out = append(out, all[i:min(i+chunk, len(all))]...)
		}
	}
	return out[:min(n, len(out))]
}

func readCorpus(path string) ([]message, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	z, err := zstd.NewReader(file)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	var out []message
	counters := map[string]int{} // by channel and second
	for lines.Scan() {
		var m struct {
			Channel, User, Kind, Text string
			Time                      time.Time
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return nil, err
		}
		second := fmt.Sprint(m.Channel, m.Time.Unix())
		counters[second]++
		out = append(out, message{m.Channel, m.User + "@corpus.invalid", m.Kind, m.Text, record.MakeTS(m.Time.Unix(), counters[second])})
	}
	return out, lines.Err()
}

// raw gives a message as a server sends it.
func (m *message) raw() ([]byte, error) {
	subtype := map[string]string{"system": "channel_join", "code": "code_block", "file": "file_share"}[m.kind]
	return json.Marshal(struct {
		Type    string `json:"type"`
		Subtype string `json:"subtype,omitempty"`
		User    string `json:"user"`
		Text    string `json:"text"`
		TS      string `json:"ts"`
		Created int64  `json:"created"`
	}{"message", subtype, m.user, m.text, string(m.ts), m.ts.Second()})
}

// writeArchive puts the messages and their users into an archive, in pages of a channel.
func (w *world) writeArchive(messages []message) (err error) {
	if err := os.RemoveAll(w.archive()); err != nil {
		return err
	}
	ctx := context.Background()
	a, err := storage.Create(ctx, w.archive(), storage.Options{})
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, a.Close()) }()
	page := &storage.Page{Observed: time.Unix(1.7e9, 0).UTC()}
	users := map[string]bool{}
	for i, m := range messages {
		raw, err := m.raw()
		if err != nil {
			return err
		}
		page.Channel = m.channel
		page.Messages = append(page.Messages, record.Seen{Key: string(m.ts), Raw: raw})
		if !users[m.user] {
			users[m.user] = true
			page.Users = append(page.Users, record.Seen{Key: m.user, Raw: fmt.Appendf(nil, `{"name":%q}`, m.user)})
		}
		if i+1 == len(messages) || messages[i+1].channel != m.channel || len(page.Messages) == 1000 {
			if err := a.Put(ctx, page); err != nil {
				return err
			}
			page = &storage.Page{Observed: page.Observed}
		}
	}
	return a.Flush(ctx)
}

// writeLines writes the messages as the JSON that was received, a line each.
func (w *world) writeLines(messages []message) error {
	return writeFile(w.lines(), func(out *bufio.Writer) error {
		for i := range messages {
			raw, err := messages[i].raw()
			if err != nil {
				return err
			}
			out.Write(raw)
			out.WriteByte('\n')
		}
		return nil
	})
}

func (w *world) writeByChannel(messages []message) error {
	return writeMessages(w.byChannel(), messages)
}

func (w *world) writeByTime(messages []message) error {
	sorted := slices.Clone(messages)
	slices.SortStableFunc(sorted, func(a, b message) int { return cmp.Compare(a.ts, b.ts) })
	return writeMessages(w.byTime(), sorted)
}

// writeMessages writes messages so that reading them takes next to no time.
func writeMessages(path string, messages []message) error {
	return writeFile(path, func(out *bufio.Writer) error {
		var b []byte
		for _, m := range messages {
			b = b[:0]
			for _, s := range []string{m.channel, m.user, m.kind, m.text, string(m.ts)} {
				b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
			}
			out.Write(b)
		}
		return nil
	})
}

func writeFile(path string, write func(*bufio.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	return cmp.Or(write(out), out.Flush(), file.Close())
}

// eachMessage reads what writeMessages wrote.
func eachMessage(path string, each func(*message) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<20)
	text := func() string {
		n, rerr := binary.ReadUvarint(in)
		var b bytes.Buffer
		if rerr == nil {
			_, rerr = io.CopyN(&b, in, int64(n))
		}
		err = cmp.Or(err, rerr)
		return b.String()
	}
	for {
		m := message{channel: text(), user: text(), kind: text(), text: text()}
		m.ts = record.TS(text())
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = each(&m)
		}
		if err != nil {
			return err
		}
	}
}
