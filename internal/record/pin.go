package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

// Pin says whether a message is among those that are pinned for all who read its channel.
type Pin struct {
	Pinned bool           `json:"pinned"`
	User   string         `json:"user,omitzero"` // who pinned it, as far as the server says so
	Raw    jsontext.Value `json:"raw,omitzero"`  // what the list of pins says of the pin, as Clean leaves it
}

// ParsePin reads an element of the list of pins. public is false for a pin that only the account sees.
func ParsePin(element []byte) (p Pin, public bool) {
	p.Pinned = true
	var w struct {
		Pin  lenient.Raw    `json:"pin"`
		User lenient.String `json:"pinned_by"`
	}
	if lenient.Unmarshal(element, &w) != nil {
		return p, true
	}
	p.User = string(w.User)
	var pin struct {
		User   lenient.String `json:"user"`
		Global *lenient.Bool  `json:"is_global"`
	}
	if jsontext.Value(w.Pin).Kind() != '{' || lenient.Unmarshal(w.Pin, &pin) != nil {
		return p, true
	}
	p.User, p.Raw = firstNonEmpty(string(pin.User), p.User), Clean(w.Pin)
	return p, pin.Global == nil || bool(*pin.Global)
}

// NextPin tells whether a pin adds to the earlier entries of a message. A message that is not known, or gone, has none.
func NextPin(earlier []Entry, p Pin) bool {
	if n := len(earlier); n == 0 || earlier[n-1].Op == OpDeleted {
		return false
	}
	var known Pin
	if body := lastPin(earlier); body != nil && lenient.Unmarshal(body, &known) != nil {
		return true
	}
	return known.Pinned != p.Pinned || p.Pinned && known.User != p.User
}

// lastPin is the body of the newest entry of a pin since the message was last gone.
func lastPin(entries []Entry) []byte {
	for i := len(entries) - 1; i >= 0 && entries[i].Op != OpDeleted; i-- {
		if entries[i].Op == OpPins {
			return entries[i].Body
		}
	}
	return nil
}

// SameState tells whether an object, as Clean leaves it, shows the state that the message is in.
func (m *Message) SameState(raw []byte) bool {
	fields := ParseMessage(raw)
	sum := sha256.Sum256(fields.state.canonical(firstNonEmpty(fields.FileName, m.FileName)))
	n := len(m.Versions)
	return n > 0 && m.Versions[n-1].SHA256 == hex.EncodeToString(sum[:])
}

// IsPinned tells whether a message with these entries is pinned.
func IsPinned(entries []Entry) bool {
	var p Pin
	body := lastPin(entries)
	return body != nil && lenient.Unmarshal(body, &p) == nil && p.Pinned
}

func (m *Message) applyPin(e Entry) error {
	p := &Pin{}
	if err := lenient.Unmarshal(e.Body, p); err != nil {
		return fmt.Errorf("pin of %s/%s: %w", m.Channel, m.TS, err)
	}
	m.Pinned = p.Pinned
	m.Annotations = append(m.Annotations, Annotation{[]string{"pins"}, p, e.Observed, e.Change})
	return nil
}
