package export

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"archiver/internal/record"
	"archiver/internal/rsmf"
)

func (d *rsmfSlice) subject() string {
	s := "#" + displayText(d.channel.Name) + " " + d.title + " (" + d.frame.zone.String() + ")"
	if d.parts > 1 {
		s += " part " + d.partOf()
	}
	return s
}

func (d *rsmfSlice) partOf() string { return strconv.Itoa(d.part) + "/" + strconv.Itoa(d.parts) }

// messageID is the same as long as the slice and what it holds are.
func (d *rsmfSlice) messageID() string {
	return "rsmf." + d.name + "." + d.sourceHash()[:16] + "@" + d.host
}

// headers are the fields beyond those that the format knows.
func (d *rsmfSlice) headers() []rsmf.Custom {
	var c customs
	c.add("ConversationID", d.channel.ID)
	c.add("TeamID", d.channel.team)
	c.add("SliceTimeZone", d.frame.zone.String())
	if !d.begin.IsZero() {
		c.add("SliceBegin", d.begin.Format(time.RFC3339))
		c.add("SliceEnd", d.end.Format(time.RFC3339))
	}
	c.add("SlicePart", d.partOf())
	c.add("ExportID", d.frame.id)
	c.add("ArchiveID", d.frame.sel.Archive)
	c.add("ArchiveChange", strconv.FormatUint(d.frame.sel.Change, 10))
	c.add("SourceHash", d.sourceHash())
	c.add("EditedCount", d.count(func(i Item) bool { return i.IsEdited() }))
	c.add("DeletedCount", d.count(func(i Item) bool { return i.Deleted != nil }))
	c.add("SliceMessageCount", strconv.Itoa(len(d.items)))
	context := len(d.parents)
	for _, item := range d.items {
		if item.Reason == ReasonContext {
			context++
		}
	}
	c.add("HasContext", strconv.FormatBool(context > 0))
	c.add("ContextCount", strconv.Itoa(context))
	return c
}

// count counts messages of the slice.
func (d *rsmfSlice) count(is func(Item) bool) string {
	n := 0
	for _, item := range d.items {
		if is(item) {
			n++
		}
	}
	return strconv.Itoa(n)
}

// custodian is the name of the data owner: the one whose messages were selected. A channel as such has none.
func (w *rsmfFiles) custodian() string {
	if len(w.frame.sel.Users) != 1 {
		return ""
	}
	return w.person(w.frame.sel.Users[0]).Display
}

// bounds are the slice's window, or the times of what it holds where it has none.
func (d *rsmfSlice) bounds() (start, end time.Time) {
	if !d.begin.IsZero() {
		return d.begin, d.end
	}
	start, end = d.first(), d.last()
	if n := len(d.changes); n > 0 {
		start = slices.MinFunc([]time.Time{start, d.changes[0].at}, time.Time.Compare)
		end = slices.MaxFunc([]time.Time{end, d.changes[n-1].at}, time.Time.Compare)
	}
	return start, end
}

// has tells whether a message is in the file.
func (d *rsmfSlice) has(ts record.TS) bool {
	for _, list := range [][]Item{d.items, d.parents} {
		if _, ok := slices.BinarySearchFunc(list, ts, func(i Item, ts record.TS) int { return strings.Compare(string(i.TS), string(ts)) }); ok {
			return true
		}
	}
	return false
}
