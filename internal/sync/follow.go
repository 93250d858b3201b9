package sync

import (
	"context"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// follow looks once more at the list of channels: it reads the channels that came during the run, and names those that
// were lost. What channels.diff answers is kept until it has been acted on, since asking moves the server's base.
func (d *directory) follow(ctx context.Context) {
	r := d.run
	changes, err := d.diff(ctx)
	if err != nil {
		return
	}
	answer, list, err := r.Client.ChannelsList(ctx)
	if err != nil {
		if !r.halts(ctx, err) {
			r.problem("", "second list of channels: "+err.Error())
		}
		return
	}
	page := &storage.Page{Observed: answer.Received}
	d.apply(page, changes, list)
	d.compare(page, changes, list)
	first := len(d.turn)
	for _, c := range list {
		if !d.listed[record.ChannelID(c.ID)] {
			d.admit(page, c)
		}
	}
	second := byID(list)
	d.link(page, func(id string) bool { _, there := second[id]; return there })
	if d.put(ctx, page) != nil {
		return
	}
	r.readAll(ctx, d.turn[first:])
	if len(changes) > 0 {
		_ = d.settleJournal(ctx)
	}
}

// diff asks channels.diff, unless requests are few, and journals an answer that says anything.
func (d *directory) diff(ctx context.Context) ([]teamchat.ChannelChange, error) {
	if d.run.fewRequests() {
		return nil, nil
	}
	_, changes, body, err := d.run.Client.ChannelsDiff(ctx)
	if err != nil {
		if d.run.halts(ctx, err) {
			return nil, errHalt
		}
		d.run.Logger.Warn("changes of the list of channels", "err", err) // the second list tells all but passing names
		return nil, nil
	}
	if !d.isNews(changes) {
		return nil, nil
	}
	if err := d.run.Archive.SetJournal(context.WithoutCancel(ctx), journalDiff, record.Clean(body)); err != nil {
		return nil, d.run.broken("write journal", err)
	}
	return changes, nil
}

// isNews tells whether changes say anything that is not known. After another login the server calls every channel added.
func (d *directory) isNews(changes []teamchat.ChannelChange) bool {
	for _, c := range changes {
		known, ok := d.known[record.ChannelID(c.Channel.ID)]
		switch {
		case !ok || c.Status == "deleted" && known.State != record.ChannelGone:
			return true
		case c.Channel.Name != "" && c.Channel.Name != known.Name:
			return true
		}
	}
	return false
}

// apply adds to the page what only channels.diff shows: names that a channel bore in passing, and channels that came
// and went.
func (d *directory) apply(page *storage.Page, changes []teamchat.ChannelChange, list []teamchat.Channel) {
	if len(changes) == 0 {
		return
	}
	listed := byID(list)
	for _, change := range changes {
		id, name := record.ChannelID(change.Channel.ID), change.Channel.Name
		state, known := d.known[id]
		now, there := listed[id]
		switch {
		case id == "" || d.wanted != nil && !d.wanted.match(id, name) && !d.wanted.match(id, state.Name):
		case known && change.Status == "renamed" && name != "" && name != state.Name && !(there && now.Name == name):
			state.Name = name
			d.set(page, state)
		case !known && !there && change.Status == "added":
			d.set(page, record.ChannelState{ID: id, Name: name, State: record.ChannelGone, Members: []string{}})
		}
	}
}

func byID(list []teamchat.Channel) map[string]teamchat.Channel {
	m := make(map[string]teamchat.Channel, len(list))
	for _, c := range list {
		m[record.ChannelID(c.ID)] = c
	}
	return m
}

// compare adds to the page how known channels differ in a second list. A channel that only this list lacks is not gone
// before something else says so.
func (d *directory) compare(page *storage.Page, changes []teamchat.ChannelChange, list []teamchat.Channel) {
	listed := byID(list)
	gone := make(map[string]bool)
	for _, c := range changes {
		gone[record.ChannelID(c.Channel.ID)] = c.Status == "deleted"
	}
	for id, state := range d.known {
		now, there := listed[id]
		if d.wanted != nil && !d.wanted.match(id, state.Name) && !(there && d.wanted.match(id, now.Name)) {
			continue
		}
		switch before := state; {
		case !there:
			if c := d.rooms[id]; gone[id] || !d.listed[id] || c != nil && c.vanished {
				state.State = record.ChannelGone
			}
			d.update(page, before, state)
			d.lost(id, "the channel vanished during the run")
		case d.listed[id]:
			state.Name = now.Name
			if state.State == record.ChannelPresent && !now.Readable {
				state.State = record.ChannelForbidden
				d.lost(id, "the account lost the right to read this channel during the run")
			}
			d.update(page, before, state)
		}
	}
}

func (d *directory) update(page *storage.Page, before, state record.ChannelState) {
	if before.State != state.State || before.Name != state.Name {
		d.set(page, state)
	}
}

// lost makes a problem of a channel that was read in this run and can't be read any more: its last answers prove nothing.
func (d *directory) lost(id, what string) {
	c := d.rooms[id]
	if c == nil {
		return
	}
	if c.completed {
		c.completed = false
		d.run.totals.completed.Add(-1)
	}
	if !c.vanished {
		d.run.problem(id, what)
	}
}

// settleJournal forgets the answer of channels.diff once all that follows from it is durable.
func (d *directory) settleJournal(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if err := d.run.flush(ctx); err != nil {
		return d.run.broken("flush", err)
	}
	if err := d.run.Archive.SetJournal(ctx, journalDiff, nil); err != nil {
		return d.run.broken("write journal", err)
	}
	return nil
}
