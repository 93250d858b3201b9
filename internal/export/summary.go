package export

import (
	"cmp"
	"slices"
	"time"

	"archiver/internal/record"
)

// Summary says what an export holds.
type Summary struct {
	ID        string    `json:"id,omitzero"`
	Output    string    `json:"output,omitzero"`
	Formats   []string  `json:"formats,omitzero"`
	Started   time.Time `json:"started,omitzero"`
	Finished  time.Time `json:"finished,omitzero"`
	Selection Selection `json:"selection"`
	Counts    Counts    `json:"counts"`
	First     string    `json:"first,omitzero"` // RFC 3339 UTC, of the earliest message
	Last      string    `json:"last,omitzero"`  // likewise, of the latest
	// Channels that have messages in the export, by id.
	Channels []ChannelCount `json:"channels"`
	// Custodians are the authors of messages in the export, by id.
	Custodians []UserCount `json:"custodians"`
	// Terms is the search-term report: the query's, and that of a list of queries.
	Terms []TermReport `json:"terms"`
	// Duplicates says what earlier exports hold; nil where the selection is not compared with any.
	Duplicates *DuplicateCounts `json:"duplicates,omitzero"`
	Notes      []Note           `json:"notes"`             // what is known to be missing from the archive
	Exceptions []Note           `json:"exceptions"`        // attachments that are not in the export though they belong to it
	Volumes    int              `json:"volumes,omitzero"`  // bags, where it is more than one
	Manifest   string           `json:"manifest,omitzero"` // SHA-256 (hex) of tagmanifest-sha512.txt, or of volumes-sha512.txt, which stands for the whole bundle
	Content    string           `json:"content,omitzero"`  // SHA-256 (hex) of the list of all that is below data/ but data/custody: equal for equal exports
	Signed     bool             `json:"signed"`
	PublicKey  string           `json:"public_key,omitzero"` // that signed
	Written    int64            `json:"written,omitzero"`    // bytes of the bundle
	// Proofs says what is proven of the records to be in the archive's log; nil where nothing is.
	Proofs *ProofSummary `json:"proofs,omitzero"`
}

// Counts are the sizes of an export.
type Counts struct {
	Messages int64 `json:"messages"` // main messages
	Comments int64 `json:"comments"`
	Versions int64 `json:"versions"` // of messages and comments, first ones included
	Edited   int64 `json:"edited"`   // messages and comments with more than one version, or marked so by the server
	Deleted  int64 `json:"deleted"`  // messages and comments proven gone from the server
	Hits     int64 `json:"hits"`     // messages and comments with reason hit
	Channels int64 `json:"channels"` // channel records
	Users    int64 `json:"users"`    // user records
	Files    int64 `json:"files"`    // file records
	Contents int64 `json:"contents"` // distinct contents of files
	Bytes    int64 `json:"bytes"`    // of the distinct contents
}

// ChannelCount is a channel's part of an export.
type ChannelCount struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Messages int64     `json:"messages"`
	Comments int64     `json:"comments"`
	First    record.TS `json:"first"`
	Last     record.TS `json:"last"`
}

// UserCount is an author's part of an export.
type UserCount struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Messages int64  `json:"messages"` // comments included
}

// tally counts what is given to the sinks.
type tally struct {
	counts      Counts
	name        string // of the current channel
	channels    []ChannelCount
	custodians  map[string]int64
	first, last record.TS
}

func newTally() *tally { return &tally{custodians: map[string]int64{}} }

func (t *tally) channel(c *record.Channel) error {
	t.counts.Channels++
	t.name = c.Name
	return nil
}

func (t *tally) message(item Item) error {
	c := t.current(item)
	if item.Thread == "" {
		t.counts.Messages++
		c.Messages++
	} else {
		t.counts.Comments++
		c.Comments++
	}
	t.counts.Versions += int64(len(item.Versions))
	count(&t.counts.Edited, item.IsEdited())
	count(&t.counts.Deleted, item.Deleted != nil)
	count(&t.counts.Hits, item.Reason == ReasonHit)
	t.custodians[item.User]++
	c.First, c.Last = cmp.Or(c.First, item.TS), item.TS
	t.first, t.last = min(cmp.Or(t.first, item.TS), item.TS), max(t.last, item.TS)
	return nil
}

// current is the count of the item's channel.
func (t *tally) current(item Item) *ChannelCount {
	if n := len(t.channels); n == 0 || t.channels[n-1].ID != item.Channel {
		t.channels = append(t.channels, ChannelCount{ID: item.Channel, Name: t.name})
	}
	return &t.channels[len(t.channels)-1]
}

func count(n *int64, yes bool) {
	if yes {
		*n++
	}
}

func (t *tally) file(*record.File) error { t.counts.Files++; return nil }
func (t *tally) user(*record.User) error { t.counts.Users++; return nil }
func (t *tally) close() error            { return nil }

func (t *tally) progress(c *contents, total int64, elapsed time.Duration) Progress {
	return Progress{
		Messages: t.counts.Messages + t.counts.Comments, Total: total, Files: c.count, Bytes: c.bytes, Elapsed: elapsed,
	}
}

func (t *tally) summary(users map[string]*record.User) *Summary {
	s := &Summary{Counts: t.counts, Channels: slices.Concat([]ChannelCount{}, t.channels), Custodians: []UserCount{}}
	if t.first != "" {
		s.First, s.Last = t.first.Time().Format(time.RFC3339), t.last.Time().Format(time.RFC3339)
	}
	for id, n := range t.custodians {
		c := UserCount{ID: id, Name: id, Messages: n}
		if u := users[id]; u != nil {
			c.Name = u.Name
		}
		s.Custodians = append(s.Custodians, c)
	}
	slices.SortFunc(s.Custodians, func(a, b UserCount) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// ProofSummary says what is proven of an export's records to be in the archive's log.
type ProofSummary struct {
	Size    int64 `json:"size"`    // of the log at the checkpoint
	Records int64 `json:"records"` // that are proven
	Newer   int64 `json:"newer"`   // that are newer than the checkpoint
	Lost    int64 `json:"lost"`    // in commits of which damage took entries
	Bytes   int64 `json:"bytes"`   // of the proofs, the records that they are about not included
}
