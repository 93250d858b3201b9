package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

func TestDumpShowsPinsEventsAndConferences(t *testing.T) {
	const password = "open-sesame-77"
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("general", "ann@example.com")
	ts := w.Post("general", "ann@example.com", "Hello")
	w.Pin("general", ts, "ann@example.com", true)
	w.AddEvent("general", teamchattest.Event{User: "ann@example.com", Title: "Meal", Start: 1_516_117_587, End: 1_516_121_187})
	w.AddConference(teamchattest.Conference{Channel: "general", User: "ann@example.com", Title: "Review", Password: password})
	server := teamchattest.Start(t, w, teamchattest.ServerOptions{})
	t.Setenv("ARCHIVER_SERVER", server.URL)
	t.Setenv("ARCHIVER_USERNAME", "archive@example.com")
	t.Setenv("ARCHIVER_PASSWORD", "secret")
	t.Setenv("ARCHIVER_ARCHIVE", filepath.Join(t.TempDir(), "archive"))
	syncNow(t)
	dump := dumpNow(t)
	for _, want := range []string{
		`"annotations":\[\{"what":\["pins"\],"observed":"[^"]+","pinned":true,"by":"ann@example.com"\}\]`,
		`\{"record":"event","channel":"\w+","id":"[0-9a-f]{12}","title":"Meal","start":"2018-01-16T15:46:27Z","end":"2018-01-16T16:46:27Z","state":"present","vcalendar":"BEGIN:VCALENDAR\\r\\n[^"]+","versions":\[\{"sha256":"[0-9a-f]{64}","observed":"[^"]+"\}\],"raw":\{`,
		`\{"record":"conference","id":"\d+","title":"Review","organizer":"ann@example.com","start":"","end":"","versions":\[\{"sha256":"[0-9a-f]{64}","observed":"[^"]+"\}\],"raw":\{[^\n]*"password":""`,
	} {
		if !regexp.MustCompile(want).MatchString(dump) {
			t.Errorf("no %s in\n%s", want, dump)
		}
	}
	if strings.Contains(dump, password) {
		t.Error("the password of a conference is in the dump")
	}
	var order []string
	for _, m := range regexp.MustCompile(`(?m)^\{"record":"(\w+)"`).FindAllStringSubmatch(dump, -1) {
		if n := len(order); n == 0 || order[n-1] != m[1] {
			order = append(order, m[1])
		}
	}
	if got := strings.Join(order, " "); got != "channel user message event conference" {
		t.Errorf("records come in the order %s", got)
	}
	stable := dumpNow(t, "--stable")
	for _, absent := range []string{`"observed"`, `"raw"`, `"annotations"`} {
		if strings.Contains(stable, absent) {
			t.Errorf("the stable dump has %s", absent)
		}
	}
}

func dumpNow(t *testing.T, flags ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), append([]string{"dump"}, flags...), nil, &out, &errs); code != 0 {
		t.Fatalf("dump exits %d: %s", code, errs.Bytes())
	}
	return out.String()
}
