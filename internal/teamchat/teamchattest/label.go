package teamchattest

import "archiver/internal/record"

// Label is what a scenario gave a name.
type Label struct {
	Channel string    // id, as it was then
	TS      record.TS // of the message, comment or file entry
	File    string    // 12-hex id, "" without a file
}

// Label gives what a scenario called name; ok is false when it named nothing so.
func (w *World) Label(name string) (l Label, ok bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	l, ok = w.labels[name]
	return l, ok
}
