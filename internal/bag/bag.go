package bag

import (
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// Names of a bag's files.
const (
	Payload     = "data/" // what the names of payload files begin with
	Declaration = "bagit.txt"
	Info        = "bag-info.txt"
)

// DeclarationText is the content of bagit.txt.
const DeclarationText = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// Algorithm is a digest algorithm, as names of manifests spell it.
type Algorithm string

// The algorithms.
const (
	SHA256 Algorithm = "sha256"
	SHA512 Algorithm = "sha512"
)

// Algorithms are those that every bag has manifests of.
func Algorithms() []Algorithm { return []Algorithm{SHA256, SHA512} }

// Manifest is the name of the manifest of the payload.
func (a Algorithm) Manifest() string { return "manifest-" + string(a) + ".txt" }

// TagManifest is the name of the manifest of the tag files.
func (a Algorithm) TagManifest() string { return "tagmanifest-" + string(a) + ".txt" }

// digits is the length of a digest in hex.
func (a Algorithm) digits() int {
	if a == SHA512 {
		return 2 * sha512.Size
	}
	return 2 * sha256.Size
}

// maxPath is the longest path, in bytes.
const maxPath = 180

// CheckPath tells whether a path may stand in a bag. It has ASCII letters, digits, _ and -, and between them single dots
// and slashes, so that every tool and file system agrees on it.
func CheckPath(path string) error {
	within := false // a name, not at its beginning or behind a dot
	for i := range len(path) {
		switch c := path[i]; {
		case c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z':
			within = true
		case within && (c == '.' || c == '/'):
			within = false
		default:
			return unsafePath(path)
		}
	}
	if !within || len(path) > maxPath {
		return unsafePath(path)
	}
	return nil
}

func unsafePath(path string) error { return fmt.Errorf("unsafe path %q in a bag", path) }

// File is a file of a bag.
type File struct {
	Path   string // relative to the bag, slashes
	Bytes  int64
	SHA256 [sha256.Size]byte
	SHA512 [sha512.Size]byte
}

// IsPayload tells whether the file lies below data/.
func (f *File) IsPayload() bool { return strings.HasPrefix(f.Path, Payload) }

// digest is the file's digest in hex.
func (f *File) digest(a Algorithm) string {
	if a == SHA512 {
		return hex.EncodeToString(f.SHA512[:])
	}
	return hex.EncodeToString(f.SHA256[:])
}

// Hash computes the digests of a file while it is written to it.
type Hash struct {
	short, long hash.Hash
	n           int64
}

// NewHash begins a file.
func NewHash() *Hash { return &Hash{short: sha256.New(), long: sha512.New()} }

// Reset begins another file.
func (h *Hash) Reset() { h.short.Reset(); h.long.Reset(); h.n = 0 }

// Write adds bytes; it never fails.
func (h *Hash) Write(p []byte) (int, error) {
	_, _ = h.short.Write(p)
	_, _ = h.long.Write(p)
	h.n += int64(len(p))
	return len(p), nil
}

// File gives what was computed, under a path.
func (h *Hash) File(path string) File {
	f := File{Path: path, Bytes: h.n}
	h.short.Sum(f.SHA256[:0])
	h.long.Sum(f.SHA512[:0])
	return f
}

// Sort puts files in the order of manifests.
func Sort(files []File) {
	slices.SortFunc(files, func(x, y File) int { return cmp.Compare(x.Path, y.Path) })
}

// AppendManifest appends the manifest of files, which are in order.
func AppendManifest(dst []byte, a Algorithm, files []File) []byte {
	for i := range files {
		dst = append(dst, files[i].digest(a)...)
		dst = append(append(append(dst, "  "...), files[i].Path...), '\n')
	}
	return dst
}

// parseManifest gives the digests of a manifest by path. A line that is in no manifest of this package is an error that
// names it.
func parseManifest(text string, a Algorithm) (map[string]string, error) {
	digests := map[string]string{}
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		digest, path, ok := strings.Cut(line, "  ")
		if line == "" && text == "" {
			break
		}
		if !ok || len(digest) != a.digits() || strings.Trim(digest, "0123456789abcdef") != "" || CheckPath(path) != nil {
			return digests, fmt.Errorf("line %d is no digest and path", n+1)
		}
		if _, twice := digests[path]; twice {
			return digests, fmt.Errorf("line %d names %s again", n+1, path)
		}
		digests[path] = digest
	}
	return digests, nil
}
