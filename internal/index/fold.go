package index

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// class is what a rune is to the tokenizer.
type class uint8

const (
	classOther      class = iota // separates
	classWord                    // letters, marks and digits of scripts that are written with spaces
	classBigram                  // letters of scripts that are written without spaces
	classEmoji                   // a token of its own
	classIgnored                 // invisible; neither kept nor separating
	classApostrophe              // joins inside a word, separates elsewhere
)

// asciiClass is classOf for ASCII; an apostrophe that begins nothing is other.
var asciiClass = func() (table [utf8.RuneSelf]class) {
	for c := range table {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			table[c] = classWord
		}
	}
	return table
}()

// bigramScripts are the scripts that are written without spaces between words.
var bigramScripts = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0E01, Hi: 0x0E3A, Stride: 1}, // Thai
	{Lo: 0x0E40, Hi: 0x0E4E, Stride: 1},
	{Lo: 0x0E81, Hi: 0x0ECF, Stride: 1}, // Lao
	{Lo: 0x1000, Hi: 0x103F, Stride: 1}, // Myanmar
	{Lo: 0x1050, Hi: 0x108F, Stride: 1},
	{Lo: 0x1100, Hi: 0x11FF, Stride: 1}, // Hangul jamo
	{Lo: 0x1780, Hi: 0x17D3, Stride: 1}, // Khmer
	{Lo: 0x3005, Hi: 0x3007, Stride: 1}, // ideographic marks and zero
	{Lo: 0x3041, Hi: 0x3096, Stride: 1}, // Hiragana
	{Lo: 0x3099, Hi: 0x309A, Stride: 1}, // voice marks
	{Lo: 0x309D, Hi: 0x309F, Stride: 1},
	{Lo: 0x30A1, Hi: 0x30FA, Stride: 1}, // Katakana
	{Lo: 0x30FC, Hi: 0x30FF, Stride: 1},
	{Lo: 0x3105, Hi: 0x312F, Stride: 1}, // Bopomofo
	{Lo: 0x3131, Hi: 0x318E, Stride: 1}, // Hangul compatibility jamo
	{Lo: 0x31A0, Hi: 0x31BF, Stride: 1},
	{Lo: 0x31F0, Hi: 0x31FF, Stride: 1},
	{Lo: 0x3400, Hi: 0x4DBF, Stride: 1}, // Han
	{Lo: 0x4E00, Hi: 0x9FFF, Stride: 1},
	{Lo: 0xA000, Hi: 0xA48C, Stride: 1}, // Yi
	{Lo: 0xA960, Hi: 0xA97C, Stride: 1},
	{Lo: 0xAC00, Hi: 0xD7FB, Stride: 1}, // Hangul
	{Lo: 0xF900, Hi: 0xFAD9, Stride: 1},
	{Lo: 0xFF66, Hi: 0xFF9F, Stride: 1}, // half-width kana
	{Lo: 0xFFA1, Hi: 0xFFDC, Stride: 1}, // half-width jamo
}, R32: []unicode.Range32{
	{Lo: 0x1B000, Hi: 0x1B16F, Stride: 1}, // kana supplements
	{Lo: 0x20000, Hi: 0x3FFFD, Stride: 1}, // Han
}}

// emoji are the pictographs; letters, digits and arrows of ordinary text are not among them.
var emoji = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x231A, Hi: 0x231B, Stride: 1},
	{Lo: 0x23E9, Hi: 0x23FA, Stride: 1},
	{Lo: 0x2600, Hi: 0x27BF, Stride: 1},
	{Lo: 0x2B1B, Hi: 0x2B1C, Stride: 1},
	{Lo: 0x2B50, Hi: 0x2B50, Stride: 1},
	{Lo: 0x2B55, Hi: 0x2B55, Stride: 1},
}, R32: []unicode.Range32{
	{Lo: 0x1F000, Hi: 0x1F0FF, Stride: 1},
	{Lo: 0x1F170, Hi: 0x1F171, Stride: 1},
	{Lo: 0x1F17E, Hi: 0x1F17F, Stride: 1},
	{Lo: 0x1F18E, Hi: 0x1F18E, Stride: 1},
	{Lo: 0x1F1E6, Hi: 0x1F1FF, Stride: 1},
	{Lo: 0x1F300, Hi: 0x1F3FA, Stride: 1},
	{Lo: 0x1F400, Hi: 0x1FAFF, Stride: 1},
}}

// ignored are the runes that do not show: soft hyphen, joiners, direction marks, variation selectors, skin tones.
var ignored = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x00AD, Hi: 0x00AD, Stride: 1},
	{Lo: 0x034F, Hi: 0x034F, Stride: 1},
	{Lo: 0x200C, Hi: 0x200F, Stride: 1},
	{Lo: 0x202A, Hi: 0x202E, Stride: 1},
	{Lo: 0x2060, Hi: 0x2069, Stride: 1},
	{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1},
	{Lo: 0xFEFF, Hi: 0xFEFF, Stride: 1},
}, R32: []unicode.Range32{
	{Lo: 0x1F3FB, Hi: 0x1F3FF, Stride: 1},
	{Lo: 0xE0020, Hi: 0xE007F, Stride: 1},
	{Lo: 0xE0100, Hi: 0xE01EF, Stride: 1},
}, LatinOffset: 1}

// accents are the marks that fold away: general diacritics, Hebrew points, Arabic vowel signs and tatweel. The vowel
// signs of Indic scripts are letters to the reader and stay.
var accents = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0300, Hi: 0x036F, Stride: 1},
	{Lo: 0x0591, Hi: 0x05BD, Stride: 1},
	{Lo: 0x05BF, Hi: 0x05BF, Stride: 1},
	{Lo: 0x05C1, Hi: 0x05C2, Stride: 1},
	{Lo: 0x05C4, Hi: 0x05C5, Stride: 1},
	{Lo: 0x05C7, Hi: 0x05C7, Stride: 1},
	{Lo: 0x0610, Hi: 0x061A, Stride: 1},
	{Lo: 0x0640, Hi: 0x0640, Stride: 1},
	{Lo: 0x064B, Hi: 0x065F, Stride: 1},
	{Lo: 0x0670, Hi: 0x0670, Stride: 1},
	{Lo: 0x06D6, Hi: 0x06DC, Stride: 1},
	{Lo: 0x06DF, Hi: 0x06E4, Stride: 1},
	{Lo: 0x06E7, Hi: 0x06E8, Stride: 1},
	{Lo: 0x06EA, Hi: 0x06ED, Stride: 1},
	{Lo: 0x1AB0, Hi: 0x1AFF, Stride: 1},
	{Lo: 0x1DC0, Hi: 0x1DFF, Stride: 1},
	{Lo: 0x20D0, Hi: 0x20FF, Stride: 1},
	{Lo: 0xFE20, Hi: 0xFE2F, Stride: 1},
}}

// spelt are letters that Unicode does not decompose but people type without.
var spelt = map[rune]string{
	'ß': "ss", 'ẞ': "ss", 'æ': "ae", 'Æ': "ae", 'œ': "oe", 'Œ': "oe", 'ø': "o", 'Ø': "o", 'ł': "l", 'Ł': "l",
	'đ': "d", 'Đ': "d", 'ð': "d", 'Ð': "d", 'þ': "th", 'Þ': "th", 'ħ': "h", 'Ħ': "h", 'ı': "i", 'ŧ': "t", 'Ŧ': "t",
	'ς': "σ",
}

func classOf(r rune) class {
	if r < utf8.RuneSelf {
		if r == '\'' {
			return classApostrophe
		}
		return asciiClass[r]
	}
	switch {
	case r == '’' || r == 'ʼ' || r == '＇':
		return classApostrophe
	case unicode.Is(ignored, r):
		return classIgnored
	case r < 0x0E01:
		return wordClass(r)
	case unicode.Is(bigramScripts, r):
		return classBigram
	case unicode.Is(emoji, r):
		return classEmoji
	default:
		return wordClass(r)
	}
}

func wordClass(r rune) class {
	if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
		return classWord
	}
	return classOther
}

func isRegional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// appendFolded appends a rune of a word without case, accent and width.
func appendFolded(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return append(dst, byte(r))
	}
	if text, ok := spelt[r]; ok {
		return append(dst, text...)
	}
	var raw [utf8.UTFMax]byte
	parts := norm.NFKD.Properties(raw[:utf8.EncodeRune(raw[:], r)]).Decomposition()
	if parts == nil {
		return appendLower(dst, r)
	}
	for len(parts) > 0 {
		p, size := utf8.DecodeRune(parts)
		dst = appendLower(dst, p)
		parts = parts[size:]
	}
	return dst
}

// appendLower appends a rune that does not decompose.
func appendLower(dst []byte, r rune) []byte {
	if unicode.Is(accents, r) || r >= utf8.RuneSelf && wordClass(r) == classOther || r < utf8.RuneSelf && asciiClass[r] == classOther {
		return dst
	}
	r = unicode.ToLower(r)
	if text, ok := spelt[r]; ok {
		return append(dst, text...)
	}
	return utf8.AppendRune(dst, r)
}
