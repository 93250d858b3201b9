package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

// helpCommand is `archiver help [COMMAND...]`, another way to say COMMAND --help.
func helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Hidden: true, HideHelp: true, SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			table, text := c.App.Commands, c.App.CustomAppHelpTemplate
			for i, name := range c.Args().Slice() {
				at := slices.IndexFunc(table, func(c *cli.Command) bool { return c.Name == name })
				if at < 0 || table[at].CustomHelpTemplate == "" {
					return unknownCommand(c, strings.Join(c.Args().Slice()[:i+1], " "))
				}
				table, text = table[at].Subcommands, table[at].CustomHelpTemplate
			}
			_, err := fmt.Fprint(c.App.Writer, text)
			return err
		},
	}
}

// shortHelp says what the program is and which commands there are. Like every help text it is printed by the parser,
// as a template in which nothing is left to fill in.
func shortHelp() string {
	var b strings.Builder
	b.WriteString("archiver archives the channels of a TeamChat server, searches the archive and hands it over.\n\n")
	b.WriteString("Usage: archiver COMMAND [FLAGS] [ARGUMENT]\n\nCommands:\n")
	writeCommands(&b, commands())
	b.WriteString("\narchiver COMMAND --help explains a command. archiver demo shows them at work, with nothing set up.\n")
	return b.String()
}

func writeCommands(w io.Writer, table []command) {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, cmd := range table {
		fmt.Fprintf(tw, "  %s\t%s\n", cmd.name, cmd.summary)
	}
	tw.Flush()
}

// help explains one command: what it does, examples, flags, exit codes.
func (cmd command) help(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nUsage: %s\n", name, cmd.summary, cmd.usage(name))
	if cmd.about != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(cmd.about))
	}
	if len(cmd.subs) > 0 {
		b.WriteString("\nCommands:\n")
		writeCommands(&b, cmd.subs)
	}
	if len(cmd.examples) > 0 {
		fmt.Fprintf(&b, "\nExamples:\n  %s\n", strings.Join(cmd.examples, "\n  "))
	}
	writeFlags(&b, "Flags", cmd.flags)
	writeFlags(&b, "Common flags", cmd.commonFlags())
	writeEnvironment(&b, cmd)
	writeExits(&b, cmd.exits)
	return b.String()
}

func (cmd command) usage(name string) string {
	if len(cmd.subs) > 0 {
		return name + " COMMAND [FLAGS]"
	}
	return strings.TrimSpace(name + " [FLAGS] " + cmd.args)
}

func writeFlags(w io.Writer, title string, flags []cli.Flag) {
	flags = slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool {
		visible, ok := f.(cli.VisibleFlag)
		return ok && !visible.IsVisible()
	})
	if len(flags) == 0 {
		return
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "\n%s:\n", title)
	for _, f := range flags {
		fmt.Fprintf(tw, "  %s\n", f)
	}
	tw.Flush()
}

func writeEnvironment(w io.Writer, cmd command) {
	switch {
	case cmd.server:
		fmt.Fprint(w, "\nARCHIVER_CONFIG, ARCHIVER_ARCHIVE, ARCHIVER_SERVER, ARCHIVER_USERNAME, ARCHIVER_JSON, ARCHIVER_QUIET and\n"+
			"ARCHIVER_VERBOSE stand for the flags; a flag beats the environment, which beats the configuration file. The\n"+
			"password comes from ARCHIVER_PASSWORD, or from the file or command that the configuration names.\n")
	case !cmd.bare && len(cmd.subs) == 0:
		fmt.Fprint(w, "\nARCHIVER_CONFIG, ARCHIVER_ARCHIVE, ARCHIVER_JSON, ARCHIVER_QUIET and ARCHIVER_VERBOSE stand for the flags; a flag\n"+
			"beats the environment, which beats the configuration file.\n")
	}
}

func writeExits(w io.Writer, codes []int) {
	if len(codes) == 0 {
		return
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(tw, "\nExit codes:\n")
	for _, code := range codes {
		fmt.Fprintf(tw, "  %d\t%s\n", code, exits[code].meaning)
	}
	tw.Flush()
}
