package mail

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var separator = regexp.MustCompile(`^From (\S+) ([A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d \d{4})$`)

// readMboxrd reads a mailbox as the variant's definition says.
func readMboxrd(t require, box string) (messages []string) {
	lines := strings.SplitAfter(box, "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "From "):
			if !separator.MatchString(strings.TrimSuffix(line, "\n")) || i > 0 && lines[i-1] != "\n" {
				t.Fatalf("separator %q after %q", line, lines[max(0, i-1)])
			}
			messages = append(messages, "")
		case len(messages) == 0:
			if line != "" {
				t.Fatalf("begins with %q", line)
			}
		default:
			if strings.HasPrefix(strings.TrimLeft(line, ">"), "From ") {
				line = line[1:]
			}
			messages[len(messages)-1] += line
		}
	}
	for i := range messages {
		messages[i] = strings.TrimSuffix(messages[i], "\n")
	}
	return messages
}

func TestMboxRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		box := NewMbox(&out)
		var want []string
		for _, text := range rapid.SliceOfN(anyText(), 1, 4).Draw(t, "texts") {
			body, _ := AppendText(nil, text+"\n")
			want = append(want, strings.ReplaceAll(string(body), "\r\n", "\n"))
			if err := box.Begin("ann@example.com", time.Unix(1500000000, 0)); err != nil {
				t.Fatal(err)
			}
			for len(body) > 0 { // in pieces, as a buffer would
				n := rapid.IntRange(1, len(body)).Draw(t, "piece")
				if _, err := box.Write(body[:n]); err != nil {
					t.Fatal(err)
				}
				body = body[n:]
			}
			if err := box.End(); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(out.String(), "\r") {
			t.Fatalf("CR in %q", out.String())
		}
		got := readMboxrd(t, out.String())
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func TestMboxSeparatorIsUTC(t *testing.T) {
	var out bytes.Buffer
	box := NewMbox(&out)
	at := time.Date(2016, 2, 3, 1, 4, 5, 0, time.FixedZone("", 2*3600))
	if err := box.Begin("ann@example.com", at); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "From ann@example.com Tue Feb  2 23:04:05 2016\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
