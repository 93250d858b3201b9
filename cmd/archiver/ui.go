package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/term"
)

// The rules of output: results go to stdout, and nothing else does. Everything else goes to stderr, a line at a
// time, as "archiver: error: ...", "archiver: warning: ..." or "archiver: hint: ...", lower case, no full stop. The
// progress line is redrawn only on a terminal, and only there is anything coloured; NO_COLOR turns both off. What
// people wrote in messages is shown without control characters.

// ui is the program's voice.
type ui struct {
	uiOptions
	out   io.Writer
	err   *console
	now   func() time.Time
	color bool // mark up what goes to stdout
}

type uiOptions struct{ json, quiet, verbose bool }

func newUI(p program, o uiOptions) *ui {
	plain := p.getenv("NO_COLOR") != "" || p.getenv("TERM") == "dumb"
	return &ui{
		uiOptions: o, out: p.stdout, now: p.now,
		err:   &console{w: p.stderr, redraws: isTerminal(p.stderr) && !plain},
		color: isTerminal(p.stdout) && !plain,
	}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// object writes one JSON object in a line of its own. What a server sent stays as it was sent.
func (u *ui) object(v any) error {
	line, err := json.Marshal(v, lenient.Options, json.Deterministic(true), jsontext.PreserveRawStrings(true))
	if err != nil {
		return err
	}
	_, err = u.out.Write(append(line, '\n'))
	return err
}

// printf writes a line of a human result.
func (u *ui) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(u.out, format, args...)
	return err
}

// table writes rows below a header, in aligned columns.
func (u *ui) table(header table.Row, rows []table.Row, columns ...table.ColumnConfig) error {
	tw := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	tw.SetStyle(style)
	tw.SetColumnConfigs(columns)
	tw.AppendHeader(header)
	tw.AppendRows(rows)
	for line := range strings.Lines(tw.Render() + "\n") {
		if err := u.printf("%s\n", strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func (u *ui) errorLine(message, hint string) {
	u.err.line("archiver: error: " + printable(message))
	if hint != "" {
		u.hint(hint)
	}
}

func (u *ui) warn(format string, args ...any) {
	u.err.line("archiver: warning: " + printable(fmt.Sprintf(format, args...)))
}

func (u *ui) hint(hint string) {
	if !u.quiet {
		u.err.line("archiver: hint: " + printable(hint))
	}
}

// note says something that only matters to someone who watches.
func (u *ui) note(format string, args ...any) {
	if !u.quiet {
		u.err.line("archiver: " + printable(fmt.Sprintf(format, args...)))
	}
}

// logger gives what the packages log to.
func (u *ui) logger() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case u.verbose:
		level = slog.LevelDebug
	case u.quiet:
		level = slog.LevelError
	}
	return slog.New(slog.NewTextHandler(logLines{u.err}, &slog.HandlerOptions{Level: level, ReplaceAttr: logAttr}))
}

// logAttr leaves out of log lines what the terminal shows otherwise.
func logAttr(groups []string, a slog.Attr) slog.Attr {
	switch {
	case len(groups) > 0:
	case a.Key == slog.TimeKey:
		return slog.Attr{}
	case a.Key == slog.LevelKey:
		return slog.String("level", strings.ToLower(a.Value.String()))
	}
	return a
}

// logLines passes lines of the log on to the console.
type logLines struct{ c *console }

func (l logLines) Write(p []byte) (int, error) {
	l.c.line("archiver: " + strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// console is stderr: whole lines, and at most one line that is redrawn in place.
type console struct {
	redraws bool

	mu    sync.Mutex
	w     io.Writer
	drawn bool // the cursor stands behind a progress line
}

// Write passes bytes on, for help and the like.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	return c.w.Write(p)
}

func (c *console) line(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	fmt.Fprintln(c.w, s)
}

// redraw replaces the progress line; "" removes it.
func (c *console) redraw(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	if s != "" {
		fmt.Fprint(c.w, truncate(s, c.width()-1))
		c.drawn = true
	}
}

func (c *console) clear() {
	if c.drawn {
		fmt.Fprint(c.w, "\r\x1b[K")
		c.drawn = false
	}
}

func (c *console) width() int {
	if f, ok := c.w.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
			return w
		}
	}
	return 80
}

// truncate cuts s to n characters.
func truncate(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:max(n-1, 0)]) + "…"
}

// printable shows a text in one line and without the characters that steer a terminal or turn the direction of
// writing.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// printableText is printable for texts of several lines, each indented.
func printableText(s, indent string) string {
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	for i, line := range lines {
		lines[i] = indent + printable(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}
