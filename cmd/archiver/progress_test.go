package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"archiver/internal/sync"
)

func TestSyncLine(t *testing.T) {
	for _, test := range []struct {
		name    string
		p       sync.Progress
		elapsed time.Duration
		want    string
	}{
		{"before the channels are known", sync.Progress{}, time.Second, "sync: asking the server for its channels"},
		{"at the beginning", sync.Progress{ChannelsTotal: 581}, 0, "sync: 0 of 581 channels, 0 messages, 0 B"},
		{
			"in the middle",
			sync.Progress{ChannelsDone: 100, ChannelsTotal: 400, Messages: 120_000, Comments: 30_000, Files: 1, Bytes: 45_678_901},
			10 * time.Second,
			"sync: 100 of 400 channels, about 30 s left, 150,000 messages, 15,000/s, 1 file, 45.7 MB",
		},
		{
			"while the server wants quiet",
			sync.Progress{ChannelsDone: 1, ChannelsTotal: 1, Messages: 1, Waiting: 150 * time.Second},
			time.Minute,
			"sync: 1 of 1 channel, waiting 3 min as the server asks, 1 message, 0 B",
		},
	} {
		if got := syncLine(test.p, test.elapsed); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestMeter(t *testing.T) {
	type call struct {
		done, total int64
		elapsed     time.Duration
	}
	for _, test := range []struct {
		first, then call
		want        string
	}{
		{call{}, call{}, "index: 0"},
		{call{0, 20_000, 0}, call{5000, 20_000, 2 * time.Second}, "index: 5,000 of 20,000 (25%), 2,500/s, about 6 s left"},
		{call{}, call{20_000, 20_000, 2 * time.Second}, "index: 20,000 of 20,000 (100%), 10,000/s"},
		{call{}, call{1, 10_000, 2 * time.Second}, "index: 1 of 10,000 (0%), 1/s, about 5.6 h left"},
		{call{8000, 10_000, time.Minute}, call{9000, 10_000, 70 * time.Second}, "index: 9,000 of 10,000 (90%), 100/s, about 10 s left"},
	} {
		m := meter{what: "index", format: count[int64]}
		m.line(test.first.done, test.first.total, test.first.elapsed)
		if got := m.line(test.then.done, test.then.total, test.then.elapsed); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := count(n); got != want {
			t.Errorf("count %d: %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 1_550_000: "1.55 MB", 999_900: "1 MB", 3_200_000_000: "3.2 GB"} {
		if got := size(n); got != want {
			t.Errorf("size %d: %s", n, got)
		}
	}
	if got := counted(1, "file") + ", " + counted(2, "file"); got != "1 file, 2 files" {
		t.Error(got)
	}
}

// screen shows what a terminal would after the bytes: the present line, and those above it.
func screen(raw string) []string {
	lines := []string{""}
	for raw != "" {
		last := &lines[len(lines)-1]
		switch {
		case strings.HasPrefix(raw, "\r\x1b[K"):
			*last, raw = "", raw[len("\r\x1b[K"):]
		case raw[0] == '\n':
			lines, raw = append(lines, ""), raw[1:]
		default:
			*last, raw = *last+raw[:1], raw[1:]
		}
	}
	return lines
}

func testUI(w io.Writer, redraws bool, o uiOptions) *ui {
	return &ui{uiOptions: o, now: time.Now, err: &console{w: w, redraws: redraws}}
}

// TestWatchOnATerminal draws one line in place; other lines push it down, and nothing of it stays.
func TestWatchOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		u := testUI(&out, true, uiOptions{})
		stop := u.watch(func(elapsed time.Duration) string { return "working since " + elapsed.String() })
		time.Sleep(redrawEvery + time.Millisecond)
		synctest.Wait()
		if got := screen(out.String()); len(got) != 1 || got[0] != "archiver: working since 200ms" {
			t.Errorf("after one interval: %q", got)
		}
		u.warn("the disk is slow")
		time.Sleep(redrawEvery)
		synctest.Wait()
		if got := screen(out.String()); len(got) != 2 || got[0] != "archiver: warning: the disk is slow" || got[1] != "archiver: working since 400ms" {
			t.Errorf("after a warning: %q", got)
		}
		stop()
		if got := screen(out.String()); got[len(got)-1] != "" {
			t.Errorf("at the end: %q", got)
		}
	})
}

// TestWatchInALog writes a line a minute, and none with --quiet.
func TestWatchInALog(t *testing.T) {
	for _, test := range []struct {
		quiet bool
		lines int
	}{{false, 3}, {true, 0}} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			stop := testUI(&out, false, uiOptions{quiet: test.quiet}).watch(func(time.Duration) string { return "working" })
			time.Sleep(3*time.Minute + 30*time.Second)
			stop()
			if got := strings.Count(out.String(), "archiver: working\n"); got != test.lines || strings.ContainsAny(out.String(), "\r\x1b") {
				t.Errorf("quiet %v: %q", test.quiet, out.String())
			}
		})
	}
}

func TestProgressLineFitsTheTerminal(t *testing.T) {
	var out bytes.Buffer
	c := &console{w: &out, redraws: true}
	c.redraw(strings.Repeat("ž", 200))
	if got := []rune(out.String()); len(got) != 79 || got[78] != '…' {
		t.Errorf("%d characters: %s", len(got), out.String())
	}
}

// TestPrintable keeps a message from steering the reader's terminal.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain žlutý 😀":       "plain žlutý 😀",
		"two\nlines\tand tab": "two lines and tab",
		"\x1b]0;title\x07":    "\uFFFD]0;title\uFFFD",
		"a\u202egnp.exe":      "a\uFFFDgnp.exe",
		"\x00\x7f\u0085":      "\uFFFD\uFFFD\uFFFD",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable %q: %q", in, got)
		}
	}
	if got := printableText("one\r\n\x1b[2Jtwo\n\n", "  "); got != "  one\n  \uFFFD[2Jtwo" {
		t.Errorf("%q", got)
	}
}
