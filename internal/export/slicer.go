package export

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"archiver/internal/record"
)

// slicer is the sink that cuts each channel's messages into slices. A first pass over the selection plans them, so that
// a part of a slice knows how many there are, a document its neighbours, and a thread when it is complete. Memory holds
// the messages of the slices that are begun, which is one, or the unfinished threads of a channel.
type slicer struct {
	ctx    context.Context
	frame  *frame
	takers []sliceSink
	plans  map[string]*channelPlan // by channel id

	current *conversation
	plan    *channelPlan
	open    map[string]*begun // by the period's key
	window  window            // of the message before
}

// channelPlan is what the first pass learnt of a channel.
type channelPlan struct {
	folder    string
	threads   map[record.TS]bool // messages that have comments in the export; for UnitThread only
	periods   map[string]*periodPlan
	documents []document                     // in order of their first messages
	scattered map[record.TS]*scatteredThread // by root: threads with comments that do not stand in the root's document
}

// document is what the first pass learnt of one document.
type document struct {
	period            string // its key
	part              int
	first             record.TS // of its messages
	firstHit, lastHit record.TS // "" without a hit, and where nothing was searched for
}

// scatteredThread is a thread with comments in other documents than its root, which need not be in the export.
type scatteredThread struct {
	elsewhere []commentsIn // the documents of those comments, in order
	last      record.TS    // of all comments in the export
}

// commentsIn counts a thread's comments in a document.
type commentsIn struct {
	place    int // among the channel's documents
	comments int
}

// periodPlan is what the first pass learnt of a period.
type periodPlan struct {
	messages int
	parts    []int // the place of each part among the channel's documents
}

// begun is a slice whose messages are being collected.
type begun struct {
	period
	given int // messages, in all parts
	part  int // counts from 1
	load  *load
	slice slice
}

func newSlicer(ctx context.Context, f *frame, takers []sliceSink) (*slicer, error) {
	s := &slicer{ctx: ctx, frame: f, takers: takers, plans: map[string]*channelPlan{}, open: map[string]*begun{}}
	return s, s.planAll()
}

// planAll makes the first pass.
func (s *slicer) planAll() error {
	if err := s.findThreads(); err != nil {
		return err
	}
	var current *conversation
	loads := map[string]*load{}
	for item, err := range s.frame.withFiles(s.ctx, s.frame.src.Outlines(s.ctx)) {
		if err != nil {
			return fmt.Errorf("messages: %w", err)
		}
		if current == nil || current.ID != item.Channel {
			clear(loads)
			c := s.frame.channelOf(item.Channel)
			if c == nil {
				return fmt.Errorf("messages of channel %s: not one of the channels in scope", item.Channel)
			}
			current = newConversation(c)
		}
		s.planFor(item.Channel).add(current, s.period(item), item, loads, s.frame)
	}
	return s.ctx.Err()
}

// findThreads notes which messages have comments in the export, if slices are threads.
func (s *slicer) findThreads() error {
	if s.frame.rendering.Slice != UnitThread {
		return nil
	}
	for item, err := range s.frame.src.Outlines(s.ctx) {
		if err != nil {
			return fmt.Errorf("messages: %w", err)
		}
		if item.Thread != "" {
			s.planFor(item.Channel).threads[item.Thread] = true
		}
	}
	return nil
}

func (s *slicer) planFor(channel string) *channelPlan {
	p := s.plans[channel]
	if p == nil {
		p = &channelPlan{
			threads: map[record.TS]bool{}, periods: map[string]*periodPlan{}, scattered: map[record.TS]*scatteredThread{},
		}
		s.plans[channel] = p
	}
	return p
}

// period gives the one that an item belongs to, which is mostly that of the message before.
func (s *slicer) period(item Item) period {
	unit := s.frame.rendering.Slice
	if unit == UnitThread {
		return unit.period(item, s.frame.zone, s.planFor(item.Channel).threads)
	}
	if t := item.TS.Time().In(s.frame.zone); !s.window.holds(t) {
		s.window = windowOf(unit.period(item, s.frame.zone, nil))
	}
	return s.window.period
}

// add plans for one more message. loads has the part that each period has come to.
func (p *channelPlan) add(c *conversation, at period, item Item, loads map[string]*load, f *frame) {
	p.folder = c.folder
	plan := p.periods[at.key]
	if plan == nil {
		plan = &periodPlan{}
		p.periods[at.key] = plan
	}
	plan.messages++
	had := int64(0)
	if l := loads[at.key]; l != nil {
		had = l.attachments()
	}
	if l := loads[at.key]; l == nil || !l.take(item) {
		loads[at.key] = newLoad(c.changesDuring(at))
		loads[at.key].take(item)
		had = 0
		f.numbered++
		plan.parts = append(plan.parts, len(p.documents))
		p.documents = append(p.documents, document{period: at.key, part: len(plan.parts), first: item.TS})
	}
	f.numbered += loads[at.key].attachments() - had
	place := plan.parts[len(plan.parts)-1]
	if item.Reason == ReasonHit && f.navigates() {
		p.noteHit(item.TS, place)
	}
	p.noteComment(item, place, loads[at.key])
}

func (p *channelPlan) noteHit(ts record.TS, place int) {
	d := &p.documents[place]
	d.firstHit, d.lastHit = cmp.Or(d.firstHit, ts), ts
}

// noteComment keeps track of threads that are scattered.
func (p *channelPlan) noteComment(item Item, place int, l *load) {
	if item.Thread == "" {
		return
	}
	thread := p.scattered[item.Thread]
	_, inside := l.messages[item.Thread]
	switch {
	case thread == nil && inside:
		return
	case thread == nil:
		thread = &scatteredThread{}
		p.scattered[item.Thread] = thread
	}
	thread.last = item.TS
	if inside {
		return
	}
	if n := len(thread.elsewhere); n == 0 || thread.elsewhere[n-1].place != place {
		thread.elsewhere = append(thread.elsewhere, commentsIn{place: place})
	}
	thread.elsewhere[len(thread.elsewhere)-1].comments++
}

// documentOf names the document of a main message that is in the export.
func (p *channelPlan) documentOf(root record.TS, unit Unit, zone *time.Location) string {
	at := unit.period(Item{Message: &record.Message{TS: root}}, zone, p.threads)
	found := 0
	for _, place := range p.periods[at.key].parts {
		if p.documents[place].first <= root {
			found = place
		}
	}
	return p.name(found)
}

// name names a document. Only later parts of a slice say so: one that is whole has a name without a part.
func (p *channelPlan) name(place int) string {
	d := &p.documents[place]
	name := p.folder + "_" + d.period
	if d.part > 1 {
		name += fmt.Sprintf("_p%02d", d.part)
	}
	return name
}

func (s *slicer) channel(c *record.Channel) error {
	if s.current != nil {
		delete(s.plans, s.current.ID)
	}
	s.current, s.plan = newConversation(c), s.planFor(c.ID)
	return s.tell(func(r recordSink) error { return r.channel(c) })
}

func (s *slicer) file(f *record.File) error {
	return s.tell(func(r recordSink) error { return r.file(f) })
}

func (s *slicer) user(*record.User) error { return nil }

// tell passes a record on to the formats that want records.
func (s *slicer) tell(do func(recordSink) error) error {
	for _, taker := range s.takers {
		if r, ok := taker.(recordSink); ok {
			if err := do(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *slicer) message(item Item) error {
	at := s.period(item)
	b := s.open[at.key]
	if b == nil {
		b = &begun{period: at}
		s.open[at.key] = b
		b.next(s.current.changesDuring(at), at.begin)
	}
	if !b.load.take(item) {
		next := item.TS.Time().In(s.frame.zone)
		if err := s.emit(b, next); err != nil {
			return err
		}
		b.next(s.current.changesDuring(at), next)
		b.load.take(item)
	}
	b.slice.items = append(b.slice.items, item)
	if b.given++; b.given < s.plan.periods[at.key].messages {
		return nil
	}
	delete(s.open, at.key)
	return s.emit(b, at.end)
}

// next begins another part.
func (b *begun) next(changes int, from time.Time) {
	b.part++
	b.load = newLoad(changes)
	b.slice = slice{begin: from}
	if b.begin.IsZero() {
		b.slice.begin = time.Time{}
	}
}

// emit gives a part to the formats.
func (s *slicer) emit(b *begun, until time.Time) error {
	plan := s.plan.periods[b.key]
	place := plan.parts[b.part-1]
	d := &b.slice
	d.channel, d.folder, d.title, d.part, d.parts = s.current, s.current.folder, b.title, b.part, len(plan.parts)
	d.name, d.plan, d.place = s.plan.name(place), s.plan, place
	if !b.begin.IsZero() {
		d.end = until
	}
	if place > 0 {
		d.previous = s.plan.name(place - 1)
	}
	if place+1 < len(s.plan.documents) {
		d.next = s.plan.name(place + 1)
	}
	if err := s.addParents(b); err != nil {
		return err
	}
	for _, taker := range s.takers {
		if err := taker.slice(d); err != nil {
			return fmt.Errorf("slice %s: %w", d.name, err)
		}
	}
	return nil
}

// addParents fetches the messages elsewhere in the export that comments of the slice answer.
func (s *slicer) addParents(b *begun) error {
	for _, ts := range slices.Sorted(maps.Keys(b.load.parents)) {
		item, ok, err := s.frame.src.Message(s.ctx, s.current.ID, ts)
		if err != nil {
			return fmt.Errorf("message %s/%s: %w", s.current.ID, ts, err)
		}
		if !ok {
			continue
		}
		if err := s.frame.attach(s.ctx, &item); err != nil {
			return err
		}
		b.slice.parents = append(b.slice.parents, item)
	}
	return nil
}

func (s *slicer) close() error {
	for _, taker := range s.takers {
		if err := taker.close(); err != nil {
			return err
		}
	}
	return nil
}
