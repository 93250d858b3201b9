package bundle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"archiver/internal/lenient"
	"archiver/internal/merkle"
	"archiver/internal/record"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"
)

// stored is a record as it was hashed.
type stored struct {
	canonical []byte
	class     string
	channel   string
	entry     record.Entry
}

// records reads records.zst.
type records struct {
	file    *os.File
	decoder *zstd.Decoder
	in      *bufio.Reader
	ahead   *stored
}

// maxRecord is the longest record that is read, in bytes.
const maxRecord = 1 << 30

var errRecords = errors.New("is no list of records")

func openRecords(path string) (*records, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &records{file: file, decoder: decoder, in: bufio.NewReaderSize(decoder, 1<<20)}, nil
}

func (r *records) close() error {
	r.decoder.Close()
	return r.file.Close()
}

// peek gives the next record without taking it; nil at the end.
func (r *records) peek() (*stored, error) {
	if r.ahead != nil {
		return r.ahead, nil
	}
	line, err := r.in.ReadString('\n')
	if err == io.EOF && line == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRecords, err)
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(line, "\n"), 10, 64)
	if err != nil || n < 0 || n > maxRecord {
		return nil, fmt.Errorf("%w: length %.20q", errRecords, line)
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r.in, n+1); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecords, err)
	}
	r.ahead, err = parseRecord(b.Bytes()[:n])
	return r.ahead, err
}

// take is done with the record that peek gave.
func (r *records) take() { r.ahead = nil }

// parseRecord reads a record in canonical form, and holds it to that form.
func parseRecord(canonical []byte) (*stored, error) {
	head, body, ok := bytes.Cut(canonical, []byte("\n"))
	var w struct {
		Change   uint64    `json:"change"`
		Channel  string    `json:"channel"`
		Class    string    `json:"class"`
		First    bool      `json:"first"`
		Key      string    `json:"key"`
		Observed int64     `json:"observed"`
		Op       string    `json:"op"`
		Thread   record.TS `json:"thread"`
	}
	if err := json.Unmarshal(head, &w, lenient.Options); !ok || err != nil {
		return nil, fmt.Errorf("%w: %.80q is no record", errRecords, head)
	}
	op, ok := record.ParseOp(w.Op)
	if !ok {
		return nil, fmt.Errorf("%w: operation %.20q", errRecords, w.Op)
	}
	return &stored{canonical: canonical, class: w.Class, channel: w.Channel, entry: record.Entry{
		Change: w.Change, Op: op, First: w.First, Key: w.Key, Thread: w.Thread,
		Observed: time.UnixMilli(w.Observed).UTC(), Body: body,
	}}, nil
}

// line is what is read of a line of messages.ndjson.
type line struct {
	Channel  string         `json:"channel"`
	TS       record.TS      `json:"ts"`
	Thread   record.TS      `json:"thread_ts"`
	Text     string         `json:"text"`
	Reason   string         `json:"reason"`
	Seq      uint64         `json:"seq"`
	Raw      jsontext.Value `json:"raw"`
	Versions []struct {
		Observed time.Time `json:"observed"`
	} `json:"versions"`
}

// record rebuilds the only record of a message from its line.
func (l *line) record(class string) *stored {
	e := record.Entry{Change: l.Seq, Op: record.OpState, First: true, Key: string(l.TS), Thread: l.Thread, Body: l.Raw}
	if len(l.Versions) > 0 {
		e.Observed = l.Versions[0].Observed
	}
	r := merkle.Record{
		Change: e.Change, Channel: l.Channel, Class: class, First: true, Key: e.Key, Observed: e.Observed.UnixMilli(),
		Op: e.Op.String(), Thread: string(e.Thread), Body: e.Body,
	}
	return &stored{canonical: r.Append(nil), class: class, channel: l.Channel, entry: e}
}

// readLines calls each for the lines of an NDJSON file, which are valid only until it returns.
func readLines(path string, each func(text []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<20)
	var long []byte
	for {
		text, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, text...)
			continue
		case err == io.EOF && len(text)+len(long) == 0:
			return nil
		case err != nil && err != io.EOF:
			return err
		}
		if len(long) > 0 {
			text = append(long, text...)
		}
		if err := each(text); err != nil {
			return err
		}
		long = long[:0]
	}
}

// parseLine reads a line of messages.ndjson.
func parseLine(text []byte) (*line, error) {
	var l line
	if err := json.Unmarshal(text, &l, lenient.Options); err != nil {
		return nil, fmt.Errorf("%.80q is no record of a message: %w", text, err)
	}
	return &l, nil
}
