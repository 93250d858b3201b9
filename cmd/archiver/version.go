package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func versionCommand() command {
	return command{
		name: "version", bare: true, run: runVersion,
		summary:  "say which program this is",
		examples: []string{"archiver version", "archiver version --json"},
		exits:    []int{exitOK, exitUsage},
	}
}

func runVersion(_ context.Context, e *env, _ *cli.Context) error {
	b := buildInfo()
	if e.ui.json {
		return e.ui.object(b)
	}
	return e.ui.printf("archiver %s\ncommit   %s\nbuilt    with %s for %s\n", b.Version, firstNonEmpty(b.Commit, "unknown"), b.Go, b.Platform)
}

// build says what the program was built from.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"` // "+dirty" at the end: with changes that are not committed
	Time     string `json:"time"`   // of the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildInfo() build {
	b := build{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = firstNonEmpty(info.Main.Version, b.Version)
	dirty := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+dirty"
			}
		}
	}
	if b.Commit != "" {
		b.Commit += dirty
	}
	return b
}
