package export

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/rsmf"

	"pgregory.net/rapid"
)

// TestRSMFHasNoFindings exports whatever may be in an archive and wants no rule broken, raw headers given.
func TestRSMFHasNoFindings(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		src := drawSource(rt)
		r := Rendering{
			Slice:          rapid.SampledFrom(Units()).Draw(rt, "unit"),
			RSMFVersion:    rapid.SampledFrom([]string{RSMFVersion1, RSMFVersion2}).Draw(rt, "version"),
			RawUTF8Headers: true,
		}
		n++
		out := filepath.Join(dir, fmt.Sprint(n))
		if _, err := Write(t.Context(), Options{Output: out, Formats: []string{"rsmf"}, Rendering: r}, smallSelection, src); err != nil {
			rt.Fatal(err)
		}
		messages := 0
		for path, content := range tree(t, out) {
			if !strings.HasSuffix(path, ".rsmf") {
				continue
			}
			for _, f := range rsmf.Check(strings.NewReader(content)) {
				rt.Errorf("%s: %s", path, f)
			}
			for _, e := range readRSMF(t, content).Events {
				if e.custom(customReason) != "" && e.custom(customContext) == "" {
					messages++
				}
			}
		}
		if messages != len(src.items) {
			rt.Errorf("%d messages in the files, want %d", messages, len(src.items))
		}
	})
}

// drawSource draws a channel whose members come and go while people, known and not, write, edit, delete and react.
func drawSource(rt *rapid.T) *source {
	src := small()
	src.channels, src.items, src.files = src.channels[:1], nil, map[string][]*record.File{}
	people := []string{"ann@x", "bob@x", "eve@x", "system", "", "ghost, the", "žofie@kůň", "=?x"}
	person := rapid.SampledFrom(people)
	moment := func(name string) time.Time {
		return testTime.Add(time.Duration(rapid.Int64Range(0, 5*86400).Draw(rt, name)) * time.Second)
	}
	c := src.channels[0]
	c.Name = rapid.String().Draw(rt, "name")
	c.Since = moment("since")
	for range rapid.IntRange(0, 6).Draw(rt, "spans") {
		span := record.Span{Value: rapid.SampledFrom(people[:4]).Draw(rt, "member"), From: moment("from")}
		if rapid.Bool().Draw(rt, "left") {
			span.To = span.From.Add(time.Duration(rapid.Int64Range(0, 200000).Draw(rt, "stay")) * time.Second)
		}
		c.History.Members = append(c.History.Members, span)
	}
	c.History.Names = []record.Span{{Value: "a", From: c.Since}, {Value: "", From: moment("renamed")}}
	var places []record.TS
	for i := range rapid.IntRange(0, 6).Draw(rt, "messages") {
		ts := record.MakeTS(testTime.Unix()+int64(i)*30000, i)
		var thread record.TS
		if len(places) > 0 && rapid.Bool().Draw(rt, "comment") {
			thread = rapid.SampledFrom(append(places, "1400000000.000000", "1900000000.000000", ts)).Draw(rt, "thread")
		}
		places = append(places, ts)
		src.items = append(src.items, drawMessage(rt, ts, thread, person))
	}
	return src
}

func drawMessage(rt *rapid.T, ts, thread record.TS, person *rapid.Generator[string]) Item {
	var raws []string
	for range rapid.IntRange(1, 3).Draw(rt, "versions") {
		m := map[string]any{"user": person.Draw(rt, "user"), "text": rapid.String().Draw(rt, "text")}
		if rapid.Bool().Draw(rt, "edited") {
			m["edited"] = map[string]any{"user": person.Draw(rt, "editor"), "ts": fmt.Sprint(testTime.Unix() + rapid.Int64Range(-9, 500000).Draw(rt, "when"))}
		}
		if rapid.Bool().Draw(rt, "reacted") {
			m["reactions"] = []any{map[string]any{"name": rapid.String().Draw(rt, "reaction"), "count": 1, "users": []string{person.Draw(rt, "reactor")}}}
		}
		if rapid.Bool().Draw(rt, "special") {
			m["subtype"] = rapid.SampledFrom([]string{"event", "conference", "code_block", "file_share", "pinned_item", "x"}).Draw(rt, "subtype")
			for _, name := range []string{"event", "conference", "file", "language", "item"} {
				m[name] = map[string]any{"id": rapid.String().Draw(rt, "id"), "title": rapid.String().Draw(rt, "title"), "name": rapid.String().Draw(rt, "name"), "start": 1}
			}
		}
		raw, err := json.Marshal(m)
		if err != nil {
			rt.Fatal(err)
		}
		raws = append(raws, string(raw))
	}
	item := message("chan-a", ts, thread, raws...)
	item.Reason = rapid.SampledFrom([]Reason{ReasonHit, ReasonContext, ReasonFamily}).Draw(rt, "reason")
	if rapid.Bool().Draw(rt, "deleted") {
		item.Deleted = &record.Deletion{LastSeen: testTime, FirstMissing: testTime}
	}
	return item
}
