//go:build crashpoints

package crash

import (
	"os"
	"strconv"
)

var _ = setFromEnvironment()

func setFromEnvironment() bool {
	n, err := strconv.Atoi(os.Getenv("ARCHIVER_CRASH_AT"))
	if err == nil {
		Set(Killer(n, os.Getenv("ARCHIVER_CRASH_LOG")))
	}
	return err == nil
}
