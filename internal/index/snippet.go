package index

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	snippetRunes = 160 // about how long a snippet is
	snippetLead  = 40  // how much of it stands before the first match
	markBegin    = "<mark>"
	markEnd      = "</mark>"
	cut          = "..."
)

// piece is a stretch of a text, in bytes.
type piece struct{ start, end int }

// snippet cuts from a text the part that shows most of the marks, with every match between <mark> and </mark>. The
// text is not changed otherwise.
func snippet(text string, marks []mark) string {
	found := matches(text, marks)
	window := frame(text, best(text, found))
	var b strings.Builder
	if window.start > 0 {
		b.WriteString(cut + " ")
	}
	at := window.start
	for _, m := range merge(found) {
		if m.start < window.start || m.end > window.end {
			continue
		}
		b.WriteString(text[at:m.start] + markBegin + text[m.start:m.end] + markEnd)
		at = m.end
	}
	b.WriteString(text[at:window.end])
	if window.end < len(text) {
		b.WriteString(" " + cut)
	}
	return b.String()
}

// match is a piece that one of the marks matches.
type match struct {
	piece
	mark int
}

// matches finds the marks in a text, in its order.
func matches(text string, marks []mark) []match {
	if len(marks) == 0 {
		return nil
	}
	tokens := tokenize(text)
	var found []match
	for i := range tokens {
		for m := range marks {
			if p, ok := marks[m].at(tokens, i); ok {
				found = append(found, match{marks[m].trim(text, p, len(tokens)), m})
			}
		}
	}
	return found
}

// at tells whether the mark matches where tokens[i] stands; tokens of one position are tried one after another.
func (m *mark) at(tokens []token, i int) (piece, bool) {
	if !m.terms[0][tokens[i].term] {
		return piece{}, false
	}
	p := piece{tokens[i].start, tokens[i].end}
	for n := 1; n < len(m.terms); n++ {
		next := i + 1
		for next < len(tokens) && tokens[next].pos < tokens[i].pos+1 {
			next++
		}
		for next < len(tokens) && tokens[next].pos == tokens[i].pos+1 && !m.terms[n][tokens[next].term] {
			next++
		}
		if next == len(tokens) || tokens[next].pos != tokens[i].pos+1 {
			return piece{}, false
		}
		i = next
		p.end = tokens[i].end
	}
	return p, true
}

// trim cuts a match of a single letter, which was found as the first of two, to that letter.
func (m *mark) trim(text string, p piece, _ int) piece {
	if m.letter && len(m.terms) == 1 {
		_, size := utf8.DecodeRuneInString(text[p.start:])
		p.end = p.start + size
	}
	return p
}

// merge joins matches that overlap or touch, as those of neighbouring bigrams do.
func merge(found []match) []piece {
	var out []piece
	for _, f := range found {
		if n := len(out); n > 0 && f.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, f.end)
			continue
		}
		out = append(out, f.piece)
	}
	return out
}

// best gives the offset of the match from which on a snippet shows the most marks, 0 without any.
func best(text string, found []match) int {
	at, most := 0, 0
	for i, f := range found {
		end := skipRunes(text, f.start, snippetRunes-snippetLead)
		seen := map[int]bool{}
		for _, g := range found[i:] {
			if g.end > end {
				break
			}
			seen[g.mark] = true
		}
		if len(seen) > most {
			at, most = f.start, len(seen)
		}
		if i == 0 && most == 0 {
			at = f.start
		}
	}
	return at
}

// frame gives the part of a text to show around an offset.
func frame(text string, at int) piece {
	var p piece
	p.start = wordStart(text, backRunes(text, at, snippetLead), at)
	if p.start > 0 && skipRunes(text, p.start, snippetRunes) == len(text) {
		p.start = wordStart(text, backRunes(text, len(text), snippetRunes), p.start)
	}
	p.end = skipRunes(text, p.start, snippetRunes)
	if p.end < len(text) {
		if i := strings.LastIndexFunc(text[at:p.end], unicode.IsSpace); i > 0 && utf8.RuneCountInString(text[at+i:p.end]) < snippetLead {
			p.end = at + i
		}
	}
	return p
}

// wordStart gives the first beginning of a word from start on and before limit, start itself if there is none.
func wordStart(text string, start, limit int) int {
	if start == 0 {
		return 0
	}
	if i := strings.IndexFunc(text[start:limit], unicode.IsSpace); i >= 0 {
		word := strings.IndexFunc(text[start+i:], func(r rune) bool { return !unicode.IsSpace(r) })
		if word >= 0 && start+i+word <= limit {
			return start + i + word
		}
	}
	return start
}

// skipRunes gives the offset n runes behind at, at most the text's end.
func skipRunes(text string, at, n int) int {
	for i := range text[at:] {
		if n == 0 {
			return at + i
		}
		n--
	}
	return len(text)
}

// backRunes gives the offset n runes before at, at least 0.
func backRunes(text string, at, n int) int {
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(text[:at])
		at -= size
	}
	return at
}
