package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// softMemory is the heap, in bytes, from which on the garbage collector works harder: a sync of 400,000 messages with
// its index then stays below 320 MB, for 2 % more CPU. softMemoryNoIndex is the same without the index: what an archive
// of millions needs at most, so that the room for garbage does not grow with it. softMemoryExport is that of an export,
// which is to stay below 300 MB with the part of archive.db that is mapped. None is a bound.
const (
	softMemory        = 256 << 20
	softMemoryNoIndex = 96 << 20
	softMemoryExport  = 192 << 20
)

// limitMemory sets where the garbage collector begins to work harder, unless GOMEMLIMIT says it.
func limitMemory(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(bytes)
	}
}

func main() {
	if demo := len(os.Args) > 1 && os.Args[1] == "demo"; !demo { // which holds a whole server as well
		limitMemory(softMemory)
	}
	ctx, stop := untilSignal(context.Background())
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program: it takes the arguments after the program's name and gives the exit code. It reads the
// environment and the files that the configuration names, and writes data to stdout and everything else to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := program{getenv: os.Getenv, now: time.Now, stdin: stdin, stdout: stdout, stderr: stderr}
	return p.run(ctx, args)
}

// program is where a run gets everything from that is not an argument.
type program struct {
	getenv         func(string) string
	now            func() time.Time
	stdin          io.Reader
	stdout, stderr io.Writer
}

func (p program) run(ctx context.Context, args []string) int {
	e := newEnv(p, args)
	err := newApp(e).RunContext(ctx, append([]string{programName}, args...))
	return e.finish(ctx, err)
}

// signalError is why a run was interrupted.
type signalError struct{ syscall.Signal }

func (e signalError) Error() string {
	if e.Signal == syscall.SIGTERM {
		return "terminated"
	}
	return "interrupted"
}

// untilSignal gives a context that ends with a signalError at the first SIGINT or SIGTERM. The second one kills the
// program at once, as if it were not handled.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case s := <-signals:
			signal.Stop(signals)
			sig, _ := s.(syscall.Signal)
			cancel(signalError{sig})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-finished
		signal.Stop(signals)
	}
}

// interruption gives the signal that ended ctx.
func interruption(ctx context.Context) (signalError, bool) {
	sig, ok := context.Cause(ctx).(signalError)
	return sig, ok
}
