// Command fetchall reads everything that a sync reads from a TeamChat server and keeps nothing of it: the part of a
// sync's cost that no archive can avoid. With -save it writes the objects it received, one a line, as they would be
// kept.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"archiver/internal/record"
	"archiver/internal/teamchat"

	"golang.org/x/sync/errgroup"
)

const (
	pageSize = 1000
	channels = 4 // read at once, as sync does by default
)

func main() {
	var f fetcher
	url := flag.String("url", "", "the server")
	username := flag.String("username", "", "the account; its password is in ARCHIVER_PASSWORD")
	save := flag.String("save", "", "write what was received to `FILE`")
	flag.Parse()
	if err := f.run(context.Background(), *url, *username, *save); err != nil {
		fmt.Fprintln(os.Stderr, "fetchall:", err)
		os.Exit(1)
	}
}

// fetcher counts what it reads and, if asked to, saves it.
type fetcher struct {
	client             *teamchat.Client
	messages, comments atomic.Int64
	files              atomic.Int64

	mu  sync.Mutex
	out *bufio.Writer // nil: nothing is saved
}

func (f *fetcher) run(ctx context.Context, url, username, save string) (err error) {
	if save != "" {
		file, err := os.Create(save)
		if err != nil {
			return err
		}
		defer file.Close()
		f.out = bufio.NewWriterSize(file, 1<<20)
	}
	f.client, err = teamchat.New(teamchat.Options{
		URL: url, Username: username, Connections: channels,
		Password: func(context.Context) (string, error) { return os.Getenv("ARCHIVER_PASSWORD"), nil },
	})
	if err != nil {
		return err
	}
	if err := f.everything(ctx); err != nil {
		return err
	}
	if f.out != nil {
		if err := f.out.Flush(); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]int64{
		"messages": f.messages.Load(), "comments": f.comments.Load(), "files": f.files.Load(),
		"requests": f.client.Requests(), "bytes": f.client.BytesDownloaded(),
	})
}

func (f *fetcher) everything(ctx context.Context) error {
	_, list, err := f.client.ChannelsList(ctx)
	if err != nil {
		return err
	}
	_, users, _, err := f.client.Users(ctx, "")
	if err != nil {
		return err
	}
	for _, u := range users {
		f.save(u.Raw)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(channels)
	for _, c := range list {
		f.save(c.Raw)
		if c.Readable {
			group.Go(func() error { return f.channel(ctx, c.ID) })
		}
	}
	return group.Wait()
}

// channel reads a channel: main messages from the oldest on, the comments of those that have some, files.
func (f *fetcher) channel(ctx context.Context, id string) error {
	last := ""
	for {
		q := teamchat.HistoryQuery{Channel: id, Oldest: last, Inclusive: last != "", Count: pageSize, Page: 1}
		page, err := f.client.History(ctx, q)
		if err != nil {
			return fmt.Errorf("channel %s: %w", id, err)
		}
		before := last
		for _, m := range page.Messages {
			if m.TS <= before {
				continue
			}
			last = m.TS
			f.messages.Add(1)
			f.save(m.Raw)
			if m.CommentsCount > 0 {
				if err := f.thread(ctx, id, m.TS); err != nil {
					return err
				}
			}
		}
		if last == before {
			return f.list(ctx, id)
		}
	}
}

func (f *fetcher) thread(ctx context.Context, channel, ts string) error {
	page, err := f.client.Comments(ctx, channel, ts)
	if err != nil {
		return fmt.Errorf("thread %s/%s: %w", channel, ts, err)
	}
	for _, m := range page.Messages {
		f.comments.Add(1)
		f.save(m.Raw)
	}
	return nil
}

// list reads the pages of threads.list, which a sync needs for late comments, and the files with their bytes.
func (f *fetcher) list(ctx context.Context, channel string) error {
	read := func(call func(context.Context, teamchat.ListQuery) (*teamchat.MessagePage, error), each func(teamchat.Message) error) error {
		for n := 1; ; n++ {
			page, err := call(ctx, teamchat.ListQuery{Channel: channel, Count: pageSize, Page: n})
			if err != nil {
				return fmt.Errorf("channel %s: %w", channel, err)
			}
			for _, m := range page.Messages {
				if err := each(m); err != nil {
					return err
				}
			}
			if len(page.Messages) < pageSize {
				return nil
			}
		}
	}
	if err := read(f.client.Threads, func(teamchat.Message) error { return nil }); err != nil {
		return err
	}
	return read(f.client.Files, func(m teamchat.Message) error {
		if m.File == nil {
			return nil
		}
		f.save(m.File.Raw)
		return f.download(ctx, m.File)
	})
}

func (f *fetcher) download(ctx context.Context, file *teamchat.File) error {
	d, err := f.client.Download(ctx, file)
	if err != nil {
		return fmt.Errorf("file %s: %w", file.ID, err)
	}
	defer d.Close()
	f.files.Add(1)
	_, err = io.Copy(io.Discard, d)
	return err
}

func (f *fetcher) save(raw []byte) {
	if f.out == nil {
		return
	}
	line := append(record.Clean(raw), '\n')
	f.mu.Lock()
	defer f.mu.Unlock()
	f.out.Write(line) // an error stays with the writer until Flush
}
