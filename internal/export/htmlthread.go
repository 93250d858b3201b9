package export

import (
	"fmt"
	"strings"

	"archiver/internal/record"
)

// threadPage is the page of a thread that spans slices, as far as it was given: its root, if the export has it, and all
// its comments.
type threadPage struct {
	entry threadEntry
	root  record.TS
	body  []byte
}

// scattered gives what the plan knows of a thread that has a page of its own, nil of others.
func (v *sliceView) scattered(root record.TS) *scatteredThread {
	t := v.slice.plan.scattered[root]
	if t == nil || len(t.elsewhere) == 1 && find(v.slice.parents, root) == nil && find(v.slice.items, root) == nil {
		return nil
	}
	return t
}

func threadName(root record.TS) string {
	return "thread_" + strings.Replace(string(root), ".", "-", 1) + ".html"
}

// thread adds an item to the page of its thread, if that has one.
func (v *sliceView) thread(item *Item) {
	root := item.TS
	if item.Thread != "" {
		root = item.Thread
	}
	plan := v.scattered(root)
	if plan == nil {
		return
	}
	page := v.w.current.threads[root]
	if page == nil {
		page = &threadPage{root: root, entry: threadEntry{Href: threadName(root), Author: item.User, Excerpt: excerpt(textOrFile(item)), At: item.TS.Time()}}
		v.w.current.threads[root] = page
		if item.Thread != "" {
			page.body = fmt.Appendf(nil, "<p class=\"event\">The message that began the thread, %s, is not in this export.</p>\n", root)
		}
	}
	a := article{
		view: v, item: item, inThread: true,
		repeated: "on page " + shortName(v.slice.folder, v.slice.name), home: v.page + "#" + anchor(item.TS),
	}
	page.body = a.append(page.body)
	if item.Thread == "" {
		return
	}
	page.entry.Comments++
	if item.TS == plan.last {
		delete(v.w.current.threads, root)
		v.ended = append(v.ended, page)
	}
}

// writeThreads writes the pages of threads that are whole.
func (w *htmlReader) writeThreads(pages []*threadPage) error {
	for _, p := range pages {
		head := w.head("Thread " + string(p.root))
		head.Root, head.Channel = "../", w.current.channel.ID
		head.Trail = []link{{"../index.html", "All channels"}, {"index.html", w.current.channel.Name}}
		err := w.page(w.current.entry.Folder+"/"+p.entry.Href, head, func() error {
			w.buf = fmt.Appendf(w.buf, "<h1>Thread</h1>\n<p class=\"lead\">%s, repeated from their pages.</p>\n<h2>In order of time</h2>\n", counted(int64(p.entry.Comments), "comment"))
			w.buf = append(w.buf, p.body...)
			return nil
		})
		if err != nil {
			return fmt.Errorf("thread %s: %w", p.root, err)
		}
		w.current.long = append(w.current.long, p.entry)
	}
	return nil
}

// appendThread leads from a message to its comments.
func (a article) appendThread(dst []byte) []byte {
	if a.item.Thread != "" || a.inThread {
		return dst
	}
	v, root := a.view, a.item.TS
	here, plan := v.answers[root], v.scattered(root)
	if here == nil && plan == nil {
		return dst
	}
	dst = append(dst, `<p class="thread">`...)
	if here != nil {
		dst = fmt.Appendf(dst, `<a href="#%s">%s on this page</a>`, anchor(here.first), counted(int64(here.count), "comment"))
	}
	if plan != nil {
		for _, c := range plan.elsewhere {
			if c.place == v.slice.place {
				continue
			}
			name := v.slice.plan.name(c.place)
			dst = fmt.Appendf(dst, ` <a href="%s.html">%s on %s</a>`, name, counted(int64(c.comments), "comment"), shortName(v.slice.folder, name))
		}
		dst = fmt.Appendf(dst, ` <a href="%s">whole thread</a>`, threadName(root))
	}
	return append(dst, "</p>\n"...)
}
