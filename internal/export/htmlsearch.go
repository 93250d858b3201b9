package export

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// searchChunk is from how many bytes on the data of the search goes on in another file.
const searchChunk = 1 << 20

// searchFiles writes what search.html looks through, as scripts, since pages in a folder may load nothing else:
// search/1.js and so on, each with lines
//
//	page("<channel>/<slice>.html","<channel's name>",[["<ts with a dash>","<local time>","<author>","<text and file name>"],...]);
//
// one a slice. Characters that do not show are in them as their codes, as titles have them. The only page that runs a
// script is search.html; all others lead there and do without.
type searchFiles struct {
	out    *output // nil before the first
	chunks int
	size   int
	buf    []byte
}

// addToSearch writes the line of a slice.
func (w *htmlReader) addToSearch(s *slice) error {
	f := &w.search
	if f.out == nil || f.size >= searchChunk {
		if err := f.next(w.frame.bundle); err != nil {
			return err
		}
	}
	f.buf = appendQuoted(append(f.buf[:0], "page("...), s.folder+"/"+s.name+".html")
	f.buf = append(appendQuoted(append(f.buf, ','), plain(s.channel.Name)), ",["...)
	for i := range s.items {
		if i > 0 {
			f.buf = append(f.buf, ',')
		}
		f.appendItem(w, &s.items[i])
	}
	f.buf = append(f.buf, "]);\n"...)
	f.size += len(f.buf)
	_, err := f.out.Write(f.buf)
	return err
}

func (f *searchFiles) appendItem(w *htmlReader, item *Item) {
	text := item.Text
	if item.FileName != "" {
		text = strings.TrimSpace(text + " " + item.FileName)
	}
	f.buf = appendQuoted(append(f.buf, '['), strings.TrimPrefix(anchor(item.TS), "m-"))
	f.buf = item.TS.Time().In(w.frame.zone).AppendFormat(append(f.buf, `,"`...), "2006-01-02 15:04:05")
	f.buf = appendQuoted(append(f.buf, `",`...), plain(w.nameOf(item.User)))
	f.buf = append(appendQuoted(append(f.buf, ','), plain(text)), ']')
}

// appendQuoted appends a text, which is valid UTF-8, as a string of JavaScript.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

func (f *searchFiles) next(b *bundle) (err error) {
	if err := f.close(); err != nil {
		return err
	}
	f.chunks++
	f.size = 0
	f.out, err = b.create(fmt.Sprintf("data/html/search/%d.js", f.chunks))
	return err
}

func (f *searchFiles) close() error {
	if f.out == nil {
		return nil
	}
	_, _, err := f.out.close()
	f.out = nil
	return err
}

// writeSearch writes the page that searches.
func (w *htmlReader) writeSearch() error {
	head := w.head("Search")
	head.Trail, head.Script = []link{{"index.html", "All channels"}}, true
	return errors.Join(w.search.close(), w.page("search.html", head, func() error { return w.execute("search", w.search.chunks) }))
}
