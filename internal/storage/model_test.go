package storage

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// object names an object of the model.
type object struct {
	class   Class
	channel string
	key     string
}

// model is an archive in memory, in the simplest way.
type model struct {
	objects map[object][]record.Entry
	entries int
	proven  map[string][]record.Interval
	threads map[string]map[record.TS]Thread
	debts   map[Debt]bool // without times
	missing map[string]map[record.TS]Missing
	reads   map[string][]readRange
	walked  map[string]Walked
}

// readRange is a range that was audited.
type readRange struct {
	record.Interval
	at time.Time
}

func newModel() *model {
	return &model{
		objects: make(map[object][]record.Entry), proven: make(map[string][]record.Interval),
		threads: make(map[string]map[record.TS]Thread), debts: make(map[Debt]bool),
		missing: make(map[string]map[record.TS]Missing), reads: make(map[string][]readRange), walked: make(map[string]Walked),
	}
}

func (m *model) add(o object, e record.Entry) {
	e.Key, e.First, e.Observed = o.key, len(m.objects[o]) == 0, e.Observed.Truncate(time.Millisecond)
	m.objects[o] = append(m.objects[o], e)
	m.entries++
}

// put applies a page and gives what it must count.
func (m *model) put(p *Page) Counts {
	var c Counts
	before := m.entries
	for _, u := range p.Users {
		m.state(object{ClassUser, "", u.Key}, u.Raw, p.Observed)
	}
	for _, s := range p.Channels {
		body, _ := record.Body(s)
		m.state(object{ClassChannel, "", s.ID}, body, p.Observed)
	}
	for _, seen := range p.Messages {
		m.message(p, seen, &c)
		delete(m.missing[p.Channel], record.TS(seen.Key))
	}
	for _, d := range p.Deleted {
		o := object{ClassMessage, p.Channel, string(d.TS)}
		delete(m.missing[p.Channel], d.TS)
		delete(m.threads[p.Channel], d.TS)
		delete(m.debts, Debt{Channel: p.Channel, Kind: DebtThread, Key: string(d.TS)})
		earlier := m.objects[o]
		if n := len(earlier); n > 0 && earlier[n-1].Op != record.OpDeleted {
			body, _ := record.Body(d.Deletion)
			m.add(o, record.Entry{Op: record.OpDeleted, Thread: earlier[0].Thread, Observed: p.Observed, Body: body})
			c.Deletions++
		}
	}
	for _, mark := range p.Missing {
		m.mark(p.Channel, mark)
	}
	for _, f := range p.Files {
		m.file(p, f, &c)
	}
	c.Entries = m.entries - before
	m.keep(p)
	return c
}

func (m *model) state(o object, body []byte, observed time.Time) bool {
	earlier := m.objects[o]
	if n := len(earlier); n > 0 && record.SameJSON(earlier[n-1].Body, body) {
		return false
	}
	m.add(o, record.Entry{Op: record.OpState, Observed: observed, Body: body})
	return true
}

func (m *model) message(p *Page, seen record.Seen, c *Counts) {
	o := object{ClassMessage, p.Channel, seen.Key}
	earlier := m.objects[o]
	op, ok := record.Next(earlier, seen)
	switch {
	case !ok:
		return
	case len(earlier) == 0 && seen.Thread == "":
		c.Messages++
	case len(earlier) == 0:
		c.Comments++
	case op == record.OpState:
		c.Versions++
	default:
		c.Annotations++
	}
	m.add(o, record.Entry{Op: op, Thread: seen.Thread, Observed: p.Observed, Body: seen.Raw})
}

func (m *model) file(p *Page, f record.FileState, c *Counts) {
	o := object{ClassFile, p.Channel, f.ID}
	old, _ := record.FoldFile(p.Channel, m.objects[o])
	body, _ := record.Body(f)
	if !m.state(o, body, p.Observed) || f.SHA256 == "" {
		return
	}
	if n := len(old.Versions); n == 0 || old.Versions[n-1].SHA256 != f.SHA256 {
		c.Files++
	}
}

func (m *model) mark(channel string, mark Missing) {
	earlier := m.objects[object{ClassMessage, channel, string(mark.TS)}]
	if n := len(earlier); n == 0 || earlier[n-1].Op == record.OpDeleted {
		return
	}
	if m.missing[channel] == nil {
		m.missing[channel] = make(map[record.TS]Missing)
	}
	if old, ok := m.missing[channel][mark.TS]; !ok || old.Rights != mark.Rights {
		m.missing[channel][mark.TS] = mark
	}
}

func (m *model) keep(p *Page) {
	for _, i := range p.Audited {
		m.reads[p.Channel] = append(m.reads[p.Channel], readRange{i, p.Observed})
	}
	if w := p.Walked; w != nil && (m.walked[p.Channel].Latest != w.Latest || w.At.Sub(m.walked[p.Channel].At) >= AuditRenewal) {
		m.walked[p.Channel] = *w
	}
	for _, i := range p.Proven {
		m.proven[p.Channel] = record.Cover(m.proven[p.Channel], i)
	}
	for _, t := range p.Threads {
		if m.threads[p.Channel] == nil {
			m.threads[p.Channel] = make(map[record.TS]Thread)
		}
		if old := m.threads[p.Channel][t.TS]; t.Read.Sub(old.Read) < AuditRenewal {
			t.Read = old.Read
		}
		m.threads[p.Channel][t.TS] = t
	}
	for _, d := range p.Paid {
		delete(m.debts, Debt{Channel: d.Channel, Kind: d.Kind, Key: d.Key})
	}
	for _, d := range p.Owe {
		m.debts[Debt{Channel: d.Channel, Kind: d.Kind, Key: d.Key}] = true
	}
}

// logical is the dump of everything.
func (m *model) logical(t fataler) []string {
	var lines []string
	for _, o := range slices.SortedFunc(maps.Keys(m.objects), compareObjects) {
		lines = append(lines, dumpObject(t, o, m.objects[o]))
	}
	return lines
}

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func dumpObject(t fataler, o object, entries []record.Entry) string {
	t.Helper()
	var line []byte
	var err error
	switch o.class {
	case ClassChannel:
		var c *record.Channel
		if c, err = record.FoldChannel(entries); err == nil {
			line, err = c.Dump()
		}
	case ClassUser:
		var u *record.User
		if u, err = record.FoldUser(entries); err == nil {
			line, err = u.Dump()
		}
	case ClassMessage:
		var m *record.Message
		if m, err = record.FoldMessage(o.channel, entries); err == nil {
			line, err = m.Dump(false)
		}
	case ClassFile:
		var f *record.File
		if f, err = record.FoldFile(o.channel, entries); err == nil {
			line, err = f.Dump(false)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

func compareObjects(x, y object) int {
	rank := func(o object) int {
		return slices.Index([]Class{ClassChannel, ClassUser, ClassMessage, ClassFile}, o.class)
	}
	return compareAll(rank(x)-rank(y), compareText(x.channel, y.channel), compareText(x.key, y.key))
}

func compareText(x, y string) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func compareAll(results ...int) int {
	for _, r := range results {
		if r != 0 {
			return r
		}
	}
	return 0
}

// dumpArchive is the dump of everything in an archive.
func dumpArchive(t fataler, a *Archive, channels []string, asOf uint64) []string {
	t.Helper()
	ctx := context.Background()
	var lines []string
	add := func(line []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	for c, err := range a.Channels(ctx, asOf) {
		if err != nil {
			t.Fatal(err)
		}
		add(c.Dump())
	}
	for u, err := range a.Users(ctx, asOf) {
		if err != nil {
			t.Fatal(err)
		}
		add(u.Dump())
	}
	for _, c := range channels {
		for m, err := range a.Messages(ctx, c, Range{AsOf: asOf}) {
			if err != nil {
				t.Fatal(err)
			}
			add(m.Dump(false))
		}
	}
	for _, c := range channels {
		for f, err := range a.Files(ctx, c, asOf) {
			if err != nil {
				t.Fatal(err)
			}
			add(f.Dump(false))
		}
	}
	return lines
}

var modelChannels = []string{"alpha", "beta", "gamma"}

// drawPage makes a page with a bit of everything. Keys and contents come from small sets, so that pages repeat,
// change and contradict each other.
func drawPage(t *rapid.T) *Page {
	p := &Page{
		Observed: testTime.Add(time.Duration(rapid.IntRange(0, 4e8).Draw(t, "observed")) * time.Millisecond),
		Channel:  rapid.SampledFrom(modelChannels).Draw(t, "channel"),
	}
	start := rapid.IntRange(0, 900).Draw(t, "start")
	for i := range rapid.SampledFrom([]int{0, 1, 10, 300}).Draw(t, "messages") {
		p.Messages = append(p.Messages, drawMessage(t, start+i))
	}
	for range rapid.IntRange(0, 2).Draw(t, "odd messages") {
		p.Messages = append(p.Messages, drawMessage(t, rapid.IntRange(0, 1300).Draw(t, "n")))
	}
	for range rapid.IntRange(0, 2).Draw(t, "deleted") {
		d := Deleted{TS: ts(start + rapid.IntRange(0, 3).Draw(t, "gone"))}
		d.LastSeen, d.FirstMissing = testTime, p.Observed
		p.Deleted = append(p.Deleted, d)
	}
	for range rapid.IntRange(0, 2).Draw(t, "missing") {
		p.Missing = append(p.Missing, Missing{
			TS: ts(start + rapid.IntRange(0, 30).Draw(t, "not seen")), LastSeen: testTime, FirstMissing: testTime,
			Rights: rapid.SampledFrom([]string{"", "r"}).Draw(t, "rights"),
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "files") {
		p.Files = append(p.Files, drawFile(t))
	}
	for range rapid.IntRange(0, 2).Draw(t, "users") {
		n := rapid.IntRange(0, 5).Draw(t, "user")
		members := []string{`"name":"n`, `"real_name":"r`}
		if rapid.Bool().Draw(t, "order") {
			slices.Reverse(members)
		}
		raw := fmt.Sprintf(`{%s%d",%s%d"}`, members[0], n, members[1], n)
		p.Users = append(p.Users, record.Seen{Key: fmt.Sprintf("u%d", n), Raw: []byte(raw)})
	}
	if rapid.Bool().Draw(t, "with channel") {
		p.Channels = append(p.Channels, record.ChannelState{
			ID: p.Channel, Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), State: record.ChannelPresent,
		})
	}
	drawBookkeeping(t, p, start)
	return p
}

func drawMessage(t *rapid.T, n int) record.Seen {
	kind := rapid.IntRange(0, 40).Draw(t, "variant")
	text, extra := "text", ""
	switch kind {
	case 0:
		text = "edited"
	case 1:
		extra = `,"reactions":[{"name":"+1"}]`
	}
	seen := record.Seen{Key: string(ts(n)), Raw: fmt.Appendf(nil, `{"ts":%q,"text":"%s %d"%s}`, ts(n), text, n, extra)}
	if n%10 == 3 {
		seen.Thread = ts(n - 1)
	}
	return seen
}

func drawFile(t *rapid.T) record.FileState {
	f := record.FileState{
		ID: fmt.Sprintf("f%d", rapid.IntRange(0, 4).Draw(t, "file")), Name: "name", Size: 3,
		State: rapid.SampledFrom([]record.FilePresence{record.FileStored, record.FilePending, record.FileGone}).Draw(t, "state"),
	}
	if f.State == record.FileStored {
		f.SHA256, f.Bytes = rapid.SampledFrom([]string{"aa", "bb"}).Draw(t, "sha"), 3
	}
	return f
}

func drawBookkeeping(t *rapid.T, p *Page, start int) {
	if rapid.Bool().Draw(t, "proven") {
		p.Proven = append(p.Proven, record.Interval{From: ts(start), To: ts(start + rapid.IntRange(0, 500).Draw(t, "to"))})
	}
	if rapid.Bool().Draw(t, "audited") {
		from := rapid.IntRange(0, 100).Draw(t, "audited from")
		i := record.Interval{From: ts(from), To: ts(from + rapid.IntRange(0, 60).Draw(t, "audited to"))}
		if from < 10 {
			i.From = ""
		}
		p.Audited = append(p.Audited, i)
		p.Walked = &Walked{Latest: int64(from % 2), At: p.Observed}
	}
	for range rapid.IntRange(0, 2).Draw(t, "threads") {
		n := rapid.IntRange(0, 9).Draw(t, "thread")
		p.Threads = append(p.Threads, Thread{
			TS: ts(n), Count: int64(n) - 1, Comments: n, Digest: [8]byte{byte(n)}, Read: p.Observed,
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "debts") {
		d := Debt{
			Channel: p.Channel, Key: fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "debt")), Since: p.Observed,
			Kind: rapid.SampledFrom([]DebtKind{DebtThread, DebtFile, DebtChannel, "other"}).Draw(t, "kind"),
		}
		if rapid.Bool().Draw(t, "paid") {
			p.Paid = append(p.Paid, d)
		} else {
			p.Owe = append(p.Owe, d)
		}
	}
}

// machine runs an archive beside the model.
type machine struct {
	dir     string
	a       *Archive
	m       *model
	history map[uint64][]string // dumps by change number
}

func (x *machine) open(t *rapid.T) {
	a, err := Open(context.Background(), x.dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	x.a = a
}

func (x *machine) flush(t *rapid.T) {
	if err := x.a.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := x.a.Change(); got != uint64(x.m.entries) {
		t.Fatalf("change %d, the model has %d entries", got, x.m.entries)
	}
}

func (x *machine) put(t *rapid.T) {
	for range rapid.IntRange(1, 3).Draw(t, "pages") {
		p := drawPage(t)
		want := x.m.put(p)
		p.Done = func(got Counts, err error) {
			if err != nil || got != want {
				t.Errorf("counts %+v, %v; want %+v", got, err, want)
			}
		}
		if err := x.a.Put(context.Background(), p); err != nil {
			t.Fatal(err)
		}
	}
	if rapid.Bool().Draw(t, "flush") {
		x.flush(t)
		if len(x.history) < 3 {
			x.history[x.a.Change()] = x.m.logical(t)
		}
	}
}

func (x *machine) reopen(t *rapid.T) {
	if err := x.a.Close(); err != nil {
		t.Fatal(err)
	}
	x.open(t)
}

func (x *machine) read(t *rapid.T) {
	x.flush(t)
	if diff := cmp.Diff(x.m.logical(t), dumpArchive(t, x.a, modelChannels, 0)); diff != "" {
		t.Fatalf("content (-model +archive):\n%s", diff)
	}
}

func (x *machine) readAsOf(t *rapid.T) {
	if len(x.history) == 0 {
		t.Skip()
	}
	x.flush(t)
	asOf := rapid.SampledFrom(slices.Sorted(maps.Keys(x.history))).Draw(t, "as of")
	if asOf == 0 {
		return
	}
	if diff := cmp.Diff(x.history[asOf], dumpArchive(t, x.a, modelChannels, asOf)); diff != "" {
		t.Fatalf("content as of %d (-model +archive):\n%s", asOf, diff)
	}
}

func (x *machine) readRange(t *rapid.T) {
	x.flush(t)
	channel := rapid.SampledFrom(modelChannels).Draw(t, "channel")
	from := rapid.IntRange(0, 1300).Draw(t, "from")
	to := from + rapid.IntRange(0, 600).Draw(t, "length")
	var want, got []string
	for n := from; n <= to; n++ {
		o := object{ClassMessage, channel, string(ts(n))}
		if entries := x.m.objects[o]; entries != nil {
			want = append(want, dumpObject(t, o, entries))
		}
	}
	for m, err := range x.a.Messages(context.Background(), channel, Range{From: ts(from), To: ts(to)}) {
		if err != nil {
			t.Fatal(err)
		}
		line, err := m.Dump(false)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(line))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("range %d to %d of %s (-model +archive):\n%s", from, to, channel, diff)
	}
}

func (x *machine) follow(t *rapid.T) {
	x.flush(t)
	got := make(map[object][]record.Entry)
	after := uint64(0)
	for {
		list, err := x.a.Changes(context.Background(), after, rapid.SampledFrom([]int{1000, 70, 5000}).Draw(t, "limit"))
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, c := range list {
			if after++; c.Change != after {
				t.Fatalf("change %d follows %d", c.Change, after-1)
			}
			o := object{c.Class, c.Channel, c.Key}
			c.Change = 0
			got[o] = append(got[o], c.Entry)
		}
	}
	if after != uint64(x.m.entries) {
		t.Fatalf("%d changes, the model has %d", after, x.m.entries)
	}
	if diff := cmp.Diff(x.m.objects, got); diff != "" {
		t.Fatalf("changes (-model +archive):\n%s", diff)
	}
}

func (x *machine) bookkeeping(t *rapid.T) {
	x.flush(t)
	ctx := context.Background()
	debts := make(map[Debt]bool)
	for _, c := range modelChannels {
		coverage, err := x.a.Coverage(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x.m.proven[c], coverage.Proven); diff != "" {
			t.Fatalf("coverage of %s (-model +archive):\n%s", c, diff)
		}
		threads, err := x.a.Threads(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if len(threads)+len(x.m.threads[c]) > 0 {
			if diff := cmp.Diff(x.m.threads[c], threads); diff != "" {
				t.Fatalf("threads of %s (-model +archive):\n%s", c, diff)
			}
		}
		x.totals(t, c)
		x.audits(t, c, coverage)
		x.missing(t, c)
	}
	list, err := x.a.Debts(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		debts[Debt{Channel: d.Channel, Kind: d.Kind, Key: d.Key}] = true
	}
	if diff := cmp.Diff(x.m.debts, debts); diff != "" {
		t.Fatalf("debts (-model +archive):\n%s", diff)
	}
}

// audits checks the times of audits: not later than the last read, and not much earlier.
func (x *machine) audits(t *rapid.T, channel string, c Coverage) {
	for i, a := range c.Audits {
		if a.From > a.To || i > 0 && a.From < c.Audits[i-1].To {
			t.Fatalf("audits of %s overlap: %+v", channel, c.Audits)
		}
	}
	for n := range 170 {
		var want time.Time
		for _, r := range x.m.reads[channel] {
			if r.From <= ts(n) && ts(n) <= r.To && r.at.After(want) {
				want = r.at
			}
		}
		got := c.At(ts(n))
		if got.IsZero() != want.IsZero() || got.After(want) || want.Sub(got) > AuditRenewal+6*sameTime {
			t.Fatalf("%s of %s was read at %v, audits say %v: %+v", ts(n), channel, want, got, c.Audits)
		}
	}
	if want := x.m.walked[channel]; c.Walked != want {
		t.Fatalf("%s was walked %+v, want %+v", channel, c.Walked, want)
	}
}

func (x *machine) missing(t *rapid.T, channel string) {
	marks, err := x.a.Missing(context.Background(), channel)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.SortedFunc(maps.Values(x.m.missing[channel]), func(a, b Missing) int { return compareText(string(a.TS), string(b.TS)) })
	if diff := cmp.Diff(want, marks[channel]); diff != "" {
		t.Fatalf("marks of %s (-model +archive):\n%s", channel, diff)
	}
}

func (x *machine) totals(t *rapid.T, channel string) {
	var want ChannelTotals
	for o, entries := range x.m.objects {
		if o.class != ClassMessage || o.channel != channel {
			continue
		}
		if entries[len(entries)-1].Op == record.OpDeleted {
			want.Deleted++
		}
		if entries[0].Thread != "" {
			want.Comments++
			continue
		}
		want.Messages++
		if ts := record.TS(o.key); want.First == "" || ts < want.First {
			want.First = ts
		}
		want.Last = max(want.Last, record.TS(o.key))
	}
	got, err := x.a.Totals(context.Background(), channel)
	if err != nil {
		t.Fatal(err)
	}
	got.Change = 0
	if got != want {
		t.Fatalf("totals of %s are %+v, want %+v", channel, got, want)
	}
}

func (x *machine) verify(t *rapid.T) {
	report, err := x.a.Verify(context.Background(), VerifyOptions{Data: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range report.Damage {
		// The model's files have no bytes.
		if d.Repair != repairBlob {
			t.Fatalf("damage: %+v", d)
		}
	}
}

func TestArchiveBehavesLikeTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parent, err := tempDir()
		if err != nil {
			t.Fatal(err)
		}
		defer parent.remove()
		x := &machine{dir: filepath.Join(parent.path, "archive"), m: newModel(), history: make(map[uint64][]string)}
		if x.a, err = Create(context.Background(), x.dir, testOptions()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = x.a.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"put": x.put, "put again": x.put, "put more": x.put, "reopen": x.reopen, "read": x.read, "read as of": x.readAsOf,
			"read range": x.readRange, "follow": x.follow, "bookkeeping": x.bookkeeping, "verify": x.verify,
		})
	})
}
