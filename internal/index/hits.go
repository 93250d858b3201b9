package index

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// load reads the messages of some documents and passes on their hits, in the order of the documents. Without each it
// reads nothing.
func (s *session) load(refs []ref, each func(Hit) error) error {
	if each == nil {
		return nil
	}
	keys := make([]key, len(refs))
	for i, r := range refs {
		var err error
		if keys[i], err = s.key(r.id); err != nil {
			return err
		}
	}
	messages, err := s.messages(refs, keys)
	if err != nil {
		return err
	}
	for i, m := range messages {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		var h Hit
		if keys[i].file == "" {
			h = s.hit(m, keys[i], refs[i].score)
		} else if h, err = s.fileHit(refs[i], keys[i]); err != nil {
			return err
		}
		if err := each(h); err != nil {
			return err
		}
	}
	return nil
}

// messages gives what is shown of the messages of some documents, nil for those of files. It reads them in the archive's
// own order, which is cheaper.
func (s *session) messages(refs []ref, keys []key) ([]*shown, error) {
	change, out := s.archive.Change(), make([]*shown, len(refs))
	var unknown []int
	for i, r := range refs {
		if keys[i].file != "" {
			continue
		}
		if out[i] = s.recent.get(change, r.id); out[i] == nil {
			unknown = append(unknown, i)
		}
	}
	slices.SortFunc(unknown, func(i, j int) int { return compareKeys(keys[i], keys[j]) })
	for _, i := range unknown {
		m, err := s.message(keys[i])
		if err != nil {
			return nil, err
		}
		out[i] = shownOf(m, int(keys[i].version))
		s.recent.put(change, refs[i].id, out[i])
	}
	return out, nil
}

// compareKeys orders by channel, then by time.
func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.ts, b.ts), cmp.Compare(a.version, b.version))
}

func (s *session) key(id string) (key, error) {
	k, err := decodeKey(id)
	if err == nil && int(k.channel) >= len(s.channels) {
		err = fmt.Errorf("channel number %d has no id", k.channel)
	}
	if err != nil {
		return k, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return k, nil
}

func (s *session) message(k key) (*record.Message, error) {
	m, err := s.archive.Message(s.ctx, s.channels[k.channel], k.ts)
	switch {
	case errors.Is(err, storage.ErrNotFound), err == nil && int(k.version) > len(m.Versions):
		return nil, fmt.Errorf("%w: it knows version %d of %s/%s, the archive does not", ErrDamaged, k.version, s.channels[k.channel], k.ts)
	case err != nil:
		return nil, fmt.Errorf("message %s/%s: %w", s.channels[k.channel], k.ts, err)
	}
	return m, nil
}

func (s *session) hit(m *shown, k key, score float64) Hit {
	h := Hit{
		Channel: m.channel, ChannelName: s.names.channelName(m.channel),
		TS: m.ts, ThreadTS: m.thread, Time: m.ts.Time().Format(time.RFC3339),
		User: m.user, UserName: s.names.userName(m.user), Kind: m.kind,
		Version: int(k.version), Versions: m.versions, Deleted: m.deleted,
		Score: score, Snippet: snippet(m.text, s.marks),
	}
	if file := m.file; file != "" {
		h.File = &file
	}
	return h
}
