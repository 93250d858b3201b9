package export

import "archiver/internal/record"

// What one document of a conversation holds at most. Relativity's validator warns from 10,001 events on, and its
// processing takes no file over 2 GB.
const (
	maxSliceEvents = 10_000
	maxSliceBytes  = 1 << 30
)

// load is how much a document holds so far.
type load struct {
	changes  int                    // of the channel and its members in the document's window
	messages map[record.TS]struct{} //
	parents  map[record.TS]struct{} // messages outside that comments in it answer
	contents map[string]struct{}    // SHA-256 of attachments
	bytes    int64                  // of attachments
	slips    int                    // attachments of which no content was ever stored
}

// attachments counts the documents that the attachments are, when each content is one.
func (l *load) attachments() int64 { return int64(len(l.contents) + l.slips) }

func newLoad(changes int) *load {
	return &load{
		changes: changes, messages: map[record.TS]struct{}{}, parents: map[record.TS]struct{}{}, contents: map[string]struct{}{},
	}
}

// take adds an item if the document does not become too large. The first always fits.
func (l *load) take(item Item) bool {
	events, bytes := 1, int64(0)
	_, inside := l.messages[item.Thread]
	_, outside := l.parents[item.Thread]
	newParent := item.Thread != "" && item.Thread != item.TS && !inside && !outside
	if newParent {
		events++
	}
	content, isNew := l.content(item)
	if isNew {
		bytes = content.Size
	}
	full := l.changes+len(l.messages)+len(l.parents)+events > maxSliceEvents || l.bytes+bytes > maxSliceBytes
	if full && len(l.messages) > 0 {
		return false
	}
	l.messages[item.TS] = struct{}{}
	delete(l.parents, item.TS) // a comment that is older than its parent came before it
	if newParent {
		l.parents[item.Thread] = struct{}{}
	}
	switch {
	case isNew:
		l.contents[content.SHA256] = struct{}{}
		l.bytes += bytes
	case hasFile(item) && content.SHA256 == "":
		l.slips++
	}
	return true
}

// hasFile tells whether a message is one with a file.
func hasFile(item Item) bool { return item.FileID != "" || item.FileName != "" }

// content is the item's attachment; isNew tells whether there is one that the document does not have yet.
func (l *load) content(item Item) (content record.Revision, isNew bool) {
	content, ok := newest(item.File)
	if !ok {
		return content, false
	}
	_, has := l.contents[content.SHA256]
	return content, !has
}

// newest is the last stored content of a file, if there is one.
func newest(f *record.File) (content record.Revision, ok bool) {
	if f == nil || len(f.Versions) == 0 {
		return content, false
	}
	return f.Versions[len(f.Versions)-1], true
}
