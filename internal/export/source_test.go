package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"archiver/internal/merkle"
	"archiver/internal/record"
)

// source is a Source in memory.
type source struct {
	items    []Item
	channels []*record.Channel
	users    []*record.User
	files    map[string][]*record.File // by channel
	blobs    map[string][]byte         // by SHA-256
	notes    []Note
	terms    []TermList
	earlier  map[record.TS]*Earlier
	leftOut  []Item
	failAt   int // Items fails before this one; 0 is never
	during   func()
}

func (s *source) Items(context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for i, item := range s.items {
			if s.during != nil {
				s.during()
			}
			if s.failAt > 0 && i == s.failAt {
				yield(Item{}, fs.ErrInvalid)
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

func (s *source) Outlines(ctx context.Context) iter.Seq2[Item, error] { return s.Items(ctx) }

func sequence[T any](values []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (s *source) Channels(context.Context) iter.Seq2[*record.Channel, error] {
	return sequence(s.channels)
}
func (s *source) Users(context.Context) iter.Seq2[*record.User, error] { return sequence(s.users) }
func (s *source) Notes(context.Context) ([]Note, error)                { return s.notes, nil }

func (s *source) Terms(context.Context) ([]TermList, error) { return s.terms, nil }

func (s *source) Earlier(_ context.Context, item Item) (*Earlier, error) {
	return s.earlier[item.TS], nil
}

func (s *source) LeftOut(context.Context) iter.Seq2[Item, error] { return sequence(s.leftOut) }

func (s *source) Prove(context.Context, func(uint64) bool, func(*merkle.Batch) error) (*Proof, error) {
	return &Proof{}, nil
}

func (s *source) Beside(context.Context) iter.Seq2[*merkle.Record, error] {
	return sequence[*merkle.Record](nil)
}

func (s *source) Held(_ context.Context, channel string) (h Held, err error) {
	for _, item := range s.items {
		if item.Channel == channel {
			count(&h.Messages, item.Thread == "")
			count(&h.Comments, item.Thread != "")
			count(&h.Deleted, item.Deleted != nil)
		}
	}
	return h, nil
}

func (s *source) Files(_ context.Context, channel string) iter.Seq2[*record.File, error] {
	return sequence(s.files[channel])
}

func (s *source) Message(_ context.Context, channel string, ts record.TS) (Item, bool, error) {
	i := slices.IndexFunc(s.items, func(item Item) bool { return item.Channel == channel && item.TS == ts })
	if i < 0 {
		return Item{}, false, nil
	}
	return s.items[i], true, nil
}

func (s *source) File(_ context.Context, channel, id string) (*record.File, error) {
	i := slices.IndexFunc(s.files[channel], func(f *record.File) bool { return f.ID == id })
	if i < 0 {
		return nil, nil
	}
	return s.files[channel][i], nil
}

func (s *source) Text(_ context.Context, sum string) (string, bool, error) {
	b, ok := s.blobs[sum]
	return string(b), ok, nil
}

func (s *source) Estimate(context.Context) (int64, error) { return int64(len(s.items)), nil }

func (s *source) Blob(sum string) (io.ReadCloser, error) {
	b, ok := s.blobs[sum]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// message folds a message from the raw objects of its versions.
func message(channel string, ts, thread record.TS, raws ...string) Item {
	var entries []record.Entry
	for i, raw := range raws {
		entries = append(entries, record.Entry{
			Change: uint64(100 + i), Op: record.OpState, First: i == 0, Key: string(ts), Thread: thread,
			Observed: testTime.Add(time.Duration(i) * time.Hour), Body: []byte(raw),
		})
	}
	m, err := record.FoldMessage(channel, entries)
	if err != nil {
		panic(err)
	}
	return Item{Message: m, Reason: ReasonHit}
}

// attach adds a file of a channel with the given contents.
func (s *source) attach(channel, id, name string, contents ...string) {
	f := &record.File{Channel: channel, ID: id, Name: name, State: record.FileStored, Change: 7,
		Raw: fmt.Appendf(nil, `{"id":%q,"size":"1"}`, id)}
	for _, c := range contents {
		sum := sha256.Sum256([]byte(c))
		digest := hex.EncodeToString(sum[:])
		s.blobs[digest] = []byte(c)
		f.Size = int64(len(c))
		f.Versions = append(f.Versions, record.Revision{SHA256: digest, Size: f.Size, Observed: testTime, Change: 7})
	}
	s.files[channel] = append(s.files[channel], f)
}

// small is a source with a bit of everything.
func small() *source {
	s := &source{
		channels: []*record.Channel{
			{ID: "chan-a", Name: "general", Names: []string{"old", "general"}, State: record.ChannelPresent,
				Members: []string{"ann@x", "bob@x"}, Raw: []byte(`{"id":"chan-a=="}`), Change: 1},
			{ID: "chan-b", Name: "empty", Names: []string{"empty"}, State: record.ChannelGone, Members: []string{}, Change: 2},
			{ID: "chan-c", Name: "žlutý, \"kůň\"", Names: []string{"c"}, State: record.ChannelPresent,
				Members: []string{"eve@x"}, Change: 3},
		},
		users: []*record.User{
			{ID: "ann@x", Name: "Ann", Email: "ann@example.com", Raw: []byte(`{"name":"Ann","z":1,"a":2}`), Change: 4},
			{ID: "bob@x", Name: "=Bob", Raw: []byte("{\"name\":\"\xff\"}"), Change: 5},
			{ID: "eve@x", Name: "Eve", Change: 6},
			{ID: "zoe@x", Name: "Zoe", Change: 6},
		},
		files: map[string][]*record.File{}, blobs: map[string][]byte{},
		notes: []Note{{Where: "chan-c", What: "not read before 2020"}},
	}
	s.items = []Item{
		message("chan-a", "1500000000.000001", "",
			`{"user":"ann@x","text":"hello","zeta":1,"alpha":"\u0041"}`,
			`{"user":"ann@x","text":"hello @[bob@x] and @[@all@]","edited":{"user":"bob@x","ts":"1500000100.000000"},`+
				`"reactions":[{"name":"heart","count":"2"},{"name":"ok","count":1}]}`),
		message("chan-a", "1500000001.000000", "1500000000.000001", `{"user":"bob@x","text":"a comment, \"quoted\"\r\nand\nmore"}`),
		message("chan-a", "1500000002.000000", "",
			`{"user":"bob@x","text":"see","subtype":"file_share","file":{"id":"f1","name":"../../etc/pass wd.PDF"}}`),
		message("chan-c", "1400000000.000000", "", `{"user":"ann@x","text":"=cmd()"}`),
	}
	s.items[3].Deleted = &record.Deletion{LastSeen: testTime, FirstMissing: testTime.Add(time.Hour)}
	s.attach("chan-a", "f1", "../../etc/pass wd.PDF", "first content", "second content")
	s.attach("chan-a", "f2", "unmentioned.txt", "second content", "third content")
	s.files["chan-c"] = []*record.File{{Channel: "chan-c", ID: "f3", Name: "gone.bin", State: record.FileGone,
		Reason: "e_notfound", Change: 8}}
	return s
}

var smallSelection = Selection{Archive: "4f2a", Change: 108, Zone: "Europe/Prague"}

// write exports to a new folder and gives it.
func exportTo(t testing.TB, sel Selection, src Source, names ...string) (string, *Summary) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	s, err := Write(t.Context(), Options{ID: "EXP-2026-000001", Output: dir, Formats: names, Generator: "archiver test",
		Now: func() time.Time { return testTime }}, sel, src)
	if err != nil {
		t.Fatal(err)
	}
	return dir, s
}

// tree reads every file below dir.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func names(files map[string]string) []string {
	var list []string
	for name := range files {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func linesOf(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }
