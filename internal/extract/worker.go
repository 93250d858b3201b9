package extract

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// What a pool and its workers tell each other, over a worker's input and output, encoded by gob. For each file a pool
// sends a request; a worker answers that it begins once it is ready to, and then with the result.

// request asks a worker to read a file.
type request struct {
	Name   string
	Data   []byte
	Limits Limits
	Cache  string
}

// reply is what a worker answers.
type reply struct {
	Begins bool // there is no result yet
	Broken bool // the worker is not to be used again
	Result Result
}

// Serve is the worker of a Pool: it reads files that come in on in until that ends, and writes what came of each to out.
// It bounds the memory of the whole process, and makes it deaf to interrupts: the pool ends it.
func Serve(in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	var x *Extractor
	requests, output := gob.NewDecoder(in), bufio.NewWriter(out)
	replies := gob.NewEncoder(output)
	answer := func(r reply) error {
		if err := errors.Join(replies.Encode(r), output.Flush()); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
		return nil
	}
	for {
		var q request
		err := requests.Decode(&q)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("request: %w", err)
		}
		if x == nil {
			if err := limitMemory(q.Limits.Memory); err != nil {
				return fmt.Errorf("limit of memory: %w", err)
			}
			debug.SetMemoryLimit(q.Limits.Memory / 2)
			x = NewExtractor(q.Limits, q.Cache)
		}
		if err := serveOne(x, &q, answer); err != nil {
			return err
		}
	}
}

func serveOne(x *Extractor, q *request, answer func(reply) error) error {
	x.Prepare(q.Data)
	if err := answer(reply{Begins: true}); err != nil {
		return err
	}
	r, broken := x.Extract(context.Background(), q.Name, q.Data)
	return answer(reply{Broken: broken, Result: r})
}
