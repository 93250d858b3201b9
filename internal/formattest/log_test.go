package formattest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"
)

// commit is a value of bucket commits.
type commit struct {
	leaf, total int
	salt, root  []byte
}

func readCommit(value []byte) (commit, error) {
	c := cursor{value}
	if version := c.take(1)[0]; version != 1 {
		return commit{}, fmt.Errorf("commit of version %d", version)
	}
	c.varint() // its time
	k := commit{leaf: c.uvarint()}
	for range c.uvarint() {
		c.uvarint() // stream
		k.total += c.uvarint()
	}
	k.salt, k.root = c.take(32), c.take(32)
	if len(c.b) > 0 {
		return commit{}, fmt.Errorf("%d bytes left", len(c.b))
	}
	return k, nil
}

func hash(parts ...[]byte) []byte {
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return sum[:]
}

// treeRoot is the root of RFC 6962, section 2.1, over leaves.
func treeRoot(leaves [][]byte) []byte {
	switch len(leaves) {
	case 0:
		return hash()
	case 1:
		return hash([]byte{0}, leaves[0])
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return hash([]byte{1}, treeRoot(leaves[:k]), treeRoot(leaves[k:]))
}

// canonical is what is hashed of an entry.
func (e *entry) canonical() []byte {
	text := func(s string) string {
		var b strings.Builder
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(s) // strings always encode
		return strings.TrimSuffix(b.String(), "\n")
	}
	return fmt.Appendf(nil, `{"change":%d,"channel":%s,"class":%s,"first":%v,"key":%s,"observed":%d,"op":%s,"thread":%s}`+"\n%s",
		e.change, text(e.channel), text(e.class), e.first, text(e.key), e.observed, text(e.op), text(e.thread), e.body)
}

func saltOf(batch []byte, i int) []byte {
	mac := hmac.New(sha256.New, batch)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(i)))
	return mac.Sum(nil)
}

// batchRoot is the root over the commitments of a commit's entries.
func batchRoot(salt []byte, entries []entry) []byte {
	var commitments [][]byte
	for i := range entries {
		commitments = append(commitments, hash(saltOf(salt, i), entries[i].canonical()))
	}
	return treeRoot(commitments)
}

// leaves recomputes the leaves of the log from the entries.
func (db database) leaves(t *testing.T, entries []entry) (leaves [][]byte) {
	t.Helper()
	from := 0
	for _, key := range slices.Sorted(maps.Keys(db["commits"])) {
		c, err := readCommit(db["commits"][key])
		if err != nil {
			t.Fatalf("commit %x: %v", key, err)
		}
		if c.leaf != len(leaves) || from+c.total != number([]byte(key)) {
			t.Fatalf("commit %x: leaf %d after %d, %d entries after change %d", key, c.leaf, len(leaves), c.total, from)
		}
		root := batchRoot(c.salt, entries[from:from+c.total])
		if !bytes.Equal(root, c.root) {
			t.Errorf("commit %x: root %x, stored is %x", key, root, c.root)
		}
		leaves, from = append(leaves, root), from+c.total
	}
	if from != len(entries) {
		t.Errorf("commits have %d entries of %d", from, len(entries))
	}
	return leaves
}

func number(key []byte) int {
	n := 0
	for _, b := range key {
		n = n<<8 | int(b)
	}
	return n
}

func TestLogIsThatOfTheEntries(t *testing.T) {
	s := synced(t)
	s.checkLog(t)
	db, _ := s.database(t)
	size := binary.BigEndian.AppendUint64(nil, uint64(len(db["commits"])))
	if newest := db["checkpoints"][string(size)]; string(newest) != s.checkpoint {
		t.Errorf("newest checkpoint %q, its copy is %q", newest, s.checkpoint)
	}
	if len(db["commits"]) < 2 || len(db["checkpoints"]) < 2 {
		t.Errorf("the archive has become too simple: %d commits, %d checkpoints", len(db["commits"]), len(db["checkpoints"]))
	}
	if string(db["meta"]["key"]) != s.publicKey {
		t.Errorf("key %s, printed was %s", db["meta"]["key"], s.publicKey)
	}
}

// checkLog recomputes the log from the entries and compares it with tiles, HEAD and checkpoints.
func (s *site) checkLog(t *testing.T) {
	t.Helper()
	db, entries := s.database(t)
	leaves := db.leaves(t, entries)
	var tile []byte
	for _, leaf := range leaves {
		tile = append(tile, hash([]byte{0}, leaf)...)
	}
	if stored := db["tiles"][strings.Repeat("\x00", 9)]; !bytes.Equal(stored, tile) {
		t.Errorf("the first tile is %x, want %x", stored, tile)
	}
	root := base64.StdEncoding.EncodeToString(treeRoot(leaves))
	top, err := readHead(s.read(t, "archive/HEAD"))
	if want := (head{string(db["meta"]["id"]), len(entries), len(leaves), root, top.Checksum}); err != nil || top != want {
		t.Errorf("HEAD %+v, %v; want %+v", top, err, want)
	}
	for key, signed := range db["checkpoints"] {
		size := number([]byte(key))
		want := fmt.Sprintf("archiver/%s\n%d\n%s\n", top.Archive, size, base64.StdEncoding.EncodeToString(treeRoot(leaves[:size])))
		if text, err := openNote(string(signed), s.publicKey); err != nil || text != want {
			t.Errorf("checkpoint of size %d: %q, %v; want %q", size, text, err, want)
		}
	}
}

// head is the file HEAD.
type head struct {
	Archive  string `json:"archive"`
	Change   int    `json:"change"`
	Size     int    `json:"size"`
	Root     string `json:"root"`
	Checksum string `json:"checksum"`
}

// readHead checks the checksum of HEAD.
func readHead(text string) (h head, err error) {
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return h, err
	}
	blank := strings.Replace(strings.TrimSuffix(text, "\n"), h.Checksum, "", 1)
	if sum := fmt.Sprintf("%08x", crc32.Checksum([]byte(blank), crc32.MakeTable(crc32.Castagnoli))); sum != h.Checksum {
		return h, fmt.Errorf("HEAD has checksum %s, not %s", sum, h.Checksum)
	}
	return h, nil
}

// openNote checks the signature of a checkpoint and gives what was signed.
func openNote(signed, publicKey string) (text string, err error) {
	parts := strings.SplitN(publicKey, "+", 3) // name, hash, key
	if len(parts) != 3 {
		return "", errors.New("no public key")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != 1 {
		return "", fmt.Errorf("public key of %d bytes: %w", len(key), err)
	}
	id := hash([]byte(parts[0]+"\n"), key)[:4]
	if hex.EncodeToString(id) != parts[1] {
		return "", fmt.Errorf("the key's hash is %x", id)
	}
	text, last, _ := strings.Cut(signed, "\n\n")
	text += "\n"
	encoded := strings.TrimPrefix(last, "— "+parts[0]+" ")
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(encoded, "\n"))
	if err != nil || len(signature) != 4+ed25519.SignatureSize || !bytes.Equal(signature[:4], id) {
		return "", fmt.Errorf("signature %q: %w", last, err)
	}
	if !ed25519.Verify(key[1:], []byte(text), signature[4:]) {
		return "", errors.New("the signature is wrong")
	}
	return text, nil
}
