//go:build !linux && !darwin

package doctor

import "io/fs"

// freeSpace is how many bytes the account may still write below dir; known is false where that can't be asked.
func freeSpace(string) (free int64, known bool, err error) { return 0, false, nil }

// isExposed tells whether others than the owner may read, where permissions say so.
func isExposed(fs.FileInfo) bool { return false }
