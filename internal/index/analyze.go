package index

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxWordRunes = 64 // a longer run is cut into words that follow each other
	maxWordParts = 8  // a word that falls into more parts is a hash or a key, no identifier
)

// token is one term of a text with the place it came from.
type token struct {
	term       string
	start, end int  // byte offsets in the text
	pos        int  // counts from 1; the parts of a word stand at the word's position
	part       bool // a part of the word at this position
	bigram     bool // from a script that is written without spaces
}

// tokenize gives the terms of a text that is indexed.
func tokenize(text string) []token { return new(tokenizer).run(text, false) }

// tokenizeQuery gives the terms that a query's text stands for, one a position. It leaves out what only serves to be
// found: the parts of words, and the single letter that ends a run of bigrams when the query ends there too.
func tokenizeQuery(text string) []token { return new(tokenizer).run(text, true) }

// tokenizer holds what one pass over a text needs. It may be used again; the tokens of a run are overwritten by the
// next one, their terms stay valid.
type tokenizer struct {
	text  string
	query bool
	pos   int
	buf   []byte // the terms, one after another
	raw   []rawToken
	out   []token

	runes  int   // of the word at hand
	bounds []int // offsets in buf where parts of the word begin
}

// rawToken is a token whose term still lies in the buffer.
type rawToken struct {
	from, to int
	token
}

func (t *tokenizer) run(text string, query bool) []token {
	t.text, t.query, t.pos = text, query, 0
	t.buf, t.raw, t.out = t.buf[:0], t.raw[:0], t.out[:0]
	for i := 0; i < len(text); {
		i = t.next(i)
	}
	terms := string(t.buf)
	for _, r := range t.raw {
		r.term = terms[r.from:r.to]
		t.out = append(t.out, r.token)
	}
	return t.out
}

// next reads what begins at i and gives the offset after it.
func (t *tokenizer) next(i int) int {
	if c := t.text[i]; c < utf8.RuneSelf {
		if asciiClass[c] == classOther {
			return i + 1
		}
		return t.word(i)
	}
	r, size := utf8.DecodeRuneInString(t.text[i:])
	switch classOf(r) {
	case classWord:
		return t.word(i)
	case classBigram:
		return t.bigrams(i)
	case classEmoji:
		return t.emoji(i, r, size)
	default:
		return i + size
	}
}

func (t *tokenizer) emit(from, start, end int, part, bigram bool) {
	t.raw = append(t.raw, rawToken{from, len(t.buf), token{start: start, end: end, pos: t.pos, part: part, bigram: bigram}})
}

// letterKind is what the borders of a word's parts depend on.
type letterKind uint8

const (
	noLetter letterKind = iota
	lower
	upper
	digit
)

// word reads a run of letters, marks and digits of a script that is written with spaces.
func (t *tokenizer) word(start int) int {
	from, end := t.beginWord()
	before, last := noLetter, noLetter // kinds of the last two runes
	lastAt := from                     // where the last rune's folding begins
	first := start
	i := start
	for i < len(t.text) {
		r, size := t.at(i)
		class := classOf(r)
		if class == classApostrophe && end == i && t.letterAt(i+size) {
			t.bound(len(t.buf), from)
			before, last = noLetter, noLetter
			i, end = i+size, i+size
			continue
		}
		if class == classIgnored && i > start {
			i += size
			if end == i-size {
				end = i // what is ignored inside a word does not separate; trailing bytes belong to it
			}
			continue
		}
		if class != classWord {
			break
		}
		if t.runes == maxWordRunes {
			t.endWord(from, first, i)
			from, _ = t.beginWord()
			before, last, first = noLetter, noLetter, i
		}
		kind := kindOf(r)
		at := len(t.buf)
		switch {
		case last == lower && kind == upper, last == digit != (kind == digit) && last != noLetter:
			t.bound(at, from)
		case before == upper && last == upper && kind == lower:
			t.bound(lastAt, from)
		}
		t.buf = appendFolded(t.buf, r)
		if len(t.buf) > at { // a mark that folds away changes nothing
			before, last, lastAt = last, kind, at
			t.runes++
		}
		i += size
		end = i
	}
	t.endWord(from, first, end)
	return i
}

func (t *tokenizer) beginWord() (from, end int) {
	t.runes, t.bounds = 0, t.bounds[:0]
	return len(t.buf), 0
}

// bound notes that a part of the word that began at from begins at offset at of the buffer.
func (t *tokenizer) bound(at, from int) {
	if at > from && (len(t.bounds) == 0 || t.bounds[len(t.bounds)-1] < at) {
		t.bounds = append(t.bounds, at)
	}
}

func (t *tokenizer) at(i int) (rune, int) {
	if c := t.text[i]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(t.text[i:])
}

func (t *tokenizer) letterAt(i int) bool {
	if i >= len(t.text) {
		return false
	}
	r, _ := t.at(i)
	return classOf(r) == classWord && kindOf(r) != digit
}

// endWord emits the word whose folding begins at from, and its parts.
func (t *tokenizer) endWord(from, start, end int) {
	to := len(t.buf)
	if to == from {
		return
	}
	t.pos++
	t.emit(from, start, end, false, false)
	if t.query || len(t.bounds) == 0 || len(t.bounds) >= maxWordParts {
		return
	}
	first := from
	for _, at := range append(t.bounds, to) {
		if at-first < to-from && isPart(t.buf[first:at]) {
			t.raw = append(t.raw, rawToken{first, at, token{start: start, end: end, pos: t.pos, part: true}})
		}
		first = at
	}
}

// isPart tells whether a part of a word is found by itself: two letters, or digits.
func isPart(part []byte) bool {
	return utf8.RuneCount(part) > 1 || len(part) == 1 && asciiClass[part[0]] == classWord && part[0] <= '9'
}

// bigrams reads a run of a script that is written without spaces. Every letter of it begins one token, the last
// letter one of its own, so that any stretch of the run is a phrase of tokens.
func (t *tokenizer) bigrams(start int) int {
	end := start
	for end < len(t.text) {
		r, size := t.at(end)
		if class := classOf(r); class != classBigram && class != classIgnored {
			break
		}
		end += size
	}
	letters := t.letters(start, end)
	for i, l := range letters {
		t.pos++
		from := len(t.buf)
		t.buf = utf8.AppendRune(t.buf, l.r)
		if i+1 < len(letters) {
			t.buf = utf8.AppendRune(t.buf, letters[i+1].r)
			t.emit(from, l.start, letters[i+1].end, false, true)
			continue
		}
		if t.query && end == len(t.text) && i > 0 {
			t.pos--
			t.buf = t.buf[:from]
			break
		}
		t.emit(from, l.start, l.end, false, true)
	}
	return end
}

type letter struct {
	r          rune
	start, end int
}

// letters composes a run of bigram letters (NFKC: half-width kana, separate voice marks, conjoining jamo).
func (t *tokenizer) letters(start, end int) []letter {
	var out []letter
	run := t.text[start:end]
	if norm.NFKC.IsNormalString(run) {
		for i, r := range run {
			if classOf(r) == classBigram {
				out = append(out, letter{r, start + i, start + i + utf8.RuneLen(r)})
			}
		}
		return out
	}
	var it norm.Iter
	it.InitString(norm.NFKC, run)
	for !it.Done() {
		from := it.Pos()
		composed := it.Next()
		for len(composed) > 0 {
			r, size := utf8.DecodeRune(composed)
			if classOf(r) == classBigram {
				out = append(out, letter{r, start + from, start + it.Pos()})
			}
			composed = composed[size:]
		}
	}
	return out
}

// emoji reads one pictograph; two regional indicators make one flag.
func (t *tokenizer) emoji(start int, r rune, size int) int {
	end := start + size
	from := len(t.buf)
	t.buf = utf8.AppendRune(t.buf, r)
	if isRegional(r) && end < len(t.text) {
		if second, size := t.at(end); isRegional(second) {
			t.buf = utf8.AppendRune(t.buf, second)
			end += size
		}
	}
	t.pos++
	t.emit(from, start, end, false, false)
	return end
}

// fold gives text with case, accents and width folded as in terms, everything else as it is. It is how ids, names of
// people and names of files are compared.
func fold(text string) string {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		switch classOf(r) {
		case classWord:
			out = appendFolded(out, r)
		case classIgnored:
		case classBigram:
			out = norm.NFKC.AppendString(out, string(r))
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}

func kindOf(r rune) letterKind {
	switch {
	case r >= 'a' && r <= 'z':
		return lower
	case r >= 'A' && r <= 'Z':
		return upper
	case r >= '0' && r <= '9':
		return digit
	case r < utf8.RuneSelf:
		return noLetter
	case unicode.IsUpper(r):
		return upper
	case unicode.IsNumber(r):
		return digit
	default:
		return lower
	}
}
