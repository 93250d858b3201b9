package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"archiver/internal/export"
	"archiver/internal/loadfile"

	"github.com/urfave/cli/v2"
)

func units() string {
	var names []string
	for _, u := range export.Units() {
		names = append(names, string(u))
	}
	return strings.Join(names, ", ")
}

// exportRendering reads how formats are to show the selection.
func exportRendering(c *cli.Context) (r export.Rendering, err error) {
	r = export.Rendering{
		Slice: export.Unit(c.String("slice")), Mail: c.String("mail"), RawUTF8Headers: c.Bool("rsmf-raw-utf8-headers"),
		RSMFVersion: c.String("rsmf-version"), Bates: c.String("bates"),
	}
	switch {
	case !slices.Contains(export.Units(), r.Slice):
		return r, &usageError{fmt.Sprintf("--slice: %q is none of %s", r.Slice, units()), ""}
	case r.Mail != export.MailMessage && r.Mail != export.MailSlice:
		return r, &usageError{fmt.Sprintf("--mail: %q is neither message nor slice", r.Mail), ""}
	case r.RSMFVersion != export.RSMFVersion1 && r.RSMFVersion != export.RSMFVersion2:
		return r, &usageError{fmt.Sprintf("--rsmf-version: %q is neither 1 nor 2", r.RSMFVersion), ""}
	}
	if err := export.CheckBates(r.Bates); err != nil {
		return r, &usageError{"--bates: " + err.Error(), ""}
	}
	if r.Volume, err = parseSize(c.String("volume-size")); err != nil {
		return r, &usageError{"--volume-size: " + err.Error(), "as in 4GiB or 700MB"}
	}
	r.Fields, err = readFields(c.String("fields"))
	return r, err
}

// readFields gives the name of a built-in profile as it is, and the text of a file.
func readFields(name string) (string, error) {
	if slices.Contains(loadfile.Builtin(), name) {
		return name, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", &usageError{fmt.Sprintf("--fields: %q is none of %s, nor a file", name, strings.Join(loadfile.Builtin(), ", ")), plainCause(err)}
	}
	if _, err := export.ReadFields(string(text)); err != nil {
		return "", &usageError{fmt.Sprintf("--fields: %s: %v", name, err), "docs/production.md tells what a profile may say"}
	}
	return string(text), nil
}

// parseSize reads a number of bytes with or without a unit; "" is 0.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	factor, known := map[string]int64{
		"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}[strings.ToLower(strings.TrimSpace(s[len(digits):]))]
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known || n <= 0 || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is no size", s)
	}
	return n * factor, nil
}

func exportFormats(names []string) ([]string, error) {
	known := export.Formats()
	if len(names) == 0 {
		return export.DefaultFormats(), nil
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, &usageError{fmt.Sprintf("--format %s: not in this version", name), "there are " + strings.Join(known, ", ")}
		}
	}
	return names, nil
}
