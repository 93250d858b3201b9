package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"archiver/internal/merkle"
	"archiver/internal/record"

	bolt "go.etcd.io/bbolt"
)

// placed is an entry with its stream.
type placed struct {
	stream stream
	record.Entry
}

// history gives all commits of an archive with their entries.
func history(t *testing.T, a *Archive) (commits []*commitRecord, entries [][]placed) {
	t.Helper()
	err := a.view(t.Context(), func(s *snapshot) error {
		after := uint64(0)
		return s.scan(bucketCommits, nil, nil, func(_, value []byte) error {
			c, err := parseCommit(value)
			if err != nil {
				return err
			}
			var list []placed
			for _, seg := range c.segments {
				f := follower{snapshot: s, after: after, limit: int(seg.count), channels: make([]string, 100)}
				if err := f.segment(seg.stream, after+1, after+seg.count); err != nil {
					return err
				}
				for _, e := range f.found {
					list = append(list, placed{seg.stream, e.Entry})
				}
				after += seg.count
			}
			commits, entries = append(commits, c), append(entries, list)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return commits, entries
}

// forge makes an archive that is like another one but for what mutate does to its history: same identifier, same
// salts, everything that is no secret made to fit. With the key it also signs anew, else it keeps the checkpoints.
func forge(t *testing.T, a *Archive, mutate func([][]placed) [][]placed, key *merkle.Key) *Archive {
	t.Helper()
	commits, entries := history(t, a)
	entries = mutate(entries)
	forged, err := Create(t.Context(), filepath.Join(t.TempDir(), "forged"), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = forged.Close() })
	forged.id = a.id
	keep := func(f func(b *batch) error) {
		if err := forged.keep(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	keep(func(b *batch) error {
		public, err := a.PublicKey(t.Context())
		if err != nil {
			return err
		}
		for id, value := range map[string]string{metaID: a.id, metaKey: public} {
			if err := b.put(bucketMeta, []byte(id), []byte(value)); err != nil {
				return err
			}
		}
		channels, _, err := original(t, a)
		for n, id := range channels[1:] {
			err = errors.Join(err, b.put(bucketChannels, []byte(id), uint32Key(uint32(n+1))))
		}
		return err
	})
	for i, list := range entries {
		keep(func(b *batch) error {
			b.salt = commits[min(i, len(commits)-1)].salt
			b.committer = merkle.NewCommitter(b.salt)
			return b.addAll(list)
		})
	}
	if key != nil {
		sign(t, forged, key)
		return forged
	}
	signed, err := a.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := merkle.ParseCheckpoint(signed, mustPublic(t, a))
	if err != nil {
		t.Fatal(err)
	}
	keep(func(b *batch) error { return b.put(bucketNotes, uint64Key(uint64(c.Size)), bytes.Clone(signed)) })
	return forged
}

func mustPublic(t *testing.T, a *Archive) string {
	t.Helper()
	public, err := a.PublicKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func original(t *testing.T, a *Archive) (ids []string, numbers map[string]uint32, err error) {
	err = a.view(t.Context(), func(s *snapshot) error { ids, numbers, err = s.channels(); return err })
	return ids, numbers, err
}

// addAll adds entries as they are, and counts them.
func (b *batch) addAll(list []placed) error {
	for _, p := range list {
		o, err := b.stream(p.stream)
		if err != nil {
			return err
		}
		earlier, err := o.earlier(b.snapshot, p.Key)
		if err != nil {
			return err
		}
		if p.stream.class() == ClassMessage && p.stream >= streamBase {
			t, err := b.channelTotals(p.stream.channel())
			if err != nil {
				return err
			}
			t.count(p.Entry, earlier)
		}
		p.Change = 0
		o.add(p.Entry)
	}
	return nil
}

// findings gives what verify finds, with a checkpoint or without.
func findings(t *testing.T, a *Archive, since *merkle.Checkpoint) []string {
	t.Helper()
	report, err := a.Verify(t.Context(), VerifyOptions{Data: since == nil, Since: since})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range report.Damage {
		if !strings.HasPrefix(d.Where, "blobs/") { // a forged archive has none
			found = append(found, d.Where+": "+d.What)
		}
	}
	return found
}

// Somebody who can write to every file is found out by a checkpoint; somebody who has the key as well, by one that was
// kept elsewhere.
func TestForger(t *testing.T) {
	dir, _ := fullArchive(t)
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, entries := history(t, a)
	last := len(entries) - 1
	kept := treeOf(t, a)
	since := &merkle.Checkpoint{Origin: merkle.Origin(a.id), Size: kept.Size, Root: kept.Root}
	if found := findings(t, a, since); len(found) > 0 {
		t.Fatalf("the archive as it is: %q", found)
	}
	key, err := merkle.LoadKey(dir + ".key")
	if err != nil {
		t.Fatal(err)
	}
	same := func(list [][]placed) [][]placed { return list }
	if found := findings(t, forge(t, a, same, nil), since); len(found) > 0 {
		t.Fatalf("a copy: %q", found)
	}
	for _, test := range []struct {
		name   string
		mutate func([][]placed) [][]placed
	}{
		{"a text is changed", func(list [][]placed) [][]placed {
			e := &list[0][len(list[0])/2]
			e.Body = bytes.Replace(e.Body, []byte(`"text":"`), []byte(`"text":"not `), 1)
			return list
		}},
		{"a time is changed", func(list [][]placed) [][]placed {
			list[last][0].Observed = list[last][0].Observed.Add(1e6)
			return list
		}},
		{"a record is removed", func(list [][]placed) [][]placed {
			list[1] = slices.Delete(list[1], 3, 4)
			return list
		}},
		{"a deletion is removed", func(list [][]placed) [][]placed {
			for i := range list {
				list[i] = slices.DeleteFunc(list[i], func(p placed) bool { return p.Op == record.OpDeleted })
			}
			return list
		}},
		{"a record is put in", func(list [][]placed) [][]placed {
			more := list[1][3]
			more.Key = string(ts(999_999))
			list[1] = slices.Insert(list[1], 4, more)
			return list
		}},
		{"two records change places", func(list [][]placed) [][]placed {
			list[0][20].Entry, list[0][21].Entry = list[0][21].Entry, list[0][20].Entry
			return list
		}},
		{"a record goes to another channel", func(list [][]placed) [][]placed {
			for i := range list[1] {
				list[1][i].stream = messagesOf(2)
			}
			return list
		}},
		{"the last commit is cut off", func(list [][]placed) [][]placed { return list[:last] }},
		{"a commit is put in", func(list [][]placed) [][]placed {
			more := slices.Clone(list[1])
			for i := range more {
				more[i].Key = string(ts(800_000 + i))
			}
			return slices.Insert(list, 2, more)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			without := forge(t, a, test.mutate, nil)
			if found := findings(t, without, nil); len(found) == 0 {
				t.Error("without the key: the archive's own checkpoint does not show it")
			}
			if found := findings(t, without, since); len(found) == 0 {
				t.Error("without the key: the kept checkpoint does not show it")
			}
			with := forge(t, a, test.mutate, key)
			if found := findings(t, with, nil); len(found) > 0 {
				t.Errorf("with the key the forger left traces, so that this proves nothing: %q", found)
			}
			if found := findings(t, with, since); len(found) == 0 {
				t.Error("with the key: the kept checkpoint does not show it")
			}
		})
	}
}

// Changing a block and all that is stored of it elsewhere, but not the log, is found by reading the data.
func TestForgedBlockIsFoundByItsCommit(t *testing.T) {
	dir, _ := fullArchive(t)
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if found := findings(t, a, nil); len(found) > 0 {
		t.Fatalf("the archive as it is: %q", found)
	}
	err = a.db.Update(func(tx *bolt.Tx) error {
		bk := tx.Bucket([]byte(bucketTails))
		key := bytes.Clone(messagesOf(1).key())
		value, err := unseal(bucketTails, key, bk.Get(key))
		if err != nil {
			return err
		}
		b, err := a.caches.codec.decode(value)
		if err != nil {
			return err
		}
		entries := slices.Clone(b.entries)
		var body map[string]any
		if err := json.Unmarshal(entries[5].Body, &body); err != nil {
			return err
		}
		body["text"] = "something else"
		if entries[5].Body, err = json.Marshal(body); err != nil {
			return err
		}
		forged, _, err := newEncoder(a.caches.codec).encode(b.stream, b.before, entries)
		if err != nil {
			return err
		}
		return bk.Put(key, seal(bucketTails, key, forged))
	})
	if err != nil {
		t.Fatal(err)
	}
	if found := findings(t, a, nil); len(found) != 1 || !strings.Contains(found[0], "not those that were committed") {
		t.Errorf("found %q", found)
	}
}
