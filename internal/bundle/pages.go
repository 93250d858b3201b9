package bundle

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// page reads a page of HTML as a stream: what its articles say, whatever else stands there. Texts are the content of
// elements of one class; an element with data-u stands for the character of that code.
type page struct {
	tokens *html.Tokenizer
	class  string // of the elements that hold texts

	channel string   // data-channel of the newest element that has one
	loose   []string // texts outside of articles

	open      []string // elements
	article   *article
	text      strings.Builder
	collects  int // number of open elements where the text began; 0 is none
	collected kind
	silent    int // number of open elements where what is shown is not the text; 0 is nowhere
}

// article is a message on a page.
type article struct {
	attributes map[string]string
	texts      []string
	versions   int    // items of a list that have data-sha256
	note       string // the first item of a list
}

// kind says what a collected text is.
type kind int

const (
	kindText kind = iota
	kindItem
)

func newPage(r io.Reader, class string) *page {
	return &page{tokens: html.NewTokenizer(r), class: class}
}

var (
	errNesting = errors.New("the page's elements are not nested")
	// void elements have no end.
	void = []string{"br", "hr", "img", "input", "link", "meta"}
)

// next gives the next article; nil at the end.
func (p *page) next() (*article, error) {
	for {
		switch p.tokens.Next() {
		case html.ErrorToken:
			err := p.tokens.Err()
			if err == io.EOF && len(p.open) > 0 {
				err = fmt.Errorf("%w: <%s> has no end", errNesting, p.open[len(p.open)-1])
			}
			if err == io.EOF {
				err = nil
			}
			return nil, err
		case html.TextToken:
			if p.collects > 0 && p.silent == 0 {
				p.text.Write(p.tokens.Text())
			}
		case html.StartTagToken:
			p.begin(p.tokens.Token())
		case html.EndTagToken:
			name, _ := p.tokens.TagName()
			if done, err := p.end(string(name)); done != nil || err != nil {
				return done, err
			}
		}
	}
}

func (p *page) begin(t html.Token) {
	if slices.Contains(void, t.Data) {
		return
	}
	p.open = append(p.open, t.Data)
	attributes := make(map[string]string, len(t.Attr))
	for _, a := range t.Attr {
		attributes[a.Key] = a.Val
	}
	if channel, ok := attributes["data-channel"]; ok {
		p.channel = channel
	}
	if code, err := strconv.ParseInt(attributes["data-u"], 16, 32); err == nil && p.silent == 0 {
		p.text.WriteRune(rune(code))
		p.silent = len(p.open)
	}
	switch isText := slices.Contains(strings.Fields(attributes["class"]), p.class); {
	case t.Data == "article":
		p.article = &article{attributes: attributes}
	case p.collects > 0:
	case isText:
		p.collect(kindText)
	case t.Data == "li" && p.article != nil:
		if _, ok := attributes["data-sha256"]; ok {
			p.article.versions++
		}
		p.collect(kindItem)
	}
}

// collect begins a text with what the newest element holds.
func (p *page) collect(k kind) {
	p.text.Reset()
	p.collects, p.collected = len(p.open), k
}

// end closes an element, and gives the article if it is one.
func (p *page) end(name string) (*article, error) {
	depth := len(p.open)
	if depth == 0 || p.open[depth-1] != name {
		return nil, fmt.Errorf("%w: </%s>", errNesting, name)
	}
	p.open = p.open[:depth-1]
	if p.silent == depth {
		p.silent = 0
	}
	if p.collects == depth {
		p.collects = 0
		p.keep(p.text.String())
	}
	if name != "article" {
		return nil, nil
	}
	done := p.article
	p.article = nil
	return done, nil
}

func (p *page) keep(text string) {
	switch a := p.article; {
	case a == nil:
		p.loose = append(p.loose, text)
	case p.collected == kindText:
		a.texts = append(a.texts, text)
	case a.note == "":
		a.note = text
	}
}
