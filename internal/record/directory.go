package record

import (
	"fmt"
	"slices"
	"time"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ChannelPresence says whether a channel can be read.
type ChannelPresence string

// The states of a channel.
const (
	ChannelPresent   ChannelPresence = "present"
	ChannelGone      ChannelPresence = "gone"      // missing from channels.list
	ChannelForbidden ChannelPresence = "forbidden" // listed, without the right items_read
	ChannelExcluded  ChannelPresence = "excluded"  // named by sync.exclude_channels
)

// ChannelState is the body of a channel's entry. Raw leaves out what changes without the channel changing (read
// position, unread counts, latest).
type ChannelState struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	State   ChannelPresence `json:"state"`
	Members []string        `json:"members"` // user ids, sorted
	Raw     jsontext.Value  `json:"raw,omitzero"`

	// A channel that moves to another group gets another id, under which it goes on.
	MovedTo   string `json:"moved_to,omitzero"`   // the channel that this one became
	MovedFrom string `json:"moved_from,omitzero"` // the channel that this one was
}

// volatile are the members of a channel object that move while the channel stays as it is.
var volatile = []string{"last_seen", "latest", "unread_count", "thread_unread_count", "is_recent", "members", "warning"}

// StableChannel gives a channel object as Clean leaves it, without its volatile members, members in order.
func StableChannel(raw []byte) ([]byte, error) {
	var members map[string]jsontext.Value
	if err := lenient.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("channel object: %w", err)
	}
	for _, name := range volatile {
		delete(members, name)
	}
	return json.Marshal(members, json.Deterministic(true), verbatim)
}

// Channel is the logical form of a channel.
type Channel struct {
	ID        string
	Name      string
	Names     []string // every name it had, oldest first
	State     ChannelPresence
	Members   []string // sorted
	MovedTo   string   // id of the channel that it became, "" for most
	MovedFrom string   // id of the channel that it was, "" for most
	Raw       []byte
	Since     time.Time // when it was first seen
	Change    uint64
	History   ChannelHistory
	Entries   []Entry // that it was built from, oldest first
}

// ChannelHistory says what was known of a channel when. A time is that of the run that saw a state for the first time:
// the change came after the run before. A zero To means that it is still so.
type ChannelHistory struct {
	Names   []Span // the channel's names, oldest first
	Members []Span // of users: who could read the channel, by From and then by id
}

// Span is a time during which something was so.
type Span struct {
	Value    string // a name, or the id of a user
	From, To time.Time
}

// note brings a history up to a state that was seen at a time.
func (h *ChannelHistory) note(s *ChannelState, at time.Time) {
	if n := len(h.Names); n == 0 || h.Names[n-1].Value != s.Name {
		if n > 0 {
			h.Names[n-1].To = at
		}
		h.Names = append(h.Names, Span{Value: s.Name, From: at})
	}
	there := make(map[string]bool)
	for i := range h.Members {
		m := &h.Members[i]
		if _, still := slices.BinarySearch(s.Members, m.Value); m.To.IsZero() && !still {
			m.To = at
		}
		there[m.Value] = there[m.Value] || m.To.IsZero()
	}
	for _, user := range s.Members {
		if !there[user] {
			h.Members = append(h.Members, Span{Value: user, From: at})
		}
	}
}

// FoldChannel builds a channel from its entries, oldest first.
func FoldChannel(entries []Entry) (*Channel, error) {
	c := &Channel{Entries: entries}
	for _, e := range entries {
		var s ChannelState
		if err := lenient.Unmarshal(e.Body, &s); err != nil {
			return nil, fmt.Errorf("channel %s: %w", e.Key, err)
		}
		if c.Since.IsZero() {
			c.Since = e.Observed
		}
		c.ID, c.Name, c.State, c.Members, c.Change = s.ID, s.Name, s.State, s.Members, e.Change
		c.MovedTo, c.MovedFrom = s.MovedTo, s.MovedFrom
		c.History.note(&s, e.Observed)
		if len(s.Raw) > 0 {
			c.Raw = s.Raw
		}
		if !slices.Contains(c.Names, s.Name) {
			c.Names = append(c.Names, s.Name)
		}
	}
	return c, nil
}

// User is the logical form of an account.
type User struct {
	ID     string
	Name   string // real_name, else name, else id
	Email  string
	Raw    []byte
	Change uint64

	Entries []Entry // that it was built from, oldest first
}

// FoldUser builds a user from its entries, oldest first.
func FoldUser(entries []Entry) (*User, error) {
	u := &User{Entries: entries}
	for _, e := range entries {
		var w struct {
			Name     lenient.String `json:"name"`
			RealName lenient.String `json:"real_name"`
			Email    lenient.String `json:"email"`
		}
		if err := lenient.Unmarshal(e.Body, &w); err != nil {
			return nil, fmt.Errorf("user %s: %w", e.Key, err)
		}
		u.ID, u.Email, u.Raw, u.Change = e.Key, string(w.Email), e.Body, e.Change
		u.Name = firstNonEmpty(string(w.RealName), string(w.Name), e.Key)
	}
	return u, nil
}

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// FilePresence says what became of a file's bytes.
type FilePresence string

// The states of a file.
const (
	FileStored  FilePresence = "stored"  // the newest revision's bytes are archived
	FilePending FilePresence = "pending" // still to be fetched; the next run tries again
	FileGone    FilePresence = "gone"    // the server no longer has it; revisions archived before stay
	FileRefused FilePresence = "refused" // the server or the configuration refuses it for good
)

// FileState is the body of a file's entry. SHA256 and Bytes are set when the entry adds a stored revision.
type FileState struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Size     int64          `json:"size"`              // bytes, as the server declares them
	Modified string         `json:"modified,omitzero"` // as the server gives it
	State    FilePresence   `json:"state"`             //
	Reason   string         `json:"reason,omitzero"`   // why it is not stored; stable from run to run
	SHA256   string         `json:"sha256,omitzero"`   // hex, of the revision's bytes
	Bytes    int64          `json:"bytes,omitzero"`    // length of the revision
	Raw      jsontext.Value `json:"raw,omitzero"`      // the file object, as Clean leaves it
}

// File is the logical form of a file.
type File struct {
	Channel  string
	ID       string
	Name     string
	Size     int64 // bytes of the newest stored revision, else as declared
	State    FilePresence
	Reason   string
	Modified string
	Versions []Revision
	Raw      []byte
	Change   uint64
	Entries  []Entry // that it was built from, oldest first
}

// Revision is one content of a file that was stored.
type Revision struct {
	SHA256   string // hex
	Size     int64  // bytes
	Observed time.Time
	Change   uint64
}

// FoldFile builds a file of a channel from its entries, oldest first.
func FoldFile(channel string, entries []Entry) (*File, error) {
	f := &File{Channel: channel, Entries: entries}
	for _, e := range entries {
		var s FileState
		if err := lenient.Unmarshal(e.Body, &s); err != nil {
			return nil, fmt.Errorf("file %s/%s: %w", channel, e.Key, err)
		}
		f.ID, f.Name, f.Size, f.State, f.Reason, f.Modified = s.ID, s.Name, s.Size, s.State, s.Reason, s.Modified
		f.Change = e.Change
		if len(s.Raw) > 0 {
			f.Raw = s.Raw
		}
		if s.SHA256 != "" && !f.isCurrent(s.SHA256) {
			f.Versions = append(f.Versions, Revision{s.SHA256, s.Bytes, e.Observed, e.Change})
		}
		if n := len(f.Versions); n > 0 && f.State == FileStored {
			f.Size = f.Versions[n-1].Size
		}
	}
	return f, nil
}

func (f *File) isCurrent(sha256 string) bool {
	n := len(f.Versions)
	return n > 0 && f.Versions[n-1].SHA256 == sha256
}

// Body is the JSON of a state as it is stored.
func Body[T ChannelState | FileState | EventState | ConferenceState | Deletion | Pin](state T) ([]byte, error) {
	return json.Marshal(state, verbatim)
}
