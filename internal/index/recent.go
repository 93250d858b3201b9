package index

import (
	"sync"

	"archiver/internal/record"
)

// shown is what hits show of a version of a message.
type shown struct {
	channel    string // id
	ts, thread record.TS
	user       string // id
	kind       record.Kind
	versions   int
	deleted    bool
	file, text string
}

// shownOf takes from a message what a hit of one of its versions shows, from 1.
func shownOf(m *record.Message, version int) *shown {
	return &shown{channel: m.Channel, ts: m.TS, thread: m.Thread, user: m.User, kind: m.Kind,
		versions: len(m.Versions), deleted: m.Deleted != nil, file: m.FileID, text: m.Versions[version-1].Text}
}

// recentBytes is about how much is kept of what hits showed.
const recentBytes = 4 << 20

// recent keeps what hits showed last, by the ids of documents, since a page that is asked for again or in another order
// costs the archive a block for every hit. It is good for one change of the archive. The zero value is empty.
type recent struct {
	mu         sync.Mutex
	change     uint64
	young, old map[string]*shown // what is asked for is young; once there is too much of that, it is old
	bytes      int               // of the young
}

const shownBytes = 400 // that an entry takes beside its text

func (r *recent) get(change uint64, id string) *shown {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.change != change {
		return nil
	}
	if known := r.young[id]; known != nil {
		return known
	}
	known := r.old[id]
	if known != nil {
		r.add(id, known)
	}
	return known
}

func (r *recent) put(change uint64, id string, s *shown) {
	if len(s.text) > recentBytes/8 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.change != change {
		r.change, r.young, r.old, r.bytes = change, nil, nil, 0
	}
	r.add(id, s)
}

func (r *recent) add(id string, s *shown) {
	if r.young == nil || r.bytes > recentBytes/2 {
		r.young, r.old, r.bytes = map[string]*shown{}, r.young, 0
	}
	r.young[id] = s
	r.bytes += len(s.text) + shownBytes
}
