//go:build !linux && !darwin

package storage

// FreeSpace is how many bytes the account may still write below dir; known is false where that can't be asked.
func FreeSpace(string) (free int64, known bool, err error) { return 0, false, nil }
