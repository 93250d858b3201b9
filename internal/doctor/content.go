package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"archiver/internal/record"
	"archiver/internal/teamchat"

	"github.com/go-json-experiment/json/jsontext"
)

// messages says what kinds of messages there are, and how the server marks an edit.
func (d *dialect) messages(context.Context) {
	times, odd := map[record.Kind]int{}, map[string]bool{}
	for _, m := range d.newest {
		kind := record.ParseMessage(m.raw).Kind
		times[kind]++
		if kind == record.KindOther {
			odd[cmp.Or(member(m.raw, "subtype"), "?")] = true
		}
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(times)) {
		parts = append(parts, fmt.Sprintf("%d %s", times[kind], kind))
	}
	detail := strings.Join(parts, ", ") + "; " + d.editMark()
	if ts := members(d.newest[0].raw)["ts"]; jsontext.Value(ts).Kind() == '0' {
		detail += "; ts are numbers"
	}
	if len(odd) > 0 {
		d.warn("messages", fmt.Sprintf("%s; kinds that archiver does not know: %s", detail, listed(slices.Sorted(maps.Keys(odd)))),
			"they are archived whole, and their text can be searched; --save keeps what they look like")
		return
	}
	d.ok("messages", "%s", detail)
}

func (d *dialect) editMark() string {
	marked, modified := 0, 0
	for _, m := range d.newest {
		if record.ParseMessage(m.raw).Edited {
			marked++
		}
		if has(m.raw, "modified") {
			modified++
		}
	}
	switch {
	case marked > 0:
		return fmt.Sprintf("%d marked as edited (edited)", marked)
	case modified > 0:
		return "the time of the last change (modified) in place of a mark on edited ones"
	}
	return "none is marked as edited: edits are found by comparing texts"
}

// threads checks how comments are found.
func (d *dialect) threads(ctx context.Context) {
	const name = "comment counts"
	a, err := d.list(ctx, methodThreads, "channel", d.channel.ID, "count", "100")
	if err != nil {
		d.untold(name, err)
		return
	}
	d.listed = a.messages
	if len(a.messages) == 0 {
		d.ok(name, "no message of the channel has comments: nothing shows")
		return
	}
	counted := slices.DeleteFunc(slices.Clone(a.messages), func(m item) bool { return !has(m.raw, "comments_count") })
	switch {
	case len(counted) == 0:
		d.warn(name, "messages with comments don't say how many (no comments_count)",
			"sync reads every thread in every run, a request each: set sync.concurrency and the times of the runs accordingly")
	case jsontext.Value(members(counted[0].raw)["comments_count"]).Kind() == '"':
		d.ok(name, "comments_count, as text")
	default:
		d.ok(name, "comments_count")
	}
	d.comments(ctx)
}

// comments checks that a thread comes whole: the one with most comments, of those that say how many.
func (d *dialect) comments(ctx context.Context) {
	const name = "comments"
	parent := slices.MaxFunc(d.listed, func(a, b item) int {
		return cmp.Compare(record.ParseMessage(a.raw).CommentsCount, record.ParseMessage(b.raw).CommentsCount)
	})
	a, err := d.list(ctx, methodComments, "channel", d.channel.ID, "ts", string(parent.ts))
	if err != nil {
		d.untold(name, err)
		return
	}
	said, got := record.ParseMessage(parent.raw).CommentsCount, int64(len(a.messages))
	switch {
	case said > got:
		d.warn(name, fmt.Sprintf("a thread of %d comments comes with %d", said, got),
			"threads.comments can't be paged: the comments behind are out of reach, and sync names such threads")
	case said >= 0:
		d.ok(name, "a thread of %d comes whole", said)
	default:
		d.ok(name, "a thread comes with %d", got)
	}
	if len(a.messages) > 0 {
		d.comment(ctx, a.messages[0])
	}
}

// comment checks that a comment can be had by itself.
func (d *dialect) comment(ctx context.Context, c item) {
	const name = "comment by itself"
	a, err := d.ask(ctx, methodItem, "channel", d.channel.ID, "ts", string(c.ts))
	switch {
	case err != nil:
		d.untold(name, err)
	case a.refused():
		d.warn(name, a.verdict(), "the deletion of a comment is proven by reading its thread again, not by asking for it")
	default:
		d.ok(name, "is given")
	}
}

// items checks that the server tells a message that is there from one that is not: sync --full proves deletions so.
func (d *dialect) items(ctx context.Context) {
	const name = "items.info"
	there, err := d.ask(ctx, methodItem, "channel", d.channel.ID, "ts", string(d.ref[0]))
	if err != nil {
		d.untold(name, err)
		return
	}
	absent, err := d.ask(ctx, methodItem, "channel", d.channel.ID, "ts", "1000000000.000001")
	if err != nil {
		d.untold(name, err)
		return
	}
	detail := fmt.Sprintf("a message that is there gives %s, one that is not %s", there.verdict(), absent.verdict())
	gone := []string{"e_notfound", "e_parameters", "message_not_found", "not_found"}
	if !there.refused() && slices.Contains(gone, absent.reason()) {
		d.ok(name, "%s", detail)
		return
	}
	d.warn(name, detail, "deletions are recorded only after two complete readings at least a minute apart, never within one run")
}

// files compares files.list with the files that history shows, and fetches the beginning of one.
func (d *dialect) files(ctx context.Context) {
	page, err := d.client.Files(ctx, teamchat.ListQuery{Channel: d.channel.ID, Count: askedFor})
	if err != nil {
		d.untold("files", err)
		return
	}
	d.compareFiles(page)
	d.download(ctx, page)
}

func (d *dialect) compareFiles(page *teamchat.MessagePage) {
	const name = "files"
	shown, inList := map[string]bool{}, map[string]bool{}
	for _, m := range d.newest {
		if id := record.ParseMessage(m.raw).FileID; id != "" {
			shown[id] = true
		}
	}
	for _, m := range page.Messages {
		if m.File != nil {
			inList[m.File.ID] = true
		}
	}
	var missing []string
	for _, id := range slices.Sorted(maps.Keys(shown)) {
		if !inList[id] {
			missing = append(missing, id)
		}
	}
	switch {
	case len(missing) > 0 && !d.holdsAll(page):
		d.ok(name, "files.list gives %d at once, history shows %d; whether they agree shows only in a sync", len(inList), len(shown))
	case len(missing) > 0:
		d.warn(name, fmt.Sprintf("history shows %s that files.list lacks: %s", counted(len(missing), "file"), listed(missing)),
			"sync takes files from both; one that is deleted on the server is named as gone")
	case len(inList) == 0 && len(shown) == 0:
		d.ok(name, "the channel has none")
	default:
		d.ok(name, "files.list gives %d, history %d, and they agree", len(inList), len(shown))
	}
}

// holdsAll tells whether nothing hints at more behind the first page of a list.
func (d *dialect) holdsAll(page *teamchat.MessagePage) bool {
	return page.Paging.Pages <= 1 && len(page.Messages) < len(d.ref)
}

// download checks how the content of files is had: with the ticket alone, or only with a login as well.
func (d *dialect) download(ctx context.Context, page *teamchat.MessagePage) {
	const name = "downloads"
	file := smallest(page.Messages)
	if file == nil {
		return
	}
	bad, err := d.ask(ctx, "files.download", "ticket", "archiver-doctor-no-such-ticket", "token", "")
	refusal := "can't be told from a file"
	if err == nil && bad.refused() {
		refusal = "gives " + bad.verdict()
	}
	if err := d.fetch(ctx, file, true); err == nil {
		d.ok(name, "a ticket alone is enough; a wrong one %s", refusal)
		return
	}
	if err := d.fetch(ctx, file, false); err != nil {
		d.warn(name, fmt.Sprintf("%s: %v", file.Name, err), "sync names the files that it can't have, and tries them again")
		return
	}
	d.ok(name, "need a login beside the ticket; a wrong ticket %s", refusal)
}

// smallest gives the smallest file that has bytes and a ticket, nil if there is none.
func smallest(list []teamchat.Message) (file *teamchat.File) {
	for _, m := range list {
		if f := m.File; f != nil && f.Ticket != "" && f.Size > 0 && (file == nil || f.Size < file.Size) {
			file = f
		}
	}
	return file
}

// fetch reads the first bytes of a file, without a login if anonymous.
func (d *dialect) fetch(ctx context.Context, f *teamchat.File, anonymous bool) (err error) {
	client := d.client
	if anonymous {
		o := d.o.Client
		o.Password = nil
		if client, err = teamchat.New(o); err != nil {
			return err
		}
		defer client.Close(ctx)
	}
	download, err := client.Download(ctx, f)
	if err != nil {
		return err
	}
	defer download.Close()
	if _, err := io.ReadFull(download, make([]byte, min(f.Size, 512))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// others checks what else the server offers.
func (d *dialect) others(ctx context.Context) {
	const name = "calendar and pins"
	var lacking []string
	for _, call := range []struct {
		method     string
		parameters []string
	}{
		{"pins.list", []string{"channel", d.channel.ID, "include_public", "true", "include_private", "false", "count", "100"}},
		{"mentions.list", []string{"channel", d.channel.ID, "count", "10"}},
		{"events.history", []string{"channel", d.channel.ID}},
		{"events.upcoming", []string{"channel", d.channel.ID}},
		{"conferences.list", []string{"type", "0", "count", "100"}},
		{"conferences.list", []string{"type", "1", "days_future", "30"}},
	} {
		a, err := d.ask(ctx, call.method, call.parameters...)
		switch {
		case err != nil:
			lacking = append(lacking, err.Error())
		case a.refused():
			lacking = append(lacking, call.method+" ("+a.verdict()+")")
		}
	}
	if lacking = slices.Compact(lacking); len(lacking) > 0 {
		d.warn(name, "not to be had: "+strings.Join(lacking, ", "), "what they would add is missing from the archive; messages, comments and files are not concerned")
		return
	}
	d.ok(name, "are given")
}
