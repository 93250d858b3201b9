package timeline

import (
	"container/heap"
	"slices"
)

// Order is a direction of time.
type Order int

// The orders.
const (
	OldestFirst Order = 1
	NewestFirst Order = -1
)

// Walk calls each with the messages in order, those behind after if it is set, without the first skip, until it wants no
// more. It reads as much as that takes; what is skipped, mostly without decoding it.
func (s *Selected) Walk(order Order, after *Key, skip int, each func(Message) (more bool)) error {
	w := walk{Selected: s, order: order, after: after, streams: make([]stream, len(s.groups))}
	for i, group := range s.groups {
		w.streams[i].scan = s.view.scan(s.list, group, order, w.start())
		if err := w.load(&w.streams[i]); err != nil {
			return err
		}
	}
	w.streams = slices.DeleteFunc(w.streams, func(s stream) bool { return s.piece == nil })
	heap.Init(&w)
	for len(w.streams) > 0 {
		top := &w.streams[0]
		var err error
		switch {
		case top.piece != nil && w.passable(skip):
			skip -= top.piece.messages
			err = w.replace()
		case top.piece != nil:
			err = w.open()
		default:
			if skip > 0 {
				skip--
			} else if !each(top.messages[len(top.messages)-1]) {
				return nil
			}
			err = w.advance()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// walk merges groups, each of which is in order. Their pieces are read when it is their turn, and decoded then.
type walk struct {
	*Selected
	order   Order
	after   *Key
	streams []stream // a heap by next
}

// stream is what is left of a group.
type stream struct {
	scan     *scan
	next     Key       // of the next message; of a piece that is not decoded, one that is not behind it
	piece    *piece    // as long as it is not decoded
	messages []Message // then; the next one is the last
}

// start gives a key from which on to look.
func (w *walk) start() Key {
	switch {
	case w.after != nil:
		return *w.after
	case w.order == OldestFirst:
		return Key{Second: w.from}
	case w.to <= lastKey.Second:
		return Key{Second: w.to}
	default:
		return lastKey
	}
}

// load takes the next piece that reaches into what is asked for; a stream without one is at its end.
func (w *walk) load(s *stream) (err error) {
	for {
		if s.piece, err = s.scan.next(); err != nil || s.piece == nil {
			return err
		}
		p := s.piece
		switch {
		case w.order == OldestFirst && p.first >= w.to, w.order == NewestFirst && p.last < w.from:
			s.piece = nil
			return nil
		case w.order == OldestFirst && p.last < w.from, w.order == NewestFirst && p.first >= w.to:
			continue
		case w.order == OldestFirst:
			s.next = Key{Second: p.first}
		default:
			s.next = Key{p.last, lastKey.Counter, lastKey.Channel}
		}
		return nil
	}
}

// passable tells whether all of the first piece is to be skipped and nothing lies beside it.
func (w *walk) passable(skip int) bool {
	p := w.streams[0].piece
	if p.messages > skip || w.after != nil || !w.whole(p) {
		return false
	}
	for _, s := range w.streams[1:min(3, len(w.streams))] { // one of them is the next
		if w.order == NewestFirst && s.next.Second >= p.first || w.order == OldestFirst && s.next.Second <= p.last {
			return false
		}
	}
	return true
}

// open decodes the first piece.
func (w *walk) open() error {
	top := &w.streams[0]
	p := top.piece
	messages, err := p.appendTo(make([]Message, 0, p.messages))
	if err != nil {
		return err
	}
	if w.after != nil || !w.whole(p) {
		messages = slices.DeleteFunc(messages, func(m Message) bool {
			return !w.counts(&m) || w.after != nil && m.Key.Compare(*w.after)*int(w.order) <= 0
		})
	}
	if w.order == OldestFirst {
		slices.Reverse(messages)
	}
	top.piece, top.messages = nil, messages
	return w.settle()
}

// advance goes on to the next message.
func (w *walk) advance() error {
	top := &w.streams[0]
	top.messages = top.messages[:len(top.messages)-1]
	return w.settle()
}

// settle puts the first stream where its next message belongs.
func (w *walk) settle() error {
	top := &w.streams[0]
	n := len(top.messages)
	if n == 0 {
		return w.replace()
	}
	top.next = top.messages[n-1].Key
	heap.Fix(w, 0)
	return nil
}

// replace takes the next piece of the first stream's group in place of the one at hand.
func (w *walk) replace() error {
	top := &w.streams[0]
	if err := w.load(top); err != nil {
		return err
	}
	if top.piece == nil {
		heap.Pop(w)
	} else {
		heap.Fix(w, 0)
	}
	return nil
}

// The heap of streams.

func (w *walk) Len() int { return len(w.streams) }

func (w *walk) Less(i, j int) bool {
	return w.streams[i].next.Compare(w.streams[j].next)*int(w.order) < 0
}

func (w *walk) Swap(i, j int) { w.streams[i], w.streams[j] = w.streams[j], w.streams[i] }

func (w *walk) Push(s any) { w.streams = append(w.streams, s.(stream)) }

func (w *walk) Pop() any {
	w.streams = w.streams[:len(w.streams)-1]
	return nil
}
