package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"
)

func timestampCommand() command {
	return command{
		name: "timestamp", args: "BUNDLE", run: runTimestamp,
		summary: "have an authority state that a bundle exists",
		about: `
Asks a time-stamping authority (RFC 3161) for a token of a finished bundle and lays it beside the bundle's manifests, for
a bundle whose export could not reach the authority. The token tells of now, not of the time of the export, which is what
--late says that you know.`,
		examples: []string{"archiver timestamp --late case-7", "archiver timestamp --late --timestamp https://tsa.example.org case-7"},
		exits:    []int{exitOK, exitFailed, exitUsage},
		flags: []cli.Flag{
			boolFlag("late", "stamp a bundle that was made before"),
			deliveryFlags()[0],
		},
	}
}

func runTimestamp(ctx context.Context, e *env, c *cli.Context) error {
	dir, err := oneArgument(c, "bundle", "archiver timestamp --late case-7")
	if err != nil {
		return err
	}
	url := firstNonEmpty(c.String("timestamp"), e.cfg.Export.TimestampURL)
	switch {
	case !c.Bool("late"):
		return &usageError{"a bundle that is finished can only be stamped late", "--late says that the token is to tell of now"}
	case url == "":
		return &usageError{"no authority to ask", "--timestamp or export.timestamp_url names one"}
	}
	token, err := requestStamp(ctx, url, dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return withHint(fmt.Errorf("%s: no bundle there", dir), "it is the directory that archiver export made")
	case errors.Is(err, fs.ErrExist):
		return withHint(fmt.Errorf("%s has a time stamp already", dir), "archiver verify shows it")
	case err != nil:
		return err
	}
	if e.ui.json {
		return e.ui.object(token)
	}
	return delivered{Timestamp: token}.print(e.ui)
}
