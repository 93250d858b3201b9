package rsmf

import "time"

// Versions of the format.
const (
	Version1 = "1.0.0"
	Version2 = "2.0.0"
)

// Limits above which Relativity's validator warns.
const (
	MaxEvents       = 10_000
	MaxParticipants = 10_000
)

// Manifest is rsmf_manifest.json. Ids are the writer's own, unique within their list. Zero members are left out.
type Manifest struct {
	Version           string         `json:"version"` // Version1 or Version2
	Participants      []Participant  `json:"participants"`
	Conversations     []Conversation `json:"conversations"`
	Events            []Event        `json:"events"`                     // by time
	EventCollectionID string         `json:"eventcollectionid,omitzero"` // joins the slices of one conversation; 2.0.0
}

// Participant is somebody whom an event or a conversation names.
type Participant struct {
	ID        string   `json:"id"`
	Display   string   `json:"display,omitzero"` // without commas, which separate names in a header
	Email     string   `json:"email,omitzero"`   // only if it is an address
	AccountID string   `json:"account_id,omitzero"`
	Custom    []Custom `json:"custom,omitzero"`
}

// Custom is a property that the format has no place for. Neither of its strings may be empty.
type Custom struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Types of a conversation.
const (
	Direct  = "direct"  // its participants never change
	Channel = "channel" // its participants join and leave
)

// Conversation is what events belong to.
type Conversation struct {
	ID           string   `json:"id"`
	Display      string   `json:"display,omitzero"`
	Platform     string   `json:"platform"`
	Type         string   `json:"type,omitzero"` // Direct or Channel
	Participants []string `json:"participants"`  // ids of those present at the earliest event
	Custodian    string   `json:"custodian,omitzero"`
	Custom       []Custom `json:"custom,omitzero"`
}

// Types of an event.
const (
	Message    = "message"
	Disclaimer = "disclaimer"
	Join       = "join"
	Leave      = "leave"
	History    = "history" // 2.0.0
	Unknown    = "unknown"
)

// Event is something that happened in a conversation.
type Event struct {
	ID           string          `json:"id,omitzero"`
	Type         string          `json:"type"`
	Parent       string          `json:"parent,omitzero"` // id of an earlier event of the conversation, in this file
	Body         string          `json:"body,omitzero"`
	Participant  string          `json:"participant,omitzero"`
	Conversation string          `json:"conversation,omitzero"`
	Timestamp    Time            `json:"timestamp,omitzero"`
	Deleted      bool            `json:"deleted,omitzero"`
	Reactions    []Reaction      `json:"reactions,omitzero"`
	Attachments  []AttachmentRef `json:"attachments,omitzero"`
	Edits        []Edit          `json:"edits,omitzero"`
	Custom       []Custom        `json:"custom,omitzero"`
}

// Reaction is one reaction to an event.
type Reaction struct {
	Value        string   `json:"value"` // a short name without colons, or an emoji; not empty
	Count        int64    `json:"count,omitzero"`
	Participants []string `json:"participants,omitzero"`
}

// AttachmentRef names an attachment of the file.
type AttachmentRef struct {
	ID      string `json:"id"`               // name in rsmf.zip
	Display string `json:"display,omitzero"` // its ending decides whether it is shown as an image
	Size    int64  `json:"size,omitzero"`    // bytes
}

// Edit is one change of an event's body.
type Edit struct {
	Participant string `json:"participant"`
	Timestamp   Time   `json:"timestamp,omitzero"`
	Previous    string `json:"previous,omitzero"`
	New         string `json:"new,omitzero"`
}

// Time is a moment, written as RFC 3339 in UTC with milliseconds: the validator refuses more than seven digits.
type Time struct{ time.Time }

const timeFormat = "2006-01-02T15:04:05.000Z"

// String gives the time as it is written.
func (t Time) String() string { return t.UTC().Format(timeFormat) }

// span gives the times of the earliest and the latest event.
func (m *Manifest) span() (first, last Time) {
	for i := range m.Events {
		t := m.Events[i].Timestamp
		if i == 0 || t.Before(first.Time) {
			first = t
		}
		if i == 0 || t.After(last.Time) {
			last = t
		}
	}
	return first, last
}

// attachments counts the attachments of all events.
func (m *Manifest) attachments() int {
	n := 0
	for i := range m.Events {
		n += len(m.Events[i].Attachments)
	}
	return n
}
