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

// load reads the messages of some documents and passes on their hits, in the order of the documents. It reads them in
// the archive's own order, which is cheaper. Without each it reads nothing.
func (s *session) load(refs []ref, each func(Hit) error) error {
	if each == nil {
		return nil
	}
	keys := make([]key, len(refs))
	order := make([]int, len(refs))
	for i, r := range refs {
		k, err := s.key(r.id)
		if err != nil {
			return err
		}
		keys[i], order[i] = k, i
	}
	slices.SortFunc(order, func(i, j int) int { return compareKeys(keys[i], keys[j]) })
	messages := make([]*record.Message, len(refs))
	for n, i := range order {
		if keys[i].file != "" {
			continue
		}
		if n > 0 && messages[order[n-1]] != nil && keys[i].ts == keys[order[n-1]].ts && keys[i].channel == keys[order[n-1]].channel {
			messages[i] = messages[order[n-1]]
			continue
		}
		m, err := s.message(keys[i])
		if err != nil {
			return err
		}
		messages[i] = m
	}
	for i, m := range messages {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if keys[i].file == "" {
			if err := each(s.hit(m, keys[i], refs[i].score)); err != nil {
				return err
			}
			continue
		}
		h, err := s.fileHit(refs[i], keys[i])
		if err != nil {
			return err
		}
		if err := each(h); err != nil {
			return err
		}
	}
	return nil
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

func (s *session) hit(m *record.Message, k key, score float64) Hit {
	h := Hit{
		Channel: m.Channel, ChannelName: s.names.channelName(m.Channel),
		TS: m.TS, ThreadTS: m.Thread, Time: m.TS.Time().Format(time.RFC3339),
		User: m.User, UserName: s.names.userName(m.User), Kind: m.Kind,
		Version: int(k.version), Versions: len(m.Versions), Deleted: m.Deleted != nil,
		Score: score, Snippet: snippet(m.Versions[k.version-1].Text, s.marks),
	}
	if m.FileID != "" {
		h.File = &m.FileID
	}
	return h
}
