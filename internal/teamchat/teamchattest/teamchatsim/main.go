package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"archiver/internal/teamchat/teamchattest"

	"github.com/go-json-experiment/json"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "teamchatsim:", err)
		os.Exit(1)
	}
}

type options struct {
	corpus, scenario string
	generate         int
	seed             uint64
	life             uint64
	rate             float64
	addr             string
	username         string
	password         string
	untilClosed      bool
	apply            bool
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("teamchatsim", flag.ContinueOnError)
	flags.StringVar(&o.corpus, "corpus", "", "serve a corpus: messages.ndjson[.zst] or its directory")
	flags.StringVar(&o.scenario, "scenario", "", "serve the world of a scenario `file`")
	flags.IntVar(&o.generate, "generate", 0, "serve a made-up company with `N` messages")
	flags.Uint64Var(&o.seed, "seed", 1, "of -generate")
	flags.Uint64Var(&o.life, "life", 0, "let the world change between requests as this `seed` decides; 0 is not at all")
	flags.Float64Var(&o.rate, "rate", 0.5, "mean number of changes at a request, for -life")
	flags.StringVar(&o.addr, "addr", "127.0.0.1:0", "loopback address to listen on")
	flags.StringVar(&o.username, "username", "archive@example.com", "account that may log in")
	flags.StringVar(&o.password, "password", "secret", "its password")
	flags.BoolVar(&o.untilClosed, "until-stdin-closes", false, "end when stdin ends")
	flags.BoolVar(&o.apply, "apply-stdin", false, "carry out the scenario lines of stdin")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	w, err := o.world()
	if err != nil {
		return err
	}
	s := teamchattest.NewServer(w, teamchattest.ServerOptions{Account: o.username, Password: o.password})
	o.handle(s, w)
	if err := s.Listen(o.addr); err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintln(stdout, s.URL, o.username, o.password)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.untilClosed || o.apply {
		go func() { // ends with the process, if not with stdin
			follow(w, stdin, stdout, o.apply)
			cancel()
		}()
	}
	<-ctx.Done()
	return nil
}

// handle serves what stands beside the API.
func (o options) handle(s *teamchattest.Server, w *teamchattest.World) {
	if o.life != 0 {
		life := teamchattest.RandomLife(o.life)
		life.Rate = o.rate
		s.OnEvery(life.Change)
		s.Handle("POST /sim/settle", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { life.Settle(w) }))
	}
	s.Handle("GET /sim/requests", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		json.MarshalWrite(rw, s.RequestCounts(), json.Deterministic(true))
	}))
	s.Handle("POST /sim/apply", http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		lines, err := io.ReadAll(req.Body)
		if err == nil {
			err = w.Apply(string(lines))
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
		}
	}))
}

// world builds what is served.
func (o options) world() (*teamchattest.World, error) {
	switch {
	case o.corpus != "" && o.scenario == "" && o.generate == 0:
		return teamchattest.LoadCorpus(o.corpus)
	case o.scenario != "" && o.corpus == "" && o.generate == 0:
		text, err := os.ReadFile(o.scenario)
		if err != nil {
			return nil, err
		}
		return teamchattest.ParseScenario(string(text))
	case o.generate > 0 && o.corpus == "" && o.scenario == "":
		return teamchattest.Generate(teamchattest.GenerateOptions{Seed: o.seed, Messages: o.generate}), nil
	}
	return nil, errors.New("want one of -corpus, -generate and -scenario")
}

// follow reads stdin to its end.
func follow(w *teamchattest.World, stdin io.Reader, stdout io.Writer, apply bool) {
	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		if !apply {
			continue
		}
		if err := w.Apply(lines.Text()); err != nil {
			fmt.Fprintln(stdout, "error:", err)
		} else {
			fmt.Fprintln(stdout, "ok")
		}
	}
}
