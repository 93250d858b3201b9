//go:build linux || darwin

package storage

import (
	"io/fs"
	"syscall"
)

// FreeSpace is how many bytes the account may still write below dir; known is false where that can't be asked.
func FreeSpace(dir string) (free int64, known bool, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, false, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(st.Bavail) * int64(st.Bsize), true, nil
}
