//go:build !windows

package storage

import (
	"errors"
	"fmt"
	"os"

	"archiver/internal/crash"
)

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	crash.Point("directory: durable")
	return nil
}
