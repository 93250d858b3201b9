package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"archiver/internal/blob"
	"archiver/internal/export"
	"archiver/internal/index"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitIncomplete  = 3
	exitLogin       = 4
	exitNoArchive   = 10
	exitInUse       = 11
	exitKey         = 12
	exitDamage      = 13
	exitNewer       = 14
	exitTryLater    = 75
	exitInterrupted = 130
	exitTerminated  = 143
)

// exits says what the codes mean, and what they are called in JSON.
var exits = map[int]struct{ name, meaning string }{
	exitOK:          {"ok", "done"},
	exitFailed:      {"failed", "failed; nothing was lost"},
	exitUsage:       {"usage", "usage or configuration error"},
	exitIncomplete:  {"incomplete", "incomplete: the rest is named in the report and retried by the next run"},
	exitLogin:       {"login_refused", "login refused"},
	exitNoArchive:   {"no_archive", "no archive there"},
	exitInUse:       {"in_use", "archive in use by another process"},
	exitKey:         {"key", "wrong or missing key"},
	exitDamage:      {"damaged", "damage found"},
	exitNewer:       {"newer", "the archive's format is newer than this program"},
	exitTryLater:    {"unreachable", "server not reachable or asks to come back later; try later"},
	exitInterrupted: {"interrupted", "interrupted (SIGINT)"},
	exitTerminated:  {"interrupted", "interrupted (SIGTERM)"},
}

// Outcomes that are no failure of the program.
var (
	errIncomplete = errors.New("incomplete")
	errDamage     = errors.New("damage found")
	errReported   = errors.New("reported") // in the chain of an error whose text was printed already
)

// usageError is a command line that cannot be carried out.
type usageError struct{ msg, hint string }

func (e *usageError) Error() string { return e.msg }

func notInThisVersion(what string) error {
	return &usageError{what + ": not in this version", ""}
}

// hinted adds what to do about an error.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

func withHint(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// hintOf gives what to do about err, "" if there is nothing to say.
func hintOf(err error) string {
	var (
		hint   *hinted
		usage  *usageError
		config *configError
	)
	switch {
	case errors.As(err, &hint):
		return hint.hint
	case errors.As(err, &usage):
		return usage.hint
	case errors.As(err, &config):
		return config.hint
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room on the disk; nothing that was archived is lost, and the next run goes on from there"
	}
	return ""
}

// exitCode is the one place that maps what went wrong to an exit code.
func exitCode(ctx context.Context, err error) int {
	var (
		usage  *usageError
		config *configError
		server *teamchat.Error
	)
	sig, interrupted := interruption(ctx)
	switch {
	case err == nil:
		return exitOK
	case interrupted && errors.Is(err, context.Canceled):
		return exitInterrupted + int(sig.Signal-syscall.SIGINT)
	case errors.As(err, &usage), errors.As(err, &config):
		return exitUsage
	case errors.Is(err, errIncomplete):
		return exitIncomplete
	case errors.Is(err, errDamage), errors.Is(err, storage.ErrDamaged), errors.Is(err, blob.ErrDamaged):
		return exitDamage
	case errors.Is(err, storage.ErrNoArchive):
		return exitNoArchive
	case errors.Is(err, storage.ErrInUse), errors.Is(err, index.ErrInUse):
		return exitInUse
	case errors.Is(err, storage.ErrNewer):
		return exitNewer
	case errors.Is(err, teamchat.ErrGaveUp), errors.Is(err, teamchat.ErrWait):
		return exitTryLater
	case errors.As(err, &server):
		return serverExit(server)
	}
	return exitFailed
}

// failure is the JSON of an error.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// failureOf says in a word what went wrong, finer than the exit code where that helps a script.
func failureOf(ctx context.Context, err error) failure {
	f := failure{exits[exitCode(ctx, err)].name, err.Error()}
	switch sig, interrupted := interruption(ctx); {
	case interrupted && errors.Is(err, context.Canceled):
		f.Message = sig.Error()
	case f.Code != exits[exitFailed].name:
	case errors.Is(err, storage.ErrNotFound):
		f.Code = "not_found"
	case errors.Is(err, export.ErrExists), errors.Is(err, fs.ErrExist):
		f.Code = "exists"
	case errors.Is(err, index.ErrNone), errors.Is(err, index.ErrDamaged), errors.Is(err, index.ErrMapping):
		f.Code = "no_index"
	}
	return f
}

// serverExit is the code of a run that ended on an answer of the server.
func serverExit(err *teamchat.Error) int {
	switch {
	case err.LoginRefused():
		return exitLogin
	case err.Temporary():
		return exitTryLater
	}
	return exitFailed
}
