package index

import (
	"slices"
	"strings"
	"time"

	"archiver/internal/record"

	"github.com/blevesearch/bleve/v2/document"
	"github.com/blevesearch/bleve_index_api"
)

// entry is what the index takes from one version of a message.
type entry struct {
	key      key
	channel  string // id
	thread   record.TS
	user     string
	kind     record.Kind
	text     string
	filename string
	flags    []string
	file     string // id
	id       string // of the document, if it is not what the key encodes to
}

// analyzed is a field of a document whose terms are known already, so that bleve analyses nothing.
type analyzed struct {
	name    string
	options index.FieldIndexingOptions
	length  int // in words
	terms   index.TokenFrequencies
}

func (f *analyzed) Name() string                                     { return f.name }
func (f *analyzed) Value() []byte                                    { return nil }
func (f *analyzed) ArrayPositions() []uint64                         { return nil }
func (f *analyzed) EncodedFieldType() byte                           { return 't' }
func (f *analyzed) Analyze()                                         {}
func (f *analyzed) Options() index.FieldIndexingOptions              { return f.options }
func (f *analyzed) AnalyzedLength() int                              { return f.length }
func (f *analyzed) AnalyzedTokenFrequencies() index.TokenFrequencies { return f.terms }
func (f *analyzed) NumPlainTextBytes() uint64                        { return 0 }

// Size is what the document calls to estimate its memory.
func (f *analyzed) Size() int { return 0 }

// builder makes documents. Its memory of keyword fields is good for one batch; fields are shared by the documents
// of a batch, which only read them.
type builder struct {
	tokens   tokenizer
	keywords map[keywordID]*analyzed
}

type keywordID struct{ field, value string }

func newBuilder() *builder { return &builder{keywords: map[keywordID]*analyzed{}} }

func (b *builder) document(e *entry) (*document.Document, error) {
	id := e.id
	if id == "" {
		var err error
		if id, err = e.key.encode(); err != nil {
			return nil, err
		}
	}
	doc := document.NewDocument(id)
	doc.Fields = make([]document.Field, 0, 10)
	day := dayOf(tsOfKey(id).Second())
	b.keyword(doc, fieldChannel, e.channel)
	b.keyword(doc, fieldUser, fold(e.user))
	b.keyword(doc, fieldKind, string(e.kind))
	b.keyword(doc, fieldDay, day)
	b.keyword(doc, fieldMonth, day[:len("200601")])
	b.keyword(doc, fieldThread, string(e.thread))
	b.set(doc, fieldFlags, e.flags)
	b.keyword(doc, fieldFile, e.file)
	if e.key.file == "" {
		b.set(doc, fieldMentions, mentions(e.text))
	}
	b.words(doc, fieldText, e.text, "")
	if e.filename != "" {
		b.words(doc, fieldFilename, e.filename, fold(e.filename))
	}
	return doc, nil
}

// keyword adds a field with one term; an empty value adds nothing.
func (b *builder) keyword(doc *document.Document, name, value string) {
	if value == "" {
		return
	}
	id := keywordID{name, value}
	f := b.keywords[id]
	if f == nil {
		f = keywords(name, value)
		b.keywords[id] = f
	}
	doc.Fields = append(doc.Fields, f)
}

// set adds a field with several terms.
func (b *builder) set(doc *document.Document, name string, values []string) {
	switch len(values) {
	case 0:
	case 1:
		b.keyword(doc, name, values[0])
	default:
		doc.Fields = append(doc.Fields, keywords(name, values...))
	}
}

func keywords(name string, values ...string) *analyzed {
	f := &analyzed{name: name, options: index.IndexField | index.SkipFreqNorm, length: len(values)}
	f.terms = make(index.TokenFrequencies, len(values))
	for _, v := range values {
		f.terms[v] = &index.TokenFreq{}
	}
	return f
}

// words adds a field with the words of a text and where they stand, and the whole as a further term behind them.
func (b *builder) words(doc *document.Document, name, text, whole string) {
	tokens := b.tokens.run(text, false)
	last := 0
	if n := len(tokens); n > 0 {
		last = tokens[n-1].pos
	}
	if whole != "" {
		tokens = append(tokens, token{term: whole, pos: last + 2})
	}
	if len(tokens) == 0 {
		return
	}
	f := &analyzed{name: name, options: index.IndexField | index.IncludeTermVectors, length: last}
	f.terms = frequencies(tokens)
	doc.Fields = append(doc.Fields, f)
}

// frequencies gathers tokens by term. Offsets are left out, since snippets come from the archive's text; so what bleve is
// told of a term that stands once in a text is shared by all documents.
func frequencies(tokens []token) index.TokenFrequencies {
	terms := make(index.TokenFrequencies, len(tokens))
	for _, t := range tokens {
		if tf, again := terms[t.term]; again {
			terms[t.term] = standingAt(tf, t.pos)
		} else {
			terms[t.term] = onceAt(t.pos)
		}
	}
	return terms
}

// versionsOf gives the entries of all versions of a message, oldest first.
func versionsOf(m *record.Message, channel uint32) []entry {
	fields := record.ParseMessage(m.Raw)
	flags := messageFlags{
		deleted: m.Deleted != nil, edited: m.IsEdited(), file: m.FileID != "", reaction: m.Reactions > 0,
		thread: m.Thread != "" || fields.CommentsCount > 0, comment: m.Thread != "",
	}
	out := make([]entry, len(m.Versions))
	for i, v := range m.Versions {
		flags.old = i+1 < len(m.Versions)
		out[i] = entry{
			key:     key{ts: m.TS, channel: channel, version: uint32(i + 1)},
			channel: m.Channel, thread: m.Thread, user: m.User, kind: m.Kind, text: v.Text, filename: m.FileName, file: m.FileID,
			flags: flags.list(v.Text),
		}
	}
	return out
}

// firstOf gives the entry of a message of which only its first state is known: the fold of that state, without the
// cost of hashing it.
func firstOf(channelID string, channel uint32, e *record.Entry) entry {
	f := record.ParseMessage(e.Body)
	flags := messageFlags{
		edited: f.Edited, file: f.FileID != "", reaction: f.Reactions > 0,
		thread: e.Thread != "" || f.CommentsCount > 0, comment: e.Thread != "",
	}
	return entry{
		key:     key{ts: record.TS(e.Key), channel: channel, version: 1},
		channel: channelID, thread: e.Thread, user: f.User, kind: f.Kind, text: f.Text, filename: f.FileName, file: f.FileID,
		flags: flags.list(f.Text),
	}
}

type messageFlags struct{ old, deleted, edited, file, reaction, thread, comment bool }

func (m messageFlags) list(text string) []string {
	var out []string
	for _, f := range []struct {
		set  bool
		name string
	}{
		{m.old, flagOld}, {m.deleted, flagDeleted}, {m.edited, flagEdited}, {m.file, flagFile},
		{m.reaction, flagReaction}, {m.thread, flagThread}, {m.comment, flagComment}, {hasLink(text), flagLink},
	} {
		if f.set {
			out = append(out, f.name)
		}
	}
	return out
}

// hasLink tells whether a text holds a web address: http:// or https:// before something, or www. before a letter.
func hasLink(text string) bool {
	for rest := text; ; {
		i := strings.Index(rest, "://")
		if i < 0 {
			break
		}
		scheme := strings.ToLower(rest[max(0, i-len("https")):i])
		if rest = rest[i+len("://"):]; strings.HasSuffix(scheme, "http") || scheme == "https" {
			if rest != "" && rest[0] > ' ' {
				return true
			}
		}
	}
	i := strings.Index(text, "www.")
	return i >= 0 && i+4 < len(text) && asciiClass[text[i+4]&0x7f] == classWord && (i == 0 || text[i-1] <= ' ' || text[i-1] == '(')
}

// mentions gives what a text addresses: `@[user@domain]`, `@[localpart]`, `@[@all@]` as "all", and @name where no
// word stands before the @ (as in an e-mail address). Folded, each once.
func mentions(text string) []string {
	var out []string
	for i := 0; ; {
		at := strings.IndexByte(text[i:], '@')
		if at < 0 {
			return out
		}
		at += i
		name, end := mentionAt(text, at)
		if name = strings.Trim(fold(name), "@"); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
		i = end
	}
}

// maxMention bounds what stands between the brackets of a mention, in bytes.
const maxMention = 320

// mentionAt reads the mention whose @ is at offset at; it gives the offset to go on from.
func mentionAt(text string, at int) (name string, end int) {
	rest := text[at+1:]
	if strings.HasPrefix(rest, "[") {
		if n := strings.IndexByte(rest[:min(len(rest), maxMention)], ']'); n > 0 {
			return rest[1:n], at + 1 + n
		}
		return "", at + 1
	}
	if at > 0 && asciiClass[text[at-1]&0x7f] == classWord && text[at-1] < 0x80 {
		return "", at + 1
	}
	n := strings.IndexFunc(rest, func(r rune) bool {
		c := classOf(r)
		return c != classWord && c != classBigram && r != '.' && r != '-' && r != '_'
	})
	if n < 0 {
		n = len(rest)
	}
	return strings.TrimRight(rest[:n], ".-_"), at + 1 + n
}

// dayOf is the day of a second in UTC as the field day has it.
func dayOf(second int64) string { return time.Unix(second, 0).UTC().Format("20060102") }
