package merkle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is a state of an archive's log.
type Checkpoint struct {
	Origin string // names the log: archiver/ and the archive's identifier
	Size   int64  // leaves
	Root   Hash
}

// Origin names the log of an archive.
func Origin(archive string) string { return "archiver/" + archive }

// ErrCheckpoint means that a text is no checkpoint, or has no signature of the key in question.
var ErrCheckpoint = errors.New("no valid checkpoint")

// text is what is signed (C2SP tlog-checkpoint).
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// Sign gives the checkpoint as a signed note.
func (c Checkpoint) Sign(key *Key) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: c.text()}, key.signer)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return signed, nil
}

// ParseCheckpoint reads a signed note and checks that the key with the given public half signed it. Errors are
// ErrCheckpoint, or one about the public key.
func ParseCheckpoint(signed []byte, public string) (Checkpoint, error) {
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("public key %q: %w", public, err)
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c, err := parseText(opened.Text)
	for _, s := range opened.Sigs { // note.Open lets pass bits that stand for nothing
		if _, strict := base64.StdEncoding.Strict().DecodeString(s.Base64); err == nil {
			err = strict
		}
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return c, nil
}

// parseText reverses text; further lines are extensions, which nothing here uses.
func parseText(text string) (c Checkpoint, err error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 || lines[0] == "" {
		return c, errors.New("it has not three lines")
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || lines[1] != strconv.FormatInt(c.Size, 10) {
		return c, fmt.Errorf("size %q", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != HashSize {
		return c, fmt.Errorf("root %q", lines[2])
	}
	c.Root = Hash(root)
	return c, nil
}
