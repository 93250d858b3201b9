package timeline

import (
	"container/heap"
	"math"
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
// more.
func (s *Selected) Walk(order Order, after *Key, skip int, each func(Message) (more bool)) error {
	w := walk{Selected: s, order: order, after: after, streams: make([]stream, 0, len(s.pieces))}
	for i := range s.pieces {
		if p := &s.pieces[i]; after == nil || !w.behind(p) {
			w.streams = append(w.streams, stream{next: w.begin(p), piece: p})
		}
	}
	heap.Init(&w)
	for len(w.streams) > 0 {
		top := &w.streams[0]
		switch {
		case top.piece != nil && w.jump(&skip):
		case top.piece != nil:
			if err := w.open(); err != nil {
				return err
			}
		case skip > 0:
			skip--
			w.advance()
		default:
			if !each(top.messages[len(top.messages)-1]) {
				return nil
			}
			w.advance()
		}
	}
	return nil
}

// walk merges pieces, each of which is in order. They are decoded when it is their turn.
type walk struct {
	*Selected
	order   Order
	after   *Key
	streams []stream // a heap by next
}

// stream is what is left of a piece.
type stream struct {
	next     Key       // of the next message; of a piece that is not decoded, one that is not behind it
	piece    *piece    // as long as it is not decoded
	messages []Message // then; the next one is the last
}

// begin gives a key that does not lie behind any of a piece.
func (w *walk) begin(p *piece) Key {
	if w.order == OldestFirst {
		return Key{Second: p.first}
	}
	return Key{p.last, math.MaxUint32, math.MaxUint32}
}

// behind tells whether all of a piece lies before the message to go on after.
func (w *walk) behind(p *piece) bool {
	if w.order == OldestFirst {
		return p.last < w.after.Second
	}
	return p.first > w.after.Second
}

// jump passes over the first piece at once, if all of it is to be skipped and nothing lies beside it.
func (w *walk) jump(skip *int) bool {
	p := w.streams[0].piece
	if p.messages > *skip || w.after != nil || !w.whole(p) {
		return false
	}
	for _, s := range w.streams[1:min(3, len(w.streams))] { // one of them is the next
		if w.order == NewestFirst && s.next.Second >= p.first || w.order == OldestFirst && s.next.Second <= p.last {
			return false
		}
	}
	*skip -= p.messages
	heap.Pop(w)
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
	w.settle()
	return w.view.ctx.Err()
}

// advance goes on to the next message.
func (w *walk) advance() {
	top := &w.streams[0]
	top.messages = top.messages[:len(top.messages)-1]
	w.settle()
}

// settle puts the first stream where its next message belongs.
func (w *walk) settle() {
	top := &w.streams[0]
	if n := len(top.messages); n > 0 {
		top.next = top.messages[n-1].Key
		heap.Fix(w, 0)
		return
	}
	heap.Pop(w)
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
