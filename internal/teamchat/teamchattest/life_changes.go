package teamchattest

import (
	"fmt"
	"slices"
	"time"

	"archiver/internal/record"
)

// The changes of a Life.

func (l *Life) post(w *World, at place) { w.Post(at.channel, at.user, l.text()) }

// burst posts messages in one second.
func (l *Life) burst(w *World, at place) {
	for range 2 + l.rand.IntN(30) {
		w.Post(at.channel, at.user, l.text())
		w.Advance(-time.Second)
	}
}

// late posts under a ts between those of two messages.
func (l *Life) late(w *World, at place) {
	before := l.main(w, at.channel)
	if before == "" {
		return
	}
	id, _ := idOf(before)
	if ts := tsOf(id + uint64(1+l.rand.IntN(1<<20))); !w.taken(at.channel, ts) && id>>16 < uint64(w.Now().Unix())-16 {
		w.PostAt(at.channel, ts, at.user, l.text())
	}
}

func (l *Life) edit(w *World, at place) { w.Edit(at.channel, l.main(w, at.channel), at.user, l.text()) }

func (l *Life) delete(w *World, at place) { w.Delete(at.channel, l.main(w, at.channel)) }

func (l *Life) purge(w *World, at place) { w.Purge(at.channel, 1+l.rand.IntN(8)) }

func (l *Life) comment(w *World, at place) {
	w.Comment(at.channel, l.main(w, at.channel), at.user, l.text())
}

func (l *Life) editComment(w *World, at place) {
	comment, _ := l.reply(w, at.channel)
	w.Edit(at.channel, comment, at.user, l.text())
}

func (l *Life) deleteComment(w *World, at place) {
	comment, _ := l.reply(w, at.channel)
	w.DeleteComment(at.channel, comment)
}

// replaceComment leaves the number of comments as it was.
func (l *Life) replaceComment(w *World, at place) {
	comment, parent := l.reply(w, at.channel)
	if w.DeleteComment(at.channel, comment) {
		w.Comment(at.channel, parent, at.user, l.text())
	}
}

func (l *Life) upload(w *World, at place) {
	w.Upload(at.channel, at.user, fmt.Sprintf("file-%d.txt", l.rand.IntN(20)), l.bytes())
}

// bytes are a file's content, at times none.
func (l *Life) bytes() []byte {
	if l.rand.IntN(8) == 0 {
		return nil
	}
	return fmt.Appendf(nil, "revision %d", l.rand.Uint64())
}

// onFile changes some file.
func (l *Life) onFile(w *World, at place, do func(id string)) {
	if id := l.someFile(w, at.channel); id != "" {
		do(id)
	}
}

func (l *Life) revise(w *World, at place) {
	l.onFile(w, at, func(id string) { w.Revise(at.channel, id, l.bytes()) })
}

func (l *Life) renameFile(w *World, at place) {
	l.onFile(w, at, func(id string) { w.RenameFile(at.channel, id, fmt.Sprintf("renamed-%d.txt", l.rand.IntN(20))) })
}

func (l *Life) deleteFile(w *World, at place) {
	fates := []EntryFate{EntryStays, EntryStripped, EntryGone, EntryFlagged}
	l.onFile(w, at, func(id string) { w.DeleteFile(at.channel, id, fates[l.rand.IntN(len(fates))]) })
}

func (l *Life) react(w *World, at place) {
	names := append([]string{""}, reactionNames...)
	w.React(at.channel, l.main(w, at.channel), at.user, names[l.rand.IntN(len(names))])
}

func (l *Life) pin(w *World, at place) {
	w.Pin(at.channel, l.main(w, at.channel), at.user, l.rand.IntN(3) > 0)
}

func (l *Life) unpin(w *World, at place) {
	if ts, p, ok := l.somePin(w, at.channel); ok {
		w.Unpin(at.channel, ts, w.userID(p.user), p.public)
	}
}

// somePin gives some pin of a channel and the ts of its item.
func (l *Life) somePin(w *World, channel string) (record.TS, pin, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.channel(channel)
	if len(c.pins) == 0 {
		return "", pin{}, false
	}
	p := c.pins[l.rand.IntN(len(c.pins))]
	return tsOf(p.item), p, true
}

// userID is the address of a user.
func (w *World) userID(n int32) string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.users[n].id
}

func (l *Life) someEvent(w *World, user string) Event {
	start := w.Now().Unix() + int64(l.rand.IntN(14*24)-7*24)*3600
	return Event{User: user, Title: l.text(), Start: start, End: start + 1800, Location: "Room, 1; upstairs"}
}

func (l *Life) event(w *World, at place) { w.AddEvent(at.channel, l.someEvent(w, at.user)) }

func (l *Life) changeEvent(w *World, at place) {
	w.mu.RLock()
	var ids []string
	for _, e := range w.channel(at.channel).events {
		ids = append(ids, hexOf(e.id))
	}
	w.mu.RUnlock()
	if len(ids) > 0 {
		w.ChangeEvent(at.channel, ids[l.rand.IntN(len(ids))], l.someEvent(w, at.user))
	}
}

func (l *Life) conference(w *World, at place) {
	w.AddConference(Conference{Channel: at.channel, User: at.user, Title: l.text(), Password: "secret in clear"})
}

func (l *Life) renameChannel(w *World, at place) {
	w.Rename(at.channel, fmt.Sprintf("room %d", l.rand.IntN(12)))
}

// mostChannels bounds how many channels a life adds.
const mostChannels = 16

func (l *Life) addChannel(w *World, at place) {
	if w.channelCount() < mostChannels {
		w.Post(w.AddChannel(fmt.Sprintf("room %d", l.rand.IntN(12)), at.user), at.user, l.text())
	}
}

// removeChannel removes a channel, but not the last two.
func (l *Life) removeChannel(w *World, at place) {
	if w.channelCount() > 2 {
		w.RemoveChannel(at.channel)
	}
}

func (w *World) channelCount() int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return len(w.channels)
}

func (l *Life) moveChannel(w *World, at place) {
	w.Move(at.channel, fmt.Sprintf("group-%d@%s", l.rand.IntN(3), w.domain))
}

func (l *Life) archive(w *World, at place) { w.Archive(at.channel, l.rand.IntN(2) == 0) }

func (l *Life) member(w *World, at place) {
	if l.rand.IntN(3) == 0 {
		w.RemoveMember(at.channel, at.user)
		return
	}
	w.AddMember(at.channel, fmt.Sprintf("new-%d@%s", l.rand.IntN(20), w.domain))
}

// rights takes the right to read a channel, or gives one back; at most two are missing.
func (l *Life) rights(w *World, at place) {
	folder := w.folderOf(at.channel)
	if len(l.lost) > 1 || len(l.lost) > 0 && l.rand.IntN(2) == 0 || slices.Contains(l.lost, folder) {
		l.regain(w)
		return
	}
	l.lost = append(l.lost, folder)
	w.SetReadable(at.channel, false)
}

// listed takes a channel off the list, or brings it back; at most one is missing.
func (l *Life) listed(w *World, at place) {
	if len(l.unseen) > 0 {
		l.show(w)
		return
	}
	l.unseen = append(l.unseen, w.folderOf(at.channel))
	w.SetListed(at.channel, false)
}
