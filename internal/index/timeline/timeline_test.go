package timeline

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

func open(t testing.TB, path string, o Options) *Store {
	t.Helper()
	o.Owner = cmp.Or(o.Owner, "archive")
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeIt(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *Store, f func(*View) error) {
	t.Helper()
	if err := s.View(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// model is what a timeline should hold: the obvious way.
type model map[Key]Put

var (
	channels = rapid.Uint32Range(0, 5)
	authors  = rapid.SampledFrom([]string{"", "ann", "bob", "cyd", "dan"})
	seconds  = rapid.OneOf(rapid.Int64Range(1_500_000_000, 1_500_000_050), rapid.Int64Range(0, 1<<40-1))
	messages = rapid.Custom(func(t *rapid.T) Put {
		return Put{Author: authors.Draw(t, "author"), Message: Message{
			Key:     Key{seconds.Draw(t, "second"), rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32Range(0, 999_999)).Draw(t, "counter"), channels.Draw(t, "channel")},
			Version: rapid.OneOf(rapid.Just[uint32](1), rapid.Uint32Range(1, 1<<24-1)).Draw(t, "version"),
			Kind:    rapid.OneOf(rapid.Just[uint8](0), rapid.Uint8Range(0, 7)).Draw(t, "kind"),
		}}
	})
)

func (m model) put(puts []Put) {
	for _, p := range puts {
		m[p.Key] = p
	}
}

// known draws a message that is there and changes it.
func (m model) known(t *rapid.T) Put {
	keys := slices.SortedFunc(maps.Keys(m), Key.Compare)
	p := m[rapid.SampledFrom(keys).Draw(t, "known")]
	p.Version++
	if rapid.IntRange(0, 3).Draw(t, "other author") == 0 {
		p.Author = authors.Draw(t, "author")
	}
	return p
}

func (m model) selected(sel Selection, newest bool) (out []Message) {
	for _, p := range m {
		if (sel.Channels == nil || slices.Contains(sel.Channels, p.Channel)) && (sel.Authors == nil || slices.Contains(sel.Authors, p.Author)) &&
			(sel.Kinds == nil || slices.Contains(sel.Kinds, p.Kind)) && p.Second >= sel.From && (sel.To == 0 || p.Second < sel.To) {
			out = append(out, p.Message)
		}
	}
	slices.SortFunc(out, func(a, b Message) int {
		if newest {
			return b.Key.Compare(a.Key)
		}
		return a.Key.Compare(b.Key)
	})
	return out
}

// drawSome draws nil, or a list that may be empty.
func drawSome[T comparable](t *rapid.T, g *rapid.Generator[T], name string) []T {
	if rapid.Bool().Draw(t, "any "+name) {
		return nil
	}
	return append([]T{}, rapid.SliceOfN(g, 0, 3).Draw(t, name)...)
}

func TestTimelineIsLikeItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "timeline")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path, m := filepath.Join(dir, "timeline"), model{}
		s, err := Open(path, Options{Owner: "archive"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { s.Close() }()
		change := uint64(0)
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			puts := rapid.SliceOfN(messages, 0, 600).Draw(t, "puts")
			for range rapid.IntRange(0, min(3, len(m))).Draw(t, "changes") {
				puts = append(puts, m.known(t))
			}
			change++
			if err := s.Apply(puts, change); err != nil {
				t.Fatal(err)
			}
			m.put(puts)
			if rapid.Bool().Draw(t, "reopen") {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if s, err = Open(path, Options{Owner: "archive"}); err != nil {
					t.Fatal(err)
				}
			}
			err := s.View(t.Context(), func(v *View) error {
				if v.Change != change {
					t.Fatalf("change %d, want %d", v.Change, change)
				}
				for range 3 {
					compareSelection(t, v, m)
				}
				compareCounts(t, v, m)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func compareSelection(t *rapid.T, v *View, m model) {
	sel := Selection{Channels: drawSome(t, channels, "channels"), Authors: drawSome(t, authors, "authors"),
		Kinds: drawSome(t, rapid.Uint8Range(0, 7), "kinds")}
	if rapid.Bool().Draw(t, "within") {
		sel.From, sel.To = seconds.Draw(t, "from"), seconds.Draw(t, "to")
	}
	order := rapid.SampledFrom([]Order{OldestFirst, NewestFirst}).Draw(t, "order")
	want := m.selected(sel, order == NewestFirst)
	selected, err := v.Select(sel)
	if err != nil {
		t.Fatal(err)
	}
	if selected.Total != uint64(len(want)) {
		t.Fatalf("%+v: %d messages, want %d", sel, selected.Total, len(want))
	}
	var after *Key
	if len(want) > 0 && rapid.Bool().Draw(t, "after") {
		i := rapid.IntRange(0, len(want)-1).Draw(t, "after which")
		after, want = &want[i].Key, want[i+1:]
	}
	skip := rapid.IntRange(0, len(want)+1).Draw(t, "skip")
	var got []Message
	err = selected.Walk(order, after, skip, func(m Message) bool { got = append(got, m); return true })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(want[min(skip, len(want)):], got) {
		t.Fatalf("%+v in order %d: got %v, want %v", sel, order, got, want)
	}
}

func compareCounts(t *rapid.T, v *View, m model) {
	kinds, byChannel, byAuthor := Kinds{}, map[uint32]uint64{}, map[string]uint64{}
	begins := slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(seconds, 1, 9).Draw(t, "begins"))))
	since := make([]uint64, len(begins))
	first, last := int64(math.MaxInt64), int64(-1)
	for _, p := range m {
		kinds[p.Kind]++
		byChannel[p.Channel]++
		byAuthor[p.Author]++
		first, last = min(first, p.Second), max(last, p.Second)
		for i := len(begins) - 1; i >= 0; i-- {
			if p.Second >= begins[i] {
				since[i]++
				break
			}
		}
	}
	if got, err := v.Kinds(); err != nil || got != kinds || got.Messages() != uint64(len(m)) {
		t.Fatalf("kinds %v, %v", got, err)
	}
	if got, err := v.Channels(); err != nil || !maps.Equal(got, byChannel) {
		t.Fatalf("channels %v, want %v, %v", got, byChannel, err)
	}
	if got, err := v.Since(begins); err != nil || !slices.Equal(got, since) {
		t.Fatalf("since %v: %v, want %v, %v", begins, got, since, err)
	}
	if f, l, err := v.Span(); err != nil || (f != first || l != last) && (len(m) > 0 || l >= f) {
		t.Fatalf("span %d %d, want %d %d, %v", f, l, first, last, err)
	}
	found, err := v.Authors()
	if err != nil || len(found) != len(byAuthor) {
		t.Fatalf("%d authors, want %d, %v", len(found), len(byAuthor), err)
	}
	for _, a := range found {
		if a.Messages != byAuthor[a.Author] {
			t.Fatalf("author %q has %d, want %d", a.Author, a.Messages, byAuthor[a.Author])
		}
	}
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
}

// many gives messages of some channels and authors.
func many(n int) (puts []Put) {
	for i := range n {
		puts = append(puts, Put{Author: fmt.Sprint("user", i%37), Message: Message{Key: Key{1.5e9 + int64(i*7), 0, uint32(i % 5)}, Version: 1}})
	}
	return puts
}

func TestClosingGivesSpaceBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "timeline")
	s := open(t, path, Options{})
	const n = 100_000
	for i, chunk := 0, many(n); i < n; i += 1000 {
		if err := s.Apply(chunk[i:i+1000], uint64(i)); err != nil {
			t.Fatal(err)
		}
	}
	closeIt(t, s)
	s = open(t, path, Options{ReadOnly: true})
	defer closeIt(t, s)
	size, err := s.Size()
	if err != nil || size > 12*n {
		t.Errorf("%d bytes for %d messages, %v", size, n, err)
	}
	view(t, s, func(v *View) error {
		got, err := v.Select(Selection{})
		if err == nil && got.Total != n {
			t.Errorf("%d messages", got.Total)
		}
		return err
	})
}

func TestWhatIsNotUsableIsMadeAnewOnlyForWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "timeline")
	if _, err := Open(path, Options{Owner: "archive", ReadOnly: true}); !errors.Is(err, ErrNone) {
		t.Errorf("without a file: %v", err)
	}
	s := open(t, path, Options{})
	if err := s.Apply(many(10), 10); err != nil {
		t.Fatal(err)
	}
	closeIt(t, s)
	if _, err := Open(path, Options{Owner: "other", ReadOnly: true}); !errors.Is(err, ErrNone) {
		t.Errorf("of another owner: %v", err)
	}
	s = open(t, path, Options{Owner: "other"})
	view(t, s, func(v *View) error {
		if v.Change != 0 {
			t.Errorf("kept change %d of another owner", v.Change)
		}
		return nil
	})
	closeIt(t, s)
	if err := os.WriteFile(path, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{Owner: "archive", ReadOnly: true}); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	closeIt(t, open(t, path, Options{}))
}

func TestDamagedBlocksAreNoAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "timeline")
	s := open(t, path, Options{})
	defer closeIt(t, s)
	if err := s.Apply(many(1000), 1000); err != nil {
		t.Fatal(err)
	}
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(timeList))
		key, value := b.Cursor().First()
		value = slices.Clone(value)
		value[len(value)/2] ^= 4
		return b.Put(slices.Clone(key), value)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(v *View) error {
		all, err := v.Select(Selection{})
		if err != nil {
			return err
		}
		return all.Walk(OldestFirst, nil, 0, func(Message) bool { return true })
	})
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestCheckFindsCountersThatAreWrong(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "timeline"), Options{})
	defer closeIt(t, s)
	if err := s.Apply(many(1000), 1000); err != nil {
		t.Fatal(err)
	}
	view(t, s, (*View).Check)
	for _, counters := range []string{channelCounters, authorCounters} {
		err := s.db.Update(func(tx *bolt.Tx) error {
			return s.codec.count(tx, counters, tally{someGroup(t, s, tx, counters): 1}, nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.View(t.Context(), (*View).Check); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", counters, err)
		}
		err = s.db.Update(func(tx *bolt.Tx) error {
			return s.codec.count(tx, counters, tally{someGroup(t, s, tx, counters): -1}, nil)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	view(t, s, (*View).Check)
}

// someGroup gives a group that has a counter.
func someGroup(t *testing.T, s *Store, tx *bolt.Tx, bucket string) uint64 {
	key, stored := tx.Bucket([]byte(bucket)).Cursor().First()
	known, err := s.codec.counters(bucket, key, stored)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Min(slices.Collect(maps.Keys(known)))
}

// FuzzBlock reads blocks of any bytes, and any bytes that are compressed in one.
func FuzzBlock(f *testing.F) {
	c, err := newCodec()
	if err != nil {
		f.Fatal(err)
	}
	block := c.appendBlock(nil, []item{{1, Message{Key{5, 1, 1}, 1, 0}}, {1, Message{Key{9, 0, 2}, 3, 1}}, {7, Message{Key{2, 0, 7}, 1, 0}}})
	f.Add(block, []byte(nil))
	pieces, err := c.parseBlock(block)
	if err != nil {
		f.Fatal(err)
	}
	inner, err := c.decompress(pieces[0].block.data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(block[:len(block)-len(pieces[0].block.data)], inner)
	f.Fuzz(func(t *testing.T, value, compressed []byte) {
		if compressed != nil {
			value = c.compress(bytes.Clone(value), compressed)
		}
		pieces, err := c.parseBlock(value)
		for _, p := range pieces {
			if err == nil {
				_, err = p.appendTo(nil)
			}
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("got %v", err)
		}
	})
}
