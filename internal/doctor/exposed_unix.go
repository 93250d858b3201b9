//go:build linux || darwin

package doctor

import "io/fs"

// isExposed tells whether others than the owner may read.
func isExposed(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
