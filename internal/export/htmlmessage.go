package export

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"archiver/internal/record"
)

// article shows one message.
type article struct {
	view     *sliceView
	item     *Item
	repeated string // why it stands on a page that is not its own; "" on its own
	home     string // where it stands, if it is repeated
	inThread bool   // it is repeated on the page of its thread
}

func (a article) append(dst []byte) []byte {
	dst = a.appendOpening(dst)
	d := detailsOf(a.item.Message)
	dst = a.appendHeader(dst, &d)
	dst = a.appendReply(dst)
	dst = a.appendText(dst, &d)
	dst = a.appendCards(dst, &d)
	dst = a.appendFile(dst)
	dst = a.appendReactions(dst, d.reactions)
	dst = a.appendVersions(dst)
	dst = a.appendThread(dst)
	return append(dst, "</article>\n"...)
}

func (a article) appendOpening(dst []byte) []byte {
	item := a.item
	dst = append(append(dst, `<article class="m`...), a.classes()...)
	dst = append(append(append(dst, `" id="m-`...), item.TS[:10]...), '-')
	dst = append(append(append(dst, item.TS[11:]...), `" data-ts="`...), item.TS...)
	dst = append(append(dst, `" data-reason="`...), item.Reason...)
	if a.repeated != "" {
		dst = appendAttribute(append(dst, `" data-context="`...), a.repeated)
	}
	return append(dst, "\">\n"...)
}

func (a article) classes() string {
	classes := ""
	if a.item.Thread != "" {
		classes += " reply"
	}
	if a.item.Reason != ReasonHit {
		classes += " beside"
	}
	if a.repeated != "" && !a.inThread {
		classes += " repeated"
	}
	if a.item.Kind == record.KindSystem {
		classes += " system"
	}
	if a.item.Deleted != nil {
		classes += " deleted"
	}
	return classes
}

func (a article) appendHeader(dst []byte, d *details) []byte {
	item, zone := a.item, a.view.w.frame.zone
	dst = append(append(dst, "<header>"...), a.view.w.signature(item.User)...)
	dst = append(dst, ` <a class="at" href="`...)
	if a.repeated != "" {
		dst = append(dst, a.home...)
	} else {
		dst = append(append(dst, '#'), anchor(item.TS)...)
	}
	dst = append(append(dst, `" title="`...), item.TS...)
	dst = append(dst, `">`...)
	layout := time.TimeOnly
	if a.repeated != "" {
		layout = time.DateTime
	}
	dst = append(appendTime(dst, item.TS.Time(), zone, layout), "</a>"...)
	dst = a.appendTags(dst, d)
	if a.repeated == "" && item.Reason == ReasonHit && a.view.w.navigates() {
		dst = a.view.appendHitStep(dst)
	}
	return append(dst, "</header>\n"...)
}

// signature is how an author stands over a message.
func (w *htmlReader) signature(id string) string {
	s, ok := w.authors[id]
	if !ok {
		s = badge(id, w.nameOf(id)) + ` <h3 class="who">` + bidi(w.nameOf(id)) + `</h3> <span class="id">` + string(appendText(nil, id)) + "</span>"
		w.authors[id] = s
	}
	return s
}

func (a article) appendTags(dst []byte, d *details) []byte {
	item := a.item
	switch item.Reason {
	case ReasonContext:
		dst = append(dst, ` <span class="tag">context</span>`...)
	case ReasonFamily:
		dst = append(dst, ` <span class="tag">family</span>`...)
	}
	if a.repeated != "" {
		dst = fmt.Appendf(dst, ` <a class="tag" href="%s">%s</a>`, a.home, a.repeated)
	}
	if item.IsEdited() {
		dst = a.appendEdited(dst, d.edited)
	}
	if item.Pinned {
		dst = append(dst, ` <span class="tag">pinned</span>`...)
	}
	if item.Deleted != nil {
		dst = append(dst, ` <span class="tag bad">deleted: last seen `...)
		dst = appendMoment(dst, item.Deleted.LastSeen, a.view.w.frame.zone)
		dst = append(dst, `, gone `...)
		dst = append(appendMoment(dst, item.Deleted.FirstMissing, a.view.w.frame.zone), "</span>"...)
	}
	return dst
}

func (a article) appendEdited(dst []byte, e editDetail) []byte {
	dst = append(dst, ` <span class="tag edited">edited`...)
	if !e.at.IsZero() {
		dst = appendMoment(append(dst, ' '), e.at, a.view.w.frame.zone)
	}
	if e.by != "" {
		dst = append(append(dst, " by "...), bidi(a.view.w.nameOf(e.by))...)
	}
	return append(dst, "</span>"...)
}

// appendReply says what a comment answers.
func (a article) appendReply(dst []byte) []byte {
	thread := a.item.Thread
	if thread == "" || a.repeated != "" {
		return dst
	}
	root, home := a.view.root(thread)
	if root == nil {
		return fmt.Appendf(dst, "<p class=\"re\">↳ in the thread of message %s, which is not in this export</p>\n", thread)
	}
	dst = append(append(append(dst, `<p class="re"><a href="`...), home...), `">↳ <bdi>`...)
	dst = append(appendText(dst, a.view.w.nameOf(root.User)), "</bdi>: <bdi>"...)
	return append(appendText(dst, excerpt(textOrFile(root))), "</bdi></a></p>\n"...)
}

// textOrFile is what stands for a message in a line.
func textOrFile(item *Item) string {
	if item.Text == "" && item.FileName != "" {
		return item.FileName
	}
	return item.Text
}

func (a article) appendText(dst []byte, d *details) []byte {
	item := a.item
	begin, end := `<div class="x" dir="auto">`, "</div>\n"
	switch {
	case item.Kind == record.KindCode:
		begin, end = `<pre><code class="x" dir="ltr">`, "</code></pre>\n"
		if d.language != "" {
			dst = append(appendText(append(dst, `<p class="language">`...), d.language), "</p>\n"...)
		}
	case item.Text == "" && item.Kind != record.KindText:
		return append(dst, `<div class="x" hidden></div>`...)
	}
	if item.Deleted != nil {
		begin, end = strings.Replace(begin, ">", "><del>", 1), "</del>"+end
		if item.Kind == record.KindCode {
			begin, end = `<pre><code class="x" dir="ltr"><del>`, "</del></code></pre>\n"
		}
	}
	return append(appendBody(append(dst, begin...), item.Text, a.marks(item.Text)), end...)
}

// marks are what to highlight in a text of the message.
func (a article) marks(text string) []Span {
	f := a.view.w.frame
	if f.highlight == nil || a.item.Reason != ReasonHit || text == "" {
		return nil
	}
	return f.highlight(text)
}

// appendCards shows an event, a conference and what was pinned.
func (a article) appendCards(dst []byte, d *details) []byte {
	if e := d.event; e != nil {
		dst = a.appendCard(dst, "Event", e.title, e.id, e.start, e.end, "")
	}
	if c := d.conference; c != nil {
		dst = a.appendCard(dst, "Conference", c.title, c.id, c.start, c.end, c.organizer)
	}
	if d.pinned != "" {
		dst = append(append(dst, `<p class="pinned">pinned message `...), d.pinned...)
		if find(a.view.slice.items, d.pinned) != nil && a.repeated == "" {
			dst = fmt.Appendf(dst, `, <a href="#%s">above</a>`, anchor(d.pinned))
		}
		dst = append(dst, "</p>\n"...)
	}
	return dst
}

func (a article) appendCard(dst []byte, kind, title, id string, start, end time.Time, organizer string) []byte {
	zone := a.view.w.frame.zone
	dst = append(append(append(dst, `<div class="card"><p class="kind">`...), kind...), "</p><p class=\"title\" dir=\"auto\">"...)
	dst = append(appendMarked(dst, title, a.marks(title)), "</p>"...)
	if !start.IsZero() {
		dst = appendMoment(append(dst, "<p>"...), start, zone)
		if !end.IsZero() {
			dst = appendMoment(append(dst, " to "...), end, zone)
		}
		dst = append(dst, "</p>"...)
	}
	if organizer != "" {
		dst = append(append(append(dst, "<p>by "...), bidi(organizer)...), "</p>"...)
	}
	if id != "" {
		dst = append(appendText(append(dst, `<p class="id">`...), id), "</p>"...)
	}
	return append(dst, "</div>\n"...)
}

// appendFile shows the message's file with all contents that were stored.
func (a article) appendFile(dst []byte) []byte {
	item := a.item
	if item.FileID == "" {
		return dst
	}
	dst = append(dst, `<div class="file"><p class="title" dir="auto">`...)
	name := item.FileName
	if name == "" && item.File != nil {
		name = item.File.Name
	}
	dst = append(appendMarked(dst, name, a.marks(name)), "</p>\n"...)
	if item.File == nil {
		return append(dst, "<p class=\"bad\">the archive knows of no such file</p></div>\n"...)
	}
	dst = a.view.w.appendContents(dst, "../../files/", item.File, true)
	return append(dst, "</div>\n"...)
}

// pictures are the extensions of what browsers show and can't run anything in.
var pictures = []string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"}

// active are the extensions of what may run something when a browser opens it.
var active = []string{".html", ".htm", ".xhtml", ".xht", ".shtml", ".svg", ".xml", ".xsl", ".mht", ".mhtml", ".js", ".hta"}

// appendContents lists the contents of a file, newest first, with what keeps the newest from being there. files is the
// way from the page to data/files.
func (w *htmlReader) appendContents(dst []byte, files string, f *record.File, preview bool) []byte {
	if f.State != record.FileStored {
		dst = append(append(dst, `<p class="bad">`...), f.State...)
		if f.Reason != "" {
			dst = appendText(append(dst, ": "...), f.Reason)
		}
		dst = append(dst, "</p>\n"...)
	}
	for i, r := range slices.Backward(f.Versions) {
		place := w.frame.contents.path(r.SHA256)
		if place == "" {
			dst = append(append(append(dst, `<p class="bad">not in this export: <code>`...), r.SHA256...), "</code></p>\n"...)
			continue
		}
		dst = w.appendContent(dst, files+strings.TrimPrefix(place, "data/files/"), r, i+1, len(f.Versions), preview && i == len(f.Versions)-1)
	}
	return dst
}

func (w *htmlReader) appendContent(dst []byte, href string, r record.Revision, n, of int, preview bool) []byte {
	ext := path.Ext(href)
	if preview && slices.Contains(pictures, ext) {
		dst = fmt.Appendf(dst, `<a href="%s"><img src="%s" alt="picture" loading="lazy"></a>`, href, href)
	}
	dst = append(append(append(dst, `<p class="content"><a href="`...), href...), `" rel="noreferrer">open`...)
	if of > 1 {
		dst = append(strconv.AppendInt(append(dst, " version "...), int64(n), 10), fmt.Sprintf(" of %d", of)...)
	}
	dst = append(dst, `</a> <span title="`...)
	dst = append(append(append(strconv.AppendInt(dst, r.Size, 10), ` bytes">`...), readableSize(r.Size)...), "</span>"...)
	if slices.Contains(active, ext) {
		dst = append(dst, ` <span class="tag bad" title="it is outside of what this reader keeps from running">may run scripts when opened</span>`...)
	}
	return append(append(append(dst, ` <code class="sha">`...), r.SHA256...), "</code></p>\n"...)
}

// reactionEmoji are the pictures of the commonest names; others show as names.
var reactionEmoji = map[string]string{
	"+1": "👍", "thumbsup": "👍", "-1": "👎", "thumbsdown": "👎", "heart": "❤️", "smile": "😄", "joy": "😂", "tada": "🎉",
	"clap": "👏", "ok_hand": "👌", "fire": "🔥", "eyes": "👀", "cry": "😢", "wave": "👋", "rocket": "🚀", "pray": "🙏",
	"white_check_mark": "✅", "x": "❌", "thinking": "🤔", "angry": "😠", "open_mouth": "😮", "100": "💯",
}

func (a article) appendReactions(dst []byte, reactions []reactionDetail) []byte {
	if len(reactions) == 0 {
		return dst
	}
	dst = append(dst, `<ul class="reactions">`...)
	for _, r := range reactions {
		dst = append(dst, "<li>"...)
		if emoji := reactionEmoji[r.name]; emoji != "" {
			dst = append(append(append(dst, `<span aria-hidden="true">`...), emoji...), "</span> "...)
		}
		dst = appendText(dst, r.name)
		dst = append(strconv.AppendInt(append(dst, " <b>"...), r.count, 10), "</b>"...)
		for i, id := range r.users {
			dst = append(append(dst, [...]string{" ", ", "}[min(i, 1)]...), bidi(a.view.w.nameOf(id))...)
		}
		dst = append(dst, "</li>"...)
	}
	return append(dst, "</ul>\n"...)
}

// appendVersions shows what a message was: its first version, and what each later one changed.
func (a article) appendVersions(dst []byte) []byte {
	versions := a.item.Versions
	if len(versions) < 2 || a.repeated != "" && !a.inThread { // before comments it is enough to say that it was edited
		return dst
	}
	dst = fmt.Appendf(dst, "<details class=\"versions\" open><summary>%d versions were read</summary><ol>\n", len(versions))
	for i, v := range versions {
		dst = append(append(append(dst, `<li data-sha256="`...), v.SHA256...), `"><p>read `...)
		dst = append(appendMoment(dst, v.Observed, a.view.w.frame.zone), "</p>"...)
		switch {
		case i == 0:
			dst = append(appendText(append(dst, `<div class="v" dir="auto">`...), v.Text), "</div>"...)
		case v.Text == versions[i-1].Text:
			dst = append(dst, "<p>The text is the same; the file's name, a title, a time, the language or the kind changed.</p>"...)
		default:
			dst = append(appendDiff(append(dst, `<div class="v" dir="auto">`...), versions[i-1].Text, v.Text), "</div>"...)
		}
		dst = append(dst, "</li>\n"...)
	}
	return append(dst, "</ol></details>\n"...)
}

// appendDiff shows how one text became another.
func appendDiff(dst []byte, before, after string) []byte {
	for _, e := range wordDiff(before, after) {
		switch e.kind {
		case removed:
			dst = append(appendText(append(dst, "<del>"...), e.text), "</del>"...)
		case added:
			dst = append(appendText(append(dst, "<ins>"...), e.text), "</ins>"...)
		default:
			dst = appendText(dst, e.text)
		}
	}
	return dst
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
