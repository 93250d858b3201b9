package teamchattest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// recorder keeps the states that were served. Answers of one moment may be recorded in any order: they show the same
// states, for the world does not change while one is rendered.
type recorder struct {
	methods []string

	mu       sync.Mutex
	messages map[servedKey]*recordedMessage
	files    map[servedKey]*recordedFile
	channels map[servedKey][]ChannelVersion
}

// servedKey names an object: id without padding of its channel, and its own, 0 for the channel.
type servedKey struct {
	channel string
	id      uint64
}

type recordedMessage struct {
	user     string
	thread   uint64
	file     string // name, the last one that was not ""
	versions []MessageVersion
}

type recordedFile struct {
	versions []FileVersion
	contents []content
}

func newRecorder(methods []string) *recorder {
	return &recorder{methods: methods, messages: map[servedKey]*recordedMessage{}, files: map[servedKey]*recordedFile{},
		channels: map[servedKey][]ChannelVersion{}}
}

// kindOf is the kind of a message by its subtype.
var kindOf = map[string]string{
	"": "text", "code_block": "code", "file_share": "file", "event": "event", "conference": "conference", "mail_share": "mail",
	"channel_join": "system", "channel_invite": "system", "channel_create": "system", "pinned_item": "system",
}

// message keeps the state of a main message, or of a comment on thread.
func (r *recorder) message(w *World, c *channel, m *message, thread uint64) {
	kind, known := kindOf[w.subtypes[m.subtype]]
	if !known {
		kind = "other"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := servedKey{trimPadding(c.id), m.id}
	kept := r.messages[key]
	if kept == nil {
		kept = &recordedMessage{user: w.users[m.user].id, thread: thread}
		r.messages[key] = kept
	}
	if m.more != nil && m.more.file != nil {
		kept.file = m.more.file.name
	}
	state := stateOf(m, kind, kept.file)
	next := MessageVersion{Kind: kind, Text: unquote(m.text), File: kept.file, SHA256: state}
	if n := len(kept.versions); n == 0 || kept.versions[n-1].SHA256 != next.SHA256 {
		kept.versions = append(kept.versions, next)
	}
}

// stateOf is the SHA-256 in hex of the canonical JSON of a message's state.
func stateOf(m *message, kind, file string) string {
	state := map[string]any{"kind": kind, "text": unquote(m.text)}
	if file != "" {
		state["file.name"] = file
	}
	if m.more != nil {
		addMembers(state, m.more.members)
		if e := m.more.event; e != nil {
			state["event.title"], state["event.start"], state["event.end"] = e.Title, e.Start, e.End
		}
	}
	canonical, err := json.Marshal(state, jsontext.AllowInvalidUTF8(true))
	if err == nil {
		err = (*jsontext.Value)(&canonical).Canonicalize(jsontext.AllowInvalidUTF8(true))
	}
	if err != nil {
		panic("teamchattest: state of a message: " + err.Error()) // members that a test made are no JSON
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// addMembers adds the parts of a state that are among the members of a subtype.
func addMembers(state map[string]any, members string) {
	if members == "" {
		return
	}
	var given struct {
		Language   *string `json:"language"`
		Conference *struct {
			Title string `json:"title"`
		} `json:"conference"`
		Event *struct {
			Title string         `json:"title"`
			Start jsontext.Value `json:"start"`
			End   jsontext.Value `json:"end"`
		} `json:"event"`
	}
	if err := json.Unmarshal([]byte("{"+members[1:]+"}"), &given, jsontext.AllowInvalidUTF8(true)); err != nil {
		panic("teamchattest: members of a message: " + err.Error())
	}
	if given.Language != nil {
		state["language"] = *given.Language
	}
	if given.Conference != nil {
		state["conference.title"] = given.Conference.Title
	}
	if e := given.Event; e != nil {
		state["event.title"], state["event.start"], state["event.end"] = e.Title, e.Start, e.End
	}
}

// file keeps what is said of a file.
func (r *recorder) file(c *channel, f *file, size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.fileOf(c, f)
	next := FileVersion{f.name, size, f.modified}
	if n := len(kept.versions); n == 0 || kept.versions[n-1] != next {
		kept.versions = append(kept.versions, next)
	}
}

// download keeps the content of a file.
func (r *recorder) download(c *channel, f *file) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.fileOf(c, f)
	kept.contents = append(kept.contents, f.content)
}

func (r *recorder) fileOf(c *channel, f *file) *recordedFile {
	key := servedKey{trimPadding(c.id), f.id}
	if r.files[key] == nil {
		r.files[key] = &recordedFile{}
	}
	return r.files[key]
}

// channel keeps what is said of a channel.
func (r *recorder) channel(w *World, c *channel, noMembers bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := servedKey{channel: trimPadding(c.id)}
	kept := r.channels[key]
	next := ChannelVersion{Name: c.name, Readable: !c.unreadable, Archived: c.archived}
	switch {
	case !noMembers:
		next.Members = w.channelState(c).Members
	case len(kept) > 0:
		next.Members = kept[len(kept)-1].Members
	}
	if len(kept) == 0 || !kept[len(kept)-1].equal(next) {
		r.channels[key] = append(kept, next)
	}
}

func (v ChannelVersion) equal(other ChannelVersion) bool {
	return v.Name == other.Name && v.Readable == other.Readable && v.Archived == other.Archived && slices.Equal(v.Members, other.Members)
}
