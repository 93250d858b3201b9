package teamchattest

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"archiver/internal/record"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

// CorpusMessage is a line of the corpus as it is served.
type CorpusMessage struct {
	Line    int    // in the file, from 1
	ID      string // of the corpus
	Channel string // name
	TS      record.TS
	Thread  record.TS // the root's, "" for a main message
	User    string    // as CorpusUser gives it
	Text    string
	Kind    string    // message, code, file or system, as the corpus has it
	Time    time.Time // the whole second of the source
	File    string    // name of the message's file, "" without one

	source *corpusLine
}

// corpusLine is a line as it stands in the corpus.
type corpusLine struct {
	Channel   string           `json:"channel"`
	ID        string           `json:"id"`
	Thread    string           `json:"thread"`
	User      string           `json:"user"`
	Time      time.Time        `json:"time"`
	Text      string           `json:"text"`
	Edited    string           `json:"edited"`
	Kind      string           `json:"kind"`
	Reactions []corpusReaction `json:"reactions"`
	File      *corpusFile      `json:"file"`
}

type corpusReaction struct {
	Name  string   `json:"name"`
	Count int      `json:"count"`
	Users []string `json:"users"`
}

type corpusFile struct {
	Name string `json:"name"`
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// CorpusUser is the account of a user of the corpus: its id in lower case with "-" for all but letters, digits, "_"
// and ".", made unique by 8 hex digits of its SHA-256 where that loses something, at corpus.invalid. Nobody is "".
func CorpusUser(id string) string {
	if id == "" {
		return ""
	}
	slug := strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_', r == '.':
			return r
		}
		return '-'
	}, id)
	if slug != id {
		sum := sha256.Sum256([]byte(id))
		slug += "-" + hex.EncodeToString(sum[:4])
	}
	return slug + "@corpus.invalid"
}

// CorpusMessages gives every line of a corpus as LoadCorpus serves it, in the order of the file.
//
// The ts of a line is its whole second and, as counter, how many lines of its channel stand before it in that second.
// A reply that the source has before its root gets the root's second and the next counter that is free there. The path
// is that of the NDJSON, plain or with zstd (".zst"), or of its directory.
func CorpusMessages(path string) iter.Seq2[CorpusMessage, error] {
	return func(yield func(CorpusMessage, error) bool) {
		for group, err := range corpusChannels(path) {
			if err != nil {
				yield(CorpusMessage{}, err)
				return
			}
			for _, m := range group {
				if !yield(m, nil) {
					return
				}
			}
		}
	}
}

// corpusChannels gives the lines of one channel after the other.
func corpusChannels(path string) iter.Seq2[[]CorpusMessage, error] {
	return func(yield func([]CorpusMessage, error) bool) {
		var group []CorpusMessage
		seen := map[string]bool{}
		for line, err := range corpusLines(path) {
			if err == nil && len(group) > 0 && group[0].Channel != line.Channel {
				if err = assignTS(group); err == nil && !yield(group, nil) {
					return
				}
				group = nil
			}
			if err == nil && len(group) == 0 && seen[line.Channel] {
				err = fmt.Errorf("corpus line %d: lines of channel %q are not together", line.Line, line.Channel)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			seen[line.Channel] = true
			group = append(group, line)
		}
		if len(group) > 0 {
			yield(group, assignTS(group))
		}
	}
}

// assignTS gives the lines of a channel their ts and thread.
func assignTS(group []CorpusMessage) error {
	next := map[int64]int{}
	place := make(map[string]int, len(group))
	for i := range group {
		m := &group[i]
		second := m.Time.Unix()
		m.TS = record.MakeTS(second, next[second])
		next[second]++
		place[m.ID] = i
	}
	for i := range group {
		m := &group[i]
		root, ok := rootOf(group, place, i)
		if !ok {
			continue
		}
		m.Thread = group[root].TS
		if m.TS < m.Thread {
			second := m.Thread.Second()
			m.TS = record.MakeTS(second, next[second])
			next[second]++
		}
	}
	for second, n := range next {
		if n > 1<<16 || second < 0 || second >= 1<<32 {
			return fmt.Errorf("corpus channel %q: second %d holds %d lines", group[0].Channel, second, n)
		}
	}
	return nil
}

// rootOf gives the place of the main message that a line replies to; ok is false for a line that replies to none of the
// channel's.
func rootOf(group []CorpusMessage, place map[string]int, i int) (root int, ok bool) {
	thread := group[i].source.Thread
	if thread == "" {
		return 0, false
	}
	root, ok = place[thread]
	return root, ok && group[root].source.Thread == ""
}

// corpusLines reads the file.
func corpusLines(path string) iter.Seq2[CorpusMessage, error] {
	return func(yield func(CorpusMessage, error) bool) {
		in, err := openCorpus(path)
		if err != nil {
			yield(CorpusMessage{}, err)
			return
		}
		defer in.Close()
		lines := bufio.NewReaderSize(in, 1<<20)
		for n := 1; ; n++ {
			line, err := lines.ReadSlice('\n')
			if errors.Is(err, io.EOF) && len(line) == 0 {
				return
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			m := CorpusMessage{Line: n}
			if err == nil {
				err = m.parse(line)
			}
			if err != nil {
				err = fmt.Errorf("corpus line %d: %w", n, err)
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

func (m *CorpusMessage) parse(line []byte) error {
	l := &corpusLine{}
	if err := json.Unmarshal(line, l); err != nil {
		return err
	}
	m.source, m.ID, m.Channel, m.User, m.Text, m.Kind = l, l.ID, l.Channel, CorpusUser(l.User), l.Text, l.Kind
	m.Time = l.Time.Truncate(time.Second)
	if l.File != nil {
		m.File = cmp.Or(l.File.Name, "file")
	}
	return nil
}

// corpusFileName gives the NDJSON file that a path means.
func corpusFileName(path string) string {
	for _, name := range []string{"messages.ndjson.zst", "messages.ndjson"} {
		if inside := filepath.Join(path, name); isFile(inside) {
			return inside
		}
	}
	return path
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func openCorpus(path string) (io.ReadCloser, error) {
	path = corpusFileName(path)
	f, err := os.Open(path)
	if err != nil || !strings.HasSuffix(path, ".zst") {
		return f, err
	}
	z, err := zstd.NewReader(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &zstdFile{z, f}, nil
}

// zstdFile is a compressed file while it is read.
type zstdFile struct {
	*zstd.Decoder
	file *os.File
}

func (z *zstdFile) Close() error {
	z.Decoder.Close()
	return z.file.Close()
}

// corpusList reads users.json or channels.json; nil without one.
func corpusList[T any](path, name string) ([]T, error) {
	data, err := os.ReadFile(filepath.Join(filepath.Dir(corpusFileName(path)), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []T
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("corpus %s: %w", name, err)
	}
	return list, nil
}
