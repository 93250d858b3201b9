package merkle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"aead.dev/minisign"
)

// Files that are handed over are signed in the form of minisign, prehashed ("ED": Ed25519 over the BLAKE2b-512 of the
// file), which the program minisign and others check. The key is the archive's; its minisign key id is the first 8 bytes
// of the SHA-256 of the 32 bytes of the public key.

// untrustedComment stands in every signature. It is not signed, so it says nothing.
const untrustedComment = "signature of an archiver export"

// ErrSignature means that a signature does not hold.
var ErrSignature = errors.New("signature does not hold")

// Minisign signs a file with a comment that is signed as well. It gives the content of the signature's file.
func (k *Key) Minisign(file []byte, comment string) ([]byte, error) {
	private, err := minisignKey(k.secret)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return hashed(file).SignWithComments(private, comment, untrustedComment), nil
}

// hashed gives a file as minisign signs it.
func hashed(file []byte) *minisign.Reader {
	r := minisign.NewReader(bytes.NewReader(file))
	_, _ = io.Copy(io.Discard, r) // reads from memory
	return r
}

// minisignKey gives a key as minisign has it, by way of the text of one that is not encrypted: algorithm, no key
// derivation, checksum algorithm, 48 bytes that only encryption uses, id, key, and room for a checksum.
func minisignKey(secret ed25519.PrivateKey) (key minisign.PrivateKey, err error) {
	b := append(make([]byte, 0, 158), 'E', 'd', 0, 0, 'B', '2')
	b = append(b, make([]byte, 48)...)
	b = binary.LittleEndian.AppendUint64(b, minisignID(secret.Public().(ed25519.PublicKey)))
	b = append(append(b, secret...), make([]byte, 32)...)
	err = key.UnmarshalText([]byte("untrusted comment: \n" + base64.StdEncoding.EncodeToString(b)))
	return key, err
}

func minisignPublic(public string) (key minisign.PublicKey, err error) {
	raw, err := bytesOf(public)
	if err != nil {
		return key, fmt.Errorf("public key %q: %w", public, err)
	}
	b := binary.LittleEndian.AppendUint64([]byte("Ed"), minisignID(raw))
	err = key.UnmarshalText([]byte("untrusted comment: \n" + base64.StdEncoding.EncodeToString(append(b, raw...))))
	return key, err
}

func minisignID(public ed25519.PublicKey) uint64 {
	sum := sha256.Sum256(public)
	return binary.LittleEndian.Uint64(sum[:])
}

// MinisignPublic gives the content of the public key file for minisign of a key that is written as checkpoints are
// checked with.
func MinisignPublic(public string) ([]byte, error) {
	key, err := minisignPublic(public)
	if err != nil {
		return nil, err
	}
	text, err := key.MarshalText()
	return append(text, '\n'), err
}

// CheckMinisign checks the signature of a file by a key that is written as checkpoints are checked with, and gives the
// comment that was signed. No byte of the signature's file may be another than Minisign wrote. Errors are ErrSignature,
// or one about the key.
func CheckMinisign(file, signature []byte, public string) (comment string, err error) {
	key, err := minisignPublic(public)
	if err != nil {
		return "", err
	}
	var s minisign.Signature
	if err := s.UnmarshalText(bytes.TrimSuffix(signature, []byte("\n"))); err != nil {
		return "", fmt.Errorf("%w: %w", ErrSignature, err)
	}
	again, err := s.MarshalText()
	if err != nil || s.Algorithm != minisign.HashEdDSA || s.UntrustedComment != untrustedComment || !bytes.Equal(again, signature) {
		return "", fmt.Errorf("%w: it is not in the form in which archiver signs", ErrSignature)
	}
	if !hashed(file).Verify(key, signature) {
		return "", fmt.Errorf("%w: another file or another key", ErrSignature)
	}
	return s.TrustedComment, nil
}
