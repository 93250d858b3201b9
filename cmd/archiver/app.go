package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"archiver/internal/extract"

	"github.com/urfave/cli/v2"
)

const programName = "archiver"

// command is one entry of the command table: what the command line, the help and the shell completion know of it.
type command struct {
	name     string
	args     string // what follows the flags
	summary  string
	about    string
	examples []string
	exits    []int
	flags    []cli.Flag
	bare     bool // reads no configuration
	server   bool // talks to the server
	reader   bool // reads an archive that another process may be writing
	run      func(ctx context.Context, e *env, c *cli.Context) error
	subs     []command
}

// commands is the command table.
func commands() []command {
	return []command{
		syncCommand(), searchCommand(), showCommand(), dumpCommand(), exportCommand(), timestampCommand(), verifyCommand(), statusCommand(), compactCommand(),
		indexCommand(), initCommand(), doctorCommand(), demoCommand(), versionCommand(), completionCommand(),
	}
}

// laterCommands are promised and not there yet.
var laterCommands = []string{
	"serve", "hold", "retention", "backup", "restore", "audit", "user",
}

// newApp builds the command line for one run.
func newApp(e *env) *cli.App {
	app := &cli.App{
		Name: programName, Usage: "archive a TeamChat server, search the archive, hand it over",
		Writer: e.ui.out, ErrWriter: e.ui.err, Reader: e.stdin,
		HideHelp: true, HideVersion: true, EnableBashCompletion: true, DisableSliceFlagSeparator: true,
		Flags:                 []cli.Flag{helpFlag()},
		CustomAppHelpTemplate: shortHelp(),
		ExitErrHandler:        func(*cli.Context, error) {},
		OnUsageError:          func(_ *cli.Context, err error, _ bool) error { return e.flagError(err, "") },
		CommandNotFound:       func(c *cli.Context, _ string) { fmt.Fprint(c.App.Writer, c.Command.CustomHelpTemplate) },
		Action:                func(c *cli.Context) error { return runBare(e, c) },
	}
	for _, cmd := range commands() {
		app.Commands = append(app.Commands, cmd.build(e, programName))
	}
	for _, name := range laterCommands {
		app.Commands = append(app.Commands, &cli.Command{
			Name: name, Hidden: true, HideHelp: true, SkipFlagParsing: true,
			Action: func(*cli.Context) error { return notInThisVersion(name) },
		})
	}
	app.Commands = append(app.Commands, &cli.Command{
		Name: workerCommand, Hidden: true, HideHelp: true, SkipFlagParsing: true,
		Action: func(*cli.Context) error { return extract.Serve(e.stdin, e.stdout) },
	}, helpCommand())
	return app
}

// build turns an entry of the table into what the command line parser works with.
func (cmd command) build(e *env, parent string) *cli.Command {
	name := parent + " " + cmd.name
	c := &cli.Command{
		Name: cmd.name, Usage: cmd.summary, HideHelp: true, HideHelpCommand: true,
		Flags:              slices.Concat(cmd.flags, cmd.commonFlags()),
		CustomHelpTemplate: cmd.help(name),
		OnUsageError:       func(_ *cli.Context, err error, _ bool) error { return e.flagError(err, name) },
		Action:             func(c *cli.Context) error { return e.runCommand(cmd, name, c) },
	}
	for _, sub := range cmd.subs {
		c.Subcommands = append(c.Subcommands, sub.build(e, name))
	}
	return c
}

func helpFlag() cli.Flag {
	return &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "explain the command", DisableDefaultText: true}
}

func boolFlag(name, usage string) cli.Flag {
	return &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
}

// commonFlags are the flags that the command shares with others.
func (cmd command) commonFlags() []cli.Flag {
	json := boolFlag("json", "machine-readable result on stdout")
	quiet := boolFlag("quiet", "less on stderr")
	verbose := boolFlag("verbose", "more on stderr")
	switch {
	case len(cmd.subs) > 0:
		return []cli.Flag{helpFlag()}
	case cmd.bare:
		return []cli.Flag{json, quiet, verbose, helpFlag()}
	}
	flags := []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "read the configuration from `FILE`"},
		&cli.StringFlag{Name: "archive", Usage: "work on the archive in `DIR`"},
	}
	if cmd.server {
		flags = append(flags,
			&cli.StringFlag{Name: "server", Usage: "archive the server at `URL`"},
			&cli.StringFlag{Name: "username", Usage: "log in as `NAME`"})
	}
	if cmd.reader {
		flags = append(flags, &cli.DurationFlag{
			Name: "lock-wait", Usage: "wait `D` for a process that writes the archive", Value: defaultLockWait,
		})
	}
	return append(flags, json, quiet, verbose, helpFlag())
}

// runCommand carries out one command: configuration, then the command itself.
func (e *env) runCommand(cmd command, name string, c *cli.Context) error {
	switch {
	case cmd.run == nil:
		return subcommandError(cmd, c)
	case cmd.args == "" && c.NArg() > 0:
		return &usageError{fmt.Sprintf("%s takes no argument, got %q", cmd.name, c.Args().First()), helpHint(name)}
	}
	if !cmd.bare {
		if err := e.configure(c); err != nil {
			return err
		}
	}
	return cmd.run(c.Context, e, c)
}

// subcommandError says that a group of commands was called without one of them.
func subcommandError(cmd command, c *cli.Context) error {
	var names []string
	for _, sub := range cmd.subs {
		names = append(names, cmd.name+" "+sub.name)
	}
	msg := cmd.name + ": which command?"
	if c.NArg() > 0 {
		msg = fmt.Sprintf("unknown command %q", cmd.name+" "+c.Args().First())
	}
	return &usageError{msg, "there are " + strings.Join(names, ", ")}
}

// runBare answers a call without a command, or with one that does not exist.
func runBare(e *env, c *cli.Context) error {
	if c.NArg() > 0 {
		return unknownCommand(c, c.Args().First())
	}
	_, err := fmt.Fprint(e.ui.err, shortHelp())
	return errors.Join(fmt.Errorf("%w: %w", errReported, &usageError{msg: "no command given"}), err)
}

func unknownCommand(c *cli.Context, name string) error {
	visible := slices.DeleteFunc(slices.Clone(c.App.Commands), func(c *cli.Command) bool { return c.Hidden })
	guess := strings.ToLower(cli.SuggestCommand(visible, name))
	return &usageError{fmt.Sprintf("unknown command %q", name), strings.TrimSpace(guess + " archiver --help lists all")}
}

// flagError turns the parser's complaint into ours. command is the whole name, "" before one is known.
func (e *env) flagError(err error, command string) error {
	msg := firstLine(err.Error())
	name, unknown := strings.CutPrefix(msg, "flag provided but not defined: -")
	if !unknown {
		return &usageError{msg, helpHint(command)}
	}
	typed := e.asTyped(name)
	switch command {
	case "":
		return &usageError{"unknown flag " + typed, "flags come after the command: archiver COMMAND " + typed}
	case "archiver search", "archiver export":
		return &usageError{"unknown flag " + typed, fmt.Sprintf("a query that begins with - comes after --, as in: %s -- '%s'", command, typed)}
	}
	return &usageError{"unknown flag " + typed, helpHint(command)}
}

// asTyped gives a flag with as many dashes as it was typed with.
func (e *env) asTyped(name string) string {
	for _, arg := range e.args {
		if strings.HasPrefix(arg, "--"+name) {
			return "--" + name
		}
	}
	return "-" + name
}

func helpHint(command string) string { return firstNonEmpty(command, programName) + " --help explains" }

// oneArgument gives the command's only argument.
func oneArgument(c *cli.Context, what, example string) (string, error) {
	switch c.NArg() {
	case 1:
		return c.Args().First(), nil
	case 0:
		return "", &usageError{fmt.Sprintf("%s: no %s given", c.Command.Name, what), "as in: " + example}
	}
	for _, arg := range c.Args().Tail() {
		if strings.HasPrefix(arg, "--") {
			return "", &usageError{fmt.Sprintf("%s: flags come before the %s, got %s after it", c.Command.Name, what, arg), "as in: " + example}
		}
	}
	return "", &usageError{fmt.Sprintf("%s takes one %s, got %d arguments", c.Command.Name, what, c.NArg()), "quote it, as in: " + example}
}
