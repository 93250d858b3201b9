package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"

	"archiver/internal/record"

	"golang.org/x/text/unicode/norm"
)

// Unit says what becomes one document of a format that writes conversations.
type Unit string

// The units. Days, weeks (ISO 8601, from Monday) and months are those of the selection's time zone, and so are the hours
// at which a day is divided. With UnitThread a thread is one document, and what belongs to no thread is cut into days.
const (
	UnitDay    Unit = "day"
	Unit12h    Unit = "12h"
	Unit8h     Unit = "8h"
	UnitThread Unit = "thread"
	UnitWeek   Unit = "week"
	UnitMonth  Unit = "month"
	UnitWhole  Unit = "whole"
)

// Units are the units that can be chosen.
func Units() []Unit {
	return []Unit{UnitDay, Unit12h, Unit8h, UnitThread, UnitWeek, UnitMonth, UnitWhole}
}

// slice is what becomes one document: a channel's messages of a time or a thread, or a part of them.
type slice struct {
	channel        *conversation
	folder         string    // of the channel
	name           string    // of the document, without an ending; unique in the export
	title          string    // the unit for people: 2024-01-15, 2024-W03, 2024-01, "thread 1516195206.000463", "everything"
	begin, end     time.Time // the window [begin, end) in the selection's zone; zero where the unit has none
	part, parts    int       // 1 of 1 unless it was too much for one document
	previous, next string    // names of the channel's slices before and after; "" at the ends
	items          []Item    // by ts
	number         string    // Bates number; "" but behind a production
	parents        []Item    // messages of other slices of the export that comments in this one answer, by ts
	plan           *channelPlan
	place          int    // among the plan's documents
	sources        string // what sourceHash gave
}

// first and last are the times of the earliest and the latest message, parents aside.
func (s *slice) first() time.Time { return s.items[0].TS.Time() }
func (s *slice) last() time.Time  { return s.items[len(s.items)-1].TS.Time() }

// sourceHash is the SHA-256 (hex) over the hashes of all versions of the messages, in order, each with a newline behind
// it. The hashes are those in messages.ndjson.
func (s *slice) sourceHash() string {
	if s.sources != "" {
		return s.sources
	}
	h, line := sha256.New(), make([]byte, 0, 2*sha256.Size+1)
	for i := range s.items {
		for _, v := range s.items[i].Versions {
			line = append(append(line[:0], v.SHA256...), '\n')
			h.Write(line)
		}
	}
	s.sources = hex.EncodeToString(h.Sum(nil))
	return s.sources
}

// sliceSink takes slices by channel, and within it in the order in which they end. A slice belongs to the caller once
// slice returns.
type sliceSink interface {
	slice(*slice) error
	close() error
}

// recordSink is what a sliceSink may be besides, to be given the channels and the files of the export as a sink is.
type recordSink interface {
	channel(*record.Channel) error
	file(*record.File) error
}

// period is a slice before it is cut into parts.
type period struct {
	key        string // unique in the channel, and safe in a name
	title      string
	begin, end time.Time
}

// window is a period as what further moments are compared with.
type window struct {
	period
	offset int  // of its begin and its end from UTC, in seconds
	steady bool // they have the same
}

func windowOf(p period) window {
	_, begin := p.begin.Zone()
	_, end := p.end.Zone()
	return window{period: p, offset: begin, steady: begin == end && !p.begin.IsZero()}
}

// holds tells whether a moment surely belongs to the period. Where clocks are changed, only the calendar can tell.
func (w *window) holds(t time.Time) bool {
	if !w.steady || t.Before(w.begin) || !t.Before(w.end) {
		return false
	}
	_, offset := t.Zone()
	return offset == w.offset
}

// period gives the one that an item belongs to. threads has the ts of messages that have comments in the export.
func (u Unit) period(item Item, zone *time.Location, threads map[record.TS]bool) period {
	t := item.TS.Time().In(zone)
	switch u {
	case UnitThread:
		if root := threadOf(item); item.Thread != "" || threads[root] {
			return period{key: "thread_" + strings.ReplaceAll(string(root), ".", "-"), title: "thread " + string(root)}
		}
	case UnitWeek:
		year, week := t.ISOWeek()
		begin := record.StartOfDay(t.Year(), t.Month(), t.Day()-(int(t.Weekday())+6)%7, zone)
		return between(fmt.Sprintf("%04d-W%02d", year, week), begin, begin.Day()+7, zone)
	case UnitMonth:
		begin := record.StartOfDay(t.Year(), t.Month(), 1, zone)
		p := period{begin: begin, end: record.StartOfDay(t.Year(), t.Month()+1, 1, zone)}
		p.key = begin.Format("2006-01")
		p.title = p.key
		return p
	case Unit12h:
		return partOfDay(t, 12)
	case Unit8h:
		return partOfDay(t, 8)
	case UnitWhole:
		return period{key: "all", title: "everything"}
	}
	begin := record.StartOfDay(t.Year(), t.Month(), t.Day(), zone)
	return between(t.Format(time.DateOnly), begin, t.Day()+1, zone)
}

// partOfDay is the period of some hours, counted by the clock from the beginning of the day, that a moment lies in.
func partOfDay(t time.Time, hours int) period {
	n := t.Hour() / hours
	at := func(n int) time.Time {
		if n == 0 || n*hours == 24 {
			return record.StartOfDay(t.Year(), t.Month(), t.Day()+n*hours/24, t.Location())
		}
		return time.Date(t.Year(), t.Month(), t.Day(), n*hours, 0, 0, 0, t.Location())
	}
	key := fmt.Sprintf("%s_%02dh", t.Format(time.DateOnly), n*hours)
	return period{key: key, title: t.Format(time.DateOnly) + fmt.Sprintf(" from %d:00", n*hours), begin: at(n), end: at(n + 1)}
}

// between is the period from a day to a day of the same month, counted on.
func between(key string, begin time.Time, end int, zone *time.Location) period {
	return period{key: key, title: key, begin: begin, end: record.StartOfDay(begin.Year(), begin.Month(), end, zone)}
}

// threadOf is the ts of the message that an item's thread has or would have.
func threadOf(item Item) record.TS {
	if item.Thread != "" {
		return item.Thread
	}
	return item.TS
}

const maxSlug = 40 // bytes of a channel's name in names of files

// channelFolder names a channel in a way that is safe everywhere, also where case does not count: something readable of
// its name, and the beginning of its id's SHA-256, as ids differ in case and names may be equal.
func channelFolder(c *record.Channel) string {
	sum := sha256.Sum256([]byte(c.ID))
	return slug(c.Name) + "_" + hex.EncodeToString(sum[:6])
}

// slug is what a name has in ASCII letters and digits.
func slug(name string) string {
	var b strings.Builder
	dash := false
	for _, r := range norm.NFKD.String(name) {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(unicode.ToLower(r))
			dash = false
		case !unicode.Is(unicode.Mn, r):
			dash = true
		}
		if b.Len() >= maxSlug {
			break
		}
	}
	if b.Len() == 0 {
		return "channel"
	}
	return b.String()
}
