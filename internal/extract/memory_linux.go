package extract

import "syscall"

// limitMemory bounds what the process may allocate. The program crashes when it asks for more.
func limitMemory(bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	none := syscall.Rlimit{}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &none); err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)}
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &limit)
}
