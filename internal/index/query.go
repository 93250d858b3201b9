package index

import (
	"fmt"
	"strconv"
	"strings"
)

// Query is a parsed query.
type Query struct {
	text string
	root node
	left []string // words without anything to search for, which are left out
}

// String gives the query in a canonical form that parses to the same query.
func (q *Query) String() string {
	var b strings.Builder
	if _, ok := q.root.(*allNode); !ok {
		q.root.write(&b)
	}
	return b.String()
}

// SyntaxError is a query that cannot be parsed or carried out as it stands.
type SyntaxError struct {
	Query string // "" when another part of the request is at fault
	Pos   int    // byte offset in Query of what the error is about
	Msg   string
}

// Error says what is wrong, and where in the query, counted in bytes from 1.
func (e *SyntaxError) Error() string {
	if e.Query == "" {
		return e.Msg
	}
	return fmt.Sprintf("query, position %d: %s", e.Pos+1, e.Msg)
}

// node is a part of a query.
type node interface{ write(b *strings.Builder) }

// allNode matches everything.
type allNode struct{}

// andNode matches what all of its kids match.
type andNode struct{ kids []node }

// orNode matches what any of its kids matches.
type orNode struct{ kids []node }

// notNode matches what its kid does not.
type notNode struct{ kid node }

// textNode is a word or a phrase of a text or a file name: terms at successive positions.
type textNode struct {
	pos    int // byte offset in the query
	field  string
	text   string // as written, without the marks of its form
	quoted bool
	form   form
	edits  int      // of fuzzyForm: 1 or 2
	terms  []string // by position
}

// nearNode is words within some positions of each other, in any order. Its kids are textNodes.
type nearNode struct {
	pos    int
	field  string
	kids   []*textNode
	within int
}

// form says how the last term of a textNode is meant.
type form uint8

const (
	exactForm    form = iota
	prefixForm        // begins with the last term
	fuzzyForm         // differs from the one term by at most edits letters
	wildcardForm      // matches the pattern in text, where * stands for any letters and, in file names, ? for one
)

func (f form) String() string { return [...]string{"word", "prefix", "fuzzy", "wildcard"}[f] }

// fieldNode asks for something else than text.
type fieldNode struct {
	pos   int
	name  string // in, from, mentions, kind, has, is, after, before, on, thread
	value string
}

func (*allNode) write(b *strings.Builder) { b.WriteByte('*') }

func (n *andNode) write(b *strings.Builder) { writeKids(b, n.kids, " ") }

func (n *orNode) write(b *strings.Builder) { writeKids(b, n.kids, " OR ") }

func writeKids(b *strings.Builder, kids []node, between string) {
	for i, k := range kids {
		if i > 0 {
			b.WriteString(between)
		}
		writeGrouped(b, k)
	}
}

// writeGrouped writes a node in parentheses if it has kids of its own.
func writeGrouped(b *strings.Builder, n node) {
	switch n.(type) {
	case *andNode, *orNode:
		b.WriteByte('(')
		n.write(b)
		b.WriteByte(')')
	default:
		n.write(b)
	}
}

func (n *notNode) write(b *strings.Builder) {
	b.WriteByte('-')
	writeGrouped(b, n.kid)
}

func (n *textNode) write(b *strings.Builder) {
	if n.field == fieldFilename {
		b.WriteString("filename:")
	}
	if n.quoted || n.form == exactForm && !isPlainWord(n.text) {
		b.WriteString(`"` + n.text + `"`)
		return
	}
	b.WriteString(n.word())
}

// word writes the node with the marks of its form, without quotes.
func (n *textNode) word() string {
	switch n.form {
	case prefixForm:
		return n.text + "*"
	case fuzzyForm:
		return n.text + "~" + strconv.Itoa(n.edits)
	default:
		return n.text
	}
}

func (n *nearNode) write(b *strings.Builder) {
	words := make([]string, len(n.kids))
	for i, k := range n.kids {
		words[i] = k.word()
	}
	if n.field == fieldFilename {
		b.WriteString("filename:")
	}
	fmt.Fprintf(b, `"%s"~%d`, strings.Join(words, " "), n.within)
}

func (n *fieldNode) write(b *strings.Builder) {
	b.WriteString(n.name)
	b.WriteByte(':')
	if n.value == "" || strings.ContainsFunc(n.value, endsWord) {
		b.WriteString(`"` + n.value + `"`)
		return
	}
	b.WriteString(n.value)
}

// isPlainWord tells whether a word written without quotes is read as that word.
func isPlainWord(text string) bool {
	switch text {
	case "OR", "AND", "NOT", "":
		return false
	}
	name, _, isField := strings.Cut(text, ":")
	return !strings.HasPrefix(text, "-") && !strings.ContainsFunc(text, endsWord) && !strings.ContainsAny(text, "*~") &&
		!(isField && isFieldName(name))
}
