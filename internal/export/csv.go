package export

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"archiver/internal/record"
)

// csvColumns are the columns of both tables. The archive has nothing to say yet in team, conversation_type,
// author_type, deleted_by, hit_terms, tags and bates.
//
//	seq            change number of the version
//	event          created for a message's first version, edited for a later one
//	sent_utc       the message's time; sent_local is the same moment in the zone tz
//	edited_utc     the server's mark on the newest version, with edited_by
//	deleted_utc    when the message was first found to be gone, on the newest version
//	reactions      on the newest version: "thumbsup 2; heart 1"
//	mentions       accounts that the text mentions, as it spells them
//	sha256         of the version's state, as in the NDJSON
//	observed_utc   when the version was read
//	truncated      length of the body, in UTF-16 units, when a cell cannot hold it; only in the Excel table
var csvColumns = []string{
	"seq", "conversation_id", "conversation_name", "conversation_type", "team", "message_id", "version", "event",
	"thread_id", "parent_id", "author_id", "author_name", "author_email", "author_type", "sent_utc", "sent_local", "tz",
	"edited_utc", "edited_by", "deleted_utc", "deleted_by", "body", "reactions", "mentions", "attachment_ids",
	"attachment_names", "is_hit", "hit_terms", "is_context", "tags", "bates", "sha256", "kind", "reason", "observed_utc",
	"truncated",
}

const (
	excelRows = 1 << 20 // rows of a sheet, the header included
	excelCell = 32767   // UTF-16 units of a cell
)

// byteOrderMark makes spreadsheets read UTF-8.
const byteOrderMark = "\uFEFF"

// csvTables writes messages.csv, which is evidence and alters nothing, and messages.excel.csv, which is safe to open:
// cells that would be formulas are disarmed, long ones cut, and a sheet's worth of rows goes into each file
// (messages.excel.2.csv and so on).
type csvTables struct {
	frame *frame
	name  string // of the current channel

	evidence *output
	excel    *output
	sheets   int // Excel files begun
	rows     int // in the current one
	maxRows  int // excelRows; tests lower it

	cells []string
	buf   []byte
}

func newCSV(f *frame) (sink, error) {
	evidence, err := f.bundle.create("data/csv/messages.csv")
	if err != nil {
		return nil, err
	}
	w := &csvTables{frame: f, evidence: evidence, maxRows: excelRows}
	if err := w.head(evidence); err != nil {
		return nil, err
	}
	return w, w.nextSheet()
}

func (w *csvTables) head(out *output) error {
	w.buf = appendRow(append(w.buf[:0], byteOrderMark...), csvColumns)
	_, err := out.Write(w.buf)
	return err
}

func (w *csvTables) nextSheet() (err error) {
	if w.excel != nil {
		if _, _, err := w.excel.close(); err != nil {
			return err
		}
	}
	path := "data/csv/messages.excel.csv"
	if w.sheets++; w.sheets > 1 {
		path = fmt.Sprintf("data/csv/messages.excel.%d.csv", w.sheets)
	}
	if w.excel, err = w.frame.bundle.create(path); err != nil {
		return err
	}
	w.rows = 1
	return w.head(w.excel)
}

func (w *csvTables) channel(c *record.Channel) error {
	w.name = c.Name
	return nil
}

func (w *csvTables) file(*record.File) error { return nil }
func (w *csvTables) user(*record.User) error { return nil }

func (w *csvTables) close() error {
	for _, o := range []*output{w.evidence, w.excel} {
		if _, _, err := o.close(); err != nil {
			return err
		}
	}
	return nil
}

func (w *csvTables) message(item Item) error {
	newest := newestCells(item)
	for i, v := range item.Versions {
		var n newestState
		if i == len(item.Versions)-1 {
			n = newest
		}
		w.fill(item, i, v, n)
		if err := w.row(); err != nil {
			return err
		}
	}
	return nil
}

// fill sets the cells of one version, in the order of csvColumns.
func (w *csvTables) fill(item Item, i int, v record.Version, n newestState) {
	event := "created"
	if i > 0 {
		event = "edited"
	}
	var author record.User
	if u := w.frame.users[item.User]; u != nil {
		author = *u
	}
	sent := item.TS.Time()
	w.cells = append(w.cells[:0],
		strconv.FormatUint(v.Change, 10), item.Channel, w.name, "", "", string(item.TS), strconv.Itoa(i+1), event,
		string(item.Thread), string(item.Thread), item.User, author.Name, author.Email, "",
		sent.Format(time.RFC3339), sent.In(w.frame.zone).Format("2006-01-02T15:04:05-07:00"), w.frame.zone.String(),
		n.editedAt, n.editedBy, n.deletedAt, "", v.Text, n.reactions, mentions(v.Text), item.FileID, item.FileName,
		strconv.FormatBool(item.Reason == ReasonHit), "", strconv.FormatBool(item.Reason == ReasonContext), "", "",
		v.SHA256, string(item.Kind), string(item.Reason), formatTime(v.Observed), "",
	)
}

// row writes the cells to both tables.
func (w *csvTables) row() error {
	w.buf = appendRow(w.buf[:0], w.cells)
	if _, err := w.evidence.Write(w.buf); err != nil {
		return err
	}
	if w.rows == w.maxRows {
		if err := w.nextSheet(); err != nil {
			return err
		}
	}
	w.rows++
	disarm(w.cells)
	w.buf = appendRow(w.buf[:0], w.cells)
	_, err := w.excel.Write(w.buf)
	return err
}

// disarm makes cells safe for a spreadsheet: no formula, no longer than a cell can be. The last one tells the length
// of the longest that was cut.
func disarm(cells []string) {
	longest := 0
	for i, cell := range cells {
		if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
			cell = "'" + cell
		}
		if n := utf16Length(cell); n > excelCell {
			longest = max(longest, n)
			cell = cutUTF16(cell, excelCell)
		}
		cells[i] = cell
	}
	if longest > 0 {
		cells[len(cells)-1] = strconv.Itoa(longest)
	}
}

func utf16Length(s string) int {
	if len(s) <= excelCell { // no string has more UTF-16 units than bytes
		return len(s)
	}
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cutUTF16 gives the longest beginning of s that has at most limit UTF-16 units.
func cutUTF16(s string, limit int) string {
	n := 0
	for i, r := range s {
		if n += utf16.RuneLen(r); n > limit {
			return s[:i]
		}
	}
	return s
}

// appendRow appends a record of RFC 4180. Unlike encoding/csv it leaves line ends within a cell as they are.
func appendRow(dst []byte, cells []string) []byte {
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCell(dst, cell)
	}
	return append(dst, '\r', '\n')
}

func appendCell(dst []byte, cell string) []byte {
	if !needsQuotes(cell) {
		return append(dst, cell...)
	}
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(cell, '"')
		if i < 0 {
			break
		}
		dst = append(append(dst, cell[:i]...), `""`...)
		cell = cell[i+1:]
	}
	return append(append(dst, cell...), '"')
}

func needsQuotes(cell string) bool {
	if cell == "" {
		return false
	}
	for i := range len(cell) {
		switch cell[i] {
		case '"', ',', '\r', '\n':
			return true
		}
	}
	return cell[0] == ' ' || cell[len(cell)-1] == ' '
}

// newestState is what is known of a message's newest version only.
type newestState struct{ editedAt, editedBy, deletedAt, reactions string }

func newestCells(item Item) (n newestState) {
	if item.Deleted != nil {
		n.deletedAt = formatTime(item.Deleted.FirstMissing)
	}
	d := detailsOf(item.Message)
	if !d.edited.at.IsZero() {
		n.editedAt = d.edited.at.Format(time.RFC3339)
	}
	n.editedBy, n.reactions = d.edited.by, reactionList(d.reactions)
	return n
}

func reactionList(list []reactionDetail) string {
	var b strings.Builder
	for _, r := range list {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s %d", r.name, r.count)
	}
	return b.String()
}

// mentions gives what stands in @[...] marks, as it is spelt.
func mentions(text string) string {
	var found []string
	for {
		_, after, ok := strings.Cut(text, "@[")
		if !ok {
			return strings.Join(found, "; ")
		}
		name, rest, ok := strings.Cut(after, "]")
		if !ok {
			return strings.Join(found, "; ")
		}
		found, text = append(found, name), rest
	}
}
