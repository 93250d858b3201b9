package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"archiver/internal/loadfile"
	"archiver/internal/rsmf"
)

// production writes a production set, which review platforms take in by a load file. A document is a slice of a
// conversation, as an RSMF file, or one of its attachments; a slice and its attachments are a family.
//
//	data/production/VOL001/DATA/VOL001.DAT            the load file
//	data/production/VOL001/NATIVES/0001/TC00000001.rsmf
//	data/production/VOL001/TEXT/0001/TC00000001.txt   what is searched: UTF-8, one for each document
//
// Documents are numbered without a gap, a slice before its attachments; each content is one document in a family. A file
// that is not in the archive has a slip sheet under its number that says why.
type production struct {
	frame   *frame
	ctx     context.Context
	slices  *rsmfFiles
	profile *loadfile.Profile

	prefix    string
	next, end int64 // the number to be given next, and the one behind the last; 0 before the first slice

	volume  int   // counts from 1
	written int64 // bytes of documents in the volume
	placed  int   // documents in it
	dat     *output
	table   *loadfile.Writer

	replaced loadfile.Replaced
}

const (
	batesDigits  = 8
	filesAFolder = 1000
)

func newProduction(f *frame) (sliceSink, error) {
	profile, err := ReadFields(f.rendering.Fields)
	if err != nil {
		return nil, err
	}
	if err := CheckBates(f.rendering.Bates); err != nil {
		return nil, err
	}
	s, err := newRSMF(f)
	if err != nil {
		return nil, err
	}
	return &production{frame: f, ctx: f.contents.ctx, slices: s.(*rsmfFiles), profile: profile, prefix: f.rendering.Bates}, nil
}

// ReadFields gives a profile of load files: the built-in one of that name, else what the text, YAML, says.
func ReadFields(s string) (*loadfile.Profile, error) {
	if !strings.ContainsAny(s, ":\n") {
		return loadfile.BuiltinProfile(s)
	}
	return loadfile.ParseProfile([]byte(s), documentValues())
}

// CheckBates says why a prefix of Bates numbers cannot be one, nil if it can.
func CheckBates(prefix string) error {
	if prefix == "" || len(prefix) > 20 || strings.Trim(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return fmt.Errorf("prefix %q of Bates numbers: want 1 to 20 letters, digits, - and _", prefix)
	}
	if last := prefix[len(prefix)-1]; last >= '0' && last <= '9' {
		return fmt.Errorf("prefix %q of Bates numbers: it ends in a digit, so that its numbers could not be told from others", prefix)
	}
	return nil
}

// slice produces a family.
func (w *production) slice(s *slice) error {
	if err := w.begin(s); err != nil {
		return err
	}
	assembled := w.slices.document(s)
	family := w.family(s, assembled)
	s.number = family[0].number
	for i := range family {
		if err := w.produce(&family[i]); err != nil {
			return fmt.Errorf("document %s: %w", family[i].number, err)
		}
	}
	for i := range family {
		if err := w.table.Write(family[i].values); err != nil {
			return fmt.Errorf("load file, document %s: %w", family[i].number, err)
		}
	}
	return nil
}

// begin reserves the numbers before the first family, and begins a volume where the family does not fit into this one.
func (w *production) begin(s *slice) (err error) {
	if w.end == 0 {
		if w.frame.reserve == nil {
			return errors.New("nobody gives Bates numbers")
		}
		if w.next, err = w.frame.reserve(w.prefix, w.frame.numbered); err != nil {
			return fmt.Errorf("numbers %s: %w", w.prefix, err)
		}
		w.end = w.next + w.frame.numbered
	}
	limit := w.frame.rendering.Volume
	if w.table == nil || limit > 0 && w.placed > 0 && w.written+weigh(s) > limit {
		return w.nextVolume()
	}
	return nil
}

// weigh guesses the bytes of a family: attachments by themselves and in base64 within the slice, and its text.
func weigh(s *slice) int64 {
	var attached, text int64
	seen := map[string]bool{}
	for _, item := range s.items {
		text += int64(len(item.Text))
		if content, ok := newest(item.File); ok && !seen[content.SHA256] {
			seen[content.SHA256] = true
			attached += content.Size
		}
	}
	return attached*7/3 + text*2
}

func (w *production) nextVolume() (err error) {
	if err := w.closeVolume(); err != nil {
		return err
	}
	w.volume++
	w.written, w.placed = 0, 0
	if w.dat, err = w.frame.bundle.create(w.folder() + "/DATA/" + w.volumeName() + ".DAT"); err != nil {
		return err
	}
	w.table, err = loadfile.NewWriter(w.dat, w.profile)
	return err
}

func (w *production) volumeName() string { return fmt.Sprintf("VOL%03d", w.volume) }
func (w *production) folder() string     { return "data/production/" + w.volumeName() }

func (w *production) closeVolume() error {
	if w.table == nil {
		return nil
	}
	r := w.table.Replaced()
	w.replaced.Delimiters += r.Delimiters
	w.replaced.Unmappable += r.Unmappable
	w.table = nil
	_, _, err := w.dat.close()
	return err
}

func (w *production) close() error {
	if err := w.closeVolume(); err != nil {
		return err
	}
	if w.next != w.end {
		return fmt.Errorf("numbers: %d documents were planned and are not there", w.end-w.next)
	}
	if n := w.replaced.Delimiters; n > 0 {
		w.frame.except("production", fmt.Sprintf("%d characters that delimit were replaced in the load files", n))
	}
	if n := w.replaced.Unmappable; n > 0 {
		w.frame.except("production", fmt.Sprintf("%d characters that %s lacks were replaced by ? in the load files", n, w.profile.Encoding))
	}
	return nil
}

// takeNumber gives the next Bates number.
func (w *production) takeNumber() string {
	n := w.next
	w.next++
	return fmt.Sprintf("%s%0*d", w.prefix, batesDigits, n)
}

// attachmentOf gives the name that an item's file has in the slice's RSMF file.
func attachmentOf(events []rsmf.Event, item Item) string {
	i := slices.IndexFunc(events, func(e rsmf.Event) bool { return e.ID == string(item.TS) })
	if i < 0 || len(events[i].Attachments) == 0 {
		return ""
	}
	return events[i].Attachments[0].ID
}
