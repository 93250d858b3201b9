package teamchattest

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"

	"archiver/internal/record"
)

// MessageVersion is a state of a message that was served.
type MessageVersion struct {
	Kind   string // as in a dump: text, code, file, event, conference, mail, system, other
	Text   string
	File   string // name; an absent file object keeps the last one
	SHA256 string // hex, of the state's canonical JSON, as in a dump
}

// ServedMessage is all that was told of a main message or a comment.
type ServedMessage struct {
	Channel  string    // id without padding
	TS       record.TS //
	Thread   record.TS // the parent's, "" for a main message
	User     string
	Versions []MessageVersion // in the order they were served; neighbours differ

	// Gone tells that a complete archive knows it as deleted: it is no longer in its channel, or its parent is not,
	// while the account reads the channel.
	Gone bool
}

// FileVersion is a state of a file that was served in a list or with a message.
type FileVersion struct {
	Name     string
	Size     int64 // as declared, bytes
	Modified int64 // unix seconds
}

// FileContent is content that was served.
type FileContent struct {
	SHA256 string // hex
	Size   int64  // bytes
}

// ServedFile is all that was told of a file.
type ServedFile struct {
	Channel  string        // id without padding
	ID       string        // 12 hex digits
	Versions []FileVersion // in the order they were served; neighbours differ
	Contents []FileContent // of whole downloads, likewise
	Gone     bool          // no longer in its channel, while the account reads the channel
}

// ChannelVersion is a state of a channel that was served.
type ChannelVersion struct {
	Name     string
	Members  []string // sorted; those told before where the answer was to leave them out
	Readable bool
	Archived bool
}

// ServedChannel is all that was told of a channel.
type ServedChannel struct {
	ID       string           // without padding
	Versions []ChannelVersion // in the order they were served; neighbours differ
	Listed   bool             // the account sees it now
}

// recorded are the methods whose answers count when Record is given none.
var recorded = []string{
	"channels.diff", "channels.historyNoComments", "channels.info", "channels.list", "files.download", "files.list",
	"items.info", "threads.comments", "threads.list",
}

// Record begins to keep every state that is put into an answer of one of these methods, if the answer is sent whole.
// None are those by which an archive reads: lists of channels, files, threads and messages, items.info, channels.info
// and files.download. It costs some microseconds a message. Calling it again forgets what was kept.
func (w *World) Record(methods ...string) {
	if len(methods) == 0 {
		methods = recorded
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.served = newRecorder(methods)
}

// ServedMessages gives the messages and comments that were served, ordered by channel id and ts.
func (w *World) ServedMessages() iter.Seq[ServedMessage] {
	return func(yield func(ServedMessage) bool) {
		for _, key := range w.servedKeys(func(r *recorder) iter.Seq[servedKey] { return maps.Keys(r.messages) }) {
			if !yield(w.servedMessage(key)) {
				return
			}
		}
	}
}

// ServedFiles gives the files that were served, ordered by channel id and id. It reads and hashes the contents.
func (w *World) ServedFiles() iter.Seq2[ServedFile, error] {
	return func(yield func(ServedFile, error) bool) {
		for _, key := range w.servedKeys(func(r *recorder) iter.Seq[servedKey] { return maps.Keys(r.files) }) {
			if !yield(w.servedFile(key)) {
				return
			}
		}
	}
}

// ServedChannels gives the channels that were served, ordered by id.
func (w *World) ServedChannels() iter.Seq[ServedChannel] {
	return func(yield func(ServedChannel) bool) {
		for _, key := range w.servedKeys(func(r *recorder) iter.Seq[servedKey] { return maps.Keys(r.channels) }) {
			if !yield(w.servedChannel(key)) {
				return
			}
		}
	}
}

// servedKeys gives the keys of what was recorded, in order.
func (w *World) servedKeys(of func(*recorder) iter.Seq[servedKey]) []servedKey {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.served == nil {
		return nil
	}
	w.served.mu.Lock()
	defer w.served.mu.Unlock()
	return slices.SortedFunc(of(w.served), func(a, b servedKey) int {
		return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.id, b.id))
	})
}

func (w *World) servedMessage(key servedKey) ServedMessage {
	w.mu.RLock()
	defer w.mu.RUnlock()
	w.served.mu.Lock()
	defer w.served.mu.Unlock()
	kept := w.served.messages[key]
	s := ServedMessage{Channel: key.channel, TS: tsOf(key.id), User: kept.user, Versions: slices.Clone(kept.versions)}
	if kept.thread != 0 {
		s.Thread = tsOf(kept.thread)
	}
	if c := w.reads(key.channel); c != nil {
		m, _ := c.byID(key.id)
		s.Gone = m == nil || c.ghosts[kept.thread] != nil
	}
	return s
}

func (w *World) servedFile(key servedKey) (ServedFile, error) {
	s, contents := w.servedFileNow(key)
	for _, data := range contents {
		sum, err := data.sha256()
		if err != nil {
			return s, fmt.Errorf("file %s/%s: %w", s.Channel, s.ID, err)
		}
		next := FileContent{sum, data.size}
		if n := len(s.Contents); n == 0 || s.Contents[n-1] != next {
			s.Contents = append(s.Contents, next)
		}
	}
	return s, nil
}

func (w *World) servedFileNow(key servedKey) (ServedFile, []content) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	w.served.mu.Lock()
	defer w.served.mu.Unlock()
	kept := w.served.files[key]
	s := ServedFile{Channel: key.channel, ID: hexOf(key.id), Versions: slices.Clone(kept.versions)}
	if c := w.reads(key.channel); c != nil {
		_, there := searchFile(c.files, key.id)
		s.Gone = !there
	}
	return s, slices.Clone(kept.contents)
}

func (w *World) servedChannel(key servedKey) ServedChannel {
	w.mu.RLock()
	defer w.mu.RUnlock()
	w.served.mu.Lock()
	defer w.served.mu.Unlock()
	c := w.byID[key.channel]
	return ServedChannel{key.channel, slices.Clone(w.served.channels[key]), c != nil && !c.unlisted}
}

// reads gives a channel by id if the account reads it.
func (w *World) reads(id string) *channel {
	if c := w.byID[id]; c != nil && !c.unlisted && !c.unreadable {
		return c
	}
	return nil
}
