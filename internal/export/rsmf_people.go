package export

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"archiver/internal/mail"
	"archiver/internal/rsmf"
)

// Ids of participants who are nobody. No account has an id with parentheses.
const (
	systemID  = "system"    // to whom changes of the channel are ascribed
	unknownID = "(unknown)" // an account that the server does not name
)

func participantID(user string) string {
	if user == "" {
		return unknownID
	}
	return user
}

// rsmfPeople are those of one file.
type rsmfPeople struct {
	*rsmfCrowd
	start, end []string // members at the slice's start and end
	listed     []string // participants of the conversation
	left       int      // members who are not shown, as a file can't have so many
}

// rsmfCrowd is everybody whom a file names, by id.
type rsmfCrowd struct {
	ids   []string
	shown []rsmf.Participant
	to    []mail.Address // but the one who is nobody
}

// gather finds out who is listed as a participant of the conversation: the members at the start, and who acts in it
// though neither a member nor having joined, as those who left, lost their account or are known by a reaction only.
func (d *rsmfSlice) gather() rsmfPeople {
	start, end := d.bounds()
	p := rsmfPeople{start: d.channel.membersAt(start), end: d.channel.membersAt(end)}
	t := attendance{members: p.start, others: map[string]bool{}, present: map[string]bool{}}
	for i := range d.events {
		t.follow(&d.events[i])
	}
	members := d.thatFit(p.start, len(t.others))
	p.left = len(p.start) - len(members)
	var guests []string
	for id, listed := range t.others {
		if listed {
			guests = append(guests, id)
		}
	}
	p.listed = merge(members, guests)
	p.rsmfCrowd = d.crowdOf(merge(members, slices.Collect(maps.Keys(t.others))))
	return p
}

// crowdOf gives the accounts with these ids. It is that of the file before if that has the same, as most have.
func (w *rsmfFiles) crowdOf(ids []string) *rsmfCrowd {
	if w.crowd != nil && slices.Equal(w.crowd.ids, ids) {
		return w.crowd
	}
	w.crowd = &rsmfCrowd{ids: ids, shown: make([]rsmf.Participant, 0, len(ids)), to: make([]mail.Address, 0, len(ids))}
	for _, id := range ids {
		p := w.person(id)
		w.crowd.shown = append(w.crowd.shown, p)
		if p.ID != systemID || p.AccountID != "" {
			w.crowd.to = append(w.crowd.to, w.address(p))
		}
	}
	return w.crowd
}

// merge gives the ids of both lists in order. The first is sorted.
func merge(members, others []string) []string {
	if len(others) == 0 {
		return members
	}
	list := slices.Concat(members, others)
	slices.Sort(list)
	return list
}

// attendance follows who is present while events go by.
type attendance struct {
	members []string        // at the start, sorted
	others  map[string]bool // all other actors; true for those who act without having joined
	present map[string]bool // others who joined and did not leave
}

func (t *attendance) follow(e *rsmf.Event) {
	for id := range actors(e) {
		if _, member := slices.BinarySearch(t.members, id); member {
			continue
		}
		switch e.Type {
		case rsmf.Join:
			t.present[id] = true
		case rsmf.Leave:
			delete(t.present, id)
		}
		moves := e.Type == rsmf.Join || e.Type == rsmf.Leave
		t.others[id] = t.others[id] || !moves && !t.present[id]
	}
}

// thatFit gives the members whom the file can have beside others: all of them, or those who act and as many of the rest as
// there is room for.
func (d *rsmfSlice) thatFit(members []string, others int) []string {
	room := rsmf.MaxParticipants - others
	if len(members) <= room {
		return members
	}
	acting := map[string]bool{}
	for i := range d.events {
		for id := range actors(&d.events[i]) {
			if _, member := slices.BinarySearch(members, id); member {
				acting[id] = true
			}
		}
	}
	room -= len(acting)
	return slices.DeleteFunc(slices.Clone(members), func(id string) bool {
		if acting[id] {
			return false
		}
		room--
		return room < 0
	})
}

// actors gives everybody whom an event names, some several times.
func actors(e *rsmf.Event) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if !yield(e.Participant) {
			return
		}
		for _, edit := range e.Edits {
			if !yield(edit.Participant) {
				return
			}
		}
		for _, r := range e.Reactions {
			for _, id := range r.Participants {
				if !yield(id) {
					return
				}
			}
		}
	}
}

// person gives an account as a participant.
func (w *rsmfFiles) person(user string) rsmf.Participant {
	id := participantID(user)
	p, known := w.people[id]
	if !known {
		p = w.newPerson(id)
		w.people[id] = p
	}
	return p
}

func (w *rsmfFiles) newPerson(id string) rsmf.Participant {
	p := rsmf.Participant{ID: id}
	var c customs
	name := id
	switch user := w.frame.users[id]; {
	case user != nil:
		name = user.Name
		p.AccountID, p.Email = id, addressOf(user.Email, id)
	case id == systemID:
		c.add("Type", "changes of the channel")
	case id == unknownID:
		name = "unknown author"
	default:
		p.AccountID, p.Email = id, addressOf(id)
		c.add("Account", "not known to the archive")
	}
	if p.Display = displayText(name); p.Display == "" {
		p.Display = displayText(id)
	}
	if p.Display != name {
		c.add("Name", name)
	}
	p.Custom = c
	return p
}

// addressOf gives the first that is an e-mail address, "" if none is.
func addressOf(candidates ...string) string {
	for _, s := range candidates {
		if rsmf.IsAddress(s) {
			return s
		}
	}
	return ""
}

const maxDisplay = 200 // bytes

// displayText makes a name fit for display: one line, without commas, which separate names in headers, without what looks
// like an encoded word there, and not too long.
func displayText(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == ',' || unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
	name = strings.ReplaceAll(strings.Join(strings.Fields(name), " "), "=?", "= ?")
	if len(name) > maxDisplay {
		n := maxDisplay
		for !utf8.RuneStart(name[n]) {
			n--
		}
		name = strings.TrimSpace(name[:n])
	}
	return name
}

// address gives a participant for a header. Who has no address that can stand there gets one that nobody has (RFC 2606).
func (w *rsmfFiles) address(p rsmf.Participant) mail.Address {
	a := mail.Address{Name: p.Display, Address: p.Email}
	if a.Address == "" || !w.frame.rendering.RawUTF8Headers && !isASCII(a.Address) {
		sum := sha256.Sum256([]byte(p.ID))
		a.Address = hex.EncodeToString(sum[:8]) + "@users.teamchat.invalid"
	}
	return a
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
