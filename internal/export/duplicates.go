package export

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"archiver/internal/record"
)

// Earlier says that earlier exports hold a message: the first of them that holds all that there is of it, else the last.
type Earlier struct {
	Export string // its id
	Older  bool   // it holds less: the archive has learnt more of the message or its file since
	Slice  string // the document that has the message there; "" where that is not known
	Number string // the document's Bates number, likewise
	Of     int    // how many exports hold it
}

// DuplicateCounts says how many messages of a selection earlier exports hold. A message of which they all hold less is no
// duplicate.
type DuplicateCounts struct {
	Exports  []string `json:"exports"`  // ids of those that the selection was compared with
	Messages int64    `json:"messages"` // duplicates in this export
	Older    int64    `json:"older"`    // in this export, which earlier ones hold less of
	LeftOut  int64    `json:"left_out"` // duplicates that are not in this export
}

// duplicates is the sink that names what earlier exports hold, if the selection is to be compared with any.
type duplicates struct {
	ctx    context.Context
	frame  *frame
	counts *DuplicateCounts // nil without a comparison
	table  *csvFile         // nil in a preview, and without a comparison
	tables *reports         // likewise
}

func newDuplicates(ctx context.Context, f *frame, tables *reports) (*duplicates, error) {
	d := &duplicates{ctx: ctx, frame: f, tables: tables}
	if f.sel.DuplicatesOf == nil {
		return d, nil
	}
	d.counts = &DuplicateCounts{Exports: f.sel.DuplicatesOf}
	if f.bundle == nil {
		return d, nil
	}
	return d, newCSVFile(&d.table, f.bundle, "reports/duplicates", "status", "channel_id", "channel_name", "item_id", "thread_id",
		"sent_utc", "author_id", "sha256", "earlier_export", "earlier_state", "earlier_slice", "earlier_number", "earlier_exports")
}

func (d *duplicates) channel(*record.Channel) error { return nil }
func (d *duplicates) file(*record.File) error       { return nil }
func (d *duplicates) user(*record.User) error       { return nil }

func (d *duplicates) message(item Item) error {
	if d.counts == nil {
		return nil
	}
	earlier, err := d.frame.src.Earlier(d.ctx, item)
	if err != nil || earlier == nil {
		return err
	}
	count(&d.counts.Messages, !earlier.Older)
	count(&d.counts.Older, earlier.Older)
	return d.row(itemExported, item, earlier)
}

// row names the earlier export that holds a message.
func (d *duplicates) row(status string, item Item, e *Earlier) error {
	if d.table == nil {
		return nil
	}
	state := "same"
	if e.Older {
		state = "older"
	}
	return d.table.row(status, item.Channel, d.frame.channelName(item.Channel), string(item.TS), string(item.Thread),
		item.TS.Time().Format(time.RFC3339), item.User, lastDigest(item), e.Export, state, e.Slice, e.Number, strconv.Itoa(e.Of))
}

// lastDigest is the digest of a message's current version, "" if it has none.
func lastDigest(item Item) string {
	if n := len(item.Versions); n > 0 {
		return item.Versions[n-1].SHA256
	}
	return ""
}

// close adds what is left out.
func (d *duplicates) close() error {
	if d.counts == nil {
		return nil
	}
	for item, err := range d.frame.src.LeftOut(d.ctx) {
		if err != nil {
			return fmt.Errorf("messages left out: %w", err)
		}
		if err := d.leftOut(item); err != nil {
			return fmt.Errorf("message %s, left out: %w", item.ID(), err)
		}
	}
	if d.table == nil {
		return nil
	}
	return d.table.close()
}

// itemLeftOut is the status of what is not in the export because earlier ones hold it.
const itemLeftOut = "left out"

func (d *duplicates) leftOut(item Item) error {
	if err := d.frame.attach(d.ctx, &item); err != nil {
		return err
	}
	earlier, err := d.frame.src.Earlier(d.ctx, item)
	if err == nil && earlier == nil {
		err = errors.New("no earlier export holds it")
	}
	if err != nil {
		return err
	}
	d.counts.LeftOut++
	d.frame.terms.leftOut(item)
	if d.tables == nil {
		return nil
	}
	return errors.Join(d.row(itemLeftOut, item, earlier), d.tables.leftOut(item, earlier.Export))
}

// summaryRows are those of summary.csv.
func (n *DuplicateCounts) summaryRows() [][2]string {
	if n == nil {
		return nil
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return [][2]string{
		{"earlier_exports", strings.Join(n.Exports, " ")}, {"in_earlier_exports", number(n.Messages)},
		{"older_in_earlier_exports", number(n.Older)}, {"left_out_as_in_earlier_exports", number(n.LeftOut)},
	}
}
