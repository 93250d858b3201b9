package extract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// readHTML gives what a page shows, the alternatives of pictures, descriptions, and behind them the addresses of links.
func (j *job) readHTML(data []byte) error {
	z := html.NewTokenizer(&metered{j, strings.NewReader(decodeHTML(data))})
	z.SetMaxBuf(int(j.limits.Input))
	p := page{job: j, tokens: z}
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return err
			}
			return p.finish()
		case html.TextToken:
			if err := p.text(string(z.Text())); err != nil {
				return err
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			if err := p.start(); err != nil {
				return err
			}
		case html.EndTagToken:
			if err := p.end(); err != nil {
				return err
			}
		}
	}
}

// declaration finds the encoding that a page declares.
var declaration = regexp.MustCompile(`(?i)<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([a-z0-9_:.-]+)`)

// decodeHTML decodes a page by what it declares, else like any text.
func decodeHTML(data []byte) string {
	label := ""
	if m := declaration.FindSubmatch(data[:min(len(data), 4096)]); m != nil {
		label = string(m[1])
	}
	if _, name := charset.Lookup(label); name == "windows-1252" && !utf8.Valid(data) && bytes.IndexByte(data, 0) < 0 {
		label = "" // declared out of habit; it is the guess in any case
	}
	return decodeText(data, label)
}

// page gathers the text of a page.
type page struct {
	job     *job
	tokens  *html.Tokenizer
	hidden  atom.Atom // the element whose content does not show
	links   []string
	unspace bool // white space was met and not written yet
}

func (p *page) text(s string) error {
	if p.hidden != 0 {
		return nil
	}
	for s != "" {
		word := strings.TrimLeft(s, " \t\r\n\f")
		p.unspace = p.unspace || len(word) < len(s)
		if word == "" {
			return nil
		}
		end := strings.IndexAny(word, " \t\r\n\f")
		if end < 0 {
			end = len(word)
		}
		if p.unspace {
			if err := p.job.separate(" "); err != nil {
				return err
			}
			p.unspace = false
		}
		if err := p.job.write(word[:end]); err != nil {
			return err
		}
		s = word[end:]
	}
	return nil
}

// Elements of which the content is no text, and those that end a line or a cell.
var (
	hiddenElements = []atom.Atom{atom.Script, atom.Style, atom.Template}
	blockElements  = []atom.Atom{atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Br, atom.Caption, atom.Dd, atom.Details,
		atom.Div, atom.Dl, atom.Dt, atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.H1, atom.H2, atom.H3,
		atom.H4, atom.H5, atom.H6, atom.Head, atom.Header, atom.Hr, atom.Legend, atom.Li, atom.Main, atom.Nav, atom.Ol, atom.Option,
		atom.P, atom.Pre, atom.Section, atom.Select, atom.Summary, atom.Table, atom.Textarea, atom.Title, atom.Tr, atom.Ul}
)

func (p *page) start() error {
	name, more := p.tokens.TagName()
	tag := atom.Lookup(name)
	if slices.Contains(hiddenElements, tag) {
		p.hidden = tag
		return nil
	}
	if err := p.part(tag); err != nil {
		return err
	}
	attributes := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = p.tokens.TagAttr()
		attributes[string(key)] = string(value)
	}
	return p.attributes(tag, attributes)
}

// part ends the line or the cell before an element that begins one.
func (p *page) part(tag atom.Atom) error {
	switch {
	case slices.Contains(blockElements, tag):
		p.unspace = false
		return p.job.separate("\n")
	case tag == atom.Td || tag == atom.Th:
		p.unspace = false
		return p.job.separate("\t")
	}
	return nil
}

func (p *page) attributes(tag atom.Atom, of map[string]string) error {
	if p.hidden != 0 {
		return nil
	}
	for _, name := range []string{"alt", "title", "aria-label", "placeholder"} {
		if of[name] != "" {
			p.unspace = true
			if err := p.text(of[name] + " "); err != nil {
				return err
			}
		}
	}
	switch {
	case tag == atom.A && of["href"] != "" && of["href"][0] != '#' && !strings.HasPrefix(of["href"], "javascript:"):
		p.links = append(p.links, of["href"])
	case tag == atom.Meta && slices.Contains([]string{"description", "keywords", "author"}, strings.ToLower(of["name"])):
		return p.job.line(of["content"])
	case tag == atom.Input && of["type"] != "hidden" && of["value"] != "":
		p.unspace = true
		return p.text(of["value"] + " ")
	}
	return nil
}

func (p *page) end() error {
	name, _ := p.tokens.TagName()
	tag := atom.Lookup(name)
	if tag == p.hidden {
		p.hidden = 0
	}
	return p.part(tag)
}

// finish writes the addresses of links, each once.
func (p *page) finish() error {
	if err := p.job.separate("\n"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, link := range p.links {
		if seen[link] {
			continue
		}
		seen[link] = true
		if err := p.job.line(clean(link)); err != nil {
			return fmt.Errorf("links: %w", err)
		}
	}
	return nil
}
