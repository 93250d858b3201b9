package rsmf

import (
	"slices"
	"strings"

	"archiver/internal/mail"
)

// people are the participants of a document in the forms in which a file repeats them. They are kept, as documents that
// follow each other mostly have the same.
type people struct {
	participants []Participant
	to           []mail.Address
	utf8         bool

	list    []byte // in the manifest
	toField []byte // header field To
	names   []byte // header field X-RSMF-Participants
}

// meet makes them those of a document.
func (p *people) meet(d *Document) {
	if p.list != nil && p.utf8 == d.UTF8Headers && slices.Equal(p.to, d.To) &&
		slices.EqualFunc(p.participants, d.Manifest.Participants, Participant.equal) {
		return
	}
	p.participants = append(p.participants[:0], d.Manifest.Participants...)
	p.to, p.utf8 = append(p.to[:0], d.To...), d.UTF8Headers
	p.list = appendList(p.list[:0], p.participants, appendParticipant)
	to, names := newHeader(d), newHeader(d)
	to.Addresses("To", p.to...)
	names.Text("X-RSMF-Participants", displayNames(p.participants))
	p.toField, p.names = to.Bytes(), names.Bytes()
}

func (p Participant) equal(q Participant) bool {
	return p.ID == q.ID && p.Display == q.Display && p.Email == q.Email && p.AccountID == q.AccountID && slices.Equal(p.Custom, q.Custom)
}

func newHeader(d *Document) *mail.Header { return &mail.Header{UTF8: d.UTF8Headers, Exact: true} }

func displayNames(people []Participant) string {
	var b strings.Builder
	for i, p := range people {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Display)
	}
	return b.String()
}
