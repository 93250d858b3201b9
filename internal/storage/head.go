package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"archiver/internal/crash"
)

// anchor is the content of the file HEAD: what the newest commit was, kept outside the database. A database that is
// behind it has been rolled back.
type anchor struct {
	Format     int       `json:"format"`
	Archive    string    `json:"archive"`    // the archive's identifier
	Change     uint64    `json:"change"`     // newest change number
	Generation uint64    `json:"generation"` // how often the database was written anew
	TxID       uint64    `json:"txid"`       // of the database's transaction, in that generation
	Size       int64     `json:"size"`       // leaves of the log
	Root       string    `json:"root"`       // of the log, base64
	Time       time.Time `json:"time"`
	Checksum   string    `json:"checksum"` // CRC-32C of the object with an empty checksum, 8 hex digits
}

const headName = "HEAD"

func (h anchor) sum() (string, error) {
	h.Checksum = ""
	plain, err := json.Marshal(h)
	if err != nil {
		return "", fmt.Errorf("HEAD: %w", err)
	}
	return fmt.Sprintf("%08x", crc32.Checksum(plain, castagnoli)), nil
}

// readHead reads the anchor; nil without error means that there is none. A file that is no intact anchor is ErrDamaged.
func readHead(dir string) (*anchor, error) {
	data, err := os.ReadFile(filepath.Join(dir, headName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read HEAD: %w", err)
	}
	var h anchor
	if err := json.Unmarshal(data, &h); err != nil {
		return nil, damaged(headName, "%v", err)
	}
	sum, err := h.sum()
	if err != nil {
		return nil, err
	}
	if sum != h.Checksum {
		return nil, damaged(headName, "checksum does not match")
	}
	return &h, nil
}

// check compares the anchor with the database.
func (h *anchor) check(id string, change, generation, txid uint64) error {
	switch {
	case h.Archive != id:
		return damaged(headName, "belongs to archive %s, the database is %s", h.Archive, id)
	case h.Change > change || h.Generation > generation || h.Generation == generation && h.TxID > txid:
		return damaged("archive.db", "was rolled back: HEAD knows change %d (transaction %d.%d), the newest is %d (%d.%d)",
			h.Change, h.Generation, h.TxID, change, generation, txid)
	}
	return nil
}

// checkLog compares the anchor with the log.
func (h *anchor) checkLog(s *snapshot, size int64) error {
	if h.Size > size {
		return damaged("archive.db", "was rolled back: HEAD knows %d commits, the log has %d", h.Size, size)
	}
	root, err := logReader{s: s}.root(h.Size)
	if err != nil {
		return err
	}
	if root.String() != h.Root {
		return damaged("archive.db", "holds another history than the one that HEAD knows")
	}
	return nil
}

// write replaces HEAD durably.
func (h anchor) write(dir string) error {
	sum, err := h.sum()
	if err != nil {
		return err
	}
	h.Checksum = sum
	data, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("HEAD: %w", err)
	}
	return replaceFile(filepath.Join(dir, headName), append(data, '\n'))
}

// headFsyncs is how often write waits for the disk.
const headFsyncs = 2

// replaceFile writes a file so that after a power cut either the old or the new content is there, whole.
func replaceFile(path string, data []byte) error {
	temp := path + ".tmp"
	crash.Point("replace file: begin")
	if err := writeSynced(temp, data); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	crash.Point("replace file: written")
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	crash.Point("replace file: renamed")
	return syncDir(filepath.Dir(path))
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	crash.Point("write file: made")
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// repairHead brings HEAD up to the database, which a crash between a commit and HEAD leaves behind.
func (a *Archive) repairHead(txid uint64) error {
	head, err := readHead(a.dir)
	if err == nil && head != nil && head.Change == a.change.Load() && head.TxID == txid && head.Generation == a.generation &&
		head.Size == a.tree.Load().Size {
		return nil
	}
	return a.writeHead(txid)
}

func (a *Archive) writeHead(txid uint64) error {
	a.fsyncs.Add(headFsyncs)
	tree := a.tree.Load()
	return anchor{
		Format: formatVersion, Archive: a.id, Change: a.change.Load(), Generation: a.generation, TxID: txid, Size: tree.Size, Root: tree.Root.String(),
		Time: a.o.Now().UTC(),
	}.write(a.dir)
}
