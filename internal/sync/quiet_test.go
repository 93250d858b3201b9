package sync

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

// mutate changes a world a little, as decided by n.
func mutate(n int64) func(w *teamchattest.World) {
	return func(w *teamchattest.World) {
		l := func(name string) teamchattest.Label { l, _ := w.Label(name); return l }
		switch n % 6 {
		case 0:
			w.Post(l("m1").Channel, "bob@example.com", fmt.Sprint("between ", n))
		case 1:
			w.Delete(l("m2").Channel, l("m2").TS)
		case 2:
			w.Comment(l("m1").Channel, l("m1").TS, "carol@example.com", fmt.Sprint("between ", n))
		case 3:
			w.Upload(l("m3").Channel, "ann@example.com", "between.txt", []byte(fmt.Sprint("between ", n)))
		case 4:
			w.DeleteComment(l("c1").Channel, l("c1").TS)
		case 5:
			w.Comment(l("m4").Channel, l("m4").TS, "ann@example.com", fmt.Sprint("between ", n))
		}
	}
}

// wantKept checks that the archive holds all of a content that the world still has.
func (r *rig) wantKept(before map[string]string) {
	r.t.Helper()
	now, got := r.worldContent(), r.archiveContent()
	for key := range before {
		if _, still := now[key]; still && got[key] == "" {
			r.t.Errorf("%s is lost", key)
		}
	}
}

func TestServerThatChangesBeforeOneRequest(t *testing.T) {
	_, requests := unbroken(t)
	for n := int64(1); n < requests; n += stride(t) {
		for kind := range int64(6) {
			if stride(t) > 1 && kind%3 != n%3 {
				continue
			}
			t.Run(fmt.Sprint(n, "/", kind), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, small(t), teamchattest.ServerOptions{})
				before := r.worldContent()
				r.server.OnRequest(n, mutate(kind))
				r.complete(Options{Concurrency: 1, PageSize: 10})
				r.wantKept(before)
				r.complete(Options{PageSize: 10})
				r.wantWorld(true)
			})
		}
	}
}

func TestServerThatChangesBeforeEveryRequest(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, small(t), teamchattest.ServerOptions{})
			rng := rand.New(rand.NewPCG(seed, 0))
			for n := int64(1); n < 1000; n++ {
				kind := rng.Int64N(6)
				r.server.OnRequest(n, mutate(kind))
			}
			for range 3 {
				before := r.worldContent()
				r.complete(Options{PageSize: 10})
				r.wantKept(before)
			}
			for n := int64(1); r.server.TotalRequests() < 1000; n++ {
				r.run(Options{PageSize: 10})
			}
			r.complete(Options{PageSize: 10})
			r.wantWorld(true)
		})
	}
}

func TestBusyGeneratedWorld(t *testing.T) {
	w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 3, Messages: 800, Channels: 4})
	r := newRig(t, w, teamchattest.ServerOptions{})
	for n := int64(1); n < 1000; n++ {
		r.server.OnRequest(n, func(w *teamchattest.World) { w.Busy(uint64(n), 2) })
	}
	before := r.worldContent()
	if res := r.run(Options{PageSize: 50}); res.Outcome != Complete {
		t.Errorf("%+v", res.Problems)
	}
	r.wantKept(before)
}

func TestVariantsOfServers(t *testing.T) {
	variants := map[string]teamchattest.Variant{
		"members as strings":      {Members: "strings"},
		"no padding":              {NoPadding: true},
		"numbers as text":         {NumberText: true},
		"booleans as text":        {Bools: "text"},
		"booleans as numbers":     {Bools: "number"},
		"errors as numbers":       {ErrorNumber: true},
		"errors with 403":         {ErrorStatus: 403},
		"no paging":               {PagingAbsent: true},
		"wrong paging":            {PagingWrong: true},
		"count capped":            {CountCap: 12},
		"count capped, no paging": {CountCap: 12, PagingAbsent: true},
		"short pages":             {ShortPages: true},
		"counts as text":          {CommentsCount: "text"},
		"no counts":               {CommentsCount: "absent"},
		"no mark of edits":        {NoEdited: true},
		"null lists":              {NullLists: true},
		"diff b":                  {Diff: "b"},
		"diff c":                  {Diff: "c"},
		"diff d":                  {Diff: "d"},
		"BOM":                     {BOM: true},
		"extra fields":            {ExtraFields: true},
		"pages from 0":            {PageBase0: true},
		"channels of 2026":        {Build: "2026", Members: "absent"},
		"no latest":               {NoLatest: true},
		"ts as numbers":           {NumberTS: true},
		"fixed small pages":       {CountFixed: 15},
		"fixed large pages":       {CountFixed: 30},
		"fixed, no paging":        {CountFixed: 15, PagingAbsent: true},
		"empty pages":             {EmptyPages: true},
		"last page again":         {PastEnd: "last", PagingAbsent: true},
		"first page again":        {PastEnd: "first", PagingWrong: true},
		"other way round":         {Reversed: true},
		"hidden messages":         {HiddenSlots: true},
		"no oldest":               {IgnoreOldest: true},
		"never inclusive":         {IgnoreInclusive: true},
		"newest first":            {IgnoreDescending: true},
		"newest first, capped":    {IgnoreDescending: true, CountCap: 12},
		"no bounds, short pages":  {IgnoreOldest: true, IgnoreDescending: true, ShortPages: true},
		"no oldest, no paging":    {IgnoreOldest: true, PagingAbsent: true},
		"threads by activity":     {ThreadsOrder: "activity"},
		"files by change":         {FilesOrder: "modified"},
		"counts always":           {CommentsCount: "always"},
		"first diff says nothing": {DiffFirst: "nothing"},
	}
	for name, variant := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := small(t)
			for n := range 25 {
				root := w.Post("projects", "ann@example.com", fmt.Sprint("root ", n))
				w.Comment("projects", root, "bob@example.com", fmt.Sprint("comment ", n))
				w.Upload("projects", "ann@example.com", fmt.Sprint(n, ".txt"), []byte(fmt.Sprint(n)))
			}
			r := newRig(t, w, teamchattest.ServerOptions{Variant: variant})
			r.complete(Options{PageSize: 20})
			r.wantWorld(false)
			change := r.archive.Change()
			w.Comment("projects", w.Post("projects", "ann@example.com", "more"), "bob@example.com", "more")
			l, _ := w.Label("m3")
			w.Comment("projects", l.TS, "bob@example.com", "late")
			r.complete(Options{PageSize: 20})
			r.wantWorld(false)
			if n := r.archive.Change() - change; n > 5 {
				t.Errorf("%d entries added", n)
			}
		})
	}
}

// Messages that the account does not see may fill whole pages.
func TestPagesFullOfHiddenMessages(t *testing.T) {
	w := small(t)
	for range 75 {
		w.PostItem("projects", teamchattest.Item{User: "ann@example.com", Text: "hidden", Hidden: true})
	}
	w.Post("projects", "ann@example.com", "behind them")
	r := newRig(t, w, teamchattest.ServerOptions{Variant: teamchattest.Variant{HiddenSlots: true}})
	for range 2 {
		r.complete(Options{PageSize: 20})
		r.wantWorld(false)
	}
}

func TestThreadsThatTheServerCutsShort(t *testing.T) {
	w := small(t)
	l, _ := w.Label("m4")
	for n := range 5 {
		w.Comment("general", l.TS, "bob@example.com", fmt.Sprint("comment ", n))
	}
	r := newRig(t, w, teamchattest.ServerOptions{Variant: teamchattest.Variant{CommentsCut: 3}})
	res := r.run(Options{})
	if res.Outcome != Incomplete || res.ChannelsCompleted != 2 {
		t.Errorf("%+v", res)
	}
	wantProblems(t, res, "fewer comments")
}
