package main

import (
	"context"
	"embed"
	"fmt"

	"github.com/urfave/cli/v2"
)

//go:embed completion
var completionScripts embed.FS

func completionCommand() command {
	return command{
		name: "completion", args: "bash|zsh|fish", bare: true, run: runCompletion,
		summary: "print the script that lets a shell complete commands and flags",
		examples: []string{
			"source <(archiver completion bash)                                    in ~/.bashrc",
			"source <(archiver completion zsh)                                     in ~/.zshrc, after compinit",
			"archiver completion fish > ~/.config/fish/completions/archiver.fish",
		},
		exits: []int{exitOK, exitUsage},
	}
}

func runCompletion(_ context.Context, e *env, c *cli.Context) error {
	shell, err := oneArgument(c, "shell", "archiver completion bash")
	if err != nil {
		return err
	}
	script, err := completionScripts.ReadFile("completion/" + shell)
	if err != nil {
		return &usageError{fmt.Sprintf("no completion for the shell %q", shell), "there are bash, zsh and fish"}
	}
	return e.ui.printf("%s", script)
}
