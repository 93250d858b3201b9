package export

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// Found counts what a query finds where the selection looks, its own query aside: whether it is exported or not. What is
// inside a file counts by itself.
type Found struct {
	Found       int64 `json:"found"`
	WithThreads int64 `json:"found_with_threads"` // those, and the rest of their threads, selected or not
	Unique      int64 `json:"found_unique"`       // of those found, what no other query of the list finds
}

// FoundBy counts what a query finds in all, by the ids of authors, and by those of channels.
type FoundBy struct {
	Term       string           `json:"term"` // the query
	All        Found            `json:"all"`
	Custodians map[string]Found `json:"custodians"`
	Channels   map[string]Found `json:"channels"`
}

// What a search-term report has a row for.
const (
	KindQuery = "query" // the selection's query
	KindTerm  = "term"  // a query of a list
	KindAny   = "any"   // what any query of the list finds
)

// TermList is a list of queries of which a search-term report tells how much each finds.
type TermList struct {
	Kind  string    `json:"kind"` // KindQuery or KindTerm
	Terms []FoundBy `json:"terms"`
	Any   FoundBy   `json:"any"`
	// Which gives the places in Terms of those that find a selected message or what is inside its file, in order.
	Which func(Item) []int `json:"-"`
}

// TermCounts is what a search-term report counts. A message that is found counts once, however often the words stand in
// it and in its file. A slice is hit if one of its messages is; documents are the slices that are hit and their
// attachments, as a production numbers them. Unique is what no other query of the list hits.
type TermCounts struct {
	Found
	Messages        int64 `json:"messages"` // in the export, comments included
	UniqueMessages  int64 `json:"unique_messages"`
	Slices          int64 `json:"slices"`
	UniqueSlices    int64 `json:"unique_slices"`
	Documents       int64 `json:"documents"`
	UniqueDocuments int64 `json:"unique_documents"`
	LeftOut         int64 `json:"left_out"` // messages that are selected and left out, as earlier exports hold them
}

// cells gives the counts in the order of termColumns.
func (n *TermCounts) cells() []string {
	var cells []string
	for _, v := range []int64{n.Found.Found, n.WithThreads, n.Found.Unique, n.Messages, n.UniqueMessages, n.Slices, n.UniqueSlices,
		n.Documents, n.UniqueDocuments, n.LeftOut} {
		cells = append(cells, strconv.FormatInt(v, 10))
	}
	return cells
}

// termColumns are those of statistics.csv.
func termColumns() []string {
	return []string{"kind", "term", "by", "id", "name", "found", "found_with_threads", "found_unique", "messages", "unique_messages",
		"slices", "unique_slices", "documents", "unique_documents", "left_out"}
}

// TermReport is what a search-term report says of a query.
type TermReport struct {
	Kind string `json:"kind"`
	Term string `json:"term"` // the query; "" with KindAny
	TermCounts
	// By author and by channel, the most messages first. A slice counts for everybody with a hit in it.
	Custodians []TermPart `json:"custodians"`
	Channels   []TermPart `json:"channels"`
}

// TermPart is what a search-term report says of a query and an author or a channel.
type TermPart struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	TermCounts
}

// report gives what was counted: of each list its queries, and what any of them finds if there are several.
func (c *termCounter) report() []TermReport {
	reports := []TermReport{}
	for _, list := range c.lists {
		for i, rows := range list.counts {
			r := TermReport{Kind: list.Kind, TermCounts: rows.all}
			switch {
			case i < len(list.Terms):
				r.Term = list.Terms[i].Term
			case len(list.Terms) == 1:
				continue
			default:
				r.Kind = KindAny
			}
			r.Custodians = parts(rows.custodians, c.frame.userName)
			r.Channels = parts(rows.channels, c.frame.channelName)
			reports = append(reports, r)
		}
	}
	return reports
}

func parts(counts map[string]*TermCounts, name func(id string) string) []TermPart {
	list := []TermPart{}
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, TermPart{id, name(id), *counts[id]})
	}
	slices.SortStableFunc(list, func(a, b TermPart) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(b.Found.Found, a.Found.Found))
	})
	return list
}

// termCells gives the rows of statistics.csv: first of each query in all, then by author, then by channel.
func termCells(reports []TermReport) [][]string {
	var all, custodians, channels [][]string
	row := func(r *TermReport, by, id, name string, n *TermCounts) []string {
		return append([]string{r.Kind, r.Term, by, id, name}, n.cells()...)
	}
	for i := range reports {
		r := &reports[i]
		all = append(all, row(r, "all", "", "", &r.TermCounts))
		for j := range r.Custodians {
			p := &r.Custodians[j]
			custodians = append(custodians, row(r, "custodian", p.ID, p.Name, &p.TermCounts))
		}
		for j := range r.Channels {
			p := &r.Channels[j]
			channels = append(channels, row(r, "channel", p.ID, p.Name, &p.TermCounts))
		}
	}
	return slices.Concat(all, custodians, channels)
}
