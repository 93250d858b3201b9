package export

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"archiver/internal/record"
)

// channelPages is what is kept of the current channel until its own page is written.
type channelPages struct {
	entry   channelEntry
	channel *record.Channel
	slices  []sliceEntry
	months  monthCounts
	uses    map[string][]link         // by file id: the messages that have it
	threads map[record.TS]*threadPage // begun and not yet whole
	long    []threadEntry             // threads with a page of their own
}

// channelEntry is a channel in the list of channels.
type channelEntry struct {
	Folder, Name, ID, State  string
	Messages, Comments, Hits int64
	Slices, Files            int64
	First, Last              time.Time // zero without messages
}

func (e *channelEntry) add(s sliceEntry) {
	e.Messages += s.Messages
	e.Comments += s.Comments
	e.Hits += s.Hits
	e.Slices++
	if e.First.IsZero() || s.First.Before(e.First) {
		e.First = s.First
	}
	if s.Last.After(e.Last) {
		e.Last = s.Last
	}
}

// sliceEntry is a slice in the list of its channel.
type sliceEntry struct {
	place                    int
	Href, Name               string
	Messages, Comments, Hits int64
	First, Last              time.Time
}

// All counts messages and comments.
func (e sliceEntry) All() int64 { return e.Messages + e.Comments }

// weekday is that of a slice which is a day.
func (e sliceEntry) weekday() string {
	day, _, _ := strings.Cut(e.Name, " ")
	if t, err := time.Parse(time.DateOnly, day); err == nil {
		return t.Format("Mon")
	}
	return ""
}

// threadEntry is a thread with a page of its own in the list of its channel.
type threadEntry struct {
	Href, Author, Excerpt string
	At                    time.Time
	Comments              int
}

// personEntry is an author or member.
type personEntry struct {
	ID, Name, Email    string
	Messages, Comments int64
	First, Last        time.Time // zero of those who wrote nothing
}

func (w *htmlReader) countPerson(item *Item) {
	p := w.people[item.User]
	if p == nil {
		p = &personEntry{}
		w.people[item.User] = p
	}
	at := item.TS.Time()
	if p.First.IsZero() || at.Before(p.First) {
		p.First = at
	}
	if at.After(p.Last) {
		p.Last = at
	}
	if item.Thread == "" {
		p.Messages++
	} else {
		p.Comments++
	}
}

// listRows is how many slices, people or files one page lists.
const listRows = 1000

// channelPage is what the page of a channel shows: chart, facts and threads on the first, and as many slices as fit.
type channelPage struct {
	Entry    channelEntry
	Summary  bool
	Chart    template.HTML
	Channel  *record.Channel
	Renames  []record.Span // all but the first name
	Months   []monthSection
	Most     int64 // messages and comments of its largest slice
	Threads  []threadEntry
	ShowHits bool
}

// monthSection lists the slices that begin in a month.
type monthSection struct {
	ID, Name string
	All      int64 // messages and comments
	Slices   []sliceEntry
}

// width is the length of a slice's bar, of 100.
func (p channelPage) width(e sliceEntry) int64 { return max(1, 100*e.All()/max(1, p.Most)) }

// appendSlice appends the row of a slice in the list, which is a long one.
func (p channelPage) appendSlice(dst []byte, e sliceEntry, zone *time.Location) []byte {
	dst = append(append(append(dst, `<tr><th scope="row"><a href="`...), e.Href...), `">`...)
	dst = append(append(dst, e.Name...), "</a>"...)
	if day := e.weekday(); day != "" {
		dst = append(append(append(dst, ` <span class="id">`...), day...), "</span>"...)
	}
	dst = append(dst, `</th><td class="bar"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="`...)
	dst = append(strconv.AppendInt(dst, p.width(e), 10), `" height="8" rx="1"/></svg></td>`...)
	dst = appendCount(appendCount(dst, e.Messages), e.Comments)
	if p.ShowHits {
		dst = appendCount(dst, e.Hits)
	}
	dst = appendMoment(append(dst, "<td>"...), e.First, zone)
	dst = appendMoment(append(dst, "</td><td>"...), e.Last, zone)
	return append(dst, "</td></tr>\n"...)
}

// appendCount appends a cell with a number.
func appendCount(dst []byte, n int64) []byte {
	return append(append(append(dst, `<td class="n">`...), grouped(n)...), "</td>"...)
}

func (w *htmlReader) writeChannel() error {
	c := &w.current
	chunks := slices.Collect(slices.Chunk(c.slices, listRows))
	if len(chunks) == 0 {
		chunks = [][]sliceEntry{nil}
	}
	pageOf := map[month]string{} // where the list of a month begins
	for i, chunk := range slices.Backward(chunks) {
		for _, e := range chunk {
			pageOf[monthOf(e.First.In(w.frame.zone))] = numbered("index", i+1)
		}
	}
	for i, chunk := range chunks {
		p := channelPage{Entry: c.entry, Months: w.byMonth(chunk), ShowHits: w.navigates()}
		for _, e := range c.slices {
			p.Most = max(p.Most, e.All())
		}
		if i == 0 {
			p.Summary, p.Channel, p.Threads = true, c.channel, c.long
			p.Renames = c.channel.History.Names[min(1, len(c.channel.History.Names)):]
			p.Chart = c.months.chart(func(m month) string {
				if page, ok := pageOf[m]; ok {
					return page + "#" + m.id()
				}
				return "" // its messages stand in slices that began before it
			})
		}
		head := w.head(c.channel.Name)
		head.Root, head.Channel = "../", c.channel.ID
		head.Trail = []link{{"../index.html", "All channels"}}
		if err := w.listPage(c.entry.Folder+"/", "channel", head, i, len(chunks), p); err != nil {
			return fmt.Errorf("pages of channel %s: %w", c.channel.ID, err)
		}
	}
	return nil
}

// listPage writes the page i of n of a list, by the template that has the list's name. In a folder it is the index.
func (w *htmlReader) listPage(folder, name string, head pageHead, i, n int, data any) error {
	if n > 1 {
		head.Place = fmt.Sprintf("page %d of %d", i+1, n)
	}
	file := name
	if folder != "" {
		file = "index"
	}
	if i > 0 {
		head.Previous = link{numbered(file, i), fmt.Sprintf("page %d", i)}
	}
	if i+1 < n {
		head.Next = link{numbered(file, i+2), fmt.Sprintf("page %d", i+2)}
	}
	return w.page(folder+numbered(file, i+1), head, func() error { return w.execute(name, data) })
}

// numbered names the nth page of a list.
func numbered(name string, n int) string {
	if n == 1 {
		return name + ".html"
	}
	return fmt.Sprintf("%s-%d.html", name, n)
}

// byMonth groups slices, which are in order, by the month they begin in.
func (w *htmlReader) byMonth(entries []sliceEntry) []monthSection {
	var sections []monthSection
	for _, e := range entries {
		m := monthOf(e.First.In(w.frame.zone))
		if n := len(sections); n == 0 || sections[n-1].ID != m.id() {
			sections = append(sections, monthSection{ID: m.id(), Name: m.String()})
		}
		s := &sections[len(sections)-1]
		s.Slices = append(s.Slices, e)
		s.All += e.All()
	}
	return sections
}

// append appends the row of a person.
func (p personEntry) append(dst []byte, zone *time.Location) []byte {
	dst = append(append(dst, "\n<tr><th scope=\"row\">"...), badge(p.ID, p.Name)...)
	dst = append(append(append(dst, ' '), bidi(p.Name)...), `</th><td class="id">`...)
	dst = append(appendText(dst, p.ID), "</td><td>"...)
	dst = append(appendText(dst, p.Email), "</td>"...)
	dst = appendCount(appendCount(dst, p.Messages), p.Comments)
	for _, t := range []time.Time{p.First, p.Last} {
		if dst = append(dst, "<td>"...); !t.IsZero() {
			dst = appendMoment(dst, t, zone)
		}
		dst = append(dst, "</td>"...)
	}
	return append(dst, "</tr>"...)
}

func (w *htmlReader) writePeople() error {
	chunks := slices.Collect(slices.Chunk(w.listPeople(), listRows))
	if len(chunks) == 0 {
		chunks = [][]personEntry{nil}
	}
	for i, chunk := range chunks {
		head := w.head("People")
		head.Trail = []link{{"index.html", "All channels"}}
		if err := w.listPage("", "people", head, i, len(chunks), chunk); err != nil {
			return err
		}
	}
	return nil
}

// listPeople gives the authors and members by name.
func (w *htmlReader) listPeople() []personEntry {
	ids := maps.Clone(w.frame.people)
	if w.frame.sel.everything() {
		for id := range w.frame.users {
			ids[id] = struct{}{}
		}
	}
	list := make([]personEntry, 0, len(ids))
	for id := range ids {
		p := personEntry{}
		if counted := w.people[id]; counted != nil {
			p = *counted
		}
		p.ID, p.Name = id, id
		if u := w.frame.users[id]; u != nil {
			p.Name, p.Email = u.Name, u.Email
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b personEntry) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return list
}

// indexPage is what the first page shows.
type indexPage struct {
	Export     string
	Selection  []fact
	Counts     []fact
	Chart      template.HTML
	Channels   []channelEntry
	Exceptions []Note
	ShowHits   bool
}

// fact is something to say of an export, and its name.
type fact struct{ Name, Value string }

func (w *htmlReader) writeIndex() error {
	slices.SortStableFunc(w.channels, func(a, b channelEntry) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	p := indexPage{
		Export: w.frame.id, Selection: w.selectionFacts(), Counts: w.countFacts(), Channels: w.channels,
		Chart: w.months.chart(nil), Exceptions: slices.Concat(w.frame.exceptions, w.frame.contents.exceptions), ShowHits: w.navigates(),
	}
	return w.page("index.html", w.head("Export "+w.frame.id), func() error { return w.execute("index", p) })
}

func (w *htmlReader) selectionFacts() []fact {
	sel := w.frame.sel
	var custodians, channels []string
	for _, id := range sel.Users {
		custodians = append(custodians, w.nameOf(id)+" ("+id+")")
	}
	for _, id := range sel.Channels {
		if c := w.frame.channelOf(id); c != nil {
			channels = append(channels, c.Name)
		}
	}
	period := "from " + cmp.Or(sel.Since, "the beginning") + " until " + cmp.Or(sel.Until, "the end")
	if sel.Since == "" && sel.Until == "" {
		period = "all"
	}
	return []fact{
		{"Query", cmp.Or(sel.Query, "none: every message in scope")},
		{"Custodians", cmp.Or(strings.Join(custodians, ", "), "all")},
		{"Channels", cmp.Or(strings.Join(channels, ", "), "all")},
		{"Period", period},
		{"Context", contextFact(sel.Context)},
		{"Time zone", w.frame.zone.String()},
		{"Pages", "one each " + string(w.frame.rendering.Slice)},
		{"Archive", fmt.Sprintf("%s, as of change %s", sel.Archive, grouped(int64(sel.Change)))},
	}
}

func contextFact(context string) string {
	switch context {
	case "":
		return "none"
	case ContextThread:
		return "the whole thread of each hit"
	case ContextDay:
		return "the channel's whole day of each hit"
	}
	return context + " messages before and after each hit"
}

func (w *htmlReader) countFacts() []fact {
	c := w.frame.tally.counts
	facts := []fact{
		{"messages", grouped(c.Messages)}, {"comments", grouped(c.Comments)}, {"channels", grouped(int64(len(w.channels)))},
		{"people", grouped(int64(len(w.people)))}, {"files", grouped(w.files.count)}, {"edited", grouped(c.Edited)}, {"deleted", grouped(c.Deleted)},
	}
	if w.navigates() {
		facts = append(facts, fact{"hits", grouped(c.Hits)})
	}
	return facts
}

// navigates tells whether hits stand out.
func (w *htmlReader) navigates() bool { return w.frame.navigates() }

// nameOf is a user's name, the id where none is known.
func (w *htmlReader) nameOf(id string) string {
	if u := w.frame.users[id]; u != nil {
		return u.Name
	}
	return cmp.Or(id, "unknown")
}
