package teamchattest

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// calendar is the event as iCalendar text (RFC 5545); exception names one occurrence of a repeated event.
func (e *event) calendar(w *World, exception string) string {
	if e.VCalendar != "" {
		return e.VCalendar
	}
	b := &calendarText{}
	b.line("BEGIN", "VCALENDAR")
	b.line("VERSION", "2.0")
	b.line("PRODID", "-//teamchattest//EN")
	b.line("BEGIN", "VEVENT")
	b.line("UID", hexOf(e.id)+"@"+w.domain)
	b.line("DTSTAMP", calendarTime(int64(e.id>>16)))
	b.line("DTSTART", calendarTime(e.Start))
	b.line("DTEND", calendarTime(e.End))
	b.line("SEQUENCE", fmt.Sprint(e.sequence))
	b.text("SUMMARY", e.Title)
	b.text("LOCATION", e.Location)
	b.text("DESCRIPTION", e.Description)
	switch {
	case exception != "":
		b.line("RECURRENCE-ID", exception)
	case e.Repeat != "":
		b.line("RRULE", e.Repeat)
	}
	b.people(e)
	b.line("END", "VEVENT")
	b.line("END", "VCALENDAR")
	return b.String()
}

func calendarTime(second int64) string { return time.Unix(second, 0).UTC().Format("20060102T150405Z") }

type calendarText struct{ strings.Builder }

// people names the organizer and the attendees.
func (b *calendarText) people(e *event) {
	if e.User != "" {
		b.line("ORGANIZER", "mailto:"+e.User)
	}
	for _, a := range e.Attendees {
		b.line("ATTENDEE;ROLE=REQ-PARTICIPANT", "mailto:"+a)
	}
}

// calendarEscapes are those of text values.
var calendarEscapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`)

// text writes a property whose value is text, if there is any.
func (b *calendarText) text(name, value string) {
	if value != "" {
		b.line(name, calendarEscapes.Replace(value))
	}
}

// line writes a property, folded so that no line is longer than 75 bytes and no character is split.
func (b *calendarText) line(name, value string) {
	rest := name + ":" + value
	for room := 75; len(rest) > room; room = 74 {
		cut := room
		for cut > 1 && !utf8.RuneStart(rest[cut]) {
			cut--
		}
		b.WriteString(rest[:cut] + "\r\n ")
		rest = rest[cut:]
	}
	b.WriteString(rest + "\r\n")
}
