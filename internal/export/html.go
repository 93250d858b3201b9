package export

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"archiver/internal/record"
)

//go:embed reader
var readerFiles embed.FS

// htmlReader writes the reader that people open: pages that work from a folder, without network and without JavaScript.
//
//	data/html/index.html                what was selected, counts, channels
//	data/html/style.css                 for all pages
//	data/html/search.html               the one page with a script, which looks through search/1.js and so on
//	data/html/people.html               authors and members
//	data/html/files.html                attachments; more on files-2.html and so on
//	data/html/<channel>/index.html      its slices by month; more on index-2.html and so on
//	data/html/<channel>/<slice>.html    its messages
//	data/html/<channel>/thread_<ts>.html  a thread that spans slices, whole
//
// A message stands on the page of its slice as <article id="m-<ts with a dash>" data-ts data-reason>. Where it is
// repeated, before comments that answer it and in threads, it has data-context, which says why. Its text is the content
// of its element .x, in the form that appendText describes. Every version of it is in .versions.
//
// Pages fetch nothing from elsewhere and, search.html aside, run nothing (their Content-Security-Policy says so, too); what users wrote is
// text and nothing else, also where it looks like an address: those are set off and not linked.
type htmlReader struct {
	frame   *frame
	pages   *template.Template
	out     *output // the page being written
	buf     []byte  // of it, what is not in out yet
	authors map[string]string
	started bool // a channel is current
	current channelPages

	channels []channelEntry
	months   monthCounts
	people   map[string]*personEntry
	files    filePages
	search   searchFiles
}

// flushBytes is from which length on a page's buffer is written out.
const flushBytes = 64 << 10

func newHTML(f *frame) (sliceSink, error) {
	w := &htmlReader{
		frame: f, authors: map[string]string{}, months: monthCounts{}, people: map[string]*personEntry{},
	}
	functions := template.FuncMap{
		"text":  func(s string) template.HTML { return template.HTML(appendText(nil, s)) },
		"plain": plain, "grouped": grouped, "size": readableSize, "counted": counted,
		"moment":    func(t time.Time) template.HTML { return template.HTML(appendMoment(nil, t, f.zone)) },
		"sliceRow":  func(p channelPage, e sliceEntry) template.HTML { return template.HTML(p.appendSlice(nil, e, f.zone)) },
		"personRow": func(p personEntry) template.HTML { return template.HTML(p.append(nil, f.zone)) },
		"author":    func(id string) template.HTML { return template.HTML(w.author(id)) },
	}
	var err error
	if w.pages, err = template.New("").Funcs(functions).ParseFS(readerFiles, "reader/*.html"); err != nil {
		return nil, err
	}
	return w, errors.Join(w.copy("style.css"), w.copy("search.js"))
}

// copy writes a file that is the same in every export.
func (w *htmlReader) copy(name string) error {
	content, err := readerFiles.ReadFile("reader/" + name)
	if err != nil {
		return err
	}
	out, err := w.frame.bundle.create("data/html/" + name)
	if err != nil {
		return err
	}
	_, writeErr := out.Write(content)
	_, _, err = out.close()
	return errors.Join(writeErr, err)
}

// link is a place and what it is called. Without an Href there is none.
type link struct{ Href, Name string }

// pageHead is what stands at the top and the bottom of every page.
type pageHead struct {
	Root           string // the way to data/html: "" or "../"
	Title          string // of the page
	Export         string // the export's id
	Trail          []link // what the page is part of, outermost first
	Here           string // the page's name within that
	Place          string // "part 1 of 2, page 7 of 31"
	Zone           string // of the times
	Channel        string // id; "" on pages of the whole export
	Previous, Next link
	Script         bool // it is the one that runs a script
}

func (w *htmlReader) head(title string) pageHead {
	return pageHead{Title: title, Here: title, Export: w.frame.id, Zone: w.frame.zone.String()}
}

// page writes a page below data/html.
func (w *htmlReader) page(path string, head pageHead, body func() error) (err error) {
	if w.out, err = w.frame.bundle.create("data/html/" + path); err != nil {
		return err
	}
	w.buf = head.appendTop(w.buf[:0])
	if err := body(); err != nil {
		return err
	}
	w.buf = head.appendBottom(w.buf)
	if err := w.flush(0); err != nil {
		return err
	}
	_, _, err = w.out.close()
	return err
}

// Write appends to the page.
func (w *htmlReader) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	return len(p), nil
}

func (w *htmlReader) execute(name string, data any) error {
	if err := w.pages.ExecuteTemplate(w, name, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	return nil
}

// flush writes out what is in the buffer if it is longer than limit.
func (w *htmlReader) flush(limit int) error {
	if len(w.buf) <= limit {
		return nil
	}
	_, err := w.out.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// channel begins a channel.
func (w *htmlReader) channel(c *record.Channel) error {
	if err := w.finishChannel(); err != nil {
		return err
	}
	w.started = true
	w.current = channelPages{
		entry: channelEntry{Folder: channelFolder(c), Name: c.Name, ID: c.ID, State: string(c.State)}, channel: c,
		months: monthCounts{}, uses: map[string][]link{}, threads: map[record.TS]*threadPage{},
	}
	return nil
}

// slice writes the page of a slice, and those of threads that end in it.
func (w *htmlReader) slice(s *slice) error {
	head := w.head(w.current.channel.Name + " · " + s.title)
	head.Here, head.Root, head.Channel = shortName(s.folder, s.name), "../", s.channel.ID
	head.Trail = []link{{"../index.html", "All channels"}, {"index.html", s.channel.Name}}
	head.Place = placeOf(s)
	head.Previous, head.Next = neighbour(s, s.previous), neighbour(s, s.next)
	v := newSliceView(w, s)
	if err := w.page(s.folder+"/"+s.name+".html", head, v.write); err != nil {
		return err
	}
	w.note(s)
	return errors.Join(w.writeThreads(v.ended), w.addToSearch(s))
}

func placeOf(s *slice) string {
	place := fmt.Sprintf("page %d of %d", s.place+1, len(s.plan.documents))
	if s.parts > 1 {
		place = fmt.Sprintf("part %d of %d, ", s.part, s.parts) + place
	}
	return place
}

// neighbour links to another slice of the channel.
func neighbour(s *slice, name string) link {
	if name == "" {
		return link{}
	}
	return link{name + ".html", shortName(s.folder, name)}
}

// shortName is what tells a channel's documents apart: 2024-01-15, 2024-01-15 part 2, thread 1516195206.000463.
func shortName(folder, name string) string {
	name = strings.TrimPrefix(name, folder+"_")
	if thread, ok := strings.CutPrefix(name, "thread_"); ok {
		name = "thread " + strings.Replace(thread, "-", ".", 1)
	}
	return strings.Replace(name, "_p", " part ", 1)
}

// note counts a slice for the pages that list it.
func (w *htmlReader) note(s *slice) {
	c := &w.current
	e := sliceEntry{place: s.place, Href: s.name + ".html", Name: shortName(s.folder, s.name), First: s.first(), Last: s.last()}
	for i := range s.items {
		item := &s.items[i]
		w.countPerson(item)
		month := monthOf(item.TS.Time().In(w.frame.zone))
		c.months[month]++
		w.months[month]++
		count(&e.Hits, item.Reason == ReasonHit)
		count(&e.Messages, item.Thread == "")
		count(&e.Comments, item.Thread != "")
		if item.FileID != "" {
			c.uses[item.FileID] = append(c.uses[item.FileID], link{s.folder + "/" + e.Href + "#" + anchor(item.TS), string(item.TS)})
		}
	}
	c.slices = append(c.slices, e)
	c.entry.add(e)
}

// anchor is the id of a message on its page.
func anchor(ts record.TS) string { return "m-" + strings.Replace(string(ts), ".", "-", 1) }

func (w *htmlReader) finishChannel() error {
	if !w.started {
		return nil
	}
	w.channels = append(w.channels, w.current.entry)
	slices.SortFunc(w.current.slices, func(a, b sliceEntry) int { return a.place - b.place })
	return w.writeChannel()
}

func (w *htmlReader) close() error {
	return errors.Join(w.finishChannel(), w.writeFiles(), w.writePeople(), w.writeSearch(), w.writeIndex())
}
