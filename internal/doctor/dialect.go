package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"archiver/internal/record"
	"archiver/internal/teamchat"
)

const (
	mostChannels = 5    // that are looked into
	enough       = 12   // messages show how lists are paged
	fewest       = 4    // below which hardly anything shows
	askedFor     = 5000 // items; more than servers are known to give at once
)

// look finds out how the server speaks, by one channel.
func (s *server) look(ctx context.Context) {
	d := s.choose(ctx)
	if d == nil || ctx.Err() != nil {
		return
	}
	s.ok("looked into", "%s: %s came at once", s.named(d.channel), counted(len(d.newest), "message"))
	checks := []func(context.Context){d.pageSize, d.pageNumbers, d.order, d.bounds, d.history}
	if len(d.ref) < fewest {
		s.warn("history", fmt.Sprintf("%s holds too few messages to show how lists are paged", d.channel.Name),
			"nothing needs to be done: sync finds out by itself; run archiver doctor again when there are more")
		checks = nil
	}
	checks = append(checks, d.messages, d.threads, d.items, d.files, d.others)
	for _, check := range checks {
		if ctx.Err() != nil {
			return
		}
		check(ctx)
	}
}

// dialect is what is known of a server's ways, from one channel.
type dialect struct {
	*server
	channel teamchat.Channel
	first   *answer     // to the first request for history: as many as possible, newest first
	newest  []item      // its messages
	ref     []record.TS // their ts, in its order
	asc     []record.TS // the same, ascending

	pageOne []record.TS // page 1 of pages of two messages
	listed  []item      // what threads.list gave

	pagesFrom    int  // number of the first page, -1 if page numbers mean nothing or it is not known
	pagesUnknown bool // one page holds everything
	ordered      bool // descending=false gives the oldest first
	bounded      bool // oldest and inclusive are honoured
}

// choose gives the channel that shows most of the first few, nil if there is none.
func (s *server) choose(ctx context.Context) *dialect {
	var best *dialect
	for _, c := range s.candidates() {
		a, err := s.historyOf(ctx, c, "count", strconv.Itoa(askedFor), "descending", "true")
		if err != nil {
			s.warn("history of "+c.Name, err.Error(), "the channel is listed as readable and can't be read: sync will name it and end 3")
			continue
		}
		d := &dialect{server: s, channel: c, first: a, newest: a.messages, ref: a.stamps(), pagesFrom: -1}
		if best == nil || d.shows() > best.shows() {
			best = d
		}
		if d.shows() == 7 {
			break
		}
	}
	switch {
	case best == nil && s.o.Channel != "":
		s.warn("looked into", "no readable channel is called "+s.o.Channel, "archiver status and the list on the server name channels")
		return nil
	case best == nil || len(best.ref) == 0:
		s.warn("looked into", "no channel that can be read holds messages", "how this server speaks could not be told; nothing needs to be done")
		return nil
	}
	best.asc = slices.Sorted(slices.Values(best.ref))
	return best
}

// candidates are the channels to look into, those with the newest messages first.
func (s *server) candidates() []teamchat.Channel {
	var list []teamchat.Channel
	for _, c := range s.channels {
		if c.Readable && !s.excludes(c) && (s.o.Channel == "" || isCalled(c, s.o.Channel)) {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b teamchat.Channel) int { return cmp.Compare(b.Latest, a.Latest) })
	return list[:min(len(list), mostChannels)]
}

// shows says how much a channel shows: enough messages before threads before files.
func (d *dialect) shows() (n int) {
	if len(d.ref) >= enough {
		n += 4
	}
	if slices.ContainsFunc(d.newest, func(m item) bool { return record.ParseMessage(m.raw).CommentsCount > 0 }) {
		n += 2
	}
	if slices.ContainsFunc(d.newest, func(m item) bool { return record.ParseMessage(m.raw).FileID != "" }) {
		n++
	}
	return n
}

// historyOf asks for main messages of a channel.
func (s *server) historyOf(ctx context.Context, c teamchat.Channel, parameters ...string) (*answer, error) {
	return s.list(ctx, methodHistory, append([]string{"channel", c.ID}, parameters...)...)
}

// again asks for messages as the first request did, with some more parameters.
func (d *dialect) again(ctx context.Context, parameters ...string) (*answer, error) {
	all := append([]string{"count", strconv.Itoa(askedFor), "descending", "true"}, parameters...)
	return d.historyOf(ctx, d.channel, all...)
}

// page asks for a page of two messages.
func (d *dialect) page(ctx context.Context, n int) (*answer, error) {
	return d.historyOf(ctx, d.channel, "count", "2", "descending", "true", "page", strconv.Itoa(n))
}

// pageSize checks how many items a page holds.
func (d *dialect) pageSize(ctx context.Context) {
	const name = "page size"
	a, err := d.page(ctx, 1)
	if err != nil {
		d.untold(name, err)
		return
	}
	d.pageOne = a.stamps()
	largest := d.largestPage(ctx)
	switch n := len(a.messages); {
	case n > 2 && n >= len(d.ref):
		d.warn(name, fmt.Sprintf("count is not honoured: asked for 2 messages, the server gives all %d", n), "large channels need large answers; nothing is lost")
	case n > 2:
		d.warn(name, fmt.Sprintf("count is not honoured: every page has %d messages", n), "a first sync takes more requests; nothing is lost")
	case n < 2:
		d.ok(name, "count is honoured as an upper bound: a page can hold fewer (%d of 2) though more follow; %s", n, largest)
	default:
		d.ok(name, "count is honoured; %s", largest)
	}
}

// largestPage says how many messages the server gives at most.
func (d *dialect) largestPage(ctx context.Context) string {
	if p := d.first.paging; p != nil && p.Count > 0 && p.Count < askedFor {
		return fmt.Sprintf("at most %d a page", p.Count)
	}
	a, err := d.again(ctx, "page", "2")
	if err == nil && slices.ContainsFunc(a.stamps(), func(ts record.TS) bool { return !slices.Contains(d.ref, ts) }) {
		return fmt.Sprintf("at most %d a page", len(d.ref))
	}
	return fmt.Sprintf("the largest page is not known, %d came at once", len(d.ref))
}

// pageNumbers checks how pages are numbered, and what lies behind the last one.
func (d *dialect) pageNumbers(ctx context.Context) {
	const name = "page numbers"
	pages := [4][]record.TS{1: d.pageOne}
	for _, n := range []int{0, 2, 3} {
		a, err := d.page(ctx, n)
		switch {
		case err == nil:
			pages[n] = a.stamps()
		case n > 0:
			d.untold(name, err)
			return
		}
	}
	one, two := d.position(pages[1]), d.position(pages[2])
	switch {
	case len(pages[1]) >= len(d.ref):
		d.pagesUnknown = true
		d.ok(name, "one page holds the whole channel: nothing shows")
		return
	case one == 0 && two == 0:
		d.warn(name, "the page asked for is ignored: every page is the first",
			"of lists without time bounds (threads, files) only the first page can be had, asked for as large as the server allows")
		return
	case one == 0:
		d.pagesFrom = 1
		d.ok(name, "pages begin at 1%s; %s%s", zeroth(pages), d.hole(pages), d.pastEnd(ctx))
	case one > 0 && d.position(pages[0]) == 0:
		d.pagesFrom = 0
		d.ok(name, "pages begin at 0; %s", d.pastEnd(ctx))
	default:
		d.warn(name, "pages follow no order that is known", "archiver compares what pages hold; a sync that can't prove a list complete says so and ends 3")
	}
}

// position is where in the first answer a page begins, -1 if it holds nothing of it.
func (d *dialect) position(page []record.TS) int {
	if len(page) == 0 {
		return -1
	}
	return slices.Index(d.ref, page[0])
}

func zeroth(pages [4][]record.TS) string {
	if slices.Equal(pages[0], pages[1]) {
		return ", and 0 is taken as 1"
	}
	return ""
}

// hole says whether a page in the middle was empty.
func (d *dialect) hole(pages [4][]record.TS) string {
	if len(pages[2]) == 0 && len(pages[3]) > 0 {
		return "pages in the middle can be empty, which sync does not take for the end; "
	}
	return ""
}

// pastEnd says what a page that is not there gives.
func (d *dialect) pastEnd(ctx context.Context) string {
	a, err := d.page(ctx, 99999)
	switch {
	case err != nil:
		return "a page past the end is refused: " + err.Error()
	case len(a.messages) == 0:
		return "a page past the end is empty"
	case d.position(a.stamps()) == 0:
		return "a page past the end is the first page again"
	}
	return "a page past the end is the last page again"
}

// listOrder is the order of a list by ts.
type listOrder int

const (
	unclear listOrder = iota
	ascending
	descending
)

func orderOf(list []record.TS) listOrder {
	up, down := 0, 0
	for i := 1; i < len(list); i++ {
		if list[i] > list[i-1] {
			up++
		} else {
			down++
		}
	}
	switch {
	case up > down:
		return ascending
	case down > up:
		return descending
	}
	return unclear
}

// order checks that history can be asked for oldest first.
func (d *dialect) order(ctx context.Context) {
	const name = "order"
	a, err := d.historyOf(ctx, d.channel, "count", "10", "descending", "false")
	if err != nil {
		d.untold(name, err)
		return
	}
	down, up := orderOf(d.ref), orderOf(a.stamps())
	d.ordered = up == ascending
	switch {
	case down == descending && up == ascending:
		d.ok(name, "descending is honoured")
	case down == descending && up == descending:
		d.warn(name, "descending=false is ignored: history is always newest first", "history is read page by page, see below")
	case down == ascending && up == descending:
		d.warn(name, "descending works the wrong way round: true gives the oldest first", "history is read page by page, see below")
	case down == ascending && up == ascending:
		d.warn(name, "descending=true is ignored: history is always oldest first", "archiver needs only that order; nothing is lost")
	default:
		d.warn(name, "messages come in no clear order", "history is read page by page, see below")
	}
}

// bounds checks that history can be asked for by ts. Each answer is compared with the first one: what that holds
// beyond a bound would be in it, were the bound ignored.
func (d *dialect) bounds(ctx context.Context) {
	const name = "bounds"
	last := len(d.asc) - 1
	from := d.asc[last-1]
	tail, err := d.again(ctx, "oldest", string(from), "inclusive", "true")
	if err != nil {
		d.untold(name, err)
		return
	}
	low, high := d.asc[1], d.asc[min(3, last-1)]
	between := []string{"oldest", string(low), "latest", string(high)}
	without, err := d.again(ctx, between...)
	if err != nil {
		d.untold(name, err)
		return
	}
	with, err := d.again(ctx, append(between, "inclusive", "true")...)
	if err != nil {
		d.untold(name, err)
		return
	}
	b := boundaries{tail: tail.stamps(), with: with.stamps(), without: without.stamps(), from: from, low: low, high: high}
	d.bounded = b.oldestHonoured() && b.kept()
	if faults := b.faults(); len(faults) > 0 {
		d.warn(name, listed(faults), "see below for what that means")
		return
	}
	d.ok(name, "oldest, latest and inclusive are honoured")
}

// boundaries are the answers to requests with bounds, and the bounds.
type boundaries struct {
	tail, with, without []record.TS // from on; low to high, inclusive; low to high
	from, low, high     record.TS
}

func (b boundaries) oldestHonoured() bool {
	return len(b.tail) > 0 && !slices.ContainsFunc(b.tail, func(ts record.TS) bool { return ts < b.from })
}

func (b boundaries) latestHonoured() bool {
	return len(b.with)+len(b.tail) > 0 && !slices.ContainsFunc(b.with, func(ts record.TS) bool { return ts > b.high })
}

// kept tells whether inclusive keeps the bounds.
func (b boundaries) kept() bool { return slices.Contains(b.tail, b.from) }

func (b boundaries) faults() (faults []string) {
	for _, check := range []struct {
		wrong bool
		what  string
	}{
		{!b.oldestHonoured(), "oldest is ignored"},
		{!b.latestHonoured(), "latest is ignored"},
		{!b.kept(), "inclusive=true is ignored: the bounds are left out"},
		{b.oldestHonoured() && slices.Contains(b.without, b.low), "the bounds are kept even without inclusive"},
	} {
		if check.wrong {
			faults = append(faults, check.what)
		}
	}
	return faults
}

// history says what all that means for a sync.
func (d *dialect) history(context.Context) {
	const name = "history"
	switch {
	case d.ordered && d.bounded:
		d.ok(name, "can be walked by ts, so that nothing is skipped however the channel changes meanwhile")
	case d.pagesFrom >= 0 || d.pagesUnknown:
		d.warn(name, "can't be walked by ts: sync reads overlapping pages, and compares them to prove that nothing was skipped",
			"a sync takes more requests (up to a quarter) and reads whole channels anew; nothing is lost")
	default:
		d.fail(name, fmt.Errorf("neither bounds nor page numbers work: only %d messages of a channel can be had", len(d.ref)),
			"this server can't be archived completely: keep its answers with --save and report them")
	}
}
