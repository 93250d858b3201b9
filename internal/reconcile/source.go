package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"

	"archiver/internal/record"
	"archiver/internal/teamchat"
)

const (
	minPage  = 10     // smallest count that is asked for after an answer was too large
	maxPages = 100    // pages in a row without news of a list that claims to go on
	maxList  = 10_000 // pages of a list without bounds
)

var (
	errBounds  = errors.New("the server does not honour the bounds or the order of history, so that its messages can't be counted")
	errEndless = errors.New("the server's list does not come to its end")
)

// item is a main message of the server.
type item struct {
	ts      record.TS
	message *teamchat.Message
}

// history gives every main message of a channel once, by ts. Each answer begins at the greatest ts of the one before, so
// that nothing is skipped, however the channel changes meanwhile.
func (c *channel) history(ctx context.Context, each func(item) error) error {
	var last record.TS
	size, page := c.run.PageSize, 0
	for {
		answer, err := c.run.Client.History(ctx, teamchat.HistoryQuery{
			Channel: c.pair.listed.ID, Oldest: string(last), Inclusive: true, Count: size, Page: page,
		})
		if errors.Is(err, teamchat.ErrTooLarge) && size > minPage {
			size = max(size/2, minPage)
			continue
		}
		if err != nil {
			return err
		}
		news, err := after(answer, last)
		if err != nil {
			return err
		}
		for _, it := range news {
			if err := each(it); err != nil {
				return err
			}
		}
		c.run.messages.Add(int64(len(news)))
		c.run.progress()
		switch p := answer.Paging; {
		case len(news) > 0:
			last, page = news[len(news)-1].ts, 0
		case page >= maxPages:
			return errEndless
		case p.Count > 0 && p.Total > p.Count*int64(max(page, 1)):
			page++ // messages that the account may not see fill the page
		default:
			return nil
		}
	}
}

// after gives the items of an answer whose ts is greater than last.
func after(answer *teamchat.MessagePage, last record.TS) ([]item, error) {
	news := make([]item, 0, len(answer.Messages))
	var before record.TS
	for i := range answer.Messages {
		m := &answer.Messages[i]
		ts, err := record.ParseTS(m.TS)
		if err != nil {
			continue // sync names it as a problem
		}
		if ts < last || ts < before {
			return nil, errBounds
		}
		if ts > last && ts > before {
			news = append(news, item{ts, m})
		}
		before = ts
	}
	return news, nil
}

// pages gives every item of a list that has page numbers only, until a page shows nothing that was not shown before.
// Items that a change of the list pushes past the reader are shown twice at most; those that it pulls before him are
// few, and another comparison finds them.
func (c *channel) pages(ctx context.Context, ask func(context.Context, teamchat.ListQuery) (*teamchat.MessagePage, error),
	each func(m *teamchat.Message) (first bool),
) error {
	for page := 1; page <= maxList; page++ {
		answer, err := ask(ctx, teamchat.ListQuery{Channel: c.pair.listed.ID, Count: c.run.PageSize, Page: page})
		if err != nil {
			return err
		}
		news := false
		for i := range answer.Messages {
			news = each(&answer.Messages[i]) || news
		}
		p := answer.Paging
		if whole := p.Count > 0 && p.Total > 0 && p.Total <= p.Count*int64(page); whole || !news && p.Pages <= int64(page) {
			return nil
		}
	}
	return errEndless
}

// files gives the ids of files.list.
func (c *channel) files(ctx context.Context) (map[string]bool, error) {
	listed := make(map[string]bool)
	err := c.pages(ctx, c.run.Client.Files, func(m *teamchat.Message) bool {
		if m.File == nil || m.File.ID == "" || listed[m.File.ID] {
			return false
		}
		listed[strings.Clone(m.File.ID)] = true
		return true
	})
	return listed, err
}

// threads counts the comments of the threads of threads.list.
func (c *channel) threads(ctx context.Context) error {
	seen := make(map[record.TS]bool)
	var uncounted []record.TS
	err := c.pages(ctx, c.run.Client.Threads, func(m *teamchat.Message) bool {
		ts, err := record.ParseTS(m.TS)
		if err != nil || seen[ts] || m.Parent != "" {
			return false
		}
		seen[ts] = true
		if m.CommentsCount < 0 {
			uncounted = append(uncounted, ts)
		} else {
			c.thread(ts).source = int(m.CommentsCount)
		}
		return true
	})
	if err != nil {
		return err
	}
	slices.Sort(uncounted)
	for _, ts := range uncounted {
		comments, err := c.comments(ctx, ts)
		if err != nil {
			return err
		}
		c.thread(ts).source = len(comments)
	}
	return nil
}

// recount gives how many comments the server counts now for a thread: before where history does not count them, none
// where it does not show the parent (any more).
func (c *channel) recount(ctx context.Context, parent record.TS, before int) (int, error) {
	if !c.counted {
		return before, nil
	}
	answer, err := c.run.Client.History(ctx, teamchat.HistoryQuery{
		Channel: c.pair.listed.ID, Oldest: string(parent), Latest: string(parent), Inclusive: true, Count: minPage,
	})
	if err != nil {
		return 0, err
	}
	for i := range answer.Messages {
		if ts, err := record.ParseTS(answer.Messages[i].TS); err == nil && ts == parent {
			return int(max(answer.Messages[i].CommentsCount, 0)), nil
		}
	}
	return 0, nil
}

// comments gives the ts of the comments of a thread, in order. A thread that is not there (any more) has none.
func (c *channel) comments(ctx context.Context, parent record.TS) ([]record.TS, error) {
	answer, err := c.run.Client.Comments(ctx, c.pair.listed.ID, string(parent))
	var refusal *teamchat.Error
	if errors.As(err, &refusal) && refusal.NotFound() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []record.TS
	for _, m := range answer.Messages {
		if ts, err := record.ParseTS(m.TS); err == nil && ts != parent {
			list = append(list, ts)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}
