package rsmf

import (
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shape is what the published schema says of a value. Beyond it a manifest may have no members: the validator warns of
// those, as the place for them is custom.
type shape struct {
	kind     string // "object", "array", "string", "integer", "boolean"
	min      int    // length of a string
	values   []string
	valid    func(string) bool // format of a string; nil for any
	items    *shape
	members  map[string]*shape
	required []string
}

func textOf(min int) *shape                { return &shape{kind: "string", min: min} }
func oneOf(values ...string) *shape        { return &shape{kind: "string", values: values} }
func listOf(items *shape) *shape           { return &shape{kind: "array", items: items} }
func formatted(f func(string) bool) *shape { return &shape{kind: "string", valid: f} }

func object(required string, members map[string]*shape) *shape {
	return &shape{kind: "object", members: members, required: strings.Fields(required)}
}

// manifestShape gives the schema of a version. That of 1.0.0 lacks what 2.0.0 brought.
func manifestShape(version string) *shape {
	custom := listOf(object("name value", map[string]*shape{"name": textOf(1), "value": textOf(1)}))
	participant := object("id", map[string]*shape{
		"id": textOf(1), "display": textOf(0), "email": formatted(isAddress), "avatar": textOf(0), "account_id": textOf(0), "custom": custom,
	})
	conversation := object("id platform participants", map[string]*shape{
		"id": textOf(1), "display": textOf(0), "platform": textOf(1), "type": oneOf(Direct, Channel),
		"participants": listOf(textOf(1)), "custodian": textOf(0), "custom": custom,
	})
	event := eventShape(custom)
	root := object("version participants conversations events", map[string]*shape{
		"version": textOf(5), "participants": listOf(participant), "conversations": listOf(conversation), "events": listOf(event),
	})
	if version != Version1 {
		conversation.members["icon"] = textOf(0)
		root.members["eventcollectionid"] = textOf(0)
		event.members["type"].values = append(event.members["type"].values, History)
		event.members["direction"] = oneOf("incoming", "outgoing")
		event.members["read_receipts"] = listOf(object("participant", map[string]*shape{
			"participant": textOf(1), "timestamp": formatted(isTimestamp), "action": oneOf("read", "delivered"),
		}))
	}
	return root
}

func eventShape(custom *shape) *shape {
	number, stamp := &shape{kind: "integer"}, formatted(isTimestamp)
	return object("type", map[string]*shape{
		"id": textOf(0), "type": oneOf(Message, Disclaimer, Join, Leave, Unknown), "parent": textOf(0), "body": textOf(0),
		"participant": textOf(0), "conversation": textOf(0), "timestamp": stamp, "deleted": {kind: "boolean"},
		"importance": oneOf("normal", "high"), "custom": custom,
		"reactions":   listOf(object("value", map[string]*shape{"value": textOf(1), "count": number, "participants": listOf(textOf(1))})),
		"attachments": listOf(object("id", map[string]*shape{"id": textOf(1), "display": textOf(0), "size": number})),
		"edits": listOf(object("participant", map[string]*shape{
			"participant": textOf(1), "timestamp": stamp, "previous": textOf(0), "new": textOf(0),
		})),
	})
}

// check compares a value with its shape. where is its place in the manifest.
func (c *checker) check(s *shape, value any, where string) {
	switch v := value.(type) {
	case map[string]any:
		if c.isKind(s, "object", where) {
			c.checkObject(s, v, where)
		}
	case []any:
		if c.isKind(s, "array", where) {
			for i, item := range v {
				c.check(s.items, item, where+"/"+strconv.Itoa(i))
			}
		}
	case string:
		if c.isKind(s, "string", where) {
			c.checkString(s, v, where)
		}
	case float64:
		if c.isKind(s, "integer", where) && v != float64(int64(v)) {
			c.fail("SchemaViolation", "%s: %v is no integer", where, v)
		}
	case bool:
		c.isKind(s, "boolean", where)
	default:
		c.fail("SchemaViolation", "%s: null, not %s", where, s.kind)
	}
}

func (c *checker) isKind(s *shape, kind, where string) bool {
	if s.kind != kind {
		c.fail("SchemaViolation", "%s: %s, not %s", where, kind, s.kind)
	}
	return s.kind == kind
}

func (c *checker) checkObject(s *shape, v map[string]any, where string) {
	for _, name := range s.required {
		if _, has := v[name]; !has {
			c.fail("SchemaViolation", "%s: %s is missing", where, name)
		}
	}
	for _, name := range sortedKeys(v) {
		if member := s.members[name]; member != nil {
			c.check(member, v[name], where+"/"+name)
		} else {
			c.warn("ManifestUndefinedProperty", "%s/%s", where, name)
		}
	}
}

func (c *checker) checkString(s *shape, v, where string) {
	switch {
	case utf8.RuneCountInString(v) < s.min:
		c.fail("SchemaViolation", "%s: %q is too short", where, v)
	case len(s.values) > 0 && !slices.Contains(s.values, v):
		c.fail("SchemaViolation", "%s: %q is none of %s", where, v, strings.Join(s.values, ", "))
	case s.valid != nil && !s.valid(v):
		c.fail("SchemaViolation", "%s: %q has not the format", where, v)
	}
}

// timestamp is what the validator takes: an offset may be missing, and seven digits of a second are the most.
var timestamp = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,7})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?$`)

func isTimestamp(s string) bool { return timestamp.MatchString(s) }

// isAddress tells whether s is local@domain, also with letters that are not ASCII (RFC 6531).
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

// IsAddress tells whether s can be the e-mail address of a participant: a dot-atom (RFC 5322 section 3.4.1, RFC 6532)
// of at most 64 bytes, an @, and a domain of at most 253 that is made of labels.
func IsAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(local) > 64 || len(domain) > 253 || !isAddress(s) {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.ContainsFunc(label, func(r rune) bool { return r < utf8.RuneSelf && !isLetterDigitDash(r) }) {
			return false
		}
	}
	return true
}

func isLetterDigitDash(r rune) bool {
	return r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' || r == '-'
}
