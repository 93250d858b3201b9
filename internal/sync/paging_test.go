package sync

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"archiver/internal/record"
	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"
)

// list is a list that changes between requests.
type list struct {
	items    []string
	requests int
	most     int             // items of a page, 0 is no cap
	bare     bool            // nothing is said of paging
	change   func(l *list)   // before each request
	taken    map[string]bool //
}

func (l *list) pager(size int) pager {
	l.taken = make(map[string]bool)
	return pager{size: size, ask: l.ask, take: func(_ context.Context, page *teamchat.MessagePage) error {
		for _, m := range page.Messages {
			l.taken[m.TS] = true
		}
		return nil
	}}
}

func (l *list) ask(_ context.Context, count, page int) (*teamchat.MessagePage, error) {
	if l.requests++; l.requests > 20_000 {
		return nil, errors.New("endless")
	}
	if l.change != nil && l.requests > 1 {
		l.change(l)
	}
	if l.most > 0 {
		count = min(count, l.most)
	}
	page = max(page, 1)
	from, to := min((page-1)*count, len(l.items)), min(page*count, len(l.items))
	p := &teamchat.MessagePage{}
	for _, id := range l.items[from:to] {
		p.Messages = append(p.Messages, teamchat.Message{TS: id})
	}
	if !l.bare {
		n := len(l.items)
		p.Paging = teamchat.Paging{Present: true, Count: int64(count), Total: int64(n), Page: int64(page), Pages: int64((n + count - 1) / count)}
	}
	return p, nil
}

func numbered(n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = string(record.MakeTS(int64(1_700_000_000-i), 0))
	}
	return items
}

func TestPagerReadsListsOfAnyLength(t *testing.T) {
	for _, size := range []int{10, 17, 100, 1000} {
		for _, n := range []int{0, 1, 2, 5, 9, 10, 11, 16, 17, 18, 99, 100, 101, 168, 999, 1000, 1001, 2000, 2345} {
			for _, bare := range []bool{false, true} {
				for _, most := range []int{0, 7, 50} {
					l := &list{items: numbered(n), bare: bare, most: most}
					if _, err := l.pager(size).walk(t.Context()); err != nil {
						t.Fatalf("size %d, %d items, bare %v, cap %d: %v", size, n, bare, most, err)
					}
					if len(l.taken) != n {
						t.Fatalf("size %d, %d items, bare %v, cap %d: %d taken", size, n, bare, most, len(l.taken))
					}
					if used := size; most == 0 && size >= 100 {
						if most := n/used + n/used/4 + 2; !bare && l.requests > most || n < used && !bare && l.requests > 1 {
							t.Errorf("size %d, %d items, bare %v: %d requests, want at most %d", size, n, bare, l.requests, most)
						}
					}
				}
			}
		}
	}
}

// What was in the list before the walk and is there after it must have been taken, whatever happened meanwhile.
func TestPagerLosesNothingInAListThatChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("reads hundreds of lists")
	}
	changes := map[string]func(r *rand.Rand, l *list){
		"insertions":      func(r *rand.Rand, l *list) { l.insert(r.IntN(4)) },
		"many insertions": func(r *rand.Rand, l *list) { l.insert(r.IntN(90)) },
		"deletions":       func(r *rand.Rand, l *list) { l.remove(r, r.IntN(4)) },
		"both":            func(r *rand.Rand, l *list) { l.insert(r.IntN(3)); l.remove(r, r.IntN(3)) },
		"rare purges": func(r *rand.Rand, l *list) {
			if r.IntN(12) == 0 {
				l.items = slices.Delete(l.items, 0, min(len(l.items), 150))
			}
		},
		"a burst": func(r *rand.Rand, l *list) {
			if l.requests == 3 {
				l.insert(301)
			}
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				r := rand.New(rand.NewPCG(seed, 1))
				l := &list{items: numbered(1500), change: func(l *list) { change(r, l) }}
				if seed%2 == 1 {
					slices.Reverse(l.items)
				}
				before := slices.Clone(l.items)
				if _, err := l.pager(100).walk(t.Context()); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
				for _, id := range before {
					if !l.taken[id] && slices.Contains(l.items, id) {
						t.Fatalf("seed %d: %s is lost", seed, id)
					}
				}
			}
		})
	}
}

// insert adds n items where new ones come.
func (l *list) insert(n int) {
	for range n {
		if l.items[0] > l.items[len(l.items)-1] {
			l.items = slices.Insert(l.items, 0, string(record.MakeTS(record.TS(l.items[0]).Second()+1, 0)))
		} else {
			l.items = append(l.items, string(record.MakeTS(record.TS(l.items[len(l.items)-1]).Second()+1, 0)))
		}
	}
}

func (l *list) remove(r *rand.Rand, n int) {
	for range n {
		i := r.IntN(len(l.items))
		l.items = slices.Delete(l.items, i, i+1)
	}
}

func TestPagerSaysSoWhenAListCannotBeRead(t *testing.T) {
	if testing.Short() {
		t.Skip("reads hundreds of lists")
	}
	t.Run("pages ignored", func(t *testing.T) {
		l := &list{items: numbered(150)}
		p := l.pager(100)
		p.ask = func(ctx context.Context, count, _ int) (*teamchat.MessagePage, error) { return l.ask(ctx, count, 1) }
		if _, err := p.walk(t.Context()); !errors.Is(err, errRepeats) {
			t.Errorf("%v", err)
		}
		l = &list{items: numbered(99)}
		if _, err := l.pager(100).walk(t.Context()); err != nil {
			t.Errorf("%v", err)
		}
	})
	t.Run("grows as fast as it is read", func(t *testing.T) {
		l := &list{items: numbered(500), change: func(l *list) { l.insert(100) }}
		if _, err := l.pager(100).walk(t.Context()); !errors.Is(err, errUnsteady) {
			t.Errorf("%v", err)
		}
	})
}

// Items that move to the head of a list ordered by activity are not lost.
func TestPagerSeesItemsThatMoveToTheHead(t *testing.T) {
	l := &list{items: numbered(1000)}
	rand.New(rand.NewPCG(1, 1)).Shuffle(1000, func(i, j int) { l.items[i], l.items[j] = l.items[j], l.items[i] })
	moved := l.items[900]
	l.change = func(l *list) {
		if l.requests == 3 {
			l.items = slices.Insert(slices.Delete(l.items, 900, 901), 0, moved)
		}
	}
	if _, err := l.pager(100).walk(t.Context()); err != nil || len(l.taken) != 1000 {
		t.Errorf("%d of 1000 taken, %v", len(l.taken), err)
	}
}

// crowded is a world with a channel of many threads and files.
func crowded(threads, files int) (w *teamchattest.World, roots []record.TS) {
	w = teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("crowded", "ann@example.com")
	for n := range threads {
		roots = append(roots, w.Post("crowded", "ann@example.com", fmt.Sprint("root ", n)))
		w.Comment("crowded", roots[n], "bob@example.com", fmt.Sprint("comment ", n))
	}
	for n := range files {
		w.Upload("crowded", "ann@example.com", fmt.Sprint(n, ".txt"), []byte(fmt.Sprint("content ", n)))
	}
	return w, roots
}

func TestLateCommentsAndFilesOnManyPagesThatShift(t *testing.T) {
	w, roots := crowded(260, 120)
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{PageSize: 20})
	r.wantWorld(false)
	for n, root := range roots {
		if n%3 == 0 {
			w.Comment("crowded", root, "carol@example.com", "late")
		}
	}
	w.AddUser("carol@example.com", "carol")
	late := w.Messages()
	first := r.server.TotalRequests() + 1
	last := first + 400
	for n := first; n < last; n++ {
		rng := rand.New(rand.NewPCG(7, uint64(n))) // of its own: requests are served side by side
		r.server.OnRequest(n, func(w *teamchattest.World) {
			switch root := roots[rng.IntN(len(roots))]; rng.IntN(4) {
			case 0:
				w.Comment("crowded", w.Post("crowded", "ann@example.com", "new"), "bob@example.com", "new")
			case 1:
				w.Delete("crowded", root)
			case 2:
				w.Upload("crowded", "ann@example.com", fmt.Sprint("new", n), []byte("new"))
			case 3:
				w.Comment("crowded", root, "bob@example.com", "newer")
			}
		})
	}
	before := make(map[string]bool)
	for m := range late {
		before[m.Channel+"/"+string(m.TS)] = true
	}
	r.complete(Options{PageSize: 20})
	got := r.archiveContent()
	for m := range w.Messages() {
		if id := m.Channel + "/" + string(m.TS); before[id] && got[id] == "" {
			t.Errorf("%s is lost", id)
		}
	}
	for r.server.TotalRequests() < last {
		r.run(Options{PageSize: 20})
	}
	r.complete(Options{})
	r.wantWorld(true)
}

func TestRequestsOfAnUnchangedSyncWithManyPages(t *testing.T) {
	w, _ := crowded(250, 130)
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{PageSize: 100})
	asked, change := r.server.TotalRequests(), r.archive.Change()
	r.complete(Options{PageSize: 100})
	if n := r.server.TotalRequests() - asked; n > 3+2+1+10 {
		t.Errorf("%d requests", n)
	}
	if r.archive.Change() != change {
		t.Error("entries were added")
	}
}
