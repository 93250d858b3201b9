package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"archiver/internal/record"
)

// Held is how many messages of a channel an archive holds, counted without looking into them.
type Held struct {
	Messages int64 // main messages
	Comments int64
	Deleted  int64 // of both, those proven gone from the server
}

// reports writes data/reports, tables about the export: CSV as RFC 4180, UTF-8 with a byte order mark, lines end with
// CRLF, cells that would be formulas have a ' before them. It is the sink after all formats.
//
//	summary.csv         what this export is and holds
//	items.csv           every record that was looked at because of the selection, and what became of it
//	statistics.csv      the search-term report: what the query hits, and each of a list of terms
//	duplicates.csv      what earlier exports hold, if the selection was compared with any
//	exceptions.csv      what belongs to the export and is not in it
//	gaps.csv            what the archive is known to lack
//	reconciliation.csv  per channel: archived against exported
//	membership.csv      who could read a channel when
//	participants.csv    authors and members, with what they wrote
//	checksums.csv       MD5, SHA-1, SHA-256 and SHA-512 of attachments (written by contents)
//	settings.json       selection and rendering
type reports struct {
	ctx          context.Context
	frame        *frame
	items        *csvFile
	membership   *csvFile
	participants *csvFile
	channels     []*channelReport
	asked        *channelReport         // by reportOf
	seen         []int64                // main messages given of the current channel, packed; in order
	roots        map[record.TS]struct{} // messages that comments of the current channel answer
	listed       map[string]struct{}    // paths of contents
}

// channelReport is what was given of a channel.
type channelReport struct {
	*record.Channel
	messages, comments, hits, context, edited, deleted int64
	files, missing                                     int64
	leftOut                                            int64 // selected messages that earlier exports hold
}

func newReports(ctx context.Context, f *frame) (*reports, error) {
	r := &reports{ctx: ctx, frame: f, roots: map[record.TS]struct{}{}, listed: map[string]struct{}{}}
	err := errors.Join(
		newCSVFile(&r.items, f.bundle, "reports/items", "status", "reason", "type", "channel_id", "channel_name", "item_id",
			"thread_id", "sent_utc", "author_id", "versions", "deleted", "file_id", "sha256", "path"),
		newCSVFile(&r.membership, f.bundle, "reports/membership", "channel_id", "channel_name", "user_id", "user_name",
			"user_email", "from_utc", "until_utc", "from_means"),
		newCSVFile(&r.participants, f.bundle, "reports/participants", "user_id", "user_name", "user_email", "messages"),
	)
	return r, err
}

func (r *reports) current() *channelReport { return r.channels[len(r.channels)-1] }

// What the beginning of a membership means.
const (
	sinceFirstSeen = "member when the archive first saw the channel, or before"
	sinceThatSync  = "first seen by the sync at this time; joined after the sync before"
)

func (r *reports) channel(c *record.Channel) error {
	if err := r.flushRoots(); err != nil {
		return err
	}
	r.channels = append(r.channels, &channelReport{Channel: c})
	for _, m := range c.History.Members {
		var user record.User
		if u := r.frame.users[m.Value]; u != nil {
			user = *u
		}
		means, until := sinceThatSync, ""
		if !m.From.After(c.Since) {
			means = sinceFirstSeen
		}
		if !m.To.IsZero() {
			until = formatTime(m.To)
		}
		if err := r.membership.row(c.ID, c.Name, m.Value, user.Name, user.Email, formatTime(m.From), until, means); err != nil {
			return err
		}
	}
	return nil
}

// What became of a record.
const (
	itemExported  = "exported"
	itemContext   = "context"
	itemDuplicate = "duplicate" // its content is in the export already, or the message in an earlier one
	itemFailed    = "failed"    // it belongs to the export and could not be exported
	itemOutside   = "not selected"
)

func (r *reports) message(item Item) error {
	c := r.current()
	kind, status := "message", itemExported
	if item.Thread != "" {
		kind = "comment"
		c.comments++
		r.roots[item.Thread] = struct{}{}
	} else {
		c.messages++
		r.seen = append(r.seen, packTS(item.TS))
	}
	if item.Reason == ReasonContext {
		status = itemContext
	}
	count(&c.hits, item.Reason == ReasonHit)
	count(&c.context, item.Reason == ReasonContext)
	count(&c.edited, item.IsEdited())
	count(&c.deleted, item.Deleted != nil)
	return r.itemRow(status, string(item.Reason), kind, c.Channel, item)
}

func (r *reports) itemRow(status, reason, kind string, c *record.Channel, item Item) error {
	return r.items.row(status, reason, kind, c.ID, c.Name, string(item.TS), string(item.Thread),
		item.TS.Time().Format(time.RFC3339), item.User, strconv.Itoa(len(item.Versions)), strconv.FormatBool(item.Deleted != nil),
		item.FileID, lastDigest(item), "")
}

// leftOut lists a message that is selected and not exported, as an earlier export holds it. All that is exported was given
// before.
func (r *reports) leftOut(item Item, holder string) error {
	if err := r.flushRoots(); err != nil {
		return err
	}
	c := r.reportOf(item.Channel)
	c.leftOut++
	kind := "message"
	if item.Thread != "" {
		kind = "comment"
	}
	return r.itemRow(itemDuplicate, "left out, as "+holder+" has it", kind, c.Channel, item)
}

// reportOf gives the report of a channel, which is begun if nothing of it is exported.
func (r *reports) reportOf(channel string) *channelReport {
	if r.asked == nil || r.asked.ID != channel {
		i := slices.IndexFunc(r.channels, func(c *channelReport) bool { return c.ID == channel })
		if i < 0 {
			i = len(r.channels)
			r.channels = append(r.channels, &channelReport{Channel: r.frame.channelOf(channel)})
		}
		r.asked = r.channels[i]
	}
	return r.asked
}

// flushRoots lists the messages that comments answer and that are not selected.
func (r *reports) flushRoots() error {
	if len(r.channels) == 0 {
		return nil
	}
	c := r.current()
	for _, ts := range slices.Sorted(maps.Keys(r.roots)) {
		if _, given := slices.BinarySearch(r.seen, packTS(ts)); given {
			continue
		}
		err := r.items.row(itemOutside, "comments that are exported answer it", "message", c.ID, c.Name, string(ts), "",
			ts.Time().Format(time.RFC3339), "", "", "", "", "", "")
		if err != nil {
			return err
		}
	}
	clear(r.roots)
	r.seen = r.seen[:0]
	return nil
}

// packTS gives a number that is ordered as ts are.
func packTS(ts record.TS) int64 { return ts.Second()<<20 | int64(ts.Counter()) }

func (r *reports) file(f *record.File) error {
	c := r.current()
	c.files++
	count(&c.missing, f.State != record.FileStored)
	if len(f.Versions) == 0 {
		return r.fileRow(itemFailed, cmp.Or(f.Reason, string(f.State)), f, "", "")
	}
	for _, v := range f.Versions {
		path, status, reason := r.frame.contents.path(v.SHA256), itemExported, string(ReasonFamily)
		if _, again := r.listed[path]; path == "" {
			status, reason = itemFailed, "see exceptions.csv"
		} else if again {
			status = itemDuplicate
		}
		r.listed[path] = struct{}{}
		if err := r.fileRow(status, reason, f, v.SHA256, path); err != nil {
			return err
		}
	}
	return nil
}

func (r *reports) fileRow(status, reason string, f *record.File, sum, path string) error {
	c := r.current()
	return r.items.row(status, reason, "file", c.ID, c.Name, f.ID, "", "", "", strconv.Itoa(len(f.Versions)), "", f.ID, sum, path)
}

func (r *reports) user(u *record.User) error {
	return r.participants.row(u.ID, u.Name, u.Email, strconv.FormatInt(r.frame.tally.custodians[u.ID], 10))
}

func (r *reports) close() error {
	if err := r.flushRoots(); err != nil {
		return err
	}
	return errors.Join(r.items.close(), r.membership.close(), r.participants.close())
}

// finish writes the reports that the whole summary is needed for.
func (r *reports) finish(s *Summary, rendering Rendering) error {
	b := r.frame.bundle
	return errors.Join(
		r.summary(s),
		writeRows(b, "reports/statistics", termColumns(), termCells(s.Terms), func(row []string) []string { return row }),
		writeRows(b, "reports/exceptions", []string{"where", "what"}, s.Exceptions, noteCells),
		writeRows(b, "reports/gaps", []string{"where", "what"}, s.Notes, noteCells),
		r.reconciliation(),
		b.putJSON("data/reports/settings.json", struct {
			ID        string    `json:"export_id"`
			Selection Selection `json:"selection"`
			Formats   []string  `json:"formats"`
			Rendering Rendering `json:"rendering"`
		}{r.frame.id, s.Selection, s.Formats, rendering}),
	)
}

func noteCells(n Note) []string { return []string{n.Where, n.What} }

func (r *reports) summary(s *Summary) error {
	n, number := s.Counts, func(n int64) string { return strconv.FormatInt(n, 10) }
	rows := [][2]string{
		{"export", r.frame.id}, {"archive", s.Selection.Archive}, {"change", strconv.FormatUint(s.Selection.Change, 10)},
		{"query", s.Selection.Query}, {"since", s.Selection.Since}, {"until", s.Selection.Until}, {"time_zone", s.Selection.Zone},
		{"messages", number(n.Messages)}, {"comments", number(n.Comments)}, {"versions", number(n.Versions)},
		{"hits", number(n.Hits)}, {"context", number(n.Messages + n.Comments - n.Hits)}, {"edited", number(n.Edited)},
		{"deleted_at_source", number(n.Deleted)}, {"channels", number(n.Channels)}, {"users", number(n.Users)},
		{"files", number(n.Files)}, {"file_contents", number(n.Contents)}, {"file_bytes", number(n.Bytes)},
		{"first_sent_utc", s.First}, {"last_sent_utc", s.Last}, {"custodians", strconv.Itoa(len(s.Custodians))},
		{"exceptions", strconv.Itoa(len(s.Exceptions))}, {"known_gaps", strconv.Itoa(len(s.Notes))},
	}
	rows = append(rows, s.Duplicates.summaryRows()...)
	return writeRows(r.frame.bundle, "reports/summary", []string{"name", "value"}, rows, func(row [2]string) []string { return row[:] })
}

// reconciliation compares what the archive holds of each channel with what was exported of it. What the archive holds is
// counted apart from the walk that exports.
func (r *reports) reconciliation() error {
	columns := []string{"channel_id", "channel_name", "channel_state", "archived_messages", "archived_comments",
		"archived_deleted_at_source", "exported_messages", "exported_comments", "exported_hits", "exported_context",
		"exported_deleted_at_source", "exported_edited", "exported_files", "files_missing", "left_out", "difference", "explanation"}
	slices.SortFunc(r.channels, func(a, b *channelReport) int { return strings.Compare(a.ID, b.ID) })
	var rows [][]string
	for _, c := range r.channels {
		held, err := r.frame.src.Held(r.ctx, c.ID)
		if err != nil {
			return fmt.Errorf("reconciliation of channel %s: %w", c.ID, err)
		}
		row := []string{c.ID, c.Name, string(c.State)}
		difference := held.Messages + held.Comments - c.messages - c.comments - c.leftOut
		for _, n := range []int64{held.Messages, held.Comments, held.Deleted, c.messages, c.comments, c.hits, c.context,
			c.deleted, c.edited, c.files, c.missing, c.leftOut, difference} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		rows = append(rows, append(row, r.explanation(c, difference)))
	}
	return writeRows(r.frame.bundle, "reports/reconciliation", columns, rows, func(row []string) []string { return row })
}

func (r *reports) explanation(c *channelReport, difference int64) string {
	switch {
	case difference == 0 && c.leftOut == 0:
		return "all that is archived is exported"
	case difference == 0:
		return "all that earlier exports do not hold is exported"
	case difference > 0 && r.frame.sel.isNarrow():
		return "not selected by query, period or people"
	}
	return "UNEXPLAINED"
}

// csvFile is a table while it is written.
type csvFile struct {
	out *output
	buf []byte
}

// newCSVFile begins a table below data/ and stores it in to.
func newCSVFile(to **csvFile, b *bundle, name string, columns ...string) error {
	out, err := b.create("data/" + name + ".csv")
	if err != nil {
		return err
	}
	*to = &csvFile{out: out}
	if _, err := out.WriteString(byteOrderMark); err != nil {
		return err
	}
	return (*to).row(columns...)
}

// row writes a row whose cells no spreadsheet takes for formulas.
func (f *csvFile) row(cells ...string) error {
	for i, cell := range cells {
		if cell == "" || strings.IndexByte("=+-@\t\r", cell[0]) < 0 {
			continue
		}
		if _, err := strconv.ParseInt(cell, 10, 64); err != nil {
			cells[i] = "'" + cell
		}
	}
	f.buf = appendRow(f.buf[:0], cells)
	_, err := f.out.Write(f.buf)
	return err
}

func (f *csvFile) close() error {
	_, _, err := f.out.close()
	return err
}

// writeRows writes a whole table.
func writeRows[T any](b *bundle, name string, columns []string, values []T, cells func(T) []string) error {
	var f *csvFile
	if err := newCSVFile(&f, b, name, columns...); err != nil {
		return err
	}
	for _, v := range values {
		if err := f.row(cells(v)...); err != nil {
			return err
		}
	}
	return f.close()
}
