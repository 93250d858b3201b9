package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"archiver/internal/teamchat/teamchattest"

	"github.com/goccy/go-yaml"
	"github.com/urfave/cli/v2"
)

func demoCommand() command {
	return command{
		name: "demo", bare: true, run: runDemo,
		summary: "show it all at work, with nothing set up",
		about: `
Starts a TeamChat server in this process, with a made-up company on it, and archives it into a new temporary directory:
a first sync; then people chat, edit, delete, reply and upload; a second sync; a search; one message with its history; an
export, and its verification; that of the archive; the status. Each command is shown as you would type it, with what it
printed. The archive stays where it is for trying more.`,
		examples: []string{
			"archiver demo",
			"archiver demo --keep-serving                   then try the commands in another terminal",
			"archiver demo --corpus messages.ndjson.zst",
		},
		exits: []int{exitOK, exitFailed, exitUsage, exitInterrupted, exitTerminated},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "corpus", Usage: "serve the chat corpus in `FILE` (.ndjson or .ndjson.zst) instead"},
			boolFlag("keep-serving", "leave the server up until interrupted"),
		},
	}
}

// The demo's account on its server.
const (
	demoUser     = "archive@example.com"
	demoPassword = "only-for-the-demo"
)

// demoCompany is how large the made-up company is.
var demoCompany = teamchattest.GenerateOptions{Seed: 2024, Messages: 5000, Channels: 12, Users: 40}

// demoBefore is what people did in the demo's own channel before the first sync.
const demoBefore = `
user vera Vera Novak
user tom Tom Brown
channel newsroom vera tom
report = post newsroom vera The turnover report of the first quarter is due on Friday
slip = post newsroom tom Turnover is down, but please don't quote me on that
draft = upload newsroom vera turnover-q1.txt Draft of the turnover report
`

// demoAfter is what they do after it.
const demoAfter = `
post newsroom tom Good morning. Any news of the report?
edit report vera The turnover report of the first quarter is due on MONDAY
delete slip
comment report tom Monday is fine. Turnover by region as well, please
upload newsroom vera turnover-by-region.txt Turnover by region: north 12, south 30
revise draft Final version of the turnover report
`

// story is what a demo shows.
type story struct {
	world    *teamchattest.World
	between  string // said between the two syncs
	changes  string // scenario lines that happen there
	again    string // the second sync
	searches []string
	message  string // to show: channel, slash, ts
	query    string // to export
}

// companyStory is that of the made-up company.
func companyStory(now func() time.Time) (story, error) {
	company := demoCompany
	company.Now, company.Start = now, now().AddDate(0, 0, -170)
	world := teamchattest.Generate(company)
	err := world.Apply(demoBefore)
	report, _ := world.Label("report")
	return story{
		world: world, between: "Meanwhile people chat, edit, delete, reply and upload.", changes: demoAfter, again: "sync --full",
		searches: []string{"--limit 5 --sort -time turnover", "--channel newsroom 'report -region'"},
		message:  "newsroom/" + string(report.TS), query: "turnover",
	}, err
}

// corpusStory serves a corpus as it is: nothing is added to it.
func corpusStory(path string) (story, error) {
	world, err := teamchattest.LoadCorpus(path)
	if err != nil {
		return story{}, &usageError{"--corpus: " + plainCause(err), "a file of the chat corpus, messages.ndjson or messages.ndjson.zst"}
	}
	s := story{world: world, between: "Nothing happens meanwhile, so there is nothing new.", again: "sync", query: "hello"}
	for m := range world.Messages() {
		word := regexp.MustCompile(`[a-z]{7,}`).FindString(m.Text)
		if s.message == "" || m.Thread != "" && word != "" {
			s.message, s.query = m.Channel+"/"+string(m.TS), firstNonEmpty(word, s.query)
		}
		if m.Thread != "" && word != "" {
			break
		}
	}
	s.searches = []string{"--limit 5 " + s.query, "--limit 5 --sort -time has:file"}
	return s, nil
}

func runDemo(ctx context.Context, e *env, c *cli.Context) (err error) {
	s, err := companyStory(e.now)
	if corpus := c.String("corpus"); corpus != "" {
		s, err = corpusStory(corpus)
	}
	if err != nil {
		return err
	}
	d, err := newDemo(e, s)
	if err != nil {
		return err
	}
	defer closing(&err, d.server.Close)
	if err := d.show(ctx); err != nil {
		return err
	}
	if c.Bool("keep-serving") {
		d.sayf("\nThe server stays up until you press Ctrl-C: %s, user %s, password %s.\n", d.Server, d.Username, demoPassword)
	}
	if e.ui.json {
		err = e.ui.object(d.demoPlace)
	}
	if c.Bool("keep-serving") && err == nil {
		<-ctx.Done()
	}
	return err
}

// demo is one demonstration.
type demo struct {
	demoPlace
	story
	out     io.Writer // where it tells its story
	program program   // carries out the commands
	server  *teamchattest.Server
}

// demoPlace is where what the demo leaves behind can be found.
type demoPlace struct {
	Folder   string `json:"folder"`
	Archive  string `json:"archive"`
	Config   string `json:"config"`
	Server   string `json:"server"`
	Username string `json:"username"`
	Password string `json:"password"` // a file
}

// newDemo makes the folder and starts the server. The commands get an environment of their own, so that nothing of the
// real one leads them to another archive.
func newDemo(e *env, s story) (*demo, error) {
	folder, err := os.MkdirTemp("", "archiver-demo-")
	if err != nil {
		return nil, err
	}
	d := &demo{story: s, out: e.ui.out, program: e.program}
	if e.ui.json {
		d.out, d.program.stdout = e.ui.err, e.ui.err
	}
	d.demoPlace = demoPlace{
		Folder: folder, Archive: filepath.Join(folder, "archive"), Config: filepath.Join(folder, "archiver.yaml"),
		Username: demoUser, Password: filepath.Join(folder, "password"),
	}
	d.program.getenv = func(name string) string {
		switch name {
		case "ARCHIVER_CONFIG":
			return d.Config
		case "NO_COLOR", "TERM":
			return e.getenv(name)
		}
		return ""
	}
	d.server = teamchattest.NewServer(s.world, teamchattest.ServerOptions{Account: demoUser, Password: demoPassword})
	if err := d.server.Listen("127.0.0.1:0"); err != nil {
		return nil, err
	}
	d.Server = d.server.URL
	return d, d.writeConfig()
}

// writeConfig writes the configuration and the password, as someone would who sets archiver up.
func (d *demo) writeConfig() error {
	config, err := yaml.Marshal(map[string]any{
		"server":  map[string]any{"url": d.Server, "username": d.Username, "password_file": d.Password},
		"archive": map[string]any{"dir": d.Archive},
		"sync":    map[string]any{"give_up_after": "10s"},
	})
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(d.Config, config, 0o600), os.WriteFile(d.Password, []byte(demoPassword+"\n"), 0o600))
}

func (d *demo) sayf(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }

// show goes through the commands.
func (d *demo) show(ctx context.Context) error {
	messages, channels := 0, d.world.Channels()
	for _, c := range channels {
		messages += c.Messages + c.Comments
	}
	d.sayf("A TeamChat server with %s in %s is at %s.\n", counted(messages, "message"), counted(len(channels), "channel"), d.Server)
	d.sayf("You log in as %s with the password %s. Everything lies in\n%s\n\n", d.Username, demoPassword, d.Folder)
	d.sayf("$ export ARCHIVER_CONFIG=%s\n", d.Config)
	if err := d.commands(ctx, "sync"); err != nil {
		return err
	}
	d.sayf("\n# %s\n", d.between)
	if err := d.world.Apply(d.changes); err != nil {
		return err
	}
	export := filepath.Join(d.Folder, "case-1")
	lines := []string{d.again}
	for _, search := range d.searches {
		lines = append(lines, "search "+search)
	}
	lines = append(lines, "show "+d.message, "export --output "+export+" "+d.query, "verify "+export, "verify --data", "status")
	err := d.commands(ctx, lines...)
	if err == nil {
		d.sayf("\nThe archive is in %s, the export in %s.\n", d.Archive, export)
	}
	return err
}

// commands carries out commands as a shell would, and shows them.
func (d *demo) commands(ctx context.Context, lines ...string) error {
	for _, line := range lines {
		d.sayf("\n$ archiver %s\n", line)
		if code := d.program.run(ctx, splitLine(line)); code != exitOK {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("archiver %s: exit code %d: %s", line, code, exits[code].meaning)
		}
	}
	return nil
}

// splitLine splits a command line at spaces that are not in single quotes.
func splitLine(line string) []string {
	var args []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			args = append(args, part)
			continue
		}
		args = append(args, strings.Fields(part)...)
	}
	return args
}
