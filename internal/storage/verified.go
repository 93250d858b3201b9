package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Verified says when all data of an archive was last verified. It is kept in a file beside the archive, because verifying
// writes nothing into it.
type Verified struct {
	Archive string    `json:"archive"` // identifier
	Time    time.Time `json:"time"`
	Change  uint64    `json:"change"` // the newest one then
	Damage  int       `json:"damage"` // findings
}

func verifiedPath(dir string) string { return filepath.Clean(dir) + ".verified" }

// LastVerified reads the record of the archive in dir; nil without error means that there is none.
func LastVerified(dir string) (*Verified, error) {
	data, err := os.ReadFile(verifiedPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("last verification: %w", err)
	}
	var v Verified
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("last verification: %s: %w", verifiedPath(dir), err)
	}
	return &v, nil
}

// NoteVerified records that all data of the archive was verified just now.
func (a *Archive) NoteVerified(r *Report) error {
	data, err := json.Marshal(Verified{Archive: a.id, Time: a.o.Now().UTC().Truncate(time.Second), Change: a.Change(), Damage: len(r.Damage)})
	if err == nil {
		err = replaceFile(verifiedPath(a.dir), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("note the verification: %w", err)
	}
	return nil
}
