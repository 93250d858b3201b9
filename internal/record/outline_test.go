package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestOutlineIsPartOfTheMessage(t *testing.T) {
	bodies := []string{
		`{}`, `{"text":"\"file\""}`, `{"file":{"id":"a","name":"n"}}`, `{"file":{"name":"m"}}`, `{"f\u0069le":{"id":"b"}}`,
		`{"file":null}`, `{"file":7}`, `{"text":"x","comment":{"file":{"id":"no"}}}`, `no json "file"`,
	}
	rapid.Check(t, func(t *rapid.T) {
		var entries []Entry
		for i, op := range rapid.SliceOfN(rapid.SampledFrom([]Op{OpState, OpData, OpDeleted, OpPins}), 1, 5).Draw(t, "operations") {
			body := rapid.SampledFrom(bodies).Draw(t, "body")
			if op == OpDeleted || op == OpPins {
				body = `{}`
			}
			thread := rapid.SampledFrom([]TS{"", "1516195206.000463"}).Draw(t, "thread")
			entries = append(entries, Entry{Change: uint64(i + 1), Op: op, First: i == 0, Key: "1516195206.000464", Thread: thread, Observed: day, Body: []byte(body)})
		}
		whole, err := FoldMessage("c", entries)
		if err != nil {
			t.Fatal(err)
		}
		want := &Message{Channel: whole.Channel, TS: whole.TS, Thread: whole.Thread, FileID: whole.FileID, FileName: whole.FileName}
		got, err := FoldOutline("c", entries)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}
