package extract

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// decodeText gives text as UTF-8: by its byte order mark, as UTF-8 or UTF-16 if it can be that, by label, or by guess.
// A declared encoding that is a superset of ASCII does not beat UTF-8 that is valid: labels lie more often than that
// happens by chance.
func decodeText(data []byte, label string) string {
	declared, name := charset.Lookup(label)
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return clean(string(data[3:]))
	case name == "iso-2022-jp":
		return decodeAs(declared, data)
	}
	if e := utf16Order(data); e != nil {
		return decodeAs(e, data)
	}
	if utf8.Valid(data) {
		return clean(string(data))
	}
	if declared != nil && name != "utf-8" && name != "replacement" && !strings.HasPrefix(name, "utf-16") {
		return decodeAs(declared, data)
	}
	return decodeAs(guess(data), data)
}

// trimRune leaves out the last rune, which may have been cut.
func trimRune(data []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(data); i++ {
		if utf8.RuneStart(data[len(data)-i]) {
			return data[:len(data)-i]
		}
	}
	return data
}

func decodeAs(e encoding.Encoding, data []byte) string {
	out, err := e.NewDecoder().Bytes(data)
	if err != nil {
		out = append(out, data[min(len(out), len(data)):]...)
	}
	return clean(string(out))
}

// clean leaves out NULs and makes text valid.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\ufffd")
}

// utf16Order gives the encoding of UTF-16 text: by its mark, or because nearly all bytes at even or at odd places are
// zero, as in text that is mostly Latin. Nil if it is not that.
func utf16Order(data []byte) encoding.Encoding {
	little := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	big := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case len(data) < 8:
		return nil
	}
	var zeros [2]int
	head := data[:min(len(data), 1024)&^1]
	for i, c := range head {
		if c == 0 {
			zeros[i&1]++
		}
	}
	half := len(head) / 2
	switch {
	case zeros[1] > half*3/4 && zeros[0] <= half/16:
		return little
	case zeros[0] > half*3/4 && zeros[1] <= half/16:
		return big
	}
	return nil
}

// guess gives the single-byte encoding that a text is probably in. Runs of letters beyond ASCII mean Cyrillic; else what
// tells Central European from Western text decides.
func guess(data []byte) encoding.Encoding {
	head := data[:min(len(data), 64<<10)]
	high, inRuns := 0, 0
	for i, c := range head {
		if c >= 0x80 {
			high++
			if i > 0 && head[i-1] >= 0x80 {
				inRuns++
			}
		}
	}
	if high > 3 && inRuns*2 > high {
		return guessCyrillic(head)
	}
	if central(head) > western(head) {
		return charmap.Windows1250
	}
	return charmap.Windows1252
}

// guessCyrillic takes the code page in which the most letters are the common small ones.
func guessCyrillic(head []byte) encoding.Encoding {
	var best encoding.Encoding = charmap.Windows1251
	most := -1
	for _, e := range []encoding.Encoding{charmap.Windows1251, charmap.KOI8R, charmap.CodePage866, charmap.ISO8859_5} {
		text, _ := e.NewDecoder().Bytes(head)
		score := 0
		for _, r := range string(text) {
			if strings.ContainsRune("оеаинтсрвлкмдпу", r) {
				score++
			}
		}
		if score > most {
			best, most = e, score
		}
	}
	return best
}

// central counts the bytes that are letters of Czech, Slovak, Polish and Hungarian in windows-1250, and rare in
// windows-1252.
func central(head []byte) int {
	n := bytes.Count(head, []byte{0x9a}) + bytes.Count(head, []byte{0x9e}) + bytes.Count(head, []byte{0x9d})
	for _, c := range []byte{0x8a, 0x8e, 0xec, 0xf8, 0xf9, 0xef, 0xf2, 0xbe} {
		n += bytes.Count(head, []byte{c})
	}
	for i := 1; i < len(head); i++ {
		switch head[i] {
		case 0xb3, 0xb9, 0x9c, 0x9f, 0xbf: // not letters in windows-1252, or rare ones; inside a word
			if isLetter(head[i-1]) {
				n++
			}
		}
	}
	return n
}

// western counts the bytes that are common letters in windows-1252 and rare ones in windows-1250.
func western(head []byte) int {
	n := 0
	for _, c := range []byte{0xe0, 0xe5, 0xea, 0xe3, 0xf1, 0xf5, 0xfb, 0xc5, 0xc0} {
		n += bytes.Count(head, []byte{c})
	}
	return n
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 }
