package sync

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat/teamchattest"
)

// besideRequests counts the requests for lists beside the messages.
func (r *rig) besideRequests() (n int64) {
	for _, method := range []string{lacksPins, lacksPast, lacksUpcoming, lacksEvent, lacksConferences} {
		n += r.server.Requests(method)
	}
	return n
}

// channelID gives the archive's id of a channel by its name.
func (r *rig) channelID(name string) string {
	r.t.Helper()
	for c, err := range r.archive.Channels(r.t.Context(), 0) {
		fail(r.t, err)
		if c.Name == name {
			return c.ID
		}
	}
	r.t.Fatalf("no channel %s", name)
	return ""
}

// pinsOf gives what the annotations of a message say of pins.
func (r *rig) pinsOf(channel string, ts record.TS) (story string) {
	r.t.Helper()
	m, err := r.archive.Message(r.t.Context(), r.channelID(channel), ts)
	fail(r.t, err)
	for _, a := range m.Annotations {
		if a.Pin != nil {
			story += fmt.Sprintf("%t %s;", a.Pin.Pinned, a.Pin.User)
		}
	}
	return story
}

// eventsOf describes the events of a channel.
func (r *rig) eventsOf(channel string) (story string) {
	r.t.Helper()
	for e, err := range r.archive.Events(r.t.Context(), r.channelID(channel), 0) {
		fail(r.t, err)
		story += fmt.Sprintf("%s %s %d versions, listed %t;", e.Title, e.State, len(e.Versions), len(e.Raw) > 0)
		if !strings.Contains(e.VCalendar, "SUMMARY:"+e.Title) {
			r.t.Errorf("event %s has the calendar text %q", e.ID, e.VCalendar)
		}
	}
	return story
}

func (r *rig) wantPins(channel string, ts record.TS, want string) {
	r.t.Helper()
	if got := r.pinsOf(channel, ts); got != want {
		r.t.Errorf("pins of %s are %q, want %q", ts, got, want)
	}
}

func TestPinsAreAnnotationsOfTheirMessage(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("general", "ann@example.com", "bob@example.com")
	old := w.Post("general", "ann@example.com", "old")
	comment := w.Comment("general", old, "bob@example.com", "comment")
	for i := range 60 {
		w.Post("general", "bob@example.com", fmt.Sprint("post ", i))
	}
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{PageSize: 10})
	before := r.dump()
	w.Pin("general", old, "ann@example.com", true)
	w.Pin("general", comment, "bob@example.com", true)
	private := w.Post("general", "bob@example.com", "private")
	w.Pin("general", private, "archive@example.com", false)
	r.complete(Options{PageSize: 10})
	r.wantPins("general", old, "true ann@example.com;")
	r.wantPins("general", comment, "true bob@example.com;")
	r.wantPins("general", private, "")
	if !strings.Contains(r.dump(), strings.SplitAfter(before, "\n")[3]) {
		t.Error("a pin made a version")
	}
	w.Unpin("general", old, "ann@example.com", true)
	r.complete(Options{PageSize: 10})
	r.wantPins("general", old, "true ann@example.com;") // nothing tells of it before the list is due
	r.complete(Options{PageSize: 10, Full: true})
	r.wantPins("general", old, "true ann@example.com;false ;")
	r.wantPins("general", comment, "true bob@example.com;")
	w.Unpin("general", comment, "bob@example.com", true)
	r.complete(Options{PageSize: 10, Full: true})
	r.wantPins("general", comment, "true bob@example.com;false ;")
	r.wantNoDebts()
	change := r.archive.Change()
	r.complete(Options{PageSize: 10, Full: true})
	if r.archive.Change() != change {
		t.Errorf("reading again added %d entries", r.archive.Change()-change)
	}
}

func TestEmptyListOfPinsAfterLostRightsProvesNothing(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("general", "ann@example.com")
	ts := w.Post("general", "ann@example.com", "pinned")
	w.Pin("general", ts, "ann@example.com", true)
	r := newRig(t, w, teamchattest.ServerOptions{Variant: teamchattest.Variant{ForbiddenList: true}})
	r.complete(Options{})
	r.wantPins("general", ts, "true ann@example.com;")
	r.server.OnMethod(lacksPins, r.server.Requests(lacksPins)+1, func(w *teamchattest.World) { w.SetReadable("general", false) })
	r.run(Options{Full: true})
	r.wantPins("general", ts, "true ann@example.com;")
}

func TestManyPinsAreReadThroughWindows(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("general", "ann@example.com")
	var pinned []record.TS
	for i := range 70 {
		ts := w.Post("general", "ann@example.com", fmt.Sprint("post ", i))
		pinned = append(pinned, ts)
		w.Pin("general", ts, "ann@example.com", true)
	}
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{PageSize: 20})
	for _, ts := range pinned {
		r.wantPins("general", ts, "true ann@example.com;")
	}
	w.Unpin("general", pinned[7], "ann@example.com", true)
	r.complete(Options{PageSize: 20, Full: true})
	for i, ts := range pinned {
		if want := "true ann@example.com;"; i != 7 {
			r.wantPins("general", ts, want)
		} else {
			r.wantPins("general", ts, want+"false ;")
		}
	}
}

func TestPinnedMessageThatHistoryHidesIsArchived(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("general", "ann@example.com")
	hidden := w.Post("general", "ann@example.com", "late")
	w.Post("general", "ann@example.com", "post")
	r := newRig(t, w, teamchattest.ServerOptions{})
	gone := w.Post("general", "ann@example.com", "came after the walk")
	w.Delete("general", gone)
	r.complete(Options{})
	r.server.OnMethod(lacksPins, 1, func(w *teamchattest.World) {
		late := w.Post("general", "ann@example.com", "posted and pinned after the walk")
		w.Pin("general", late, "ann@example.com", true)
	})
	w.Pin("general", hidden, "ann@example.com", true)
	r.complete(Options{})
	r.wantPins("general", hidden, "true ann@example.com;")
	if !strings.Contains(r.dump(), `"text":"posted and pinned after the walk"`) {
		t.Error("the message is not archived")
	}
}

func TestEventsAreKeptWithTheirCalendar(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("general", "ann@example.com")
	meal := teamchattest.Event{User: "ann@example.com", Title: "Meal", Start: 1_700_000_000, End: 1_700_003_600}
	_, first := w.AddEvent("general", meal)
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{})
	steps := []struct {
		name string
		do   func()
		o    Options
		want string
	}{
		{"new", func() {}, Options{}, "Meal present 1 versions, listed true;"},
		{"another", func() {
			w.AddEvent("general", teamchattest.Event{User: "ann@example.com", Title: "Walk", Start: 4_000_000_000, End: 4_000_003_600})
		}, Options{}, "Meal present 1 versions, listed true;Walk present 1 versions, listed true;"},
		{"changed", func() { meal.Title = "Supper"; w.ChangeEvent("general", first, meal) }, Options{RecentWindow: time.Hour},
			"Supper present 2 versions, listed true;Walk present 1 versions, listed true;"},
		{"changed where only the calendar tells", func() { meal.Location = "Room 1"; w.ChangeEvent("general", first, meal) }, Options{Full: true},
			"Supper present 3 versions, listed true;Walk present 1 versions, listed true;"},
		{"cancelled", func() { w.RemoveEvent("general", first) }, Options{Full: true},
			"Supper gone 3 versions, listed true;Walk present 1 versions, listed true;"},
		{"nothing", func() {}, Options{Full: true}, "Supper gone 3 versions, listed true;Walk present 1 versions, listed true;"},
	}
	for _, step := range steps {
		step.do()
		r.later(2 * time.Minute)
		r.complete(step.o)
		if got := r.eventsOf("general"); got != step.want {
			t.Errorf("%s: events are %q, want %q", step.name, got, step.want)
		}
		r.wantNoDebts()
	}
}

// fold folds a line of iCalendar text so that what it says is cut in the middle.
func fold(line string) string {
	var b strings.Builder
	for i := range len(line) {
		if i > 0 && i%7 == 0 {
			b.WriteString("\r\n ")
		}
		b.WriteByte(line[i])
	}
	return b.String() + "\r\n"
}

func TestPasswordsOfConferencesAreNotKept(t *testing.T) {
	const password = "open;sesame-77"
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("general", "ann@example.com")
	_, meeting := w.AddConference(teamchattest.Conference{Channel: "general", User: "ann@example.com", Title: "Review", Password: password})
	w.AddConference(teamchattest.Conference{User: "archive@example.com", Title: "Planned", Password: password, Start: 4_000_000_000, End: 4_000_003_600})
	calendar := "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Review\r\n" +
		fold(`DESCRIPTION:Join https://mail.example.com/teamchat/meet/`+meeting+`?pwd=abc123xyz\nPassword: open\;sesame-77`) +
		"END:VEVENT\r\nEND:VCALENDAR\r\n"
	w.AddEvent("general", teamchattest.Event{User: "ann@example.com", Title: "Review", Start: 1, End: 2, VCalendar: calendar})
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{})
	text := r.everything()
	for _, secret := range []string{password, "sesame", "abc123xyz"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is kept", secret)
		}
	}
	for _, kept := range []string{`"record":"conference"`, `"title":"Planned"`, `"organizer":"ann@example.com"`, "2096-10-02T07:06:40Z", "/meet/", `?pwd=\\nPassword: `} {
		if !strings.Contains(strings.ReplaceAll(text, `\r\n `, ""), kept) {
			t.Errorf("%q is not there", kept)
		}
	}
	change := r.archive.Change()
	r.complete(Options{Full: true})
	if r.archive.Change() != change {
		t.Errorf("reading again added %d entries", r.archive.Change()-change)
	}
}

// everything is all that is kept: the bodies of all entries, the dumps, and the bytes of the archive's files.
func (r *rig) everything() string {
	r.t.Helper()
	var b bytes.Buffer
	changes, err := r.archive.Changes(r.t.Context(), 0, 100_000)
	fail(r.t, err)
	for _, c := range changes {
		b.Write(c.Body)
	}
	b.WriteString(r.dump())
	fail(r.t, filepath.WalkDir(r.archive.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		b.Write(data)
		return err
	}))
	return b.String()
}

// busy is a world with one of each: pins, events, conferences.
func busy(t *testing.T) *teamchattest.World {
	w := small(t)
	m1, _ := w.Label("m1")
	w.Pin(m1.Channel, m1.TS, "ann@example.com", true)
	return w
}

func TestServersWithoutListsBesideMessages(t *testing.T) {
	for _, refusal := range []string{"method_not_exist", "no_permission", "gw_error e_rights"} {
		t.Run(refusal, func(t *testing.T) {
			r := newRig(t, busy(t), teamchattest.ServerOptions{})
			for _, method := range []string{lacksPins, lacksPast, lacksUpcoming, lacksEvent, lacksConferences} {
				r.server.Fault(teamchattest.Fault{Method: method, Times: -1, Error: refusal})
			}
			r.complete(Options{AuditDays: 7})
			r.wantWorld(false)
			r.wantNoDebts()
			n := r.besideRequests()
			r.complete(Options{AuditDays: 7})
			if got := r.besideRequests(); got != n {
				t.Errorf("%d requests in a run without news", got-n)
			}
			if strings.Contains(r.dump(), `"record":"conference"`) {
				t.Error("a conference was kept")
			}
		})
	}
}

func TestFaultsOfListsBesideMessagesAreDebts(t *testing.T) {
	want := newRig(t, busy(t), teamchattest.ServerOptions{})
	want.complete(Options{})
	for _, method := range []string{lacksPins, lacksPast, lacksUpcoming, lacksEvent, lacksConferences} {
		t.Run(method, func(t *testing.T) {
			r := newRig(t, busy(t), teamchattest.ServerOptions{})
			r.client.GiveUpAfter = 50 * time.Millisecond
			r.server.Fault(teamchattest.Fault{Method: method, Times: -1, Error: "gw_error e_db"})
			if res := r.run(Options{}); res.Outcome != Incomplete {
				t.Errorf("outcome %s", res.Outcome)
			}
			r.server.ClearFaults()
			r.complete(Options{})
			r.wantNoDebts()
			if r.dump() != want.dump() {
				t.Errorf("differs from an unbroken run:\n%s\n%s", r.dump(), want.dump())
			}
		})
	}
}

func TestListsBesideMessagesAreReadWhenDue(t *testing.T) {
	r := newRig(t, busy(t), teamchattest.ServerOptions{})
	o := Options{AuditDays: 7}
	r.complete(o)
	m1, _ := r.world.Label("m1")
	r.world.Unpin(m1.Channel, m1.TS, "ann@example.com", true)
	change, n := r.archive.Change(), r.besideRequests()
	r.later(time.Hour)
	r.complete(o)
	if got := r.besideRequests() - n; got != 0 || r.archive.Change() != change {
		t.Errorf("%d requests and %d entries in a run without news", got, r.archive.Change()-change)
	}
	r.later(7 * 24 * time.Hour)
	r.complete(o)
	r.wantPins("general", m1.TS, "true ann@example.com;false ;")
	n = r.besideRequests()
	r.later(time.Hour)
	r.complete(o)
	if got := r.besideRequests() - n; got != 0 {
		t.Errorf("%d requests after all was read", got)
	}
}

func TestDueListsAreSpread(t *testing.T) {
	if testing.Short() {
		t.Skip("syncs for weeks")
	}
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	for i := range 200 {
		w.AddChannel(fmt.Sprint("channel ", i), "ann@example.com")
	}
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{AuditDays: 7})
	if n := r.server.Requests(lacksPins) + r.server.Requests(lacksPast); n != 0 {
		t.Errorf("%d requests for lists that nothing tells of", n)
	}
	for day := range 7 {
		n := r.server.Requests(lacksPins)
		r.later(24 * time.Hour)
		r.complete(Options{AuditDays: 7})
		if n = r.server.Requests(lacksPins) - n; n < 10 || n > 60 {
			t.Errorf("day %d: %d of 200 channels", day, n)
		}
	}
	if n := r.server.Requests(lacksPins); n != 200 {
		t.Errorf("%d channels in a week", n)
	}
}

func TestRunsOfOneRequestReadListsBesideMessages(t *testing.T) {
	r := newRig(t, busy(t), teamchattest.ServerOptions{})
	r.complete(Options{})
	want := r.dump()
	r.fresh()
	r.untilComplete(80, Options{})
	if r.dump() != want {
		t.Errorf("differs from an unbroken run:\n%s\n%s", r.dump(), want)
	}
	var owed []storage.Debt
	owed, err := r.archive.Debts(t.Context(), "")
	fail(t, err)
	if len(owed) > 0 {
		t.Errorf("%+v", owed)
	}
}

func TestListsBesideMessagesOfOddServers(t *testing.T) {
	for name, variant := range map[string]teamchattest.Variant{
		"no paging":        {PagingAbsent: true},
		"wrong paging":     {PagingWrong: true},
		"capped":           {CountCap: 12},
		"fixed pages":      {CountFixed: 15},
		"short pages":      {ShortPages: true},
		"pages from 0":     {PageBase0: true},
		"last page again":  {PastEnd: "last", PagingAbsent: true},
		"one event":        {EventsObject: true},
		"numbers as text":  {NumberText: true, NumberTS: true},
		"booleans as text": {Bools: "text"},
		"null lists":       {NullLists: true, NoPadding: true},
		"pins in messages": {PinnedTo: true},
		"other way round":  {Reversed: true, ErrorNumber: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := busy(t)
			var pinned []record.TS
			for i := range 40 {
				ts := w.Post("general", "ann@example.com", fmt.Sprint("post ", i))
				pinned = append(pinned, ts)
				w.Pin("general", ts, "ann@example.com", true)
			}
			r := newRig(t, w, teamchattest.ServerOptions{Variant: variant})
			r.complete(Options{PageSize: 20})
			for _, ts := range pinned {
				r.wantPins("general", ts, "true ann@example.com;")
			}
			if got := r.eventsOf("projects"); got != "Standup present 1 versions, listed true;" {
				t.Errorf("events are %q", got)
			}
			if !strings.Contains(r.dump(), `{"record":"conference"`) {
				t.Error("the conference is not archived")
			}
			change := r.archive.Change()
			r.complete(Options{PageSize: 20, Full: true})
			if r.archive.Change() != change {
				t.Errorf("reading again added %d entries", r.archive.Change()-change)
			}
			r.wantNoDebts()
		})
	}
}
