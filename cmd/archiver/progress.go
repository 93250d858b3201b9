package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// How often the state of a long run is shown: redrawn on a terminal, else a line now and then.
const (
	redrawEvery    = 200 * time.Millisecond
	heartbeatEvery = time.Minute
)

// watch shows what line gives until the returned function is called, which waits until nothing more is written. line
// is called from another goroutine; what it gives is shown with the time since the start.
func (u *ui) watch(line func(elapsed time.Duration) string) (stop func()) {
	if u.quiet {
		return func() {}
	}
	every := heartbeatEvery
	if u.err.redraws {
		every = redrawEvery
	}
	quit, finished := make(chan struct{}), make(chan struct{})
	started := u.now()
	go func() {
		defer close(finished)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				u.err.redraw("")
				return
			case now := <-tick.C:
				u.show(line(now.Sub(started)))
			}
		}
	}()
	return func() {
		close(quit)
		<-finished
	}
}

func (u *ui) show(line string) {
	if u.err.redraws {
		u.err.redraw("archiver: " + printable(line))
		return
	}
	u.err.line("archiver: " + printable(line))
}

// meter says how far a job with a known total is: a share, a rate and the time left.
type meter struct {
	what   string
	format func(int64) string
	begun  bool          // whether from and since hold; if not, the first call of line sets them
	from   int64         // done when it was first watched
	since  time.Duration // elapsed when it was first watched
}

func (m *meter) line(done, total int64, elapsed time.Duration) string {
	if !m.begun {
		m.begun, m.from, m.since = true, done, elapsed
	}
	parts := []string{fmt.Sprintf("%s: %s", m.what, m.format(done))}
	if total > 0 {
		parts[0] = fmt.Sprintf("%s: %s of %s (%d%%)", m.what, m.format(done), m.format(total), done*100/total)
	}
	done, total, elapsed = done-m.from, total-m.from, elapsed-m.since
	if rate := perSecond(done, elapsed); rate > 0 {
		parts = append(parts, m.format(rate)+"/s")
	}
	if left := timeLeft(done, total, elapsed); left > 0 {
		parts = append(parts, "about "+about(left)+" left")
	}
	return strings.Join(parts, ", ")
}

func perSecond(n int64, elapsed time.Duration) int64 {
	if elapsed <= 0 {
		return 0
	}
	return int64(math.Round(float64(n) / elapsed.Seconds()))
}

// timeLeft guesses how long the rest takes, by the rate so far. 0 means that nothing can be said yet.
func timeLeft(done, total int64, elapsed time.Duration) time.Duration {
	if done <= 0 || total <= done || elapsed < time.Second {
		return 0
	}
	return time.Duration(float64(elapsed) / float64(done) * float64(total-done))
}

// about writes a duration roughly: seconds below two minutes, else minutes, else hours.
func about(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(math.Ceil(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(math.Ceil(d.Minutes())))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// count writes a number with its thousands apart.
func count[N int | int64 | uint64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// counted writes a number with what is counted: "1 message", "2 messages".
func counted[N int | int64 | uint64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}

// size writes a number of bytes.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v, i := float64(n), 0
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.3g %s", v, units[i])
}
