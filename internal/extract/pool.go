package extract

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// PoolOptions say how a pool reads.
type PoolOptions struct {
	Command []string // a program that calls Serve, with its arguments
	Limits  Limits
	Cache   string // see NewExtractor
	Workers int    // processes at most, at least 1
}

const (
	filesPerWorker = 500             // then a fresh process takes over
	startLimit     = 5 * time.Minute // for starting PDFium, which compiles once
	grace          = 5 * time.Second // beyond a file's time, for what the worker does not notice
)

// Pool reads files in processes of its own, each used for many files while it behaves. A file that makes its process
// crash, hang or run out of memory is Failed and harms nothing else.
type Pool struct {
	options PoolOptions
	slots   chan struct{} // one for each process that may run

	mu   sync.Mutex
	idle []*worker
}

// NewPool makes a pool. Processes are started as they are needed.
func NewPool(o PoolOptions) *Pool {
	o.Workers = max(o.Workers, 1)
	return &Pool{options: o, slots: make(chan struct{}, o.Workers)}
}

// Close ends the processes. No Extract may run.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.idle {
		w.end()
	}
	p.idle = nil
	return nil
}

// Extract gives the text of a file. An error is not the file's: the context ended, or no process could be started. It
// may be called from several goroutines.
func (p *Pool) Extract(ctx context.Context, name string, data []byte) (Result, error) {
	if l := p.options.Limits.Input; int64(len(data)) > l {
		return Result{Status: TooLarge, Reason: fmt.Sprintf("%d bytes, the limit is %d", len(data), l)}, nil
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	for {
		w, err := p.take()
		if err != nil {
			return Result{}, fmt.Errorf("process that reads files: %w", err)
		}
		fresh := w.files == 0
		r, err := w.extract(ctx, &p.options, name, data)
		if err == nil {
			p.put(w)
			return r, nil
		}
		w.end()
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		if fresh { // otherwise it may have suffered from an earlier file
			return Result{Status: Failed, Reason: reasonOf(err)}, nil
		}
	}
}

// take gives an idle worker, or a new one.
func (p *Pool) take() (*worker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return w, nil
	}
	return startWorker(p.options.Command)
}

// put takes a worker back, unless it has done its share.
func (p *Pool) put(w *worker) {
	if w.broken || w.files >= filesPerWorker {
		w.end()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, w)
}

// worker is a process that reads files.
type worker struct {
	cmd      *exec.Cmd
	in       io.Closer
	requests *gob.Encoder
	replies  *gob.Decoder
	last     *tail // what it wrote about itself
	files    int
	broken   bool
}

func startWorker(command []string) (*worker, error) {
	if len(command) == 0 {
		return nil, errors.New("no program is named")
	}
	w := &worker{cmd: exec.Command(command[0], command[1:]...), last: &tail{}}
	w.cmd.Stderr = w.last
	in, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.in, w.requests, w.replies = in, gob.NewEncoder(in), gob.NewDecoder(out)
	return w, w.cmd.Start()
}

// end kills the process; there is nothing that it would have to finish.
func (w *worker) end() {
	_ = w.in.Close()
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
}

// extract has the worker read a file. After an error the worker is of no use.
func (w *worker) extract(ctx context.Context, o *PoolOptions, name string, data []byte) (Result, error) {
	w.files++
	var late atomic.Bool
	clock := time.AfterFunc(startLimit, func() { late.Store(true); _ = w.cmd.Process.Kill() })
	stop := context.AfterFunc(ctx, func() { _ = w.cmd.Process.Kill() })
	defer stop()
	r, err := w.converse(o, name, data, clock)
	if !clock.Stop() && late.Load() {
		return r, errDeadline
	}
	if err != nil {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
		return r, crashed(firstOf(w.last.line(), err.Error()))
	}
	return r, nil
}

// crashed says why a process died, by the last that it wrote. Go has two words for memory that is not to be had.
func crashed(last string) error {
	if strings.Contains(last, "cannot allocate memory") {
		last = "out of memory"
	}
	return fmt.Errorf("the process that read it crashed: %s", last)
}

func (w *worker) converse(o *PoolOptions, name string, data []byte, clock *time.Timer) (Result, error) {
	if err := w.requests.Encode(request{Name: name, Data: data, Limits: o.Limits, Cache: o.Cache}); err != nil {
		return Result{}, err
	}
	var begins, done reply
	if err := w.replies.Decode(&begins); err != nil {
		return Result{}, err
	}
	clock.Reset(o.Limits.Time + grace)
	if err := w.replies.Decode(&done); err != nil {
		return Result{}, err
	}
	w.broken = done.Broken
	return done.Result, nil
}

// tail keeps the beginning of what is written to it, where Go programs say why they crash.
type tail struct {
	mu   sync.Mutex
	data []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p[:min(len(p), 4096-len(t.data))]...)
	return len(p), nil
}

func (t *tail) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, _, _ := bytes.Cut(t.data, []byte("\n"))
	return string(line)
}
