package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"archiver/internal/doctor"
	"archiver/internal/teamchat"

	"github.com/urfave/cli/v2"
)

func doctorCommand() command {
	return command{
		name: "doctor", server: true, reader: true, run: runDoctor,
		summary: "check server, archive and index, and say what will be missing and why",
		about: `
Looks at the configuration, at the server and at the archive, and says of each thing whether it is as it should be, and
what to do where it is not. Of the server: is it reachable and well encrypted, does it let the account in, do the clocks
agree, which channels can't be read, and how it speaks: how lists are paged, which bounds history honours, how comments,
edits and files show. Of the archive: is it intact at first sight, how old is the last complete run, what is still to be
fetched, is the index up to date, is there room on the disk. Where only one of the two is configured, the other is left
out.

Nothing is changed, on the server or in the archive. A few dozen requests are made, one after another; to learn how the
server speaks, up to five channels are looked into, or the one that --channel names. Servers may then show them as read
for the account, as they do after a sync. Channels in sync.exclude_channels are left alone.

--save keeps every answer as a file named by its method, to learn what a real server sends. Tokens, tickets and passwords
are blanked, but the files hold messages and names: treat them as you treat the archive.

It ends 0 if nothing fails; warnings count as nothing failing. Otherwise the first failure sets the exit code.`,
		examples: []string{
			"archiver doctor",
			"archiver doctor --server https://mail.example.com --username archive@example.com    before there is an archive",
			"archiver doctor --save answers                                                     keep what the server said",
			`archiver doctor --json | jq -r '.findings[] | select(.status != "ok") | .name + ": " + .detail'`,
		},
		exits: []int{exitOK, exitFailed, exitUsage, exitLogin, exitNoArchive, exitDamage, exitNewer, exitTryLater,
			exitInterrupted, exitTerminated},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "channel", Usage: "look into the channel `ID_OR_NAME`", DefaultText: "the one that shows most"},
			&cli.StringFlag{Name: "save", Usage: "keep the server's answers in `DIR`, which must be absent or empty"},
		},
	}
}

// doctorReport is `doctor --json`.
type doctorReport struct {
	Outcome  doctor.Status    `json:"outcome"` // the gravest status of all findings
	Findings []doctor.Finding `json:"findings"`
	Saved    string           `json:"saved,omitzero"` // the directory of --save
	Error    *failure         `json:"error,omitzero"`
}

// examination is a run of doctor.
type examination struct {
	*env
	report doctorReport
	failed error // the first failure
}

func runDoctor(ctx context.Context, e *env, c *cli.Context) error {
	if e.cfg.Server.URL == "" && e.cfg.Archive.Dir == "" {
		return &configError{"neither a server nor an archive is given", "--server and --archive, or archiver.yaml, which archiver init writes"}
	}
	x := &examination{env: e, report: doctorReport{Outcome: doctor.OK, Findings: []doctor.Finding{}}}
	x.configuration(c)
	if err := x.server(ctx, c); err != nil {
		return err
	}
	if err := x.archive(ctx, c); err != nil {
		return err
	}
	return x.end(ctx)
}

// note takes a finding, and shows it at once to people.
func (x *examination) note(f doctor.Finding) {
	x.report.Findings = append(x.report.Findings, f)
	switch {
	case f.Status == doctor.Fail:
		if f.Err == nil {
			f.Err = errors.New(f.Detail)
		}
		if x.failed == nil {
			x.failed = fmt.Errorf("%s: %w", f.Name, f.Err)
		}
		x.report.Outcome = doctor.Fail
	case f.Status == doctor.Warn && x.report.Outcome == doctor.OK:
		x.report.Outcome = doctor.Warn
	}
	if !x.ui.json {
		_ = writeFinding(x.ui, f) // what can't be written now can't be written at the end either, which tells
	}
}

// writeFinding shows a finding, its hint below it.
func writeFinding(u *ui, f doctor.Finding) error {
	err := u.printf("%s  %-18s %s\n", u.mark(f.Status), printable(f.Name), printable(f.Detail))
	if f.Hint != "" && (f.Status != doctor.OK || u.verbose) {
		err = errors.Join(err, u.printf("      %18s -> %s\n", "", printable(f.Hint)))
	}
	return err
}

// mark is a status in its colour, where colours are shown.
func (u *ui) mark(s doctor.Status) string {
	text := fmt.Sprintf("%-4s", s)
	colour := map[doctor.Status]string{doctor.OK: "32", doctor.Warn: "33", doctor.Fail: "31"}[s]
	if !u.color {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// configuration says where it was read from, and whether others can read what they should not.
func (x *examination) configuration(c *cli.Context) {
	f := doctor.Finding{Name: "configuration", Status: doctor.OK, Detail: "no file: flags and environment only"}
	if path := configPath(firstNonEmpty(c.String("config"), x.getenv("ARCHIVER_CONFIG")), x.getenv); path != "" {
		f.Detail = path
	}
	x.note(f)
	server := x.cfg.Server
	if server.PasswordFile == "" || server.URL == "" {
		return
	}
	if info, err := os.Stat(server.PasswordFile); err == nil && info.Mode().Perm()&0o044 != 0 {
		x.note(doctor.Finding{
			Name: "password", Status: doctor.Warn, Detail: "other users of this machine may read " + server.PasswordFile,
			Hint: "chmod 600 " + shellWord(server.PasswordFile),
		})
	}
}

// server examines the server, if one is configured.
func (x *examination) server(ctx context.Context, c *cli.Context) (err error) {
	if x.cfg.Server.URL == "" {
		x.note(doctor.Finding{Name: "server", Status: doctor.Warn, Detail: "none is configured: not checked", Hint: "--server URL, ARCHIVER_SERVER or server.url in archiver.yaml"})
		return nil
	}
	client, err := x.clientOptions(ctx, teamchat.Options{})
	if err != nil {
		x.note(doctor.Finding{Name: "server", Status: doctor.Fail, Detail: err.Error(), Hint: hintOf(err), Err: err})
		return nil
	}
	o := doctor.ServerOptions{Client: client, Exclude: x.cfg.Sync.ExcludeChannels, Channel: c.String("channel"), Now: x.now}
	if dir := c.String("save"); dir != "" {
		if o.Recorder, err = doctor.NewRecorder(dir); err != nil {
			return withHint(fmt.Errorf("--save: %w", err), "it takes a directory that is absent or empty")
		}
		x.report.Saved = dir
		defer closing(&err, o.Recorder.Close)
	}
	return doctor.Server(ctx, o, x.note)
}

// archive examines the archive, if one is configured.
func (x *examination) archive(ctx context.Context, c *cli.Context) error {
	if x.cfg.Archive.Dir == "" {
		x.note(doctor.Finding{Name: "archive", Status: doctor.Warn, Detail: "none is configured: not checked", Hint: "--archive DIR, ARCHIVER_ARCHIVE or archive.dir in archiver.yaml"})
		return nil
	}
	o := doctor.ArchiveOptions{Dir: x.cfg.Archive.Dir, LockWait: c.Duration("lock-wait"), AuditDays: x.cfg.Sync.AuditDays, VerifyDays: x.cfg.Archive.VerifyDays, Now: x.now}
	return doctor.Archive(ctx, o, x.note)
}

// end sums up. Its error sets the exit code.
func (x *examination) end(ctx context.Context) error {
	if x.ui.json {
		x.answered = true
		if x.failed != nil {
			f := failureOf(ctx, x.failed)
			x.report.Error = &f
		}
		return errors.Join(x.failed, x.ui.object(x.report))
	}
	return errors.Join(x.failed, x.ui.printf("\n%s\n", x.summary()))
}

func (x *examination) summary() string {
	times := map[doctor.Status]int{}
	for _, f := range x.report.Findings {
		times[f.Status]++
	}
	var parts []string
	if n := times[doctor.Fail]; n > 0 {
		parts = append(parts, counted(n, "failure"))
	}
	if n := times[doctor.Warn]; n > 0 {
		parts = append(parts, counted(n, "warning"))
	}
	if len(parts) == 0 {
		parts = []string{"nothing to complain of"}
	}
	text := strings.Join(parts, ", ")
	if x.report.Saved != "" {
		text += "; the server's answers are in " + x.report.Saved + " and hold messages and names"
	}
	return text
}
