package sync

import (
	"context"
	"fmt"
	"slices"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"

	"golang.org/x/sync/errgroup"
)

// syncChannels reads every channel that the options select, and then what changed in the list of channels meanwhile.
// Its error is one that no channel can be read without; errHalt when the run knows why.
func (r *run) syncChannels(ctx context.Context) error {
	d, err := r.openDirectory(ctx)
	if err != nil {
		return err
	}
	answer, list, err := r.Client.ChannelsList(ctx)
	if err != nil {
		if r.halts(ctx, err) {
			return errHalt
		}
		return fmt.Errorf("list channels: %w", err)
	}
	if err := d.begin(ctx, answer, list); err != nil {
		return err
	}
	if err := r.findWindow(ctx); err != nil {
		return err
	}
	users := d.next == usersTurn
	if users {
		r.syncConferences(ctx)
		r.syncUsers(ctx)
	}
	r.readAll(ctx, d.turn)
	if !users && !r.over(ctx) {
		r.syncUsers(ctx)
	}
	if !r.over(ctx) {
		d.follow(ctx)
		r.syncConferences(ctx)
	}
	if err := d.remember(ctx); err != nil || r.over(ctx) {
		return err
	}
	if err := r.settle(ctx, d); err != nil {
		return err
	}
	r.audit(ctx, d.turn)
	r.syncConferences(ctx)
	return r.settle(context.WithoutCancel(ctx), d)
}

// settle waits for all to be durable and looks at what is owed.
func (r *run) settle(ctx context.Context, d *directory) error {
	if err := r.flush(context.WithoutCancel(ctx)); err != nil {
		return r.broken("flush", err)
	}
	return r.checkDebts(ctx, d.rooms)
}

// over tells whether the run is to come to its end.
func (r *run) over(ctx context.Context) bool { return ctx.Err() != nil || r.overBudget.Load() }

// readAll reads channels, as many at once as the options allow.
func (r *run) readAll(ctx context.Context, rooms []*room) {
	r.totals.channels.Add(int64(len(rooms)))
	var group errgroup.Group
	group.SetLimit(r.Concurrency)
	for _, c := range rooms {
		if r.over(ctx) {
			break
		}
		group.Go(func() error {
			c.read(ctx)
			return nil
		})
	}
	_ = group.Wait() // rooms keep their errors to themselves
}

// directory is the list of channels during a run.
type directory struct {
	run      *run
	wanted   *selection // nil selects every channel
	excluded *selection
	known    map[string]record.ChannelState // by id: what the archive holds, pages put in this run included
	left     []teamchat.ChannelChange       // answer of channels.diff that an earlier run did not act on
	journal  bool                           // that answer is still in the journal
	listed   map[string]bool                // channels of the first list, selected or not
	arrived  []string                       // channels that were not there before, until they are linked
	next     string                         // where an earlier run would have gone on, "" when it read all: see remember

	rooms map[string]*room // the channels that are read in this run
	turn  []*room          // the same in the order in which they are read
}

// Names in the journal.
const (
	journalDiff = "channels.diff" // an answer that has not been acted on
	journalNext = "sync.next"     // where a run that ended early would have gone on
)

// openDirectory reads what the archive knows of channels.
func (r *run) openDirectory(ctx context.Context) (*directory, error) {
	d := &directory{
		run:      r,
		excluded: newSelection(r.Exclude),
		known:    make(map[string]record.ChannelState),
		listed:   make(map[string]bool),
		rooms:    make(map[string]*room),
	}
	if len(r.Channels) > 0 {
		d.wanted = newSelection(r.Channels)
	}
	for c, err := range r.Archive.Channels(ctx, 0) {
		if err != nil {
			return nil, r.broken("read channels", err)
		}
		d.known[c.ID] = record.ChannelState{
			ID: c.ID, Name: c.Name, State: c.State, Members: c.Members, Raw: c.Raw, MovedTo: c.MovedTo, MovedFrom: c.MovedFrom,
		}
	}
	return d, d.readJournal(ctx)
}

func (d *directory) readJournal(ctx context.Context) error {
	diff, err := d.run.Archive.Journal(ctx, journalDiff)
	if err != nil {
		return d.run.broken("read journal", err)
	}
	if d.journal = len(diff) > 0; d.journal {
		if d.left, err = teamchat.ParseChannelsDiff(diff); err != nil {
			d.run.Logger.Warn("journal of channels.diff", "err", err) // the list of channels tells all but passing names
		}
	}
	next, err := d.run.Archive.Journal(ctx, journalNext)
	if err != nil {
		return d.run.broken("read journal", err)
	}
	d.next = string(next)
	return d.run.loadProgress(ctx)
}

// begin takes the list of channels at the start of the run.
func (d *directory) begin(ctx context.Context, answer teamchat.Answer, list []teamchat.Channel) error {
	if !answer.Date.IsZero() {
		d.run.started = answer.Date
	}
	page := &storage.Page{Observed: answer.Received}
	d.apply(page, d.left, list)
	for _, c := range list {
		d.listed[record.ChannelID(c.ID)] = true
		d.admit(page, c)
	}
	d.link(page, func(id string) bool { return d.listed[id] })
	d.nameUnmatched()
	d.rotate()
	if err := d.put(ctx, page); err != nil || !d.journal {
		return err
	}
	return d.settleJournal(ctx)
}

// put puts a page of channel states, if it holds any.
func (d *directory) put(ctx context.Context, page *storage.Page) error {
	if len(page.Channels) == 0 {
		return nil
	}
	return d.run.put(ctx, page)
}

// admit adds a listed channel's state to the page, and the channel to those that are read.
func (d *directory) admit(page *storage.Page, listed teamchat.Channel) {
	id := record.ChannelID(listed.ID)
	if id == "" || d.rooms[id] != nil || d.wanted != nil && !d.wanted.match(id, listed.Name) {
		return
	}
	state, incomplete := d.state(id, listed)
	if known, ok := d.known[id]; !ok || known.State == record.ChannelGone {
		d.arrived = append(d.arrived, id)
	}
	d.set(page, state)
	switch state.State {
	case record.ChannelForbidden:
		d.run.problem(id, "the account may not read this channel")
	case record.ChannelPresent:
		c := newRoom(d.run, id, listed)
		if incomplete {
			c.members = &state
		}
		d.rooms[id] = c
		d.turn = append(d.turn, c)
	}
}

// set adds a state to the page if it is news.
func (d *directory) set(page *storage.Page, state record.ChannelState) {
	d.known[state.ID] = state
	page.Channels = append(page.Channels, state)
}

// state is a listed channel's state. incomplete tells that its members are to be asked for.
func (d *directory) state(id string, listed teamchat.Channel) (state record.ChannelState, incomplete bool) {
	state = record.ChannelState{ID: id, Name: listed.Name, State: record.ChannelPresent, MovedFrom: d.known[id].MovedFrom}
	switch {
	case d.excluded.match(id, listed.Name):
		state.State = record.ChannelExcluded
	case !listed.Readable:
		state.State = record.ChannelForbidden
	}
	raw, err := record.StableChannel(record.Clean(listed.Raw))
	if err == nil {
		state.Raw = raw
	}
	state.Members = sorted(listed.Members)
	absent := len(listed.Members) == 0 && listed.NumMembers != 0 // some servers leave them out
	if !absent && !listed.Truncated {
		return state, false
	}
	known := d.known[id].Members
	incomplete = !covers(known, state.Members) || int64(len(known)) != listed.NumMembers && (absent || listed.NumMembers >= 0)
	state.Members = sorted(append(state.Members, known...))
	return state, incomplete
}

func sorted(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// covers tells whether all holds each of some.
func covers(all, some []string) bool {
	for _, id := range some {
		if _, found := slices.BinarySearch(all, id); !found {
			return false
		}
	}
	return true
}

// nameUnmatched makes a problem of each channel that was asked for and does not exist.
func (d *directory) nameUnmatched() {
	if d.wanted == nil {
		return
	}
	for id, c := range d.known {
		d.wanted.match(id, c.Name)
	}
	for _, text := range d.wanted.unmatched() {
		d.run.problem("", fmt.Sprintf("no channel has the id or name %q", text))
	}
}

// selection is a set of channels by id or name.
type selection struct {
	texts []string
	index map[string]int // of texts
	used  []bool
}

func newSelection(texts []string) *selection {
	s := &selection{texts: texts, index: make(map[string]int), used: make([]bool, len(texts))}
	for i, text := range texts {
		s.index[text] = i
		s.index[record.ChannelID(text)] = i
	}
	return s
}

// match tells whether the channel is selected.
func (s *selection) match(id, name string) bool {
	matched := false
	for _, text := range []string{id, name} {
		if i, ok := s.index[text]; ok {
			s.used[i], matched = true, true
		}
	}
	return matched
}

func (s *selection) unmatched() []string {
	var texts []string
	for i, text := range s.texts {
		if !s.used[i] {
			texts = append(texts, text)
		}
	}
	return texts
}
