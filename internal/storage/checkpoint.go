package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"archiver/internal/merkle"
)

// ErrKey means that a key is not the one that signs an archive's checkpoints.
var ErrKey = errors.New("another key signs this archive")

// PublicKey gives the public half of the key that signs the archive's checkpoints, "" when there is none yet.
func (a *Archive) PublicKey(ctx context.Context) (public string, err error) {
	err = a.view(ctx, func(s *snapshot) error { public, err = s.publicKey(); return err })
	return public, err
}

func (s *snapshot) publicKey() (string, error) {
	value, err := s.get(bucketMeta, []byte(metaKey))
	return string(value), err
}

// SetPublicKey notes the public half of the key that signs the archive's checkpoints from now on. It cannot be changed
// later: ErrKey.
func (a *Archive) SetPublicKey(ctx context.Context, public string) error {
	err := a.keep(ctx, func(b *batch) error {
		old, err := b.publicKey()
		if err != nil || old == public {
			return err
		}
		if old != "" {
			return ErrKey
		}
		return b.put(bucketMeta, []byte(metaKey), append(make([]byte, 0, len(public)+checksumSize), public...))
	})
	if err != nil {
		return fmt.Errorf("set public key: %w", err)
	}
	return nil
}

// Sign signs the present state of the log, keeps the checkpoint in the archive and gives it. A state that was signed
// before is not signed again. ErrKey means that it is not the archive's key.
func (a *Archive) Sign(ctx context.Context, key *merkle.Key) ([]byte, error) {
	var signed []byte
	err := a.keep(ctx, func(b *batch) (err error) {
		signed, err = b.sign(merkle.Origin(a.id), key)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return signed, nil
}

func (b *batch) sign(origin string, key *merkle.Key) ([]byte, error) {
	public, err := b.publicKey()
	if err != nil {
		return nil, err
	}
	if public != key.Public() {
		return nil, ErrKey
	}
	t, err := b.snapshot.tree()
	if err != nil {
		return nil, err
	}
	if old, err := b.get(bucketNotes, uint64Key(uint64(t.Size))); err == nil && old != nil {
		return bytes.Clone(old), nil
	}
	signed, err := merkle.Checkpoint{Origin: origin, Size: t.Size, Root: t.Root}.Sign(key)
	if err != nil {
		return nil, err
	}
	return signed, b.put(bucketNotes, uint64Key(uint64(t.Size)), append(make([]byte, 0, len(signed)+checksumSize), signed...))
}

// Checkpoint gives the newest signed checkpoint, nil when there is none.
func (a *Archive) Checkpoint(ctx context.Context) (signed []byte, err error) {
	err = a.view(ctx, func(s *snapshot) error {
		key, stored := s.bucket(bucketNotes).Cursor().Last()
		if key == nil {
			return nil
		}
		value, err := unseal(bucketNotes, key, stored)
		signed = bytes.Clone(value)
		return err
	})
	return signed, err
}

// Log describes the log of an archive.
type Log struct {
	Size      int64  `json:"size"`       // commits
	Root      string `json:"root"`       // base64
	Signed    int64  `json:"signed"`     // size of the log at the newest checkpoint; 0 is none
	PublicKey string `json:"public_key"` // what checkpoints are checked with; "" is none
}

// Log gives the state of the log.
func (a *Archive) Log(ctx context.Context) (Log, error) {
	var l Log
	err := a.view(ctx, func(s *snapshot) error {
		t, err := s.tree()
		if err != nil {
			return err
		}
		l.Size, l.Root = t.Size, t.Root.String()
		if key, _ := s.bucket(bucketNotes).Cursor().Last(); len(key) == 8 {
			l.Signed = int64(binary.BigEndian.Uint64(key))
		}
		l.PublicKey, err = s.publicKey()
		return err
	})
	return l, err
}
