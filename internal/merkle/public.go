package merkle

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// secretOf takes the key itself out of a private key's text.
func secretOf(private string) (name string, secret ed25519.PrivateKey, err error) {
	parts := strings.SplitN(private, "+", 5) // PRIVATE+KEY+name+hash+key
	if len(parts) != 5 {
		return "", nil, errKey
	}
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", nil, errKey
	}
	return parts[2], ed25519.NewKeyFromSeed(seed[1:]), nil
}

// publicOf writes the public half of a key as C2SP signed-note does.
func publicOf(name string, secret ed25519.PrivateKey) (string, error) {
	public, err := note.NewEd25519VerifierKey(name, secret.Public().(ed25519.PublicKey))
	if err != nil {
		return "", errKey
	}
	return public, nil
}

// bytesOf gives the 32 bytes of a public key that is written as C2SP signed-note does.
func bytesOf(public string) (ed25519.PublicKey, error) {
	if _, err := note.NewVerifier(public); err != nil {
		return nil, err
	}
	parts := strings.SplitN(public, "+", 3) // name+hash+key
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize {
		return nil, errKey
	}
	return key[1:], nil
}
