package crash

import (
	"os"
	"sync"
)

// Killer gives a hook that logs each point to a file, unless log is "", and ends the process at the n-th as kill -9
// does; 0 is never.
func Killer(n int, log string) func(point string) {
	var mu sync.Mutex
	count := 0
	return func(point string) {
		mu.Lock()
		defer mu.Unlock()
		count++
		if log != "" {
			appendLine(log, point)
		}
		if count == n {
			kill()
		}
	}
}

func kill() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

func appendLine(path, line string) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.WriteString(line + "\n")
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		panic(err)
	}
}
