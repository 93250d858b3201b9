package rsmf

import (
	"slices"
	"time"
)

// eventRules are the rules of events, which look at what events before and after them say.
type eventRules struct {
	*checker
	manifest      *read
	people        map[string]bool
	conversations map[string]*members
	events        map[string]*readEvent // by id
}

// members is who is in a conversation when.
type members struct {
	*readConversation
	listed  map[string]bool
	changes map[string][]change // by participant, in the order of the events
}

type change struct {
	at    time.Time
	joins bool
}

func newEventRules(c *checker, m *read) *eventRules {
	r := &eventRules{
		checker: c, manifest: m, people: map[string]bool{}, conversations: map[string]*members{}, events: map[string]*readEvent{},
	}
	for _, p := range m.Participants {
		r.people[p.ID] = true
	}
	for i := range m.Conversations {
		v := &m.Conversations[i]
		r.conversations[v.ID] = &members{v, map[string]bool{}, map[string][]change{}}
		for _, id := range v.Participants {
			r.conversations[v.ID].listed[id] = true
		}
	}
	for i := range m.Events {
		r.note(&m.Events[i])
	}
	return r
}

func (r *eventRules) note(e *readEvent) {
	if e.ID != "" {
		r.events[e.ID] = e
	}
	if v := r.conversations[e.Conversation]; v != nil && (e.Type == Join || e.Type == Leave) {
		at, _ := parseTime(e.Timestamp)
		v.changes[e.Participant] = append(v.changes[e.Participant], change{at, e.Type == Join})
	}
}

// has tells whether somebody may act in a conversation at a time: who is listed, and who joined and did not leave since.
func (m *members) has(id string, at time.Time) bool {
	in := m.listed[id]
	for _, c := range m.changes[id] {
		if !c.at.After(at) {
			in = c.joins || m.listed[id]
		}
	}
	return in
}

func (r *eventRules) check() {
	for i := range r.manifest.Events {
		r.event(&r.manifest.Events[i])
	}
}

func (r *eventRules) event(e *readEvent) {
	for _, a := range e.Attachments {
		r.refer("ZipAttachmentMissing", a.ID)
	}
	v := r.conversations[e.Conversation]
	if v == nil {
		r.warn("ManifestConversationUndefined", "event %q: conversation %q", e.ID, e.Conversation)
		return
	}
	at, _ := parseTime(e.Timestamp)
	if e.Type == Join || e.Type == Leave {
		if v.Type == Direct {
			r.warn("ManifestDirectConversation", "event %q: %s in a direct conversation", e.ID, e.Type)
		}
		r.defined(e, e.Participant)
	} else {
		r.member(e, v, e.Participant, "author", at)
	}
	for _, reaction := range e.Reactions {
		for _, id := range reaction.Participants {
			r.member(e, v, id, "reactor", at)
		}
	}
	r.edits(e, v, at)
	for _, receipt := range e.ReadReceipts {
		if !slices.Contains(v.Participants, receipt.Participant) {
			r.warn("ManifestParticipantNotMember", "event %q: reader %q", e.ID, receipt.Participant)
		}
	}
	r.parent(e, at)
}

func (r *eventRules) edits(e *readEvent, v *members, at time.Time) {
	for _, edit := range e.Edits {
		r.member(e, v, edit.Participant, "editor", at)
		if t, ok := parseTime(edit.Timestamp); ok && t.Before(at) {
			r.warn("ManifestEditTime", "event %q: edited before it happened", e.ID)
		}
	}
}

func (r *eventRules) defined(e *readEvent, id string) bool {
	if !r.people[id] {
		r.warn("ManifestParticipantUndefined", "event %q: participant %q", e.ID, id)
	}
	return r.people[id]
}

func (r *eventRules) member(e *readEvent, v *members, id, as string, at time.Time) {
	if r.defined(e, id) && !v.has(id, at) {
		r.warn("ManifestParticipantNotMember", "event %q: %s %q", e.ID, as, id)
	}
}

func (r *eventRules) parent(e *readEvent, at time.Time) {
	if e.Parent == "" {
		return
	}
	p := r.events[e.Parent]
	if p == nil || p == e || p.Conversation != e.Conversation {
		r.warn("ManifestParentIdInvalid", "event %q: parent %q", e.ID, e.Parent)
		return
	}
	if t, ok := parseTime(p.Timestamp); ok && t.After(at) {
		r.warn("ManifestParentLater", "event %q: parent %q is later", e.ID, e.Parent)
	}
}
