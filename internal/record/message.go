package record

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

// Message is the logical form of a main message or a comment: all that its entries say.
type Message struct {
	Channel     string // the channel's id without padding
	TS          TS
	Thread      TS // the parent's ts of a comment, "" for a main message
	User        string
	Kind        Kind
	Text        string // current, or last known when deleted
	Versions    []Version
	Annotations []Annotation
	Deleted     *Deletion // nil while the message is there, as far as is known
	FileID      string    // the last known file's, "" without one
	FileName    string    // likewise
	Edited      bool      // the server's mark on the newest object
	Reactions   int       // distinct reactions on the newest object
	Pinned      bool      // for all, when the pins were last read
	Raw         []byte    // the newest object, as Clean leaves it
	Change      uint64    // of the newest entry
	Entries     []Entry   // that it was built from, oldest first
}

// Version is one state of a message that was read. The last one is current.
type Version struct {
	Text     string
	SHA256   string // hex, over the state's canonical JSON (RFC 8785)
	Observed time.Time
	Change   uint64
}

// Annotation is a re-read that showed an equal state with other data around it.
type Annotation struct {
	What     []string // names of the members that differ, sorted; "restored" for a message that came back; "pins"
	Pin      *Pin     // for "pins", else nil
	Observed time.Time
	Change   uint64
}

// FoldMessage builds a message from its entries, oldest first. There must be at least one.
func FoldMessage(channel string, entries []Entry) (*Message, error) {
	if len(entries) == 0 {
		return nil, fmt.Errorf("message of channel %s: no entries", channel)
	}
	m := &Message{Channel: channel, TS: TS(entries[0].Key), Entries: entries}
	for _, e := range entries {
		if err := m.apply(e); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// FoldOutline builds of a message what tells where it belongs: Channel, TS, Thread, FileID and FileName, as FoldMessage
// does. It is much faster.
func FoldOutline(channel string, entries []Entry) (*Message, error) {
	if len(entries) == 0 {
		return nil, fmt.Errorf("message of channel %s: no entries", channel)
	}
	m := &Message{Channel: channel, TS: TS(entries[0].Key)}
	for _, e := range entries {
		if e.Op == OpDeleted || e.Op == OpPins {
			continue
		}
		m.Thread = e.Thread
		if mayNameFile(e.Body) {
			m.setFile(ParseMessage(e.Body))
		}
	}
	return m, nil
}

// mayNameFile tells whether an object may have the member file, whose name may be written with escapes.
func mayNameFile(raw []byte) bool {
	return bytes.Contains(raw, []byte(`"file"`)) || bytes.Contains(raw, []byte(`\u`))
}

// setFile takes over the file, if the object names one.
func (m *Message) setFile(fields Fields) {
	m.FileID = cmp.Or(fields.FileID, m.FileID)
	m.FileName = cmp.Or(fields.FileName, m.FileName)
}

func (m *Message) apply(e Entry) error {
	m.Change = e.Change
	if e.Op == OpDeleted {
		m.Deleted, m.Pinned = &Deletion{}, false
		if err := lenient.Unmarshal(e.Body, m.Deleted); err != nil {
			return fmt.Errorf("deletion of %s/%s: %w", m.Channel, m.TS, err)
		}
		return nil
	}
	if e.Op == OpPins {
		return m.applyPin(e)
	}
	fields := ParseMessage(e.Body)
	m.setFile(fields)
	if e.Op == OpState {
		sum := sha256.Sum256(fields.state.canonical(m.FileName))
		m.Versions = append(m.Versions, Version{fields.Text, hex.EncodeToString(sum[:]), e.Observed, e.Change})
	} else {
		m.Annotations = append(m.Annotations, Annotation{m.differences(e.Body), nil, e.Observed, e.Change})
	}
	m.Deleted = nil
	m.Thread, m.User, m.Kind, m.Text = e.Thread, fields.User, fields.Kind, fields.Text
	m.Edited, m.Reactions, m.Raw = fields.Edited, fields.Reactions, e.Body
	return nil
}

// differences names the members in which raw differs from the newest object.
func (m *Message) differences(raw []byte) []string {
	var what []string
	if m.Deleted != nil {
		what = append(what, "restored")
	}
	var before, after map[string]lenient.Raw
	if lenient.Unmarshal(m.Raw, &before) != nil || lenient.Unmarshal(raw, &after) != nil {
		return append(what, "raw")
	}
	for name := range before {
		if _, still := after[name]; !still {
			what = append(what, name)
		}
	}
	for name, value := range after {
		if old, had := before[name]; !had || !bytes.Equal(old, value) {
			what = append(what, name)
		}
	}
	slices.Sort(what)
	return what
}

// ID names the message as commands do: channel, slash, ts.
func (m *Message) ID() string { return m.Channel + "/" + string(m.TS) }

// IsEdited tells whether more than one version was read or the server marks the message as edited.
func (m *Message) IsEdited() bool { return m.Edited || len(m.Versions) > 1 }

// ValidJSON tells whether raw is valid UTF-8 JSON.
func ValidJSON(raw []byte) bool {
	return jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true))
}
