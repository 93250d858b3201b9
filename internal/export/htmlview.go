package export

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"archiver/internal/record"
)

// sliceView writes the messages of a slice.
type sliceView struct {
	w       *htmlReader
	slice   *slice
	page    string                 // the file name of the slice's page
	answers map[record.TS]*answers // by root: comments in this slice
	hits    []record.TS            // in this slice
	hit     int                    // of hits, the one that comes next
	changes []channelChange        // in the slice's window that are still to be shown
	ended   []*threadPage          // threads that are whole with this slice
}

// answers are the comments on a message in one slice.
type answers struct {
	first record.TS
	count int
}

func newSliceView(w *htmlReader, s *slice) *sliceView {
	v := &sliceView{w: w, slice: s, page: s.name + ".html", answers: map[record.TS]*answers{}}
	for i := range s.items {
		item := &s.items[i]
		if item.Reason == ReasonHit && w.navigates() {
			v.hits = append(v.hits, item.TS)
		}
		if item.Thread == "" {
			continue
		}
		a := v.answers[item.Thread]
		if a == nil {
			a = &answers{first: item.TS}
			v.answers[item.Thread] = a
		}
		a.count++
	}
	for _, c := range s.channel.changes {
		if s.begin.IsZero() && s.title == "everything" || !s.begin.IsZero() && !c.at.Before(s.begin) && c.at.Before(s.end) {
			v.changes = append(v.changes, c)
		}
	}
	return v
}

// write writes the page between its head and its foot.
func (v *sliceView) write() error {
	w, s := v.w, v.slice
	w.buf = fmt.Appendf(w.buf, "<h1>%s</h1>\n<p class=\"lead\">", appendText(nil, s.title))
	w.buf = fmt.Appendf(w.buf, "%s in %s. Times are in %s", v.size(), bidi(s.channel.Name), w.frame.zone)
	if w.frame.zone != time.UTC {
		w.buf = append(w.buf, "; point at one for UTC"...)
	}
	w.buf = append(w.buf, '.')
	w.buf = v.appendHitLinks(w.buf)
	w.buf = append(w.buf, "</p>\n"...)
	if err := v.writeParents(); err != nil {
		return err
	}
	day := ""
	for i := range s.items {
		item := &s.items[i]
		at := item.TS.Time().In(w.frame.zone)
		w.buf = v.appendChanges(w.buf, item.TS.Time())
		if d := at.Format("Monday, 2 January 2006"); d != day {
			day = d
			w.buf = fmt.Appendf(w.buf, "<h2 class=\"day\"><time datetime=\"%s\">%s</time></h2>\n", at.Format(time.DateOnly), day)
		}
		if err := v.writeItem(item); err != nil {
			return err
		}
	}
	w.buf = v.appendChanges(w.buf, time.Time{})
	return nil
}

// size is how much the slice holds, for people.
func (v *sliceView) size() string {
	comments := 0
	for _, a := range v.answers {
		comments += a.count
	}
	size := counted(int64(len(v.slice.items)-comments), "message")
	if comments > 0 {
		size += " and " + counted(int64(comments), "comment")
	}
	return size
}

// appendHitLinks leads to the first hit and to the hits on other pages.
func (v *sliceView) appendHitLinks(dst []byte) []byte {
	if !v.w.navigates() {
		return dst
	}
	dst = fmt.Appendf(dst, " %s.", counted(int64(len(v.hits)), "hit"))
	if len(v.hits) > 0 {
		return fmt.Appendf(dst, ` <a class="jump" href="#%s">First hit ↓</a>`, anchor(v.hits[0]))
	}
	if previous := v.previousPageHit(); previous != "" {
		dst = fmt.Appendf(dst, ` <a class="jump" href="%s">← Hit before</a>`, previous)
	}
	if next := v.nextPageHit(); next != "" {
		dst = fmt.Appendf(dst, ` <a class="jump" href="%s">Next hit →</a>`, next)
	}
	return dst
}

// writeParents repeats the messages of other pages that comments here answer.
func (v *sliceView) writeParents() error {
	if len(v.slice.parents) == 0 {
		return nil
	}
	w := v.w
	w.buf = append(w.buf, "<section class=\"parents\" aria-label=\"Repeated from other pages\">\n<h2>Answered below, repeated from other pages</h2>\n"...)
	for i := range v.slice.parents {
		item := &v.slice.parents[i]
		home := v.home(item.TS)
		a := article{view: v, item: item, repeated: "stands on another page", home: home}
		w.buf = a.append(w.buf)
		if err := w.flush(flushBytes); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, "</section>\n"...)
	return nil
}

// home is where a main message that is in the export stands.
func (v *sliceView) home(root record.TS) string {
	f := v.w.frame
	return v.slice.plan.documentOf(root, f.rendering.Slice, f.zone) + ".html#" + anchor(root)
}

func (v *sliceView) writeItem(item *Item) error {
	a := article{view: v, item: item}
	v.w.buf = a.append(v.w.buf)
	v.thread(item)
	return v.w.flush(flushBytes)
}

// root finds the message that a comment answers among what the page shows; home tells where it stands. It is nil if the
// export does not have it.
func (v *sliceView) root(thread record.TS) (root *Item, home string) {
	if item := find(v.slice.items, thread); item != nil {
		return item, "#" + anchor(thread)
	}
	if item := find(v.slice.parents, thread); item != nil {
		return item, v.home(thread)
	}
	return nil, ""
}

// find gives the item with a ts from items that are in order.
func find(items []Item, ts record.TS) *Item {
	i, ok := slices.BinarySearchFunc(items, ts, func(item Item, ts record.TS) int { return cmp.Compare(item.TS, ts) })
	if !ok {
		return nil
	}
	return &items[i]
}

// appendHitStep leads from a hit to those before and after it, on other pages, too. Hits are asked for in order.
func (v *sliceView) appendHitStep(dst []byte) []byte {
	previous, next := v.previousPageHit(), v.nextPageHit()
	if v.hit > 0 {
		previous = "#" + anchor(v.hits[v.hit-1])
	}
	if v.hit++; v.hit < len(v.hits) {
		next = "#" + anchor(v.hits[v.hit])
	}
	dst = append(dst, `<span class="step">`...)
	if previous != "" {
		dst = fmt.Appendf(dst, `<a href="%s" title="previous hit">↑ hit</a>`, previous)
	}
	if next != "" {
		dst = fmt.Appendf(dst, `<a href="%s" title="next hit">↓ hit</a>`, next)
	}
	return append(dst, "</span>"...)
}

func (v *sliceView) previousPageHit() string {
	plan := v.slice.plan
	for place, d := range slices.Backward(plan.documents[:v.slice.place]) {
		if d.lastHit != "" {
			return plan.name(place) + ".html#" + anchor(d.lastHit)
		}
	}
	return ""
}

func (v *sliceView) nextPageHit() string {
	plan := v.slice.plan
	for place := v.slice.place + 1; place < len(plan.documents); place++ {
		if hit := plan.documents[place].firstHit; hit != "" {
			return plan.name(place) + ".html#" + anchor(hit)
		}
	}
	return ""
}

// appendChanges shows what happened to the channel before a moment; zero is the end.
func (v *sliceView) appendChanges(dst []byte, before time.Time) []byte {
	for len(v.changes) > 0 && (before.IsZero() || v.changes[0].at.Before(before)) {
		c := v.changes[0]
		v.changes = v.changes[1:]
		dst = append(dst, `<p class="event">`...)
		switch c.what {
		case changeJoin:
			dst = fmt.Appendf(dst, "%s joined", v.w.author(c.who))
		case changeLeave:
			dst = fmt.Appendf(dst, "%s left", v.w.author(c.who))
		case changeRename:
			dst = fmt.Appendf(dst, "The channel was renamed to <b>%s</b>", bidi(c.name))
		}
		dst = append(dst, `; first seen `...)
		dst = append(appendMoment(dst, c.at, v.w.frame.zone), "</p>\n"...)
	}
	return dst
}

// bidi gives a name on its own, so that its direction does not touch what stands around it.
func bidi(name string) string {
	return "<bdi>" + string(appendText(nil, name)) + "</bdi>"
}

// author gives a user's name and id.
func (w *htmlReader) author(id string) string {
	return bidi(w.nameOf(id)) + ` <span class="id">` + string(appendText(nil, id)) + "</span>"
}

// appendMoment shows a moment in the zone, with UTC as its title.
func appendMoment(dst []byte, t time.Time, zone *time.Location) []byte {
	return appendTime(dst, t, zone, "2006-01-02 15:04:05")
}

func appendTime(dst []byte, t time.Time, zone *time.Location, layout string) []byte {
	t = t.UTC()
	dst = t.AppendFormat(append(dst, `<time datetime="`...), time.RFC3339)
	dst = t.AppendFormat(append(dst, `" title="`...), "2006-01-02 15:04:05 UTC")
	dst = t.In(zone).AppendFormat(append(dst, `">`...), layout)
	dst = t.In(zone).AppendFormat(append(dst, ` <small>`...), "-07:00")
	return append(dst, "</small></time>"...)
}

// hues is how many colours tell people apart.
const hues = 12

// badge is the disc with a person's initials, in a colour of their own.
func badge(id, name string) string {
	hash := uint32(2166136261) // FNV-1a
	for i := range len(id) {
		hash = (hash ^ uint32(id[i])) * 16777619
	}
	var initials []rune
	for _, word := range strings.FieldsFunc(name, notLetter) {
		if len(initials) < 2 {
			initials = append(initials, []rune(strings.ToUpper(word))[0])
		}
	}
	return `<span class="badge h` + strconv.Itoa(int(hash%hues)) + `" aria-hidden="true">` + string(appendText(nil, string(initials))) + "</span>"
}
