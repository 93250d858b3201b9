package doctor

import (
	"fmt"
	"strings"
)

// Status is how grave a finding is.
type Status string

// The statuses. A warning costs completeness, time or requests; a failure keeps something from working at all.
const (
	OK   Status = "ok"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Finding is what one check found.
type Finding struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Detail string `json:"detail"` // what is the case
	Hint   string `json:"hint"`   // what it means or what to do about it; never "" unless the status is OK
	Err    error  `json:"-"`      // the cause of a failure, if it has one
}

// findings passes findings on as they are made.
type findings struct{ found func(Finding) }

func (f findings) ok(name, format string, args ...any) {
	f.found(Finding{Name: name, Status: OK, Detail: fmt.Sprintf(format, args...)})
}

func (f findings) warn(name, detail, hint string) {
	f.found(Finding{Name: name, Status: Warn, Detail: detail, Hint: hint})
}

func (f findings) fail(name string, err error, hint string) {
	f.found(Finding{Name: name, Status: Fail, Detail: err.Error(), Hint: hint, Err: err})
}

// untold says that a check came to no result.
func (f findings) untold(name string, err error) {
	f.warn(name, "could not be told: "+err.Error(), "run archiver doctor again; where it stays, --save keeps the server's answers")
}

// listed names up to a few of many.
func listed(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
