package index

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// What follows is the documented table of words once more, written as regular expressions instead of tables of runes
// and one pass: slow, but of other making, so that a mistake in the tokenizer is not made again by its test.

const (
	refUnspaced = `\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\p{Yi}\x{0E01}-\x{0E3A}\x{0E40}-\x{0E4E}` +
		`\x{0E81}-\x{0ECF}\x{1000}-\x{103F}\x{1780}-\x{17D3}ー々〆\x{3099}\x{309A}\x{FF70}\x{FF9E}\x{FF9F}`
	refInvisible = `\x{AD}\x{034F}\x{200C}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FE00}-\x{FE0F}\x{FEFF}\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}`
	refLetter    = `\p{L}\p{M}`
)

var (
	refRun   = regexp.MustCompile(`^[` + refUnspaced + `][` + refUnspaced + refInvisible + `]*`)
	refFlag  = regexp.MustCompile(`^[\x{1F1E6}-\x{1F1FF}]{2}`)
	refEmoji = regexp.MustCompile(`^[\x{231A}\x{231B}\x{23E9}-\x{23FA}\x{2600}-\x{27BF}\x{2B1B}\x{2B1C}\x{2B50}\x{2B55}\x{1F000}-\x{1F0FF}` +
		`\x{1F170}\x{1F171}\x{1F17E}\x{1F17F}\x{1F18E}\x{1F1E6}-\x{1F1FF}\x{1F300}-\x{1F3FA}\x{1F400}-\x{1FAFF}]`)
	refWord   = regexp.MustCompile(`^[` + refLetter + `\p{N}](?:[` + refInvisible + `]*['’ʼ＇][` + refLetter + `]|[` + refInvisible + `]*[` + refLetter + `\p{N}])*`)
	refCut    = regexp.MustCompile(`[` + refUnspaced + `]`)
	refHidden = regexp.MustCompile(`[` + refInvisible + `]`)
	refQuote  = regexp.MustCompile(`['’ʼ＇]`)
	refAccent = regexp.MustCompile(`[\x{0300}-\x{036F}\x{0591}-\x{05BD}\x{05BF}\x{05C1}\x{05C2}\x{05C4}\x{05C5}\x{05C7}\x{0610}-\x{061A}\x{0640}` +
		`\x{064B}-\x{065F}\x{0670}\x{06D6}-\x{06DC}\x{06DF}-\x{06E4}\x{06E7}\x{06E8}\x{06EA}-\x{06ED}\x{1AB0}-\x{1AFF}\x{1DC0}-\x{1DFF}\x{20D0}-\x{20FF}\x{FE20}-\x{FE2F}]`)
	refPart    = regexp.MustCompile(`d+|u+|u?l+`)
	refLetter1 = strings.NewReplacer("ß", "ss", "ẞ", "ss", "æ", "ae", "Æ", "ae", "œ", "oe", "Œ", "oe", "ø", "o", "Ø", "o", "ł", "l", "Ł", "l",
		"đ", "d", "Đ", "d", "ð", "d", "Ð", "d", "þ", "th", "Þ", "th", "ħ", "h", "Ħ", "h", "ı", "i", "ŧ", "t", "Ŧ", "t", "ς", "σ")
)

// refTokenize is tokenize, by the expressions above.
func refTokenize(text string) []token {
	r := &reference{}
	for at := 0; at < len(text); {
		rest := text[at:]
		n := 1
		switch m := ""; {
		case match1(refRun, rest, &m):
			r.pairs(m, at)
			n = len(m)
		case match1(refFlag, rest, &m), match1(refEmoji, rest, &m):
			r.add(m, at, at+len(m), false, false)
			n = len(m)
		case match1(refWord, rest, &m):
			if cut := refCut.FindStringIndex(m); cut != nil { // letters of both kinds side by side
				m = m[:cut[0]]
			}
			r.word(m, at)
			n = len(m)
		}
		at += n
	}
	return r.tokens
}

func match1(re *regexp.Regexp, text string, m *string) bool {
	*m = re.FindString(text)
	return *m != ""
}

type reference struct {
	tokens []token
	pos    int
}

func (r *reference) add(term string, start, end int, part, bigram bool) {
	if !part {
		r.pos++
	}
	r.tokens = append(r.tokens, token{term, start, end, r.pos, part, bigram})
}

// pairs adds a run of letters two by two.
func (r *reference) pairs(run string, at int) {
	letters := []rune(norm.NFKC.String(refHidden.ReplaceAllString(run, "")))
	start := at
	for i, l := range letters {
		pair := string(letters[i:min(i+2, len(letters))])
		r.add(pair, start, min(start+len(pair), at+len(run)), false, true)
		start = min(start+len(string(l)), at+len(run)-1)
	}
}

// word adds a word and its parts.
func (r *reference) word(word string, at int) {
	shown := refHidden.ReplaceAllString(word, "")
	for whole := ""; shown != ""; shown = shown[len(whole):] {
		whole = firstRunes(shown, 64)
		term := refFold(refQuote.ReplaceAllString(whole, ""))
		if term == "" {
			continue
		}
		r.add(term, at, at+len(word), false, false)
		var parts []string
		for _, piece := range refQuote.Split(whole, -1) {
			parts = append(parts, refParts(piece)...)
		}
		if len(parts) < 2 || len(parts) > 8 {
			continue
		}
		for _, p := range parts {
			if n := len([]rune(p)); n > 1 || n == 1 && p[0] >= '0' && p[0] <= '9' {
				r.add(p, at, at+len(word), true, false)
			}
		}
	}
}

// firstRunes gives the first n runes of a word that are more than an accent or an apostrophe.
func firstRunes(word string, n int) string {
	for i, c := range word {
		if refQuote.MatchString(string(c)) || refFold(string(c)) == "" {
			continue
		}
		if n--; n < 0 {
			return word[:i]
		}
	}
	return word
}

// refParts cuts a word where digits begin and end, before a capital after a small letter, and before the last of
// several capitals if a small letter follows.
func refParts(word string) []string {
	var kinds strings.Builder
	var runes []string
	for _, c := range word {
		folded := refFold(string(c))
		if folded == "" {
			continue
		}
		runes = append(runes, folded)
		kinds.WriteByte(map[bool]byte{true: 'u', false: 'l'}[unicode.IsUpper(c)])
		if unicode.IsNumber(c) {
			k := kinds.String()
			kinds.Reset()
			kinds.WriteString(k[:len(k)-1] + "d")
		}
	}
	k := kinds.String()
	var parts []string
	for at := 0; at < len(k); {
		n := len(refPart.FindString(k[at:]))
		if k[at] == 'u' && n > 1 && at+n < len(k) && k[at+n] == 'l' {
			n-- // the last capital belongs to what follows
		} else if k[at] == 'u' && n == 1 {
			n += len(k[at+1:]) - len(strings.TrimLeft(k[at+1:], "l"))
		}
		parts = append(parts, strings.Join(runes[at:at+n], ""))
		at += n
	}
	return parts
}

// refFold folds case, accents and width.
func refFold(word string) string {
	word = norm.NFKD.String(refLetter1.Replace(word))
	word = refAccent.ReplaceAllString(word, "")
	word = strings.Map(func(c rune) rune {
		if !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.IsMark(c) {
			return -1
		}
		return unicode.ToLower(c)
	}, word)
	return refLetter1.Replace(word)
}

func TestTokenizerEqualsReference(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a part of the corpus")
	}
	texts := []string{}
	for _, row := range rules(t) {
		texts = append(texts, row[1])
	}
	nth := 25
	if os.Getenv("ARCHIVER_CAMPAIGN") != "" {
		nth = 1
	}
	for _, m := range corpus(t, nth) {
		texts = append(texts, m.Text)
	}
	differences := 0
	for _, text := range texts {
		got, want := show(tokenize(text)), show(refTokenize(text))
		if got == want {
			continue
		}
		if differences++; differences <= 20 {
			t.Errorf("%q\n got %s\nwant %s", text, around(got, want), around(want, got))
		}
	}
	t.Logf("%d texts, %d differ", len(texts), differences)
}

// around gives the part of a where it begins to differ from b.
func around(a, b string) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("...%q", a[max(0, i-20):min(len(a), i+20)])
}
