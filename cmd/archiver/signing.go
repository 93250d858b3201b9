package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"archiver/internal/merkle"
	"archiver/internal/storage"
	"archiver/internal/sync"
)

// keyFile is where the key lies that signs checkpoints.
func (c *Config) keyFile() string {
	return firstNonEmpty(c.Signing.KeyFile, filepath.Clean(c.Archive.Dir)+".key")
}

// giveKey gives an archive that has no signing key yet the one in the file at path, and makes that if it is not there.
// It gives the public half.
func giveKey(ctx context.Context, a *storage.Archive, path string) (public string, err error) {
	if public, err = a.PublicKey(ctx); err != nil || public != "" {
		return public, err
	}
	key, err := merkle.LoadKey(path)
	if errors.Is(err, merkle.ErrNoKey) {
		key, err = merkle.CreateKey(path, merkle.Origin(a.ID()))
	}
	if err != nil {
		return "", withHint(err, "signing.key_file names the file; it must not lie in the archive directory")
	}
	return key.Public(), a.SetPublicKey(ctx, key.Public())
}

// sign ends a run with a signed checkpoint. What keeps it from that is a problem of the run; the evidence is archived
// all the same.
func (r *syncRun) sign(ctx context.Context, a *storage.Archive, result *sync.Result) {
	for _, err := range r.checkpoint(context.WithoutCancel(ctx), a) {
		result.Problems = append(result.Problems, sync.Problem{What: err.Error()})
		if result.Outcome == sync.Complete {
			result.Outcome = sync.Incomplete
		}
	}
}

// checkpoint signs the state of the log and copies the checkpoint to where the configuration says.
func (r *syncRun) checkpoint(ctx context.Context, a *storage.Archive) []error {
	key, err := merkle.LoadKey(r.cfg.keyFile())
	if err != nil {
		return []error{fmt.Errorf("archived, but no checkpoint was signed: %w", err)}
	}
	signed, err := a.Sign(ctx, key)
	if err != nil {
		return []error{fmt.Errorf("archived, but no checkpoint was signed: %w", err)}
	}
	var failed []error
	if path := r.cfg.Signing.CheckpointFile; path != "" {
		if err := replaceFile(path, signed); err != nil {
			failed = append(failed, fmt.Errorf("signing.checkpoint_file: %w", err))
		}
	}
	if command := r.cfg.Signing.CheckpointCommand; command != "" {
		if err := handOver(ctx, command, signed); err != nil {
			failed = append(failed, fmt.Errorf("signing.checkpoint_command: %w", err))
		}
	}
	return failed
}

// replaceFile writes a file so that a reader finds the old or the new content, whole.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// handOver runs a command with the checkpoint as its input.
func handOver(ctx context.Context, command string, signed []byte) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Stdin = bytes.NewReader(signed)
	out, err := cmd.CombinedOutput()
	if text := strings.TrimSpace(string(out)); err != nil && text != "" {
		return fmt.Errorf("%w: %.200s", err, text)
	}
	return err
}

// readCheckpoint reads the checkpoint that --since names. One that is not of this archive and its key is a finding.
func readCheckpoint(ctx context.Context, a *storage.Archive, path string) (*merkle.Checkpoint, *storage.Damage, error) {
	signed, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, &usageError{"--since: " + plainCause(err), "name a file with a checkpoint of this archive, as signing.checkpoint_file keeps it"}
	}
	public, err := a.PublicKey(ctx)
	if err != nil {
		return nil, nil, err
	}
	if public == "" {
		return nil, nil, &usageError{"--since: the archive has no signing key", "archiver sync makes one"}
	}
	c, err := merkle.ParseCheckpoint(signed, public)
	if err == nil && c.Origin != merkle.Origin(a.ID()) {
		err = fmt.Errorf("it is of the log %s, this archive's is %s", c.Origin, merkle.Origin(a.ID()))
	}
	if err != nil {
		return nil, &storage.Damage{Where: path, What: fmt.Sprintf("not signed for this archive with its key %s: %v", public, err),
			Repair: "find out whether the file is a checkpoint of this archive, and whether the archive's key was replaced"}, nil
	}
	return &c, nil, nil
}
