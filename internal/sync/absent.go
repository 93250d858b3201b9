package sync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"archiver/internal/lenient"
	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	twiceApart = time.Minute // how far apart two complete reads must be that prove a message to be gone
	probes     = 10          // messages proven gone by the lists of an answer that are also asked for
)

// rightsOf is a digest of what the account may do in a channel, as channels.list tells it.
func rightsOf(account string, channel []byte) string {
	var w struct {
		Permissions lenient.Raw `json:"permissions"`
		Member      lenient.Raw `json:"is_member"`
	}
	_ = lenient.Unmarshal(channel, &w) // no object, no rights
	sum := sha256.New()
	for _, part := range [][]byte{[]byte(account), w.Permissions, w.Member} {
		value := jsontext.Value(part)
		if value.Canonicalize(lenient.Options) == nil {
			part = value
		}
		sum.Write(append(part, 0))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// compare adds to a page what becomes of the messages that the archive holds in a range and that an answer does not
// show, which shows all there is in the range. The lower bound itself is left out, since servers may do so, too: whoever
// asks begins a little before what matters. An empty To is no bound.
func (c *room) compare(ctx context.Context, p *storage.Page, read record.Interval, shown func(record.TS) bool) error {
	if c.totals.Messages == 0 || read.From > c.totals.Last {
		return nil
	}
	gone, err := c.absent(ctx, read, shown)
	if err != nil {
		return err
	}
	for _, h := range gone {
		if err := c.missed(ctx, p, h, c.coverage.At(h.TS)); err != nil {
			return err
		}
	}
	return c.buryThreads(ctx, p)
}

// absent gives the main messages that the archive holds in a range, does not know as deleted, and that were not shown.
func (c *room) absent(ctx context.Context, read record.Interval, shown func(record.TS) bool) ([]storage.Held, error) {
	var gone []storage.Held
	for h, err := range c.run.Archive.Held(ctx, c.id, storage.Range{From: read.From, To: read.To}) {
		if err != nil {
			return nil, c.unreadable(ctx, "messages", err)
		}
		if h.Thread == "" && !h.Deleted && (h.TS > read.From || read.From == "") && !shown(h.TS) {
			gone = append(gone, *h)
		}
	}
	return gone, nil
}

// missed adds to a page what becomes of a message that a complete read did not show: it is proven gone if it was missing
// before, with the same rights and long enough ago, or if a full run finds it nowhere; else it is marked. The first
// messages of a page that are proven gone by lists alone are asked for, too, to see whether the lists can be trusted. read
// is when it must have been read at the latest, besides its own entries.
func (c *room) missed(ctx context.Context, p *storage.Page, h storage.Held, read time.Time) error {
	mark := storage.Missing{TS: h.TS, Thread: h.Thread, LastSeen: h.Observed, FirstMissing: p.Observed, Rights: c.rights}
	if read.After(mark.LastSeen) {
		mark.LastSeen = read
	}
	known, marked := c.missing[h.TS]
	if marked = marked && known.Rights == c.rights; marked {
		mark = known
	}
	proven := marked && p.Observed.Sub(mark.FirstMissing) >= twiceApart
	if c.run.Full && !proven || proven && (c.doubtful || len(p.Deleted) < probes) {
		there, err := c.lookFor(ctx, p, h)
		if err != nil || there == here {
			return err
		}
		proven = there == nowhere || proven && there == unsaid
	}
	if proven {
		delete(c.missing, h.TS)
		p.Deleted = append(p.Deleted, storage.Deleted{
			TS: h.TS, Deletion: record.Deletion{LastSeen: mark.LastSeen, FirstMissing: mark.FirstMissing},
		})
		return nil
	}
	c.missing[h.TS] = mark
	p.Missing = append(p.Missing, mark)
	return nil
}

// whereabouts is what items.info says of a message.
type whereabouts int

const (
	unsaid whereabouts = iota
	here
	nowhere
	withheld
)

// lookFor asks for a message by itself, and adds it to the page if it is there. Then the lists of this channel are not to
// be trusted, and each message that they do not show is asked for.
func (c *room) lookFor(ctx context.Context, p *storage.Page, h storage.Held) (whereabouts, error) {
	if c.mute {
		return withheld, nil // each question would take all tries
	}
	_, m, err := c.run.Client.Item(c.run.beyond(ctx), c.call, string(h.TS))
	var refusal *teamchat.Error
	switch {
	case err == nil:
		if ts, wrong := record.ParseTS(m.TS); wrong != nil || ts != h.TS {
			return unsaid, nil
		}
		c.doubtful = true
		p.Messages = append(p.Messages, record.Seen{Key: string(h.TS), Thread: h.Thread, Raw: record.Clean(m.Raw)})
		return here, nil
	case errors.As(err, &refusal) && refusal.NotFound():
		return nowhere, nil
	case c.run.halts(ctx, err):
		return unsaid, errHalt
	}
	if refusal != nil && refusal.Denied() {
		return withheld, nil
	}
	c.mute = true
	c.run.Logger.Warn("missing message could not be asked for", "channel", c.id, "ts", h.TS, "err", err)
	return unsaid, nil
}

// buryThreads adds to a page, beside the main messages that are proven gone, their comments. What is under way is waited
// for, so that no comment comes after.
func (c *room) buryThreads(ctx context.Context, p *storage.Page) error {
	parents := make(map[record.TS]time.Time) // first missing
	first := record.TS("")
	for _, gone := range p.Deleted {
		if !c.threads.has(gone.TS) {
			continue
		}
		parents[gone.TS] = gone.FirstMissing
		if first == "" || gone.TS < first {
			first = gone.TS
		}
	}
	if len(parents) == 0 {
		return nil
	}
	_ = c.tasks.Wait() // tasks name their problems by themselves
	if err := c.run.flush(context.WithoutCancel(ctx)); err != nil {
		return c.run.broken("flush", err)
	}
	for h, err := range c.run.Archive.Held(ctx, c.id, storage.Range{From: first}) {
		if err != nil {
			return c.unreadable(ctx, "messages", err)
		}
		missing, gone := parents[h.Thread]
		if !gone || h.Deleted {
			continue
		}
		seen := h.Observed
		if read := c.threads.get(h.Thread).readAt(); read.After(seen) {
			seen = read
		}
		p.Deleted = append(p.Deleted, storage.Deleted{TS: h.TS, Deletion: record.Deletion{LastSeen: seen, FirstMissing: missing}})
		delete(c.missing, h.TS)
	}
	for ts := range parents {
		c.threads.remove(ts)
		c.replies.forget(ts)
	}
	return nil
}
