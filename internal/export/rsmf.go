package export

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"archiver/internal/record"
	"archiver/internal/rsmf"
)

// What RSMF files say of where a conversation was held, and of what wrote them. The number of the writer goes up when it
// writes something else for the same selection; it is not the program's, as files are to stay as they are.
const (
	platform      = "IceWarp TeamChat"
	rsmfGenerator = "archiver, RSMF writer 1"
)

// rsmfFiles writes each slice as a file of the Relativity Short Message Format: data/rsmf/<channel>/<slice>.rsmf.
//
// A message is an event of type message whose id is its ts and whose body is its text, nothing altered. Versions are
// edits, one each after the first. What the format has no place for is in custom properties, which are named in
// rsmf_events.go. Joins, leaves and new names of the channel stand among the messages. A thread's root that is not in
// the slice is repeated before its comments with the property Context.
type rsmfFiles struct {
	frame  *frame
	host   string // the domain of ids
	writer rsmf.Writer
	people map[string]rsmf.Participant // those shown so far, by id
	crowd  *rsmfCrowd                  // of the file before
	told   time.Time                   // with UnitWhole: until when the channel's changes were shown in earlier parts
	text   []byte
}

func newRSMF(f *frame) (sliceSink, error) {
	return &rsmfFiles{frame: f, host: slug(f.sel.Archive) + ".teamchat.invalid", people: map[string]rsmf.Participant{}}, nil
}

func (w *rsmfFiles) close() error { return nil }

func (w *rsmfFiles) slice(s *slice) error {
	path := "data/rsmf/" + s.folder + "/" + s.name + ".rsmf"
	out, err := w.frame.bundle.create(path)
	if err != nil {
		return err
	}
	if err := w.writer.Write(out, w.document(s)); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), out.abandon())
	}
	_, _, err = out.close()
	return err
}

// rsmfSlice is one file that is being put together.
type rsmfSlice struct {
	*rsmfFiles
	*slice
	changes     []channelChange
	events      []rsmf.Event
	attachments rsmfAttachments
}

func (w *rsmfFiles) version() string {
	if w.frame.rendering.RSMFVersion == RSMFVersion1 {
		return rsmf.Version1
	}
	return rsmf.Version2
}

func (w *rsmfFiles) document(s *slice) *rsmf.Document {
	d := &rsmfSlice{rsmfFiles: w, slice: s, changes: w.changesIn(s)}
	d.attachments.contents = w.frame.contents
	d.addEvents()
	people := d.gather()
	m := d.manifest(people)
	w.text = w.text[:0]
	for i := range d.events {
		w.text = w.appendText(w.text, &d.events[i])
	}
	return &rsmf.Document{
		From: w.address(w.person(s.items[0].User)), To: people.to, Subject: d.subject(), Date: s.first(),
		MessageID: d.messageID(), Generator: rsmfGenerator, Application: platform, Custodian: w.custodian(),
		Custom: d.headers(), UTF8Headers: w.frame.rendering.RawUTF8Headers,
		Text: w.text, Manifest: m, Attachments: d.attachments.list,
	}
}

// changesIn gives the changes of the channel that a slice shows: those of its window; none for a thread. Parts of a whole
// channel have no windows: each goes on where the one before ended.
func (w *rsmfFiles) changesIn(s *slice) []channelChange {
	from, to := s.begin, s.end
	if w.frame.rendering.Slice == UnitWhole {
		if s.part > 1 {
			from = w.told
		}
		to = s.last().Add(time.Second)
		w.told = to
	}
	if to.IsZero() {
		return nil
	}
	openEnded := w.frame.rendering.Slice == UnitWhole && s.part == s.parts
	var changes []channelChange
	for _, c := range s.channel.changes {
		if !c.at.Before(from) && (openEnded || c.at.Before(to)) {
			changes = append(changes, c)
		}
	}
	return changes
}

// addEvents makes the events: by time, and where that is equal roots of threads before changes before messages.
func (d *rsmfSlice) addEvents() {
	d.events = make([]rsmf.Event, 0, len(d.parents)+len(d.changes)+len(d.items))
	for _, item := range d.parents {
		d.events = append(d.events, d.contextEvent(item))
	}
	for i, c := range d.changes {
		d.events = append(d.events, d.changeEvent(c, i+1))
	}
	for _, item := range d.items {
		d.events = append(d.events, d.itemEvent(item))
	}
	slices.SortStableFunc(d.events, func(a, b rsmf.Event) int { return a.Timestamp.Compare(b.Timestamp.Time) })
}

func (d *rsmfSlice) manifest(people rsmfPeople) *rsmf.Manifest {
	m := &rsmf.Manifest{
		Version: d.version(), Participants: people.shown, Events: d.events,
		Conversations: []rsmf.Conversation{{
			ID: d.conversation(), Display: displayText(d.channel.Name), Platform: platform, Type: rsmf.Channel,
			Participants: people.listed, Custom: d.conversationCustom(people),
		}},
	}
	if m.Version != rsmf.Version1 {
		m.EventCollectionID = "teamchat:" + d.frame.sel.Archive + ":" + d.channel.ID
	}
	return m
}

// conversation is the id of the conversation, which must not be empty.
func (d *rsmfSlice) conversation() string {
	if d.channel.ID == "" {
		return "(unknown)"
	}
	return d.channel.ID
}

func (d *rsmfSlice) conversationCustom(people rsmfPeople) []rsmf.Custom {
	var c customs
	c.add("Channel", d.channel.Name)
	c.list("Former names", formerNames(d.channel.Channel))
	if d.channel.State != record.ChannelPresent {
		c.add("State on the server", string(d.channel.State))
	}
	c.add("Moved to", d.channel.MovedTo)
	c.add("Moved from", d.channel.MovedFrom)
	c.list("Members at start", people.start)
	if slices.Equal(people.start, people.end) {
		c.add("Members at end", "as at start")
	} else {
		c.list("Members at end", people.end)
	}
	if people.left > 0 {
		c.add("Participants left out", fmt.Sprintf("%d members who do nothing here", people.left))
	}
	return c
}

func formerNames(c *record.Channel) []string {
	return slices.DeleteFunc(slices.Clone(c.Names), func(name string) bool { return name == c.Name || name == "" })
}
