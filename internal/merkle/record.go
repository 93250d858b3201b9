package merkle

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"
)

// HashSize is the length of salts, commitments and roots, in bytes.
const HashSize = sha256.Size

// Hash is a SHA-256 hash: a commitment, or the root of a tree.
type Hash = tlog.Hash

// Salt makes commitments unguessable: 32 random bytes for a commit, and one derived from them for each record.
type Salt [HashSize]byte

// Record is what is hashed of one entry of the history.
type Record struct {
	Change   uint64 // number of the entry
	Channel  string // id; "" for channels, users, events and conferences
	Class    string // message, file, channel, user, ...
	First    bool   // no earlier entry has this key
	Key      string // ts of a message, id of anything else
	Observed int64  // milliseconds since 1970
	Op       string // state, data, deleted, pins
	Thread   string // of a comment: its parent's ts
	Body     []byte // the object as it is kept
}

// Append appends the canonical form of a record: a line of JSON in the form of RFC 8785 with all members but the body,
// then the body as it is.
//
//	{"change":7,"channel":"Zm9v","class":"message","first":true,"key":"1516195206.000463","observed":1516195207000,"op":"state","thread":""}
//	{"ts":"1516195206.000463","text":"hello"}
func (r *Record) Append(dst []byte) []byte {
	dst = strconv.AppendUint(append(dst, `{"change":`...), r.Change, 10)
	dst = appendMember(dst, "channel", r.Channel)
	dst = appendMember(dst, "class", r.Class)
	dst = strconv.AppendBool(append(dst, `,"first":`...), r.First)
	dst = appendMember(dst, "key", r.Key)
	dst = strconv.AppendInt(append(dst, `,"observed":`...), r.Observed, 10)
	dst = appendMember(dst, "op", r.Op)
	dst = appendMember(dst, "thread", r.Thread)
	return append(append(dst, "}\n"...), r.Body...)
}

func appendMember(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, ',', '"'), name...), '"', ':')
	if isPlain(value) {
		return append(append(append(dst, '"'), value...), '"')
	}
	dst, _ = jsontext.AppendQuote(dst, value) // what is no UTF-8 becomes U+FFFD; the body has it as it was
	return dst
}

// isPlain tells whether a text is all ASCII without anything that JSON escapes. Nearly all are.
func isPlain(text string) bool {
	for i := range len(text) {
		if b := text[i]; b < ' ' || b > '~' || b == '"' || b == '\\' {
			return false
		}
	}
	return true
}

// Committer makes the commitments of one commit, in the order of its records.
type Committer struct {
	mac  hash.Hash
	next uint64
	buf  []byte
	tree Tree
}

// NewCommitter begins a commit with the given batch salt.
func NewCommitter(batch Salt) *Committer {
	return &Committer{mac: hmac.New(sha256.New, batch[:])}
}

// Add adds the next record.
func (c *Committer) Add(r *Record) { c.tree.Add(c.Commitment(c.next, r)); c.next++ }

// Root is the batch root of what was added.
func (c *Committer) Root() Hash { return c.tree.Root() }

// Commitment gives the commitment of the record at a position of the commit. It adds nothing.
func (c *Committer) Commitment(position uint64, r *Record) Hash {
	salt := c.Salt(position)
	c.buf = r.Append(append(c.buf[:0], salt[:]...))
	return sha256.Sum256(c.buf)
}

// Salt gives the salt of the record at a position of the commit.
func (c *Committer) Salt(position uint64) Salt {
	c.mac.Reset()
	_, _ = c.mac.Write(binary.BigEndian.AppendUint64(c.buf[:0], position))
	return Salt(c.mac.Sum(c.buf[:0]))
}

// Tree computes the root of an RFC 6962 tree while leaves are added. The zero value is the empty tree.
type Tree struct {
	size  uint64
	peaks []Hash // of the complete subtrees, the largest first
}

// Add adds a leaf of 32 bytes.
func (t *Tree) Add(leaf Hash) {
	h := tlog.RecordHash(leaf[:])
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		h = tlog.NodeHash(t.peaks[last], h)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, h)
	t.size++
}

// Size is the number of leaves.
func (t *Tree) Size() uint64 { return t.size }

// Root is the root over all leaves. That of the empty tree is the hash of nothing.
func (t *Tree) Root() Hash {
	if t.size == 0 {
		return Hash(sha256.Sum256(nil))
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return h
}

// CommitmentTo gives the commitment of a record, in canonical form, with its salt.
func CommitmentTo(record []byte, salt Salt) Hash { return commitment(salt[:], record) }

// commitment hashes a record in canonical form.
func commitment(salt, record []byte) Hash {
	sum := sha256.New()
	_, _ = sum.Write(salt)
	_, _ = sum.Write(record)
	return Hash(sum.Sum(nil))
}
