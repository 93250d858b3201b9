package storage

import (
	"bytes"
	"fmt"
	"time"

	"archiver/internal/lenient"
	"archiver/internal/record"
)

// apply adds an item to the transaction and counts what it adds.
func (b *batch) apply(it *item, counts *Counts) error {
	if it.keep != nil {
		return it.keep(b)
	}
	p := it.page
	if err := b.c.refused[p.Channel]; err != nil {
		return fmt.Errorf("after an earlier page: %w", err)
	}
	observed := p.Observed.UTC().Truncate(time.Millisecond)
	for _, step := range []func(*Page, time.Time, *Counts) error{
		b.applyChannels, b.applyUsers, b.applyMessages, b.applyDeleted, b.applyPins, b.applyMissing, b.applyFiles, b.applyEvents,
		b.applyConferences,
	} {
		if err := step(p, observed, counts); err != nil {
			return err
		}
	}
	return b.applyBookkeeping(p)
}

func (b *batch) applyChannels(p *Page, observed time.Time, counts *Counts) error {
	for _, state := range p.Channels {
		if _, err := b.channel(state.ID); err != nil {
			return err
		}
		body, err := record.Body(state)
		if err != nil {
			return fmt.Errorf("channel %s: %w", state.ID, err)
		}
		if _, err := b.state(streamChannels, state.ID, body, observed, counts); err != nil {
			return fmt.Errorf("channel %s: %w", state.ID, err)
		}
	}
	return nil
}

func (b *batch) applyUsers(p *Page, observed time.Time, counts *Counts) error {
	for _, u := range p.Users {
		if _, err := b.state(streamUsers, u.Key, u.Raw, observed, counts); err != nil {
			return fmt.Errorf("user %s: %w", u.Key, err)
		}
	}
	return nil
}

func (b *batch) applyFiles(p *Page, observed time.Time, counts *Counts) error {
	if len(p.Files) == 0 {
		return nil
	}
	n, err := b.channel(p.Channel)
	if err != nil {
		return err
	}
	for _, state := range p.Files {
		body, err := record.Body(state)
		if err != nil {
			return fmt.Errorf("file %s/%s: %w", p.Channel, state.ID, err)
		}
		entries := counts.Entries
		earlier, err := b.state(filesOf(n), state.ID, body, observed, counts)
		if err != nil {
			return fmt.Errorf("file %s/%s: %w", p.Channel, state.ID, err)
		}
		if counts.Entries > entries && state.SHA256 != "" && state.SHA256 != currentRevision(earlier) {
			counts.Files++
		}
	}
	return nil
}

// currentRevision is the SHA-256 of the revision of a file that was stored last, "" when none was.
func currentRevision(entries []record.Entry) string {
	for i := len(entries) - 1; i >= 0; i-- {
		var s record.FileState
		if lenient.Unmarshal(entries[i].Body, &s) == nil && s.SHA256 != "" {
			return s.SHA256
		}
	}
	return ""
}

// state adds the state of a channel, user or file unless it is the one known last, and gives the earlier entries.
func (b *batch) state(id stream, key string, body []byte, observed time.Time, counts *Counts) ([]record.Entry, error) {
	o, err := b.stream(id)
	if err != nil {
		return nil, err
	}
	earlier, err := o.earlier(b.snapshot, key)
	if err != nil {
		return nil, err
	}
	if n := len(earlier); n > 0 && sameBody(earlier[n-1].Body, body) {
		return earlier, nil
	}
	o.add(record.Entry{Op: record.OpState, First: len(earlier) == 0, Key: key, Observed: observed, Body: body})
	counts.Entries++
	return earlier, nil
}

func sameBody(a, b []byte) bool { return bytes.Equal(a, b) || record.SameJSON(a, b) }

func (b *batch) applyMessages(p *Page, observed time.Time, counts *Counts) error {
	if len(p.Messages) == 0 {
		return nil
	}
	n, o, t, err := b.messages(p.Channel)
	if err != nil {
		return err
	}
	for _, seen := range p.Messages {
		if err := b.unmark(n, record.TS(seen.Key)); err != nil {
			return err
		}
		earlier, err := o.earlier(b.snapshot, seen.Key)
		if err != nil {
			return fmt.Errorf("message %s/%s: %w", p.Channel, seen.Key, err)
		}
		op, ok := record.Next(earlier, seen)
		if !ok {
			continue
		}
		e := record.Entry{
			Op: op, First: len(earlier) == 0, Key: seen.Key, Thread: seen.Thread, Observed: observed, Body: seen.Raw,
		}
		o.add(e)
		counts.count(e)
		t.count(e, earlier)
	}
	return nil
}

// messages gives the number of a channel and opens the stream and the totals of its messages.
func (b *batch) messages(channel string) (n uint32, o *openStream, t *ChannelTotals, err error) {
	if n, err = b.channel(channel); err != nil {
		return 0, nil, nil, err
	}
	if o, err = b.stream(messagesOf(n)); err != nil {
		return 0, nil, nil, err
	}
	t, err = b.channelTotals(n)
	return n, o, t, err
}

func (b *batch) applyDeleted(p *Page, observed time.Time, counts *Counts) error {
	if len(p.Deleted) == 0 {
		return nil
	}
	n, o, t, err := b.messages(p.Channel)
	if err != nil {
		return err
	}
	for _, gone := range p.Deleted {
		if err := b.forget(n, gone.TS); err != nil {
			return err
		}
		earlier, err := o.earlier(b.snapshot, string(gone.TS))
		if err != nil {
			return fmt.Errorf("message %s/%s: %w", p.Channel, gone.TS, err)
		}
		if len(earlier) == 0 || earlier[len(earlier)-1].Op == record.OpDeleted {
			continue
		}
		body, err := record.Body(gone.Deletion)
		if err != nil {
			return fmt.Errorf("deletion of %s/%s: %w", p.Channel, gone.TS, err)
		}
		e := record.Entry{
			Op: record.OpDeleted, Key: string(gone.TS), Thread: earlier[len(earlier)-1].Thread, Observed: observed, Body: body,
		}
		o.add(e)
		counts.count(e)
		t.count(e, earlier)
	}
	return nil
}

// forget drops the bookkeeping of a message that is gone.
func (b *batch) forget(n uint32, ts record.TS) error {
	if err := b.unmark(n, ts); err != nil {
		return err
	}
	if err := b.delete(bucketThreads, threadKey(n, ts)); err != nil {
		return err
	}
	thread := Debt{Kind: DebtThread, Key: string(ts)}
	return b.delete(bucketDebts, thread.storeKey(n))
}

// count counts an entry of a message.
func (c *Counts) count(e record.Entry) {
	c.Entries++
	switch {
	case e.Op == record.OpDeleted:
		c.Deletions++
	case e.First && e.Thread == "":
		c.Messages++
	case e.First:
		c.Comments++
	case !e.Op.HasObject(), e.Op == record.OpData:
		c.Annotations++
	default:
		c.Versions++
	}
}

// count counts an entry of a message that had earlier ones.
func (t *ChannelTotals) count(e record.Entry, earlier []record.Entry) {
	if n := len(earlier); n > 0 && earlier[n-1].Op == record.OpDeleted {
		t.Deleted--
	}
	if e.Op == record.OpDeleted {
		t.Deleted++
	}
	switch {
	case !e.First:
	case e.Thread != "":
		t.Comments++
	default:
		t.Messages++
		if ts := record.TS(e.Key); t.First == "" || ts < t.First {
			t.First = ts
		}
		t.Last = max(t.Last, record.TS(e.Key))
	}
}
