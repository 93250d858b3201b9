package sync

import (
	"iter"
	"time"

	"archiver/internal/record"
)

// thread is what a walk knows of a thread.
type thread struct {
	count int64  // the parent's comments_count when the comments were read or asked for; -1 when it gave none
	seen  uint64 // hash of the parent's object in this run, 0 before
	read  int64  // when the comments were read, at least as recently, in milliseconds since 1970; 0 is unknown
	known bool   // count is from the registry or from this run
	asked bool   // the comments were asked for in this run
	owed  bool   // an earlier run owes the comments
	lost  bool   // some of the comments are marked as missing
}

// readAt is when the comments were read, at least as recently; zero is unknown.
func (t thread) readAt() time.Time {
	if t.read == 0 {
		return time.Time{}
	}
	return time.UnixMilli(t.read).UTC()
}

// due tells whether comments are to be read, now that the parent shows count. again is true when all are to be read. A
// parent that showed a count before and shows none in history has lost its comments.
func (t thread) due(count int64, listed, again bool) bool {
	switch {
	case count < 0 && !listed:
		return t.known && !t.asked && t.count > 0
	case !t.known:
		return count != 0
	case t.asked:
		return count >= 0 && count != t.count
	}
	return again || count < 0 || count != t.count
}

// suspect tells whether the archive may hold comments of the thread that its registry entry does not tell of, or marks.
func (t thread) suspect() bool { return t.lost || t.owed }

// stamp is a ts as a number: a channel has many threads, and a number takes a fifth of the memory of a text.
type stamp uint64

func stampOf(ts record.TS) stamp { return stamp(ts.Second()<<20 | int64(ts.Counter())) }

func (s stamp) ts() record.TS { return record.MakeTS(int64(s>>20), int(s&(1<<20-1))) }

// registry is the threads of a channel, by parent.
type registry map[stamp]thread

// get gives a thread, a zero one where none is known.
func (r registry) get(ts record.TS) thread { return r[stampOf(ts)] }

func (r registry) set(ts record.TS, t thread) { r[stampOf(ts)] = t }

func (r registry) has(ts record.TS) bool {
	_, ok := r[stampOf(ts)]
	return ok
}

func (r registry) remove(ts record.TS) { delete(r, stampOf(ts)) }

// all gives the threads in no order. Those that it comes to may be set meanwhile.
func (r registry) all() iter.Seq2[record.TS, thread] {
	return func(yield func(record.TS, thread) bool) {
		for s, t := range r {
			if !yield(s.ts(), t) {
				return
			}
		}
	}
}
