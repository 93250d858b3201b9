package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"archiver/internal/blob"
	"archiver/internal/export"
	"archiver/internal/index"
	"archiver/internal/storage"
	"archiver/internal/sync"
	"archiver/internal/teamchat"
)

func TestExitCode(t *testing.T) {
	refused := &teamchat.Error{Method: "iwauthentication.login.plain", Code: "login_failed", Status: http.StatusOK}
	busy := &teamchat.Error{Method: "channels.list", Status: http.StatusServiceUnavailable}
	denied := &teamchat.Error{Method: "channels.list", Code: "gw_error", Details: "e_rights", Status: http.StatusOK}
	for _, test := range []struct {
		err  error
		code int
		name string // of the failure in JSON
	}{
		{nil, 0, ""},
		{errors.New("disk full"), 1, "failed"},
		{denied, 1, "failed"},
		{storage.ErrNotFound, 1, "not_found"},
		{export.ErrExists, 1, "exists"},
		{index.ErrNone, 1, "no_index"},
		{index.ErrMapping, 1, "no_index"},
		{context.Canceled, 1, "failed"},
		{&usageError{msg: "what?"}, 2, "usage"},
		{&configError{msg: "what?"}, 2, "usage"},
		{errIncomplete, 3, "incomplete"},
		{fmt.Errorf("%w: %w", errIncomplete, busy), 3, "incomplete"},
		{refused, 4, "login_refused"},
		{storage.ErrNoArchive, 10, "no_archive"},
		{storage.ErrInUse, 11, "in_use"},
		{index.ErrInUse, 11, "in_use"},
		{errDamage, 13, "damaged"},
		{storage.ErrDamaged, 13, "damaged"},
		{blob.ErrDamaged, 13, "damaged"},
		{storage.ErrNewer, 14, "newer"},
		{busy, 75, "unreachable"},
		{teamchat.ErrGaveUp, 75, "unreachable"},
		{teamchat.ErrWait, 75, "unreachable"},
	} {
		err := test.err
		if err != nil {
			err = withHint(fmt.Errorf("sync: %w", err), "try this")
		}
		if got := exitCode(t.Context(), err); got != test.code {
			t.Errorf("%v: exit code %d, want %d", err, got, test.code)
		}
		if err == nil {
			continue
		}
		if got := failureOf(t.Context(), err); got.Code != test.name || hintOf(err) != "try this" {
			t.Errorf("%v: failure %+v, hint %q", err, got, hintOf(err))
		}
	}
}

func TestExitCodeOfSignals(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(signalError{sig})
		if got := exitCode(ctx, fmt.Errorf("sync: %w", context.Canceled)); got != want {
			t.Errorf("%v: exit code %d, want %d", sig, got, want)
		}
		if got := exitCode(ctx, storage.ErrInUse); got != exitInUse {
			t.Errorf("%v during another error: exit code %d", sig, got)
		}
	}
}

// TestSyncOutcome holds what interface.md says of 0, 3, 4 and 75.
func TestSyncOutcome(t *testing.T) {
	busy := &teamchat.Error{Method: "channels.list", Status: http.StatusServiceUnavailable}
	refused := &teamchat.Error{Method: "iwauthentication.login.plain", Code: "login_failed", Status: http.StatusOK}
	for _, test := range []struct {
		name      string
		outcome   string
		completed int
		err       error
		want      int
	}{
		{"complete", sync.Complete, 5, nil, 0},
		{"incomplete", sync.Incomplete, 5, nil, 3},
		{"unreachable from the start", sync.Failed, 0, busy, 75},
		{"unreachable after some channels", sync.Failed, 1, busy, 3},
		{"gave up before any channel", sync.Failed, 0, fmt.Errorf("%w: %w", teamchat.ErrGaveUp, busy), 75},
		{"login refused", sync.Failed, 0, refused, 4},
		{"archive fails", sync.Failed, 1, errors.New("disk full"), 1},
		{"failed without a reason", sync.Failed, 0, nil, 1},
	} {
		r := &syncRun{env: &env{}}
		err := r.classify(&sync.Result{Outcome: test.outcome, ChannelsCompleted: test.completed}, test.err)
		if got := exitCode(t.Context(), err); got != test.want {
			t.Errorf("%s: exit code %d, want %d (%v)", test.name, got, test.want, err)
		}
	}
}

// TestTourNamesPackagesThatExist keeps doc.go true: each package it names is there, and each that is there is named.
func TestTourNamesPackagesThatExist(t *testing.T) {
	tour, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, path := range regexp.MustCompile(`internal/[a-z/]*[a-z]`).FindAllString(string(tour), -1) {
		named[path] = true
		if _, err := os.Stat(filepath.Join("..", "..", path)); err != nil {
			t.Errorf("doc.go names %s: %v", path, err)
		}
	}
	dirs, err := filepath.Glob("../../internal/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if path := "internal/" + filepath.Base(dir); !named[path] {
			t.Errorf("doc.go does not name %s", path)
		}
	}
}
