package campaign

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// line is a line of a dump, with the members of every record.
type line struct {
	Record   string   `json:"record"`
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Names    []string `json:"names"`
	State    string   `json:"state"`
	Members  []string `json:"members"`
	Channel  string   `json:"channel"`
	TS       string   `json:"ts"`
	Thread   string   `json:"thread_ts"`
	User     string   `json:"user"`
	Kind     string   `json:"kind"`
	Text     string   `json:"text"`
	Size     int64    `json:"size"`
	Reason   string   `json:"reason"`
	Versions []struct {
		Text   string `json:"text"`
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"versions"`
}

// lines gives the lines of the archive's dump of one record.
func (s *site) lines(record string) (list []line) {
	s.t.Helper()
	for text := range strings.Lines(s.dump()) {
		if l := decode[line](s.t, text); l.Record == record {
			list = append(list, l)
		}
	}
	return list
}

// one gives the only line of a record that fits.
func one(t *testing.T, lines []line, fits func(line) bool) line {
	t.Helper()
	var found []line
	for _, l := range lines {
		if fits(l) {
			found = append(found, l)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d lines of %d fit, want 1: %+v", len(found), len(lines), lines)
	}
	return found[0]
}

// channel gives a channel of the dump by its present name.
func (s *site) channel(name string) line {
	s.t.Helper()
	return one(s.t, s.lines("channel"), func(l line) bool { return l.Name == name })
}

// file gives the file that the scenario calls so.
func (s *site) file(label string) line {
	s.t.Helper()
	at, _ := s.world.Label(label)
	return one(s.t, s.lines("file"), func(l line) bool { return l.ID == at.File })
}

// wantWorld checks that the archive holds, once each, the messages and files that the world holds, and no other.
func (s *site) wantWorld() {
	s.t.Helper()
	if diff := gocmp.Diff(s.worldContent(), s.archiveContent()); diff != "" {
		s.t.Fatalf("the archive differs from the world (-world +archive):\n%s", diff)
	}
}

func (s *site) worldContent() map[string]string {
	s.t.Helper()
	content := make(map[string]string)
	for m := range s.world.Messages() {
		content[m.Channel+"/"+string(m.TS)] = fmt.Sprintf("%s|%s|%s", m.Thread, m.User, m.Text)
	}
	for f, err := range s.world.Files() {
		if err != nil {
			s.t.Fatal(err)
		}
		content[f.Channel+"/"+f.ID] = fmt.Sprintf("%s|%d|%s", f.Name, f.Size, f.SHA256)
	}
	for _, c := range s.world.Channels() {
		content[c.ID] = fmt.Sprint(c.Name, c.Members)
	}
	return content
}

func (s *site) archiveContent() map[string]string {
	s.t.Helper()
	content := make(map[string]string)
	put := func(key, value string) {
		if _, twice := content[key]; twice {
			s.t.Errorf("%s is there twice", key)
		}
		content[key] = value
	}
	for text := range strings.Lines(s.dump()) {
		switch l := decode[line](s.t, text); l.Record {
		case "message":
			put(l.Channel+"/"+l.TS, fmt.Sprintf("%s|%s|%s", l.Thread, l.User, l.Text))
		case "file":
			sum := l.State
			if n := len(l.Versions); n > 0 && l.State == "stored" {
				sum = l.Versions[n-1].SHA256
			}
			put(l.Channel+"/"+l.ID, fmt.Sprintf("%s|%d|%s", l.Name, l.Size, sum))
		case "channel":
			put(l.ID, fmt.Sprint(l.Name, l.Members))
		}
	}
	return content
}
