package storage

import (
	"errors"
	"fmt"
	"time"

	"archiver/internal/columnar"
	"archiver/internal/record"
)

// A payload is the entries of a block by columns, one after the other, each in a coding of package columnar:
// operations (one byte each), keys, threads, observation times, change numbers, bodies.

// opFirst is set in the operation of an entry that is its key's first.
const opFirst = 0x80

// parsePayload reverses encoder.payloadOf for count entries, the first of which has change number first.
func parsePayload(data []byte, count int, first uint64) ([]record.Entry, error) {
	if count > len(data) {
		return nil, errShort
	}
	entries := make([]record.Entry, count)
	for i := range entries {
		op := data[i]
		entries[i].Op, entries[i].First = record.Op(op&^opFirst), op&opFirst != 0
		if entries[i].Op < record.OpState || entries[i].Op > record.OpPins {
			return nil, fmt.Errorf("operation %d is unknown", op)
		}
	}
	rest := data[count:]
	for _, column := range []func([]byte, []record.Entry) ([]byte, error){parseKeys, parseThreads, parseTimes} {
		var err error
		if rest, err = column(rest, entries); err != nil {
			return nil, err
		}
	}
	rest, err := parseChanges(rest, entries, first)
	if err != nil {
		return nil, err
	}
	return entries, parseBodies(rest, entries)
}

var errColumn = errors.New("a column has another length than the others")

func parseKeys(data []byte, entries []record.Entry) ([]byte, error) {
	return parseStrings(data, entries, "keys", func(e *record.Entry, key string) { e.Key = key })
}

func parseThreads(data []byte, entries []record.Entry) ([]byte, error) {
	return parseStrings(data, entries, "threads", func(e *record.Entry, ts string) { e.Thread = record.TS(ts) })
}

func parseTimes(data []byte, entries []record.Entry) ([]byte, error) {
	return parseInts(data, entries, "times", func(e *record.Entry, ms int64) { e.Observed = time.UnixMilli(ms).UTC() })
}

func parseChanges(data []byte, entries []record.Entry, first uint64) ([]byte, error) {
	rest, err := parseInts(data, entries, "changes", func(e *record.Entry, n int64) { e.Change = first + uint64(n) })
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if i == 0 && entries[0].Change != first || i > 0 && entries[i].Change <= entries[i-1].Change {
			return nil, errors.New("changes do not ascend")
		}
	}
	return rest, nil
}

func parseStrings(data []byte, entries []record.Entry, name string, set func(*record.Entry, string)) ([]byte, error) {
	values, rest, err := columnar.ReadStrings(data)
	if err == nil && len(values) != len(entries) {
		err = errColumn
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, v := range values {
		set(&entries[i], string(v))
	}
	return rest, nil
}

func parseInts(data []byte, entries []record.Entry, name string, set func(*record.Entry, int64)) ([]byte, error) {
	values, rest, err := columnar.ReadInts(data)
	if err == nil && len(values) != len(entries) {
		err = errColumn
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, v := range values {
		set(&entries[i], v)
	}
	return rest, nil
}

func parseBodies(data []byte, entries []record.Entry) error {
	rows, err := columnar.Decode(data)
	if err == nil && len(rows) != len(entries) {
		err = errColumn
	}
	if err != nil {
		return fmt.Errorf("bodies: %w", err)
	}
	for i, row := range rows {
		entries[i].Body = row
	}
	return nil
}
