package storage

import (
	"context"
	"time"

	"archiver/internal/record"
)

// Missing is the mark of a message that a complete read of its range, or of its thread, did not show. It is no proof
// that the message is gone. Reading the message again or recording its deletion takes the mark away.
type Missing struct {
	TS           record.TS `json:"ts"`
	Thread       record.TS `json:"thread_ts"` // the parent of a comment
	LastSeen     time.Time `json:"last_seen"`
	FirstMissing time.Time `json:"first_missing"`
	Rights       string    `json:"rights"` // digest of what the account was allowed when the message was first missing
}

func missingKey(n uint32, ts record.TS) []byte { return appendTS(uint32Key(n), ts) }

func (m *Missing) append(dst []byte) []byte {
	dst = appendText(dst, string(m.Thread))
	dst = appendTime(dst, m.LastSeen)
	dst = appendTime(dst, m.FirstMissing)
	return appendText(dst, m.Rights)
}

func parseMissing(key, value []byte) (Missing, error) {
	if len(key) < 4 {
		return Missing{}, damagedAt(bucketMissing, key, "key is too short")
	}
	ts, ok := unpackTS(key[4:])
	d := decoder{rest: value}
	m := Missing{TS: ts, Thread: record.TS(d.text()), LastSeen: d.time(), FirstMissing: d.time(), Rights: d.text()}
	if d.err != nil || !ok {
		return Missing{}, damagedAt(bucketMissing, key, "is no mark")
	}
	return m, nil
}

// applyMissing marks messages that the archive holds and does not know as deleted. A mark with the same rights stays as
// it is.
func (b *batch) applyMissing(p *Page, _ time.Time, _ *Counts) error {
	if len(p.Missing) == 0 {
		return nil
	}
	n, err := b.channel(p.Channel)
	if err != nil {
		return err
	}
	o, err := b.stream(messagesOf(n))
	if err != nil {
		return err
	}
	for _, m := range p.Missing {
		earlier, err := o.earlier(b.snapshot, string(m.TS))
		if err != nil {
			return err
		}
		if len(earlier) == 0 || earlier[len(earlier)-1].Op == record.OpDeleted {
			continue
		}
		if err := b.mark(n, m); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) mark(n uint32, m Missing) error {
	key := missingKey(n, m.TS)
	old, err := b.get(bucketMissing, key)
	if err != nil {
		return err
	}
	if old != nil {
		earlier, err := parseMissing(key, old)
		if err != nil || earlier.Rights == m.Rights {
			return err
		}
	}
	return b.put(bucketMissing, key, m.append(nil))
}

// unmark takes a mark away. It is called for every message that is read.
func (b *batch) unmark(n uint32, ts record.TS) error {
	if b.counts[bucketMissing] == 0 {
		return nil
	}
	return b.delete(bucketMissing, missingKey(n, ts))
}

// Missing gives the marks of a channel, of all channels for "", by channel and ts.
func (a *Archive) Missing(ctx context.Context, channel string) (map[string][]Missing, error) {
	marks := make(map[string][]Missing)
	err := a.view(ctx, func(s *snapshot) error {
		return s.scanChannels(bucketMissing, channel, func(id string, key, value []byte) error {
			m, err := parseMissing(key, value)
			marks[id] = append(marks[id], m)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return marks, nil
}
