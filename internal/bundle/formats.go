package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"archiver/internal/export"
	"archiver/internal/record"
)

// Shown is a message as a format shows it.
type Shown struct {
	Channel  string
	TS       record.TS
	Versions int      // that it shows
	Text     [32]byte // TextHash of the newest version's text
}

// TextHash is what texts are compared by: the SHA-256 of a text as all formats can show it, see common.
func TextHash(text string) [32]byte { return sha256.Sum256([]byte(common(text))) }

// common is a text with line feeds as line ends, without NUL and its picture, with the pictures (U+2401 to U+2421) of
// other controls, and with U+FFFD for bytes that are no UTF-8. Mail and HTML can hold no more.
func common(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == 0, r == '\u2400':
			return -1
		case r < ' ' && r != '\t' && r != '\n':
			return '\u2400' + r
		case r == 0x7f:
			return '\u2421'
		}
		return r
	}, text)
}

// reader gives the messages that a format shows, each once, in any order; not those that it repeats as context of
// another document. It reads what lies below data/ in the directory of a bundle.
type reader func(ctx context.Context, dir string) iter.Seq2[Shown, error]

// readers has a reader for the formats that take part in the comparison. The name "" is that of the records themselves.
var readers = map[string]reader{
	"":           readRecords,
	"ndjson":     readNDJSON,
	"csv":        readCSV,
	"rsmf":       readRSMF,
	"eml":        readEML,
	"mbox":       readMbox,
	"html":       readHTML,
	"production": readProduction,
}

// reference is what the others are compared with, the first of these that there is.
var reference = []string{"ndjson", ""}

// agreement compares what the formats show.
func (v *verifier) agreement(ctx context.Context) error {
	first := reference[0]
	if !slices.Contains(v.custody.Formats, first) {
		first = reference[1]
	}
	want, ok := v.count(ctx, first)
	if !ok {
		return ctx.Err()
	}
	if n := v.custody.Counts.Messages + v.custody.Counts.Comments; want.messages != n {
		v.find(placeOf(first), "shows %d messages, the custody record says %d", want.messages, n)
	}
	for _, name := range v.custody.Formats {
		if name == first {
			continue
		}
		if readers[name] == nil {
			v.warn("the format %s was not compared with the others", name)
			continue
		}
		got, ok := v.count(ctx, name)
		if !ok {
			continue
		}
		v.report.Checked["formats compared"]++
		v.differences(ctx, first, name, want, got)
	}
	return ctx.Err()
}

// differences names what two formats show differently, in so many channels: each of them is another reading.
func (v *verifier) differences(ctx context.Context, first, second string, want, got *census) {
	different := 0
	for _, channel := range slices.Sorted(maps.Keys(union(want.channels, got.channels))) {
		if want.channels[channel] == got.channels[channel] {
			continue
		}
		if different++; different <= maxNamed {
			v.difference(ctx, first, second, channel)
		}
	}
	if more := different - maxNamed; more > 0 {
		v.find(placeOf(second), "does not agree with %s: %d more channels", placeOf(first), more)
	}
}

// placeOf is the part of a bundle that a format is.
func placeOf(format string) string {
	switch format {
	case "":
		return export.RecordsFile
	case "ndjson":
		return export.MessagesFile
	case "csv":
		return csvFile
	}
	return "data/" + format
}

func union(a, b map[string]sum) map[string]sum {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// census is what a format shows, in little: for each channel a sum over its messages, in whatever order they come.
type census struct {
	messages int64
	channels map[string]sum
}

// sum adds the SHA-256 of messages as four numbers, each modulo 2^64.
type sum struct {
	messages int64
	parts    [4]uint64
}

func (s sum) with(m Shown) sum {
	text := fmt.Appendf(nil, "%s\n%s\n%d\n", m.Channel, m.TS, m.Versions)
	digest := sha256.Sum256(append(text, m.Text[:]...))
	for i := range s.parts {
		s.parts[i] += binary.LittleEndian.Uint64(digest[8*i:])
	}
	s.messages++
	return s
}

// count takes the census of a format. What keeps from it is a finding.
func (v *verifier) count(ctx context.Context, format string) (*census, bool) {
	c := &census{channels: map[string]sum{}}
	for m, err := range readers[format](ctx, v.dir) {
		if err != nil {
			if ctx.Err() == nil {
				v.find(placeOf(format), "cannot be read: %v", err)
			}
			return nil, false
		}
		c.messages++
		c.channels[m.Channel] = c.channels[m.Channel].with(m)
	}
	return c, true
}

// difference names the messages of a channel that two formats show differently.
func (v *verifier) difference(ctx context.Context, first, second, channel string) {
	want := map[record.TS]Shown{}
	for m, err := range readers[first](ctx, v.dir) {
		if err == nil && m.Channel == channel {
			want[m.TS] = m
		}
	}
	var wrong []string
	for m, err := range readers[second](ctx, v.dir) {
		if err != nil || m.Channel != channel {
			continue
		}
		other, there := want[m.TS]
		delete(want, m.TS)
		switch {
		case !there:
			wrong = append(wrong, fmt.Sprintf("%s is shown here only, or twice", m.TS))
		case m.Versions != other.Versions:
			wrong = append(wrong, fmt.Sprintf("%s has %d versions here, %d elsewhere", m.TS, m.Versions, other.Versions))
		case m.Text != other.Text:
			wrong = append(wrong, fmt.Sprintf("%s has another text", m.TS))
		}
	}
	for ts := range want {
		wrong = append(wrong, fmt.Sprintf("%s is missing", ts))
	}
	slices.Sort(wrong)
	for _, what := range wrong[:min(len(wrong), maxNamed)] {
		v.find(placeOf(second), "does not agree with %s: message %s/%s", placeOf(first), channel, what)
	}
}

// readNDJSON reads messages.ndjson.
func readNDJSON(ctx context.Context, dir string) iter.Seq2[Shown, error] {
	return func(yield func(Shown, error) bool) {
		err := readLines(in(dir, export.MessagesFile), func(text []byte) error {
			l, err := parseLine(text)
			if err == nil && !yield(Shown{l.Channel, l.TS, len(l.Versions), TextHash(l.Text)}, nil) {
				return errStop
			}
			return firstOf(err, ctx.Err())
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(Shown{}, err)
		}
	}
}

// errStop ends a walk that nobody listens to any more.
var errStop = errors.New("stop")

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// readRecords folds the messages of records.zst.
func readRecords(ctx context.Context, dir string) iter.Seq2[Shown, error] {
	return func(yield func(Shown, error) bool) {
		r, err := openRecords(in(dir, export.RecordsFile))
		if err != nil {
			yield(Shown{}, err)
			return
		}
		defer r.close()
		for ctx.Err() == nil {
			channel, entries, err := r.message()
			if err == nil && entries == nil {
				return
			}
			var m *record.Message
			if err == nil {
				m, err = record.FoldMessage(channel, entries)
			}
			if err != nil {
				yield(Shown{}, err)
				return
			}
			if !yield(Shown{channel, m.TS, len(m.Versions), TextHash(m.Text)}, nil) {
				return
			}
		}
		yield(Shown{}, ctx.Err())
	}
}

// message gives the records of the next message; none at the end.
func (r *records) message() (channel string, entries []record.Entry, err error) {
	for {
		next, err := r.peek()
		if err != nil {
			return "", nil, err
		}
		if next == nil || len(entries) > 0 && (next.class != export.ClassMessage || next.channel != channel || next.entry.Key != entries[0].Key) {
			return channel, entries, nil
		}
		r.take()
		if next.class == export.ClassMessage {
			channel, entries = next.channel, append(entries, next.entry)
		}
	}
}

const csvFile = "data/csv/messages.csv"

// readCSV reads messages.csv, which has a row for each version, those of a message one after the other.
func readCSV(ctx context.Context, dir string) iter.Seq2[Shown, error] {
	return func(yield func(Shown, error) bool) {
		file, err := os.Open(in(dir, csvFile))
		if err != nil {
			yield(Shown{}, err)
			return
		}
		defer file.Close()
		var last Shown
		for row, err := range rowsOf(file) {
			if err = firstOf(err, ctx.Err()); err != nil {
				yield(Shown{}, err)
				return
			}
			if row.channel != last.Channel || row.ts != last.TS {
				if last.TS != "" && !yield(last, nil) {
					return
				}
				last = Shown{Channel: row.channel, TS: row.ts}
			}
			last.Versions++
			last.Text = TextHash(row.body)
		}
		if last.TS != "" {
			yield(last, nil)
		}
	}
}

type row struct {
	channel string
	ts      record.TS
	body    string
}

// rowsOf reads the columns of messages.csv that are compared.
func rowsOf(r io.Reader) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		table := csv.NewReader(r)
		table.ReuseRecord = true
		head, err := table.Read()
		if err != nil {
			yield(row{}, err)
			return
		}
		head[0] = strings.TrimPrefix(head[0], "\uFEFF")
		channel, ts, body := slices.Index(head, "conversation_id"), slices.Index(head, "message_id"), slices.Index(head, "body")
		if min(channel, ts, body) < 0 {
			yield(row{}, errors.New("its columns are others"))
			return
		}
		for {
			cells, err := table.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(row{}, err)
				return
			}
			if !yield(row{cells[channel], record.TS(cells[ts]), cells[body]}, nil) {
				return
			}
		}
	}
}
