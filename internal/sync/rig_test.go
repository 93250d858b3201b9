package sync

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

// rig is a server, an archive and what is needed to make runs between them.
type rig struct {
	t       *testing.T
	world   *teamchattest.World
	server  *teamchattest.Server
	archive *storage.Archive
	client  teamchat.Options // what differs from the rig's own options
	url     string           // of another server than server
	passed  time.Duration    // by which the archiver's clock is ahead
}

// later moves the archiver's clock on.
func (r *rig) later(d time.Duration) { r.passed += d }

func (r *rig) now() time.Time { return time.Now().Add(r.passed) }

func newRig(t *testing.T, w *teamchattest.World, o teamchattest.ServerOptions) *rig {
	t.Helper()
	r := &rig{t: t, world: w, server: teamchattest.Start(t, w, o)}
	r.fresh()
	return r
}

// fresh begins with an empty archive.
func (r *rig) fresh() {
	r.t.Helper()
	a, err := storage.Create(r.t.Context(), r.t.TempDir(), storage.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { a.Close() })
	r.archive = a
}

// reopen closes the archive and opens it again.
func (r *rig) reopen() {
	r.t.Helper()
	dir := r.archive.Dir()
	if err := r.archive.Close(); err != nil {
		r.t.Fatal(err)
	}
	a, err := storage.Open(r.t.Context(), dir, storage.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { a.Close() })
	r.archive = a
}

// try makes a run.
func (r *rig) try(ctx context.Context, o Options) (*Result, error) {
	r.t.Helper()
	c := r.client
	c.URL, c.Username = cmp.Or(r.url, r.server.URL), "archive@example.com"
	if c.Password == nil {
		c.Password = func(context.Context) (string, error) { return "secret", nil }
	}
	c.Backoff, c.GiveUpAfter = time.Millisecond, cmp.Or(c.GiveUpAfter, 2*time.Second)
	c.Now, o.Now = r.now, r.now
	client, err := teamchat.New(c)
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close(context.WithoutCancel(ctx))
	o.Client, o.Archive = client, r.archive
	if testing.Verbose() {
		o.Logger = slog.New(slog.NewTextHandler(r.t.Output(), nil))
	}
	res, err := Run(ctx, o)
	if res == nil {
		r.t.Fatalf("no result, error %v", err)
	}
	return res, err
}

// run makes a run that must be carried out.
func (r *rig) run(o Options) *Result {
	r.t.Helper()
	res, err := r.try(r.t.Context(), o)
	if err != nil {
		r.t.Fatalf("run: %v, %+v", err, res)
	}
	return res
}

// complete makes a run that must be complete.
func (r *rig) complete(o Options) *Result {
	r.t.Helper()
	res := r.run(o)
	if res.Outcome != Complete || len(res.Problems) != 0 {
		r.t.Fatalf("outcome %s, problems %v", res.Outcome, res.Problems)
	}
	return res
}

// dump is the archive's logical content.
func (r *rig) dump() string {
	r.t.Helper()
	return dump(r.t, r.archive)
}

func dump(t *testing.T, a *storage.Archive) string {
	t.Helper()
	ctx := t.Context()
	var out bytes.Buffer
	write := func(line []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	var channels []string
	for c, err := range a.Channels(ctx, 0) {
		fail(t, err)
		channels = append(channels, c.ID)
		write(c.Dump())
	}
	for u, err := range a.Users(ctx, 0) {
		fail(t, err)
		write(u.Dump())
	}
	for _, id := range channels {
		for m, err := range a.Messages(ctx, id, storage.Range{}) {
			fail(t, err)
			write(m.Dump(true))
		}
	}
	for _, id := range channels {
		for f, err := range a.Files(ctx, id, 0) {
			fail(t, err)
			write(f.Dump(true))
		}
	}
	for _, id := range channels {
		for e, err := range a.Events(ctx, id, 0) {
			fail(t, err)
			write(e.Dump(true))
		}
	}
	for c, err := range a.Conferences(ctx, 0) {
		fail(t, err)
		write(c.Dump(true))
	}
	return out.String()
}

func fail(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantWorld checks that the archive holds the messages and files that the world holds now, and nothing else unless
// more is set: then it may also hold what the world has lost.
func (r *rig) wantWorld(more bool) {
	r.t.Helper()
	want, got := r.worldContent(), r.archiveContent()
	if more {
		for key := range got {
			if _, ok := want[key]; !ok {
				delete(got, key)
			}
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		r.t.Fatalf("archive differs from the world (-world +archive):\n%s", diff)
	}
}

func (r *rig) worldContent() map[string]string {
	r.t.Helper()
	content := make(map[string]string)
	for m := range r.world.Messages() {
		content[m.Channel+"/"+string(m.TS)] = fmt.Sprintf("%s|%s|%s|%s", m.Thread, m.User, m.Text, m.File)
	}
	for f, err := range r.world.Files() {
		fail(r.t, err)
		content[f.Channel+"/"+f.ID] = fmt.Sprintf("%s|%d|%s", f.Name, f.Size, f.SHA256)
	}
	for _, c := range r.world.Channels() {
		content[c.ID] = fmt.Sprint(c.Name, c.Members, c.Readable)
	}
	for _, u := range r.world.Users() {
		content[u.ID] = u.Name
	}
	return content
}

func (r *rig) archiveContent() map[string]string {
	r.t.Helper()
	ctx, content := r.t.Context(), make(map[string]string)
	for c, err := range r.archive.Channels(ctx, 0) {
		fail(r.t, err)
		if c.State != record.ChannelGone {
			content[c.ID] = fmt.Sprint(c.Name, c.Members, c.State == record.ChannelPresent)
		}
		for m, err := range r.archive.Messages(ctx, c.ID, storage.Range{}) {
			fail(r.t, err)
			content[m.Channel+"/"+string(m.TS)] = fmt.Sprintf("%s|%s|%s|%s", m.Thread, m.User, m.Text, m.FileID)
		}
		for f, err := range r.archive.Files(ctx, c.ID, 0) {
			fail(r.t, err)
			sum := string(f.State)
			if n := len(f.Versions); n > 0 && f.State == record.FileStored {
				sum = f.Versions[n-1].SHA256
			}
			content[c.ID+"/"+f.ID] = fmt.Sprintf("%s|%d|%s", f.Name, f.Size, sum)
		}
	}
	for u, err := range r.archive.Users(ctx, 0) {
		fail(r.t, err)
		content[u.ID] = u.Name
	}
	return content
}

// wantNoDebts checks that nothing is owed.
func (r *rig) wantNoDebts() {
	r.t.Helper()
	debts, err := r.archive.Debts(r.t.Context(), "")
	fail(r.t, err)
	if len(debts) > 0 {
		r.t.Fatalf("debts are left: %+v", debts)
	}
}

// problems are the problems of a result, each as "where: what", sorted.
func problems(res *Result) []string {
	var list []string
	for _, p := range res.Problems {
		list = append(list, p.Where+": "+p.What)
	}
	slices.Sort(list)
	return list
}

// small is a world with a bit of everything.
func small(t *testing.T) *teamchattest.World {
	t.Helper()
	w, err := teamchattest.ParseScenario(smallScenario)
	fail(t, err)
	return w
}

const smallScenario = `
user ann Ann Example
user bob Bob Example
channel general ann bob
channel empty ann
channel projects ann bob carol
m1 = post general ann Good morning
m2 = post general bob Hello
c1 = comment m1 bob Hello, Ann
c2 = comment m1 carol And from me
time +1h
code general ann go fmt.Println("x\n")
f1 = upload general ann notes.txt What is in the file
f2 = upload projects bob empty.bin
m3 = post projects bob Status?
c3 = comment m3 ann Green
event projects ann 30 Standup
conference projects ann secret Standup
mail projects ann offer.eml Subject: offer\n\nHello
join general carol
react m1 bob thumbsup
m4 = post general ann Bye
edit m2 bob Hello, all
`
