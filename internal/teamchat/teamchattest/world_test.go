package teamchattest_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/teamchat/teamchattest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestIDsFollowTheLaw(t *testing.T) {
	now := time.Unix(1_516_117_587, 0)
	w := teamchattest.NewWorld(teamchattest.WorldOptions{Now: func() time.Time { return now }})
	id := w.AddChannel("general")
	a := w.Post(id, "ann@example.com", "a")
	b := w.Post(id, "ann@example.com", "b")
	entry, file := w.Upload(id, "ann@example.com", "f", nil)
	now = now.Add(-time.Hour)
	back := w.Post(id, "ann@example.com", "after the clock went back")
	now = now.Add(2 * time.Hour)
	later := w.Post(id, "ann@example.com", "later")
	got := []string{string(a), string(b), file, string(entry), string(back), string(later)}
	want := []string{"1516117587.000001", "1516117587.000002", "5a5e1e530003", "1516117587.000004", "1516117587.000005", "1516121187.000000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	for range 1 << 16 {
		later = w.Post(id, "ann@example.com", "")
	}
	if later != "1516121188.000000" {
		t.Errorf("a second that is used up borrows from the next: %s", later)
	}
	if late := w.PostAt(id, "1516000000.065535", "bob@example.com", "late"); late.Hex() != "5a5c5300ffff" {
		t.Errorf("late item %s", late)
	}
}

func TestRunningCounterWrapsAndFollowsTheClock(t *testing.T) {
	now := time.Unix(1_516_117_587, 0)
	w := teamchattest.NewWorld(teamchattest.WorldOptions{Now: func() time.Time { return now }})
	id := w.AddChannel("general")
	w.RunCounter(65534)
	var got []string
	post := func() { got = append(got, string(w.Post(id, "ann@example.com", "x"))) }
	post()
	post()
	post() // sorts before the two
	now = now.Add(-time.Hour)
	post()
	now = now.Add(2 * time.Hour)
	post()
	want := []string{"1516117587.065534", "1516117587.065535", "1516117587.000000", "1516113987.000001", "1516121187.000002"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

func TestScenarioErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"channel a ann\n\nshout a ann": `scenario line 3: unknown word "shout"`,
		"post nowhere ann hi":          `scenario line 1: no channel "nowhere"`,
		"edit m1 ann hi":               `scenario line 1: nothing is called "m1"`,
		"time yesterday":               "scenario line 1: parsing time",
		"channel a ann\nreadable a no": `scenario line 2: "no": want on or off`,
		"channel a ann\nm = post a ann x\ndelete m\nreact m ann heart": `scenario line 4: "m" is gone`,
	} {
		if _, err := teamchattest.ParseScenario(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestScenario(t *testing.T) {
	w, err := teamchattest.ParseScenario(`host chat.firma.example
time 2024-03-01T09:00:00Z
user ann Ann Example
channel "first room" ann bob

# a thread
m1 = post "first room" ann Hello,\n\tall \\ everybody
c1 = comment m1 bob Hi
react m1 bob heart
edit c1 bob Hi!
x = code "first room" bob go fmt.Println("1\n")
late 1709283000.000007 "first room" - from nobody
join "first room" carol
event "first room" ann 30 Stand-up
conference "first room" ann pa55 Call
f1 = upload "first room" ann a.txt abc
revise f1 abcdef
renamefile f1 b.txt
mail "first room" bob m.eml Subject: x
move "first room" sales@firma.example
rename "first room" second
kick second bob
time +90m
post second ann last
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for m := range w.Messages() {
		got = append(got, strings.Join([]string{m.User, m.Subtype, m.Text}, "|"))
	}
	want := []string{
		"||from nobody", "ann@firma.example||Hello,\n\tall \\ everybody", "bob@firma.example|message_comment|Hi!",
		"bob@firma.example|code_block|fmt.Println(\"1\n\")", "carol@firma.example|channel_join|carol@firma.example has joined",
		"ann@firma.example|event|", "ann@firma.example|conference|", "ann@firma.example|file_share|", "bob@firma.example|mail_share|",
		"ann@firma.example||last",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	c := w.Channels()[0]
	c.ID = ""
	wantChannel := teamchattest.ChannelState{Name: "second", Members: []string{"ann@firma.example", "carol@firma.example"}, Readable: true, Messages: 9, Comments: 1, Files: 2}
	if diff := cmp.Diff(wantChannel, c); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
	for f, err := range w.Files() {
		if err != nil || f.Name == "b.txt" && f.SHA256 != "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721" {
			t.Errorf("file %+v: %v", f, err)
		}
	}
}

func TestOneReactionAUser(t *testing.T) {
	w, c := serve(t, small, teamchattest.ServerOptions{})
	m1, _ := w.Label("m1")
	for _, r := range [][2]string{{"ann", "heart"}, {"bob", "heart"}, {"ann", "eyes"}, {"bob", ""}} {
		w.React(m1.Channel, m1.TS, r[0], r[1])
	}
	got := c.get("items.info", "channel", m1.Channel, "ts", string(m1.TS))["message"].(object)["reactions"]
	want := []any{object{"name": "eyes", "count": 1.0, "users": []any{"ann"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reactions (-want +got):\n%s", diff)
	}
}

func TestTextsSurvive(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	id := w.AddChannel("general")
	c := login(t, teamchattest.Start(t, w, teamchattest.ServerOptions{}))
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.String().Draw(rt, "text")
		ts := w.Post(id, "ann@example.com", text)
		served := c.texts("channels.historyNoComments", "channel", id, "count", "1")
		kept := slices.Collect(w.Messages())
		last := kept[len(kept)-1]
		if served != text || last.Text != text || last.TS != ts {
			rt.Errorf("%q served as %q, kept as %q", text, served, last.Text)
		}
	})
}

// TestWorldAgainstModel changes a world at random and compares it with a plain map.
func TestWorldAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := teamchattest.NewWorld(teamchattest.WorldOptions{})
		id := w.AddChannel("general", "ann@example.com")
		texts := map[record.TS]string{}
		thread := map[record.TS]record.TS{}
		var known []record.TS
		pick := func(rt *rapid.T) record.TS {
			if len(known) == 0 {
				rt.Skip("nothing there")
			}
			return known[rapid.IntRange(0, len(known)-1).Draw(rt, "which")]
		}
		rt.Repeat(map[string]func(*rapid.T){
			"post": func(rt *rapid.T) {
				ts := w.Post(id, "ann@example.com", "post")
				texts[ts], known = "post", append(known, ts)
			},
			"late": func(rt *rapid.T) {
				ts := record.MakeTS(1_600_000_000, rapid.IntRange(0, 65535).Draw(rt, "counter"))
				if _, taken := texts[ts]; taken {
					rt.Skip("taken")
				}
				w.PostAt(id, ts, "ann@example.com", "late")
				texts[ts], known = "late", append(known, ts)
			},
			"comment": func(rt *rapid.T) {
				parent := pick(rt)
				_, there := texts[parent]
				ts := w.Comment(id, parent, "ann@example.com", "comment")
				if (ts != "") != (there && thread[parent] == "") {
					rt.Fatalf("comment on %s (there %t, under %q) gave %q", parent, there, thread[parent], ts)
				}
				if ts != "" {
					texts[ts], thread[ts], known = "comment", parent, append(known, ts)
				}
			},
			"edit": func(rt *rapid.T) {
				ts := pick(rt)
				if _, there := texts[ts]; w.Edit(id, ts, "bob@example.com", "edited") != there {
					rt.Fatalf("edit of %s, there %t", ts, there)
				} else if there {
					texts[ts] = "edited"
				}
			},
			"delete": func(rt *rapid.T) {
				ts := pick(rt)
				if _, there := texts[ts]; w.Delete(id, ts) != there {
					rt.Fatalf("deletion of %s, there %t", ts, there)
				}
				delete(texts, ts)
				for comment, parent := range thread {
					if parent == ts {
						delete(texts, comment)
					}
				}
			},
			"": func(rt *rapid.T) {
				got := map[record.TS]string{}
				var last record.TS
				for m := range w.Messages() {
					if m.TS <= last || m.Thread != thread[m.TS] {
						rt.Fatalf("%+v after %s, want under %q", m, last, thread[m.TS])
					}
					got[m.TS], last = m.Text, m.TS
				}
				if diff := cmp.Diff(texts, got); diff != "" {
					rt.Fatalf("(-want +got):\n%s", diff)
				}
			},
		})
	})
}

// TestServedWhileItChanges is for the race detector.
func TestServedWhileItChanges(t *testing.T) {
	w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 3, Messages: 500})
	s := teamchattest.Start(t, w, teamchattest.ServerOptions{})
	c := login(t, s)
	id := w.Channels()[0].ID
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 20 {
			w.Busy(uint64(i), 1)
		}
	})
	for range 10 {
		for _, method := range []string{"channels.list", "channels.historyNoComments", "threads.list", "files.list", "users.list", "channels.diff"} {
			if answer := c.get(method, "channel", id, "count", "1000"); answer["ok"] != true {
				t.Errorf("%s: %v", method, answer["error"])
			}
		}
	}
	wg.Wait()
}

func FuzzScenario(f *testing.F) {
	f.Add(small)
	f.Add("channel \"a b\" ann\nm = late 9999999999.065535 \"a b\" ann x\nm = late 1709283000.000007 \"a b\" - x\nrevise m y")
	f.Add("time 9999-12-31T23:59:59Z\nchannel a\ntime +9000000h\nf = upload a - n x\nunlink f gone\nunlink f gone")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := teamchattest.ParseScenario(text)
		if err != nil {
			return
		}
		for m := range w.Messages() {
			if _, err := record.ParseTS(string(m.TS)); err != nil {
				t.Error(err)
			}
		}
	})
}
