package record

import (
	"bytes"
	"time"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

// Op says what an entry adds to its object.
type Op uint8

// The operations. Their numbers are part of the archive's format.
const (
	OpState   Op = 1 // another state was read: a version. Body is the raw object
	OpData    Op = 2 // the same state with other data around it: an annotation. Body is the raw object
	OpDeleted Op = 3 // proven gone. Body is the JSON of a Deletion
	OpPins    Op = 4 // pinned for all, or not any more: an annotation. Body is the JSON of a Pin
)

// opNames are the names of operations in hashed records and proofs.
var opNames = map[Op]string{OpState: "state", OpData: "data", OpDeleted: "deleted", OpPins: "pins"}

// String names an operation as hashed records do.
func (op Op) String() string { return opNames[op] }

// ParseOp reverses String; ok tells whether there is such an operation.
func ParseOp(name string) (op Op, ok bool) {
	for op, known := range opNames {
		if known == name {
			return op, true
		}
	}
	return 0, false
}

// Entry is the unit that the archive appends: one thing learnt of one object at one moment.
type Entry struct {
	Change   uint64    // position in the archive's history; counts from 1 without gaps
	Op       Op        //
	First    bool      // no earlier entry has this key
	Key      string    // a message's ts, or the id of a file, user or channel
	Thread   TS        // a comment's parent
	Observed time.Time // when the answer that showed it arrived, UTC, whole milliseconds
	Body     []byte
}

// Seen is one object as a server showed it.
type Seen struct {
	Key    string // as in Entry
	Thread TS     // as in Entry
	Raw    []byte // as Clean leaves it
}

// Deletion says when a message that was archived was found to be gone.
type Deletion struct {
	LastSeen     time.Time `json:"last_seen"`
	FirstMissing time.Time `json:"first_missing"`
}

// Next decides what a message as seen adds to its earlier entries: nothing (ok is false), an annotation or a
// version. It also appends a message that had been recorded as deleted and is there again.
func Next(earlier []Entry, seen Seen) (op Op, ok bool) {
	last := lastBody(earlier)
	if last == nil {
		return OpState, true
	}
	restored := earlier[len(earlier)-1].Op == OpDeleted
	if bytes.Equal(last, seen.Raw) {
		return OpData, restored
	}
	if !bytes.Equal(stateAfter(earlier, last), stateAfter(earlier, seen.Raw)) {
		return OpState, true
	}
	return OpData, restored || !SameJSON(last, seen.Raw)
}

func lastBody(entries []Entry) []byte {
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].Op.HasObject() {
			return entries[i].Body
		}
	}
	return nil
}

// HasObject tells whether the body of an entry of a message is the message's object.
func (op Op) HasObject() bool { return op == OpState || op == OpData }

// stateAfter is the state that raw describes, after earlier: an absent file keeps its last name.
func stateAfter(earlier []Entry, raw []byte) []byte {
	fields := ParseMessage(raw)
	name := fields.FileName
	for i := len(earlier) - 1; i >= 0 && name == ""; i-- {
		if earlier[i].Op.HasObject() {
			name = ParseMessage(earlier[i].Body).FileName
		}
	}
	return fields.state.canonical(name)
}

// SameJSON tells whether a and b are the same JSON, whatever the order of their members. Text that is no JSON is the
// same as nothing.
func SameJSON(a, b []byte) bool {
	x, y := jsontext.Value(bytes.Clone(a)), jsontext.Value(bytes.Clone(b))
	ordered := jsontext.ReorderRawObjects(true)
	if x.Format(ordered, lenient.Options) != nil || y.Format(ordered, lenient.Options) != nil {
		return false
	}
	return bytes.Equal(x, y)
}
