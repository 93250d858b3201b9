package merkle

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"archiver/internal/crash"

	"golang.org/x/mod/sumdb/note"
)

// Key signs checkpoints and what is handed over. Its file holds one line, the private key as golang.org/x/mod/sumdb/note writes it:
// PRIVATE+KEY+name+hash+base64. Keys are Ed25519 (RFC 8032).
type Key struct {
	public string
	signer note.Signer
	secret ed25519.PrivateKey
}

// Public is the public half, as checkpoints are checked with: name+hash+base64 (C2SP signed-note, "vkey").
func (k *Key) Public() string { return k.public }

// ErrNoKey means that there is no key file.
var ErrNoKey = errors.New("no signing key")

// LoadKey reads a key file. Errors are ErrNoKey, or say what is wrong with the file, never what it holds.
func LoadKey(path string) (*Key, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s is not there", ErrNoKey, path)
	case err != nil:
		return nil, fmt.Errorf("signing key: %w", err)
	}
	k, err := parseKey(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", path, err)
	}
	return k, nil
}

var errKey = errors.New("is no key of an archive")

func parseKey(private string) (*Key, error) {
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, errKey
	}
	name, secret, err := secretOf(private)
	if err != nil {
		return nil, err
	}
	public, err := publicOf(name, secret)
	if err != nil {
		return nil, err
	}
	return &Key{public, signer, secret}, nil
}

// CreateKey makes a key for the log of the given origin and writes it to a file that must not be there yet, readable by
// its owner only. The file is whole from the first moment on, and durable when CreateKey returns. What a kill may leave
// has .tmp after its name, and the next CreateKey takes it away.
func CreateKey(path, origin string) (*Key, error) {
	private, _, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	if err := placeKey(path, private+"\n"); err != nil {
		return nil, fmt.Errorf("write the signing key: %w", err)
	}
	return parseKey(private)
}

// placeKey writes the file of a key.
func placeKey(path, text string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist})
	}
	temp := path + ".tmp"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeSecret(temp, text); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	crash.Point("key: written")
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	crash.Point("key: renamed")
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync() // not every file system can
		_ = dir.Close()
	}
	crash.Point("key: durable")
	return nil
}

// writeSecret writes a file that was not there, durably, for its owner only.
func writeSecret(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	crash.Point("key: made")
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
