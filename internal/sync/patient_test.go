package sync

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"archiver/internal/merkle"
	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat/teamchattest"

	bolt "go.etcd.io/bbolt"
)

// patient is an archive that gets damaged, again and again.
type patient struct {
	rig    *rig
	files  map[string][]byte // by path in the archive
	blobs  []string
	values map[string][]spot // by bucket
	pages  []int64           // in use
	free   int64             // page with the list of free pages
	public string            // key
	want   string            // its dump
	lines  map[string]bool   // of the dump
	full   Options
}

// spot is where an entry of the database lies; stale copies of it may lie elsewhere.
type spot struct {
	at   []int64
	size int // of key and value
	key  int
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	w := small(t)
	for n := range 620 {
		w.Post("general", "ann@example.com", fmt.Sprint("post ", n))
	}
	r := newRig(t, w, teamchattest.ServerOptions{})
	key, err := merkle.CreateKey(filepath.Join(t.TempDir(), "key"), merkle.Origin(r.archive.ID()))
	fail(t, err)
	fail(t, r.archive.SetPublicKey(t.Context(), key.Public()))
	r.complete(Options{})
	for n := range 30 {
		w.Post("projects", "bob@example.com", fmt.Sprint("more ", n))
	}
	r.complete(Options{})
	_, err = r.archive.Sign(t.Context(), key)
	fail(t, err)
	fail(t, r.archive.SetJournal(t.Context(), "other", []byte("kept")))
	m1, _ := w.Label("m1")
	m1.Channel = record.ChannelID(m1.Channel)
	fail(t, r.archive.Put(t.Context(), &storage.Page{
		Observed: r.now(), Channel: m1.Channel, Missing: []storage.Missing{{TS: m1.TS, LastSeen: r.now(), FirstMissing: r.now(), Rights: "other"}},
		Owe: []storage.Debt{{Channel: m1.Channel, Kind: storage.DebtThread, Key: string(m1.TS), Since: r.now()}},
	}))
	fail(t, r.archive.Flush(t.Context()))
	p := &patient{public: key.Public(), rig: r, want: r.dump(), files: make(map[string][]byte), lines: make(map[string]bool), full: Options{Full: true}}
	for line := range strings.Lines(p.want) {
		p.lines[line] = true
	}
	fail(t, r.archive.Close())
	p.read(r.archive.Dir())
	return p
}

// read takes over the files of the archive.
func (p *patient) read(dir string) {
	t := p.rig.t
	fail(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "lock" {
			return err
		}
		p.files[path], err = os.ReadFile(filepath.Join(dir, path))
		if strings.HasPrefix(path, "blobs/") && len(p.files[path]) > 0 {
			p.blobs = append(p.blobs, path)
		}
		return err
	}))
	db, err := bolt.Open(filepath.Join(dir, "archive.db"), 0o600, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	fail(t, err)
	p.values = make(map[string][]spot)
	fail(t, db.View(func(tx *bolt.Tx) error {
		for n := 2; ; n++ {
			info, err := tx.Page(n)
			if err != nil || info == nil {
				break
			}
			if info.Type != "free" {
				p.pages = append(p.pages, int64(n))
			}
			if info.Type == "freelist" {
				p.free = int64(n)
			}
			n += info.OverflowCount
		}
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(key, value []byte) error {
				s := spot{size: len(key) + len(value), key: len(key)}
				for data, at := p.files["archive.db"], 0; ; at++ {
					i := bytes.Index(data[at:], append(bytes.Clone(key), value...))
					if i < 0 {
						break
					}
					at += i
					s.at = append(s.at, int64(at))
				}
				p.values[string(name)] = append(p.values[string(name)], s)
				return nil
			})
		})
	}))
	fail(t, db.Close())
}

// class is a sort of bytes to damage.
type class struct {
	name string
	pick func(*rand.Rand) (file string, at []int64)
}

func (p *patient) classes() []class {
	var list []class
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range p.values {
			if !yield(name) {
				return
			}
		}
	}) {
		values := p.values[name]
		part := func(what string, from, to func(spot) int) {
			list = append(list, class{what + " " + name, func(r *rand.Rand) (string, []int64) {
				s := values[r.IntN(len(values))]
				at, first := slices.Clone(s.at), from(s)
				offset := int64(first + r.IntN(max(min(to(s), s.size-2)-first, 1)))
				for i := range at {
					at[i] += offset
				}
				return "archive.db", at
			}})
		}
		key := func(s spot) int { return s.key }
		part("key", func(spot) int { return 0 }, key)
		part("value", key, func(s spot) int { return s.size })
		if name == "blocks" || name == "tails" {
			part("header", key, func(s spot) int { return s.key + 12 })
		}
	}
	page := func(name string, n func(*rand.Rand) int64, within int64) {
		list = append(list, class{name, func(r *rand.Rand) (string, []int64) {
			return "archive.db", []int64{n(r)*4096 + r.Int64N(within)}
		}})
	}
	used := func(r *rand.Rand) int64 { return p.pages[r.IntN(len(p.pages))] }
	page("meta pages", func(r *rand.Rand) int64 { return r.Int64N(2) }, 80)
	page("free list", func(*rand.Rand) int64 { return p.free }, 48)
	page("page headers", used, 48)
	page("any page", used, 4096)
	list = append(list, class{"blob", func(r *rand.Rand) (string, []int64) {
		file := p.blobs[r.IntN(len(p.blobs))]
		return file, []int64{r.Int64N(int64(len(p.files[file])))}
	}}, class{"HEAD", func(r *rand.Rand) (string, []int64) {
		return "HEAD", []int64{r.Int64N(int64(len(p.files["HEAD"])))}
	}})
	return list
}

// change changes the bytes of a file from each of some places on.
func change(t *testing.T, path string, at []int64, f func([]byte)) {
	t.Helper()
	data, err := os.ReadFile(path)
	fail(t, err)
	for _, i := range at {
		f(data[i:])
	}
	fail(t, os.WriteFile(path, data, 0o600))
}

// copy makes a copy of the archive.
func (p *patient) copy(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "archive")
	for path, data := range p.files {
		fail(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o700))
		fail(t, os.WriteFile(filepath.Join(dir, path), data, 0o600))
	}
	return dir
}
