package storage

import (
	"errors"
	"fmt"
	"time"

	"archiver/internal/record"
)

// Page is what one answer of the server (or one download) adds: evidence and the bookkeeping that goes with it. It
// is committed whole or not at all.
type Page struct {
	Observed time.Time // when the answer arrived

	Channel  string             // id of the channel that what follows belongs to, down to Threads
	Messages []record.Seen      // main messages and comments as read
	Files    []record.FileState // keyed by FileState.ID
	Pins     []Pin              // messages that are pinned, or not any more; unknown ones are left out
	Deleted  []Deleted          // messages proven gone
	Missing  []Missing          // messages that a complete read did not show, to be marked
	Proven   []record.Interval  // ranges of main messages that this page proves complete
	Audited  []record.Interval  // ranges that were read completely at Observed, compared with what was known of them
	Walked   *Walked            // the channel was read to its end
	Due      time.Time          // when the channel's pins and events are to be read again; zero leaves it as it is
	Threads  []Thread           // registry entries to set

	Channels []record.ChannelState // keyed by ChannelState.ID
	Users    []record.Seen         // keyed by the user's id

	Events      []record.EventState      // keyed by EventState.Key
	Conferences []record.ConferenceState // keyed by ConferenceState.ID

	Owe  []Debt // work that this page creates
	Paid []Debt // work that this page settles

	// Done, when set, is called once with what the page added, after the commit or its failure. It is called from
	// the committing goroutine and must not block or call the archive.
	Done func(Counts, error)
}

// Deleted is the proof that a message is gone. What is known of its thread, and the debt of reading it, go with it.
type Deleted struct {
	TS record.TS
	record.Deletion
}

// Thread is the registry entry of a thread: what is known of its comments.
type Thread struct {
	TS       record.TS // the parent
	Count    int64     // the parent's comments_count when the comments were read; -1 if the server gave none
	Comments int       // comments that were read
	Digest   [8]byte   // of the comments' raw objects, in order
	Read     time.Time // at least as recently as this the comments were read; zero is unknown
}

// DebtKind says what sort of work is owed.
type DebtKind string

// The kinds of debt.
const (
	DebtThread  DebtKind = "thread"  // comments of the thread Key (a ts) are to be read
	DebtFile    DebtKind = "file"    // bytes of the file Key (an id) are to be fetched
	DebtChannel DebtKind = "channel" // the channel is to be read (again) from the beginning of the walk

	DebtPins        DebtKind = "pins"        // the list of pins is to be read
	DebtEvents      DebtKind = "events"      // a list of events is to be read, or the event Key (an id)
	DebtConferences DebtKind = "conferences" // a list of conferences is to be read
)

// Debt is work that is still to be done for a channel.
type Debt struct {
	Channel   string    `json:"channel"`
	Kind      DebtKind  `json:"kind"`
	Key       string    `json:"key"`
	Reason    string    `json:"reason,omitzero"`
	Tries     int       `json:"tries,omitzero"`
	Since     time.Time `json:"since"`
	NotBefore time.Time `json:"not_before,omitzero"` // do not try again earlier
}

// Counts says what pages added to the archive.
type Counts struct {
	Messages    int // main messages seen for the first time
	Comments    int // comments seen for the first time
	Versions    int // versions after an object's first (messages and comments)
	Annotations int
	Deletions   int
	Files       int // file revisions stored
	Entries     int // entries of any kind
}

var errNoChannel = errors.New("messages, files, threads or debts without a channel")

// check refuses what could not be stored.
func (p *Page) check() error {
	perChannel := len(p.Messages) + len(p.Files) + len(p.Pins) + len(p.Deleted) + len(p.Missing) + len(p.Proven) + len(p.Audited) +
		len(p.Threads)
	if (perChannel > 0 || p.Walked != nil || !p.Due.IsZero()) && p.Channel == "" {
		return errNoChannel
	}
	for _, debts := range [][]Debt{p.Owe, p.Paid} {
		for _, d := range debts {
			if d.Channel == "" {
				return errNoChannel
			}
		}
	}
	return p.checkObjects()
}

// maxBody is the most that the object of one entry may take, in bytes.
const maxBody = 128 << 20

var (
	errNoKey    = errors.New("an object without a key")
	errTooLarge = fmt.Errorf("an object of more than %d bytes", maxBody)
)

func checkObject(key string, body []byte) error {
	switch {
	case key == "":
		return errNoKey
	case len(body) > maxBody:
		return fmt.Errorf("%s: %w", key, errTooLarge)
	}
	return nil
}

func (p *Page) checkObjects() error {
	for _, list := range [][]record.Seen{p.Messages, p.Users} {
		for _, seen := range list {
			if err := checkObject(seen.Key, seen.Raw); err != nil {
				return err
			}
		}
	}
	for _, f := range p.Files {
		if err := checkObject(f.ID, f.Raw); err != nil {
			return err
		}
	}
	for _, c := range p.Channels {
		if err := checkObject(c.ID, c.Raw); err != nil {
			return err
		}
	}
	return p.checkBeside()
}

// size is about the memory that the page takes.
func (p *Page) size() int64 {
	n := len(p.Messages) + len(p.Files) + len(p.Deleted) + len(p.Missing) + len(p.Threads) + len(p.Channels) + len(p.Users) +
		len(p.Owe) + len(p.Paid)
	size := n * entryOverhead
	for _, m := range p.Messages {
		size += len(m.Raw)
	}
	for _, u := range p.Users {
		size += len(u.Raw)
	}
	for _, f := range p.Files {
		size += len(f.Raw)
	}
	return int64(size) + p.besideSize()
}
