package teamchattest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"

	"archiver/internal/record"
)

// file is the file item of an upload; the entry in the chat points to it and has another id.
type file struct {
	id       uint64
	name     string
	mime     string
	user     int32
	modified int64 // unix seconds
	revision int
	content  content
	before   int64 // size of the revision before, bytes
	deleted  bool
	flagged  bool // deleted, and its entry says so
}

// content is where a revision's bytes come from: memory, a file on disk, or a seed.
type content struct {
	size int64
	data []byte
	path string
	seed uint64
}

func (c content) open() (io.ReadCloser, error) {
	switch {
	case c.path != "":
		return os.Open(c.path)
	case c.data != nil:
		return io.NopCloser(bytes.NewReader(c.data)), nil
	default:
		return io.NopCloser(io.LimitReader(noise(c.seed), c.size)), nil
	}
}

// noise is an endless stream of bytes that the seed decides.
func noise(seed uint64) io.Reader {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return rand.NewChaCha8(key)
}

// sha256 is the hash of the content in hex.
func (c content) sha256() (string, error) {
	r, err := c.open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Upload uploads a file and posts its entry. It gives the entry's ts and the file's 12-hex id, which differ.
func (w *World) Upload(channel, user, name string, data []byte) (ts record.TS, file string) {
	return w.UploadItem(channel, Item{User: user, Subtype: "file_share"}, name, data)
}

// PostMail posts an e-mail into the channel, with its source as file.
func (w *World) PostMail(channel, user, name string, source []byte) (ts record.TS, file string) {
	return w.UploadItem(channel, Item{User: user, Subtype: "mail_share"}, name, source)
}

// UploadItem uploads a file with an entry of any kind.
func (w *World) UploadItem(channel string, it Item, name string, data []byte) (ts record.TS, file string) {
	defer w.change()()
	c := w.channel(channel)
	f := w.addFile(c, w.newID(), it.User, name, content{size: int64(len(data)), data: bytes.Clone(data)})
	if it.Subtype == "mail_share" {
		f.mime = "message/rfc822"
	}
	ts = w.postEntry(c, it, func(m *more) { m.file = f })
	return ts, hexOf(f.id)
}

func (w *World) addFile(c *channel, id uint64, user, name string, data content) *file {
	f := &file{id: id, name: name, mime: mimeType(name), user: w.user(user), modified: int64(id >> 16), content: data}
	i, _ := searchFile(c.files, id)
	c.files = slices.Insert(c.files, i, f)
	return f
}

func searchFile(list []*file, id uint64) (int, bool) {
	return slices.BinarySearchFunc(list, id, func(f *file, id uint64) int { return cmp.Compare(f.id, id) })
}

// Revise gives a file another content under the same id.
func (w *World) Revise(channel, id string, data []byte) bool {
	return w.onFile(channel, id, func(f *file) {
		f.before = f.content.size
		f.content = content{size: int64(len(data)), data: bytes.Clone(data)}
		f.modified = max(f.modified+1, w.second())
		f.revision++
	})
}

// RenameFile gives a file another name; id and content stay.
func (w *World) RenameFile(channel, id, name string) bool {
	return w.onFile(channel, id, func(f *file) { f.name = name })
}

// EntryFate says what becomes of the chat entry of a file that is deleted.
type EntryFate int

// The fates of an entry.
const (
	EntryStays    EntryFate = iota // with its file object, whose ticket leads nowhere
	EntryStripped                  // stays without the file object
	EntryGone                      // goes with its comments
	EntryFlagged                   // stays with a file object that is marked invalid and has no ticket
)

// DeleteFile deletes a file.
func (w *World) DeleteFile(channel, id string, entry EntryFate) bool {
	var gone *file
	found := w.onFile(channel, id, func(f *file) { f.deleted, f.flagged, gone = true, entry == EntryFlagged, f })
	if !found {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channel(channel)
	c.files = slices.DeleteFunc(c.files, func(f *file) bool { return f == gone })
	for i := len(c.messages) - 1; i >= 0 && (entry == EntryGone || entry == EntryStripped); i-- {
		m := &c.messages[i]
		switch {
		case m.more == nil || m.more.file != gone:
		case entry == EntryGone:
			w.remove(c, m)
		default:
			m.more.file = nil
		}
	}
	return true
}

func (w *World) onFile(channel, id string, f func(*file)) bool {
	defer w.change()()
	ts, err := record.TSFromHex(id)
	if err != nil {
		panic(fmt.Sprintf("teamchattest: file %q: %v", id, err))
	}
	c := w.channel(channel)
	n, _ := idOf(ts)
	i, ok := searchFile(c.files, n)
	if ok {
		f(c.files[i])
	}
	return ok
}

// mimeType is the media type that a file's name suggests.
func mimeType(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".txt", ".log":
		return "text/plain"
	case ".md":
		return "text/markdown"
	case ".csv":
		return "text/csv"
	case ".json":
		return "application/json"
	case ".html":
		return "text/html"
	case ".pdf":
		return "application/pdf"
	case ".zip":
		return "application/zip"
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".gif":
		return "image/gif"
	case ".mp4":
		return "video/mp4"
	case ".eml":
		return "message/rfc822"
	}
	return "application/octet-stream"
}
