//go:build !linux && !darwin

package doctor

import "io/fs"

// isExposed tells whether others than the owner may read, where permissions say so.
func isExposed(fs.FileInfo) bool { return false }
