package storage

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func blockEntriesOf(n int) []record.Entry {
	entries := make([]record.Entry, n)
	for i := range entries {
		m := message(i*7%n, fmt.Sprint("text ", i))
		entries[i] = record.Entry{
			Change: uint64(10 + 3*i), Op: record.OpState, First: i%5 > 0, Key: m.Key, Observed: testTime.Add(time.Duration(i) * time.Second),
			Body: m.Raw,
		}
		if i%4 == 0 {
			entries[i].Thread = ts(i / 8)
		}
		if i%9 == 8 {
			entries[i].Op, entries[i].Body = record.OpDeleted, []byte(`{"last_seen":"2026-01-01T00:00:00Z"}`)
		}
	}
	return entries
}

func TestBlockComesBack(t *testing.T) {
	c := testCodec(t)
	enc := newEncoder(c)
	for _, n := range []int{512, 0, 1, 2, rounds(2_000, 20_000, 20_000), 100} {
		entries := blockEntriesOf(n)
		data, h, err := enc.encode(messagesOf(3), 77, entries)
		if err != nil {
			t.Fatal(err)
		}
		if fresh, _, err := newEncoder(c).encodeSealed(messagesOf(3), 77, entries); err != nil || !bytes.Equal(fresh, data) {
			t.Errorf("%d entries: another encoder makes another block: %v", n, err)
		}
		b, err := c.decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if b.header != h || h.count != n || h.before != 77 {
			t.Errorf("%d entries: header %+v, want %+v", n, b.header, h)
		}
		if diff := cmp.Diff(entries, b.entries, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%d entries (-want +got):\n%s", n, diff)
		}
		for _, e := range entries {
			if found := b.find(e.Key); len(found) != 1 || found[0].Change != e.Change {
				t.Errorf("find %s: %v", e.Key, found)
			}
		}
	}
}

func testCodec(t testing.TB) *codec {
	t.Helper()
	c, err := newCodec()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// FuzzDecodeBlock feeds the decoder with whole blocks, whose frames have checksums, and with bare payloads.
func FuzzDecodeBlock(f *testing.F) {
	c := testCodec(f)
	for _, n := range []int{0, 1, 30} {
		data, _, err := newEncoder(c).encode(streamBase, 5, blockEntriesOf(n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint16(0))
		if n > 0 {
			enc := newEncoder(c)
			enc.fill(blockEntriesOf(n))
			f.Add(enc.payload, uint16(n))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, count uint16) {
		if count > 0 {
			if entries, err := parsePayload(data, int(count), 1); err == nil && len(entries) != int(count) {
				t.Errorf("%d entries, want %d", len(entries), count)
			}
			return
		}
		b, err := c.decode(data)
		if err != nil {
			return
		}
		again, h, err := newEncoder(c).encode(b.stream, b.before, b.entries)
		if err != nil {
			t.Fatal(err)
		}
		back, err := c.decode(again)
		if err != nil || back.header != h || len(back.entries) != len(b.entries) {
			t.Errorf("block of %d entries does not come back: %v", b.count, err)
		}
	})
}

func TestPackedTSKeepsItsOrder(t *testing.T) {
	list := []record.TS{"0000000000.000000", "0000000001.000000", "1516195206.000463", "1516195206.000464", "9999999999.999999", "odd"}
	var last []byte
	for _, ts := range list {
		packed := appendTS(nil, ts)
		if back, ok := unpackTS(packed); !ok || back != ts {
			t.Errorf("%s comes back as %s, %v", ts, back, ok)
		}
		if string(packed) <= string(last) {
			t.Errorf("%s is not after the one before", ts)
		}
		last = packed
	}
}

func TestOverlappingBlocksAreFound(t *testing.T) {
	ranges := [][2]string{{"c", "e"}, {"a", "b"}, {"a", "z"}, {"m", "n"}, {"e", "f"}, {"x", "x"}}
	d := &directory{}
	for i, r := range ranges {
		d = d.extended([]dirEntry{{header{min: r[0], max: r[1], count: 1, before: uint64(i)}, uint64(i + 1)}}, uint64(i+1))
	}
	for _, tc := range []struct {
		lo, hi string
		limit  uint64
		want   []uint64
	}{
		{"a", "a", 9, []uint64{2, 3}}, {"e", "e", 9, []uint64{1, 3, 5}}, {"e", "e", 4, []uint64{1, 3}}, {"g", "l", 9, []uint64{3}},
		{"n", "", 9, []uint64{3, 4, 6}}, {"", "", 9, []uint64{1, 2, 3, 4, 5, 6}}, {"zz", "", 9, nil},
	} {
		var got []uint64
		for _, e := range d.overlapping(tc.lo, tc.hi, tc.limit) {
			got = append(got, e.number)
		}
		if !cmp.Equal(got, tc.want) {
			t.Errorf("%q to %q up to %d: blocks %v, want %v", tc.lo, tc.hi, tc.limit, got, tc.want)
		}
	}
}
