package extract

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// rtf reads Rich Text Format 1.9. Groups nest by a stack of states, bounded.
type rtf struct {
	job     *job
	data    []byte
	pos     int
	state   rtfState
	stack   []rtfState
	page    encoding.Encoding         // of the document
	fonts   map[int]encoding.Encoding // by number, of those that have one
	pending []byte                    // bytes of a code page, not decoded yet
	high    rune                      // the first half of a surrogate pair
	skip    int                       // characters that stand in for the last \u
}

type rtfState struct {
	ignored   bool // inside a destination that is no text
	fontTable bool
	font      int
	uc        int // how many characters stand in for a \u
}

const maxGroups = 10_000

// rtfHidden are the destinations that hold no text of the document.
var rtfHidden = []string{"fonttbl", "colortbl", "stylesheet", "pict", "object", "themedata", "colorschememapping", "latentstyles",
	"datastore", "xmlnstbl", "listtable", "listoverridetable", "rsidtbl", "generator", "fldinst", "filetbl", "revtbl", "mmathPr",
	"operator", "creatim", "revtim", "printim", "buptim", "bkmkstart", "bkmkend", "datafield", "panose", "falt", "nonshppict",
	"objdata", "objclass", "blipuid", "wgrffmtfilter", "pgptbl", "listtext", "pntext", "passwordhash", "levelnumbers", "leveltext"}

// rtfText are destinations marked as to be ignored by those who don't know them, that hold text.
var rtfText = []string{"shptxt", "annotation", "footnote", "header", "footer", "headerl", "headerr", "headerf", "footerl", "footerr",
	"footerf", "atnauthor", "fldrslt", "txfieldtext", "shppict", "ud", "upr", "shpinst", "hlinkbase", "company", "manager"}

func (j *job) readRTF(data []byte) error {
	p := rtf{job: j, data: data, page: charmap.Windows1252, fonts: map[int]encoding.Encoding{}, state: rtfState{uc: 1, font: -1}}
	for n := 0; p.pos < len(data); n++ {
		if n%4096 == 0 && j.ctx.Err() != nil {
			return j.ctx.Err()
		}
		if err := p.next(); err != nil {
			return err
		}
	}
	return p.flush()
}

// next reads one group mark, control or run of text.
func (p *rtf) next() error {
	switch c := p.data[p.pos]; c {
	case '{':
		p.pos++
		if len(p.stack) == maxGroups {
			return &sizeError{"groups nest too deep"}
		}
		p.stack = append(p.stack, p.state)
		return p.flush()
	case '}':
		p.pos++
		err := p.flush()
		if n := len(p.stack); n > 0 {
			p.state, p.stack = p.stack[n-1], p.stack[:n-1]
		}
		return err
	case '\\':
		return p.control()
	case '\r', '\n':
		p.pos++
		return nil
	default:
		n := bytes.IndexAny(p.data[p.pos:], "{}\\\r\n")
		if n < 0 {
			n = len(p.data) - p.pos
		}
		run := p.data[p.pos : p.pos+n]
		p.pos += n
		return p.bytes(run)
	}
}

// bytes takes characters of the document, but those that stand in for a \u.
func (p *rtf) bytes(run []byte) error {
	if p.state.ignored {
		return nil
	}
	n := min(p.skip, len(run))
	p.skip -= n
	p.pending = append(p.pending, run[n:]...)
	return nil
}

// flush decodes what was gathered.
func (p *rtf) flush() error {
	if len(p.pending) == 0 {
		return nil
	}
	e := p.page
	if own := p.fonts[p.state.font]; own != nil {
		e = own
	}
	text := decodeAs(e, p.pending)
	p.pending = p.pending[:0]
	return p.job.write(text)
}

// control reads what begins with a backslash.
func (p *rtf) control() error {
	p.pos++
	if p.pos >= len(p.data) {
		return nil
	}
	c := p.data[p.pos]
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
		word, number, has := p.word()
		return p.do(word, number, has)
	}
	p.pos++
	switch c {
	case '\'':
		if p.pos+2 > len(p.data) {
			p.pos = len(p.data)
			return nil
		}
		b, err := strconv.ParseUint(string(p.data[p.pos:p.pos+2]), 16, 8)
		if p.pos += 2; err != nil {
			return nil
		}
		return p.bytes([]byte{byte(b)})
	case '*':
		return p.optional()
	case '~':
		return p.bytes([]byte{' '})
	case '_':
		return p.bytes([]byte{'-'})
	case '\\', '{', '}':
		return p.bytes([]byte{c})
	case '\r', '\n':
		return p.separate("\n")
	}
	return nil
}

// word reads a control word with its number and the blank that ends it.
func (p *rtf) word() (word string, number int, has bool) {
	isLetter := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	start := p.pos
	for p.pos < len(p.data) && p.pos-start < 32 && isLetter(p.data[p.pos]) {
		p.pos++
	}
	word = string(p.data[start:p.pos])
	start = p.pos
	if p.pos < len(p.data) && p.data[p.pos] == '-' {
		p.pos++
	}
	for p.pos < len(p.data) && p.pos-start < 11 && p.data[p.pos] >= '0' && p.data[p.pos] <= '9' {
		p.pos++
	}
	number, err := strconv.Atoi(string(p.data[start:p.pos]))
	if p.pos < len(p.data) && p.data[p.pos] == ' ' {
		p.pos++
	}
	return word, number, err == nil
}

// optional reads the destination behind \*, which is text only if it is known as that.
func (p *rtf) optional() error {
	if p.pos < len(p.data) && p.data[p.pos] == '\\' {
		p.pos++
		word, _, _ := p.word()
		p.state.ignored = p.state.ignored || !slices.Contains(rtfText, word)
	}
	return nil
}

func (p *rtf) do(word string, number int, has bool) error {
	switch word {
	case "par", "line", "row", "sect", "page":
		return p.separate("\n")
	case "tab", "cell", "nestcell":
		return p.separate("\t")
	case "u":
		return p.unicode(number)
	case "uc":
		p.state.uc = min(max(number, 0), 16)
	case "bin":
		p.pos += min(max(number, 0), len(p.data)-p.pos)
	case "ansicpg":
		if e := codePage(number); e != nil {
			p.page = e
		}
	case "f":
		err := p.flush()
		p.state.font = number
		return err
	case "fcharset":
		if e := codePage(fontCodePage[number]); e != nil && p.state.fontTable {
			p.fonts[p.state.font] = e
		}
	case "emdash", "endash":
		return p.bytes([]byte{'-'})
	case "lquote", "rquote":
		return p.bytes([]byte{'\''})
	case "ldblquote", "rdblquote":
		return p.bytes([]byte{'"'})
	case "bullet":
		return p.separate("\n")
	default:
		if slices.Contains(rtfHidden, word) {
			p.state.fontTable = word == "fonttbl"
			p.state.ignored = true
		}
	}
	return nil
}

func (p *rtf) separate(by string) error {
	if p.state.ignored {
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	return p.job.separate(by)
}

// unicode takes a \u: a UTF-16 unit as a signed number.
func (p *rtf) unicode(number int) error {
	p.skip = p.state.uc
	if p.state.ignored {
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	r := rune(uint16(number))
	if utf16.IsSurrogate(r) && r < 0xdc00 {
		p.high = r
		return nil
	}
	if utf16.IsSurrogate(r) {
		r = utf16.DecodeRune(p.high, r)
	}
	return p.job.write(string(r))
}

// fontCodePage gives the code page of a font's \fcharset.
var fontCodePage = map[int]int{128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256,
	186: 1257, 204: 1251, 222: 874, 238: 1250}

// codePage gives a code page of Windows, nil for one that is not known.
func codePage(number int) encoding.Encoding {
	switch number {
	case 437:
		return charmap.CodePage437
	case 850:
		return charmap.CodePage850
	case 852:
		return charmap.CodePage852
	case 866:
		return charmap.CodePage866
	case 874:
		return charmap.Windows874
	case 932:
		return japanese.ShiftJIS
	case 936:
		return simplifiedchinese.GBK
	case 949:
		return korean.EUCKR
	case 950:
		return traditionalchinese.Big5
	case 10000:
		return charmap.Macintosh
	}
	windows := []encoding.Encoding{charmap.Windows1250, charmap.Windows1251, charmap.Windows1252, charmap.Windows1253, charmap.Windows1254,
		charmap.Windows1255, charmap.Windows1256, charmap.Windows1257, charmap.Windows1258}
	if number >= 1250 && number <= 1258 {
		return windows[number-1250]
	}
	return nil
}
