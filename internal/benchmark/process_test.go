//go:build linux

package benchmark

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// usage is what a process used, by the operating system's account of it.
type usage struct {
	wall   time.Duration
	cpu    time.Duration // user and system
	rss    int64         // bytes at the peak, mapped files included; at least the peak of the process that started it
	memory               // peaks of its parts
	stdout []byte
}

// memory is what a process has in memory, in bytes, as far as samples show; 0 when none was taken.
type memory struct {
	own    int64 // that no file stands behind (RssAnon)
	mapped int64 // of mapped files (RssFile): archive.db and the program, which the system takes back when it needs room
}

// measure runs a command to its end.
func measure(b *testing.B, env []string, name string, args ...string) usage {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &stdout, &stderr, append(os.Environ(), env...)
	start := time.Now()
	peak, err := runSampled(cmd)
	wall := time.Since(start)
	if err != nil {
		b.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, stderr.Bytes(), stdout.Bytes())
	}
	state := cmd.ProcessState
	return usage{
		wall: wall, cpu: state.UserTime() + state.SystemTime(),
		rss: state.SysUsage().(*syscall.Rusage).Maxrss << 10, memory: peak, stdout: stdout.Bytes(),
	}
}

// sampling is how often a process is asked for the memory of its own.
const sampling = 50 * time.Millisecond

// runSampled runs a command and gives the peaks of its memory.
func runSampled(cmd *exec.Cmd) (peak memory, err error) {
	if err := cmd.Start(); err != nil {
		return memory{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return peak, err
		case <-tick.C:
			now := memoryOf(cmd.Process.Pid)
			peak = memory{max(peak.own, now.own), max(peak.mapped, now.mapped)}
		}
	}
}

// memoryOf reads what a process has in memory now; nothing when it has ended.
func memoryOf(pid int) (m memory) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64) // 0 is none known
		switch name {
		case "RssAnon":
			m.own = kilobytes << 10
		case "RssFile":
			m.mapped = kilobytes << 10
		}
	}
	return m
}

// decode reads the JSON object that a command printed.
func decode[T any](b *testing.B, u usage) (v T) {
	b.Helper()
	if err := json.Unmarshal(u.stdout, &v); err != nil {
		b.Fatalf("output %s: %v", u.stdout, err)
	}
	return v
}

// build compiles a command of the module into dir.
func build(b *testing.B, dir, pkg string) string {
	b.Helper()
	binary := filepath.Join(dir, filepath.Base(pkg))
	measure(b, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-o", binary, "archiver/"+pkg)
	return binary
}

// serve starts the simulator and gives its address. It ends with the benchmark, also if that is killed, since then its
// stdin ends.
func serve(b *testing.B, binary string, args ...string) (url string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), binary, append(args, "-addr", "127.0.0.1:0", "-until-stdin-closes")...)
	cmd.Stderr = b.Output()
	stdin, inErr := cmd.StdinPipe()
	stdout, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatalf("the simulator gave no address: %v", err)
	}
	for _, word := range strings.Fields(line) {
		if strings.HasPrefix(word, "http://") {
			return word
		}
	}
	b.Fatalf("the simulator's address: %q", line)
	return ""
}

// countFsyncs runs a command under strace and counts how often it waited for the disk; -1 without strace.
func countFsyncs(b *testing.B, dir string, env []string, name string, args ...string) int64 {
	b.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		return -1
	}
	log := filepath.Join(dir, "strace")
	args = append([]string{"-f", "--seccomp-bpf", "-qq", "-o", log, "-e", "trace=fsync,fdatasync,msync,sync_file_range",
		"--", name}, args...)
	cmd := exec.CommandContext(b.Context(), strace, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Logf("fsyncs were not counted: %v\n%s", err, out)
		return -1
	}
	calls, err := os.ReadFile(log)
	if err != nil {
		b.Fatal(err)
	}
	n := int64(0)
	for call := range strings.Lines(string(calls)) {
		if strings.Contains(call, "sync") && !strings.Contains(call, "resumed>") {
			n++
		}
	}
	return n
}

// compressedSize gives the size of a file under zstd -19 --long=27; -1 without zstd.
func compressedSize(b *testing.B, path string) int64 {
	b.Helper()
	zstd, err := exec.LookPath("zstd")
	if err != nil {
		return -1
	}
	ctx, cancel := context.WithTimeoutCause(b.Context(), 30*time.Minute, errors.New("zstd takes too long"))
	defer cancel()
	out, err := exec.CommandContext(ctx, "sh", "-c", `"$0" -19 --long=27 -c -q -- "$1" | wc -c`, zstd, path).Output()
	if err != nil {
		b.Fatalf("zstd: %v", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		b.Fatal(fmt.Errorf("zstd | wc: %w", err))
	}
	return n
}
