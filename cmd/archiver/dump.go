package main

import (
	"bufio"
	"context"
	"io"
	"iter"

	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

func dumpCommand() command {
	return command{
		name: "dump", reader: true, run: runDump,
		summary: "print everything that is archived, as NDJSON",
		about: `
Prints one JSON object a line: channels by id, users by id, messages by channel and ts, files by channel and id, then
calendar events by channel and id and conferences by id, all as of one moment. A sync may go on meanwhile.`,
		examples: []string{
			"archiver dump > teamchat.ndjson",
			"archiver dump --stable | sha256sum             equal for archives that saw the same states",
			`archiver dump | jq -r 'select(.record == "message" and .deleted != null) | .text'`,
		},
		exits: readerExits,
		flags: []cli.Flag{boolFlag("stable", "leave out all that depends on when runs happened")},
	}
}

// readerExits are the exit codes of commands that only read an archive.
var readerExits = []int{exitOK, exitFailed, exitUsage, exitNoArchive, exitInUse, exitDamage, exitNewer, exitInterrupted, exitTerminated}

func runDump(ctx context.Context, e *env, c *cli.Context) (err error) {
	a, err := e.openArchive(ctx, c)
	if err != nil {
		return err
	}
	defer closing(&err, a.Close)
	out := bufio.NewWriterSize(e.ui.out, 1<<16)
	d := dumper{archive: a, change: a.Change(), stable: c.Bool("stable"), out: out}
	if d.change == 0 {
		return nil // nothing is archived yet, and 0 would mean whatever comes meanwhile
	}
	for _, part := range []func(context.Context) error{d.channels, d.users, d.messages, d.files, d.events, d.conferences} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return out.Flush()
}

// dumper writes the logical content of an archive at one change number.
type dumper struct {
	archive *storage.Archive
	change  uint64
	stable  bool
	out     io.Writer
	ids     []string // of the channels
}

func (d *dumper) channels(ctx context.Context) error {
	return dumpAll(d.out, d.archive.Channels(ctx, d.change), func(c *record.Channel) ([]byte, error) {
		d.ids = append(d.ids, c.ID)
		return c.Dump()
	})
}

func (d *dumper) users(ctx context.Context) error {
	return dumpAll(d.out, d.archive.Users(ctx, d.change), (*record.User).Dump)
}

func (d *dumper) messages(ctx context.Context) error {
	for _, id := range d.ids {
		messages := d.archive.Messages(ctx, id, storage.Range{AsOf: d.change})
		err := dumpAll(d.out, messages, func(m *record.Message) ([]byte, error) { return m.Dump(d.stable) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) files(ctx context.Context) error {
	for _, id := range d.ids {
		files := d.archive.Files(ctx, id, d.change)
		if err := dumpAll(d.out, files, func(f *record.File) ([]byte, error) { return f.Dump(d.stable) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) events(ctx context.Context) error {
	for _, id := range d.ids {
		told := func(yield func(*record.Event, error) bool) {
			for e, err := range d.archive.Events(ctx, id, d.change) {
				if err == nil && e.IsHearsay() {
					continue
				}
				if !yield(e, err) {
					return
				}
			}
		}
		if err := dumpAll(d.out, told, func(e *record.Event) ([]byte, error) { return e.Dump(d.stable) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) conferences(ctx context.Context) error {
	all := d.archive.Conferences(ctx, d.change)
	return dumpAll(d.out, all, func(c *record.Conference) ([]byte, error) { return c.Dump(d.stable) })
}

// dumpAll writes a line for each object.
func dumpAll[T any](out io.Writer, objects iter.Seq2[T, error], line func(T) ([]byte, error)) error {
	for object, err := range objects {
		if err != nil {
			return err
		}
		l, err := line(object)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(l, '\n')); err != nil {
			return err
		}
	}
	return nil
}
