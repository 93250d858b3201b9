package teamchat

import (
	"context"
	"sync"
	"time"
)

const (
	stretch    = 20                     // successes in a row after which one more request may be under way
	samples    = 8                      // answers of a method before its latency is judged
	slowest    = 500 * time.Millisecond // latency up to which a server is never called slow
	steep      = 4                      // by how much latency must rise above what is usual
	shortRange = 4                      // answers that the present latency is an average of, about
	longRange  = 64                     // likewise the usual one
)

// gate bounds how many requests are under way. The bound is halved when the server asks for patience or becomes much
// slower than it was, and grows by one after a stretch of successes.
type gate struct {
	slots chan struct{} // one element for each request under way, and for each one that is held back

	mu        sync.Mutex
	held      int       // elements of slots that are held back
	due       int       // elements that are to be held back as soon as requests end
	successes int       // in a row, since the bound changed
	halved    time.Time // when the bound was halved; what was sent before tells nothing new
	latency   map[string]*latency
}

// latency is how long a method takes until its answer begins, as moving averages.
type latency struct {
	answers       int
	recent, usual float64 // seconds
}

func newGate(most int) *gate {
	return &gate{slots: make(chan struct{}, most), latency: make(map[string]*latency)}
}

// enter waits for a place.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave gives a place back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.due > 0 {
		g.due--
		g.held++
		return
	}
	<-g.slots
}

// bound is how many requests may be under way.
func (g *gate) bound() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open()
}

// open is bound; g.mu is held.
func (g *gate) open() int { return cap(g.slots) - g.held - g.due }

// worked notes a success.
func (g *gate) worked() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.successes++; g.successes < stretch {
		return
	}
	g.successes = 0
	switch {
	case g.due > 0:
		g.due--
	case g.held > 0:
		g.held--
		<-g.slots
	}
}

// halve notes that the server has too much to do, as the answer to a request that was sent at a time tells. It tells
// whether that changes the bound.
func (g *gate) halve(sent time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.close(sent)
}

// close is halve; g.mu is held.
func (g *gate) close(sent time.Time) bool {
	g.successes = 0
	less := g.open() - max(g.open()/2, 1)
	if less == 0 || !sent.After(g.halved) {
		return false
	}
	g.halved = time.Now()
	for g.due += less; g.due > 0; g.due-- {
		select {
		case g.slots <- struct{}{}:
			g.held++
			continue
		default:
		}
		break
	}
	return true
}

// answered notes when the answer to a request began. It tells whether the bound was halved, because latency rose.
func (g *gate) answered(method string, sent time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.latency[method]
	if l == nil {
		l = new(latency)
		g.latency[method] = l
	}
	if !l.rose(time.Since(sent).Seconds()) {
		return false
	}
	l.recent = l.usual
	return g.close(sent)
}

// rose takes one more answer and tells whether latency is far above what was usual.
func (l *latency) rose(seconds float64) bool {
	if l.answers++; l.answers == 1 {
		l.recent, l.usual = seconds, seconds
	}
	l.recent += (seconds - l.recent) / shortRange
	l.usual += (seconds - l.usual) / float64(min(l.answers, longRange))
	return l.answers > samples && l.recent > slowest.Seconds() && l.recent > steep*l.usual
}
