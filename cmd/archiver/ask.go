package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

// asker asks questions on a terminal. Questions go to stderr.
type asker struct {
	ctx   context.Context
	ui    *ui
	lines chan string // what is typed; closed at its end
}

// newAsker reads what is typed from now on. The reader is left behind when the program ends: nothing can interrupt it.
func newAsker(ctx context.Context, e *env) *asker {
	a := &asker{ctx: ctx, ui: e.ui, lines: make(chan string)}
	go func() {
		defer close(a.lines)
		in := bufio.NewReader(e.stdin)
		for {
			line, err := in.ReadString('\n')
			if err != nil && line == "" {
				return
			}
			select {
			case a.lines <- strings.TrimSpace(line):
			case <-ctx.Done():
				return
			}
		}
	}()
	return a
}

var errNoAnswer = errors.New("the input ended before all was answered")

// ask asks until there is an answer that check accepts. An empty one is proposal, if there is one.
func (a *asker) ask(question, proposal string, check func(string) error) (string, error) {
	if proposal != "" {
		question += " [" + proposal + "]"
	}
	for {
		if _, err := fmt.Fprintf(a.ui.err, "%s: ", question); err != nil {
			return "", err
		}
		answer, err := a.line()
		if err != nil {
			return "", err
		}
		if answer = firstNonEmpty(answer, proposal); answer == "" {
			continue
		}
		if err = check(answer); err == nil {
			return answer, nil
		}
		a.ui.errorLine(err.Error(), "")
	}
}

func (a *asker) line() (string, error) {
	select {
	case line, ok := <-a.lines:
		if !ok {
			return "", errNoAnswer
		}
		return line, nil
	case <-a.ctx.Done():
		return "", a.ctx.Err()
	}
}

func anyAnswer(string) error { return nil }

// ask completes what flags and environment left open.
func (s *setup) ask(a *asker) error {
	server := &s.cfg.Server
	for _, q := range []struct {
		value              *string
		question, proposal string
		check              func(string) error
	}{
		{&server.URL, "TeamChat server, as in https://mail.example.com", "", func(url string) error { return ServerConfig{URL: url}.checkURL() }},
		{&server.Username, "Account to log in as, as in archive@example.com", "", anyAnswer},
		{&s.cfg.Archive.Dir, "Directory of the archive", usualArchive, anyAnswer},
	} {
		if *q.value != "" {
			continue
		}
		answer, err := a.ask(q.question, q.proposal, q.check)
		if err != nil {
			return err
		}
		*q.value = answer
	}
	return s.askForPassword(a)
}

// askForPassword asks where the password comes from, not for the password.
func (s *setup) askForPassword(a *asker) error {
	server := &s.cfg.Server
	if server.PasswordFile != "" || server.PasswordCommand != "" || s.getenv("ARCHIVER_PASSWORD") != "" {
		return nil
	}
	source, err := a.ask("Where the password comes from: a file, a command, or the environment (ARCHIVER_PASSWORD)", "file", func(s string) error {
		if passwordSource(s) == "" {
			return fmt.Errorf("%q: want file, command or environment", s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch passwordSource(source) {
	case "file":
		server.PasswordFile, err = a.ask("File whose first line is the password", "/etc/archiver/password", anyAnswer)
	case "command":
		server.PasswordCommand, err = a.ask("Command that prints the password", "", anyAnswer)
	}
	return err
}

// passwordSource completes a word that may be cut short; "" is none of the words.
func passwordSource(s string) string {
	for _, source := range []string{"file", "command", "environment"} {
		if s != "" && strings.HasPrefix(source, strings.ToLower(s)) {
			return source
		}
	}
	return ""
}
