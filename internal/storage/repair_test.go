package storage

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"archiver/internal/merkle"
	"archiver/internal/record"

	bolt "go.etcd.io/bbolt"
)

// harm changes a byte of values in the database of a closed archive.
func harm(t *testing.T, dir string, values ...func(s *snapshot) (bucket, []byte)) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, databaseName), 0o600, &bolt.Options{PageSize: pageSize})
	if err != nil {
		t.Fatal(err)
	}
	caches, err := newCaches()
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		s, err := newSnapshot(tx, caches)
		if err != nil {
			return err
		}
		for _, value := range values {
			in, key := value(s)
			stored := bytes.Clone(s.bucket(in).Get(key))
			stored[len(stored)/2] ^= 0x20
			if err := s.bucket(in).Put(key, stored); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// blockOf is the n-th sealed block of a stream, of dir its entry there.
func blockOf(in bucket, id stream, n int) func(*snapshot) (bucket, []byte) {
	return func(s *snapshot) (bucket, []byte) {
		c := s.bucket(bucketDir).Cursor()
		key, _ := c.Seek(id.key())
		for range n {
			key, _ = c.Next()
		}
		if in == bucketBlocks {
			return in, bytes.Clone(key[4:])
		}
		return in, bytes.Clone(key)
	}
}

func valueOf(in bucket, key []byte) func(*snapshot) (bucket, []byte) {
	return func(*snapshot) (bucket, []byte) { return in, key }
}

// texts are the newest texts of a channel's messages.
func texts(t *testing.T, a *Archive, channel string) map[record.TS]string {
	t.Helper()
	all := make(map[record.TS]string)
	for m, err := range a.Messages(t.Context(), channel, Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		all[m.TS] = m.Text
		if m.Deleted != nil {
			all[m.TS] = "deleted"
		}
	}
	return all
}

const beta = 2 // number of the channel beta in fullArchive

func TestRepairLosesOnlyWhatIsDamaged(t *testing.T) {
	messagesOfBeta := messagesOf(beta)
	for _, test := range []struct {
		name   string
		harmed []func(*snapshot) (bucket, []byte)
		blocks int // that are lost
	}{
		{"block", []func(*snapshot) (bucket, []byte){blockOf(bucketBlocks, messagesOfBeta, 0)}, 1},
		{"directory", []func(*snapshot) (bucket, []byte){blockOf(bucketDir, messagesOfBeta, 1)}, 0},
		{"tail", []func(*snapshot) (bucket, []byte){valueOf(bucketTails, messagesOfBeta.key())}, 1},
		{"block and its directory", []func(*snapshot) (bucket, []byte){
			blockOf(bucketBlocks, messagesOfBeta, 0), blockOf(bucketDir, messagesOfBeta, 0),
		}, 1},
		{"neighbours and their directory", []func(*snapshot) (bucket, []byte){
			blockOf(bucketBlocks, messagesOfBeta, 0), blockOf(bucketDir, messagesOfBeta, 0),
			blockOf(bucketBlocks, messagesOfBeta, 1), blockOf(bucketDir, messagesOfBeta, 1),
		}, 1},
		{"the last block, its directory and the tail", []func(*snapshot) (bucket, []byte){
			blockOf(bucketBlocks, messagesOfBeta, 1), blockOf(bucketDir, messagesOfBeta, 1), valueOf(bucketTails, messagesOfBeta.key()),
		}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, channels := fullArchive(t)
			before := reopened(t, dir)
			want := make(map[string]map[record.TS]string)
			for _, c := range channels {
				want[c] = texts(t, before, c)
			}
			closeArchive(t, before)
			harm(t, dir, test.harmed...)
			a := reopened(t, dir)
			repaired, err := a.Repair(t.Context(), RepairOptions{})
			if err != nil || len(repaired.Lost) != test.blocks || len(repaired.Left) > 0 || repaired.Nothing() {
				t.Fatalf("%+v, %v", repaired, err)
			}
			checkRepaired(t, a, repaired, want)
			closeArchive(t, a)
			if _, err := Compact(t.Context(), dir, testOptions(), nil); err != nil {
				t.Fatal(err)
			}
			a = reopened(t, dir)
			defer closeArchive(t, a)
			checkRepaired(t, a, repaired, want)
			checkRefilled(t, a, want)
		})
	}
}

func reopened(t *testing.T, dir string) *Archive {
	t.Helper()
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func closeArchive(t *testing.T, a *Archive) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkRepaired checks what can be read of an archive that was repaired, and what it says of that.
func checkRepaired(t *testing.T, a *Archive, repaired *Repaired, want map[string]map[record.TS]string) {
	t.Helper()
	for c, all := range want {
		got := texts(t, a, c)
		if missing := len(all) - len(got); c != "beta" && missing > 0 || missing > repaired.Entries {
			t.Errorf("%s: %d messages are missing, %d entries were lost", c, missing, repaired.Entries)
		}
		for at, text := range got {
			if text != all[at] && at != ts(7) && at != ts(9) { // whose newest entries may be lost
				t.Errorf("%s/%s: %q, want %q", c, at, text, all[at])
			}
		}
		totals, err := a.Totals(t.Context(), c)
		if err != nil || totals.Messages != len(got) {
			t.Errorf("%s: %+v, %v, want %d messages", c, totals, err, len(got))
		}
	}
	report, err := a.Verify(t.Context(), VerifyOptions{Data: true})
	if err != nil || len(report.Damage) > 0 || report.Checked["entries lost"] != int64(repaired.Entries) {
		t.Errorf("verify: %+v, %v, want %d entries lost", report, err, repaired.Entries)
	}
	n, last := 0, uint64(0)
	for list := []Changed{{}}; len(list) > 0; n += len(list) {
		if list, err = a.Changes(t.Context(), last, 100); err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			last = list[len(list)-1].Change
		}
	}
	if uint64(n+repaired.Entries) != a.Change() {
		t.Errorf("%d changes can be followed of %d, %d were lost", n, a.Change(), repaired.Entries)
	}
	if again, err := a.Repair(t.Context(), RepairOptions{}); err != nil || !again.Nothing() {
		t.Errorf("repaired again: %+v, %v", again, err)
	}
	if list, err := a.Repairs(t.Context()); err != nil || len(list) != 1 || list[0].Entries != repaired.Entries {
		t.Errorf("repairs: %+v, %v", list, err)
	}
	if repaired.Entries > 0 {
		checkHistory(t, a, repaired)
	}
}

// checkHistory checks that a checkpoint tells what was lost, and that the channel is owed.
func checkHistory(t *testing.T, a *Archive, repaired *Repaired) {
	t.Helper()
	signed, err := a.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := merkle.ParseCheckpoint(signed, mustPublic(t, a))
	if err != nil {
		t.Fatal(err)
	}
	found := findings(t, a, &c)
	want := fmt.Sprintf("channel beta: %d entries (message)", repaired.Entries)
	if len(found) != 1 || !strings.Contains(found[0], want) || !strings.Contains(found[0], "found on 20") {
		t.Errorf("since the checkpoint: %v, want %s", found, want)
	}
	debts, err := a.Debts(t.Context(), "beta")
	if err != nil || !slices.ContainsFunc(debts, func(d Debt) bool { return d.Kind == DebtChannel }) {
		t.Errorf("debts: %+v, %v", debts, err)
	}
	if coverage, err := a.Coverage(t.Context(), "beta"); err != nil || len(coverage.Proven) > 0 {
		t.Errorf("coverage: %+v, %v", coverage, err)
	}
}

// checkRefilled puts beta's messages again, and checks that all are there.
func checkRefilled(t *testing.T, a *Archive, want map[string]map[record.TS]string) {
	t.Helper()
	var page Page
	page.Channel = "beta"
	for at, text := range want["beta"] {
		if text != "deleted" {
			page.Messages = append(page.Messages, record.Seen{Key: string(at), Raw: fmt.Appendf(nil, `{"text":%q}`, text)})
		}
	}
	put(t, a, page)
	got := texts(t, a, "beta")
	for at, text := range want["beta"] {
		if text != "deleted" && got[at] != text {
			t.Errorf("beta/%s is %q, want %q", at, got[at], text)
		}
	}
	if totals, err := a.Totals(t.Context(), "beta"); err != nil || totals.Messages != len(got) {
		t.Errorf("%+v, %v, want %d messages", totals, err, len(got))
	}
	report, err := a.Verify(t.Context(), VerifyOptions{Data: true})
	if err != nil || len(report.Damage) > 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

func TestDamageOfCommitsIsBeyondRepair(t *testing.T) {
	dir, _ := fullArchive(t)
	harm(t, dir, func(s *snapshot) (bucket, []byte) {
		key, _ := s.bucket(bucketCommits).Cursor().First()
		return bucketCommits, bytes.Clone(key)
	}, valueOf(bucketTails, messagesOf(beta).key()))
	a := reopened(t, dir)
	defer closeArchive(t, a)
	repaired, err := a.Repair(t.Context(), RepairOptions{})
	if err != nil || len(repaired.Left) == 0 || repaired.Entries > 0 || len(repaired.Values) > 0 {
		t.Fatalf("%+v, %v", repaired, err)
	}
	if list, err := a.Repairs(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("repairs: %+v, %v", list, err)
	}
}

func TestWhatIsDerivedIsMendedAtOpening(t *testing.T) {
	for _, in := range []string{metaCounts, metaKey, metaCreated, "tiles"} {
		t.Run(in, func(t *testing.T) {
			dir, channels := fullArchive(t)
			want := undamaged(t, dir, channels)
			value := valueOf(bucketMeta, []byte(in))
			if in == "tiles" {
				value = valueOf(bucketTiles, tileKey(0, 0))
			}
			harm(t, dir, value)
			a := reopened(t, dir)
			if in == metaKey {
				key, err := merkle.LoadKey(dir + ".key")
				if err == nil {
					err = a.SetPublicKey(t.Context(), key.Public())
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			put(t, a, Page{Channel: "alpha", Messages: messages(0, 1)})
			closeArchive(t, a)
			if got := undamaged(t, dir, channels); !slices.Equal(got, want) {
				t.Error("the content is another one")
			}
		})
	}
}

// TestTilesOfAnotherHistoryAreNotMended lets the log be damaged together with the commits.
func TestTilesOfAnotherHistoryAreNotMended(t *testing.T) {
	dir, _ := fullArchive(t)
	harm(t, dir, valueOf(bucketTiles, tileKey(0, 0)))
	head, err := readHead(dir)
	if err != nil {
		t.Fatal(err)
	}
	head.Root = merkle.Hash{1}.String()
	if err := head.write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, testOptions()); !errors.Is(err, ErrDamaged) {
		t.Errorf("open: %v, want ErrDamaged", err)
	}
}
