package teamchattest

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"

	"archiver/internal/record"
)

// sorted ranges over a map by ascending keys.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// ChannelState is what the world holds of a channel that the account sees.
type ChannelState struct {
	ID       string // without padding
	Name     string
	Members  []string // sorted
	Readable bool
	Archived bool
	Messages int // main messages
	Comments int
	Files    int
}

// UserState is what the world holds of a user.
type UserState struct{ ID, Name string }

// MessageState is what the world holds of a main message or a comment.
type MessageState struct {
	Channel   string // id without padding
	TS        record.TS
	Thread    record.TS // the parent's, "" for a main message
	User      string
	Text      string
	Subtype   string // "message_comment" of a comment
	File      string // 12-hex id, "" without a file
	Edited    bool
	Reactions int // distinct names
}

// FileState is what the world holds of a file that was not deleted.
type FileState struct {
	Channel string // id without padding
	ID      string // 12 hex digits
	Name    string
	Size    int64
	SHA256  string // hex, of the present content
}

// ids gives the channels that the account sees, by id without padding in bytewise order.
func (w *World) ids() []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var list []string
	for _, c := range w.visible() {
		list = append(list, trimPadding(c.id))
	}
	slices.Sort(list)
	return list
}

// Channels gives the channels that the account sees, ordered by id.
func (w *World) Channels() []ChannelState {
	ids := w.ids()
	w.mu.RLock()
	defer w.mu.RUnlock()
	list := make([]ChannelState, 0, len(ids))
	for _, id := range ids {
		if c := w.byID[id]; c != nil {
			list = append(list, w.channelState(c))
		}
	}
	return list
}

func (w *World) channelState(c *channel) ChannelState {
	s := ChannelState{
		ID: trimPadding(c.id), Name: c.name, Members: make([]string, 0, len(c.members)), Readable: !c.unreadable,
		Archived: c.archived, Messages: len(c.messages) - c.hidden, Comments: len(c.parents), Files: len(c.files),
	}
	for _, m := range c.members {
		s.Members = append(s.Members, w.users[m].id)
	}
	slices.Sort(s.Members)
	return s
}

// Users gives the users, ordered by id.
func (w *World) Users() []UserState {
	w.mu.RLock()
	defer w.mu.RUnlock()
	list := make([]UserState, 0, len(w.users))
	for _, u := range w.users[1:] {
		list = append(list, UserState{u.id, u.name})
	}
	slices.SortFunc(list, func(a, b UserState) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Messages gives the main messages and comments that the account may read, ordered by channel id and ts, with the
// comments that a deleted message left ([World.KeepComments]). Each channel is read at one moment; the loop may change the world.
func (w *World) Messages() iter.Seq[MessageState] {
	return func(yield func(MessageState) bool) {
		for _, id := range w.ids() {
			for _, m := range w.messageStates(id) {
				if !yield(m) {
					return
				}
			}
		}
	}
}

func (w *World) messageStates(id string) []MessageState {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.byID[id]
	if c == nil || c.unreadable {
		return nil
	}
	list := make([]MessageState, 0, len(c.messages)+len(c.parents))
	comments := func(m *message) {
		for i := range m.comments() {
			list = append(list, w.messageState(id, tsOf(m.id), &m.more.comments[i]))
		}
	}
	for i := range c.messages {
		if m := &c.messages[i]; !m.hidden {
			list = append(list, w.messageState(id, "", m))
			comments(m)
		}
	}
	for _, ghost := range c.ghosts {
		comments(ghost)
	}
	slices.SortFunc(list, func(a, b MessageState) int { return cmp.Compare(a.TS, b.TS) })
	return list
}

func (w *World) messageState(channel string, thread record.TS, m *message) MessageState {
	s := MessageState{Channel: channel, TS: tsOf(m.id), Thread: thread, User: w.users[m.user].id,
		Text: unquote(m.text), Subtype: w.subtypes[m.subtype]}
	if thread != "" {
		s.Subtype = "message_comment"
	}
	if r := m.more; r != nil {
		s.Edited, s.Reactions = r.edited != 0, len(r.reactions)
		if r.file != nil {
			s.File = hexOf(r.file.id)
		}
	}
	return s
}

// Files gives the files of the channels that the account may read, ordered by channel id and id. It reads and hashes
// every content.
func (w *World) Files() iter.Seq2[FileState, error] {
	return func(yield func(FileState, error) bool) {
		for _, id := range w.ids() {
			for _, f := range w.channelFiles(id) {
				sum, err := f.content.sha256()
				if err != nil {
					err = fmt.Errorf("file %s/%s: %w", id, hexOf(f.id), err)
				}
				if !yield(FileState{id, hexOf(f.id), f.name, f.content.size, sum}, err) {
					return
				}
			}
		}
	}
}

// channelFiles copies the files of a channel.
func (w *World) channelFiles(id string) []file {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.byID[id]
	if c == nil || c.unreadable {
		return nil
	}
	list := make([]file, 0, len(c.files))
	for _, f := range c.files {
		list = append(list, *f)
	}
	return list
}
