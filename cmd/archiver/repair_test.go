package main

import (
	"bytes"
	"errors"
	"os"

	bolt "go.etcd.io/bbolt"
)

// damageTail changes a bit of the last value of bucket tails, wherever it lies in the file.
func damageTail(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	var tail []byte
	err = db.View(func(tx *bolt.Tx) error {
		_, value := tx.Bucket([]byte("tails")).Cursor().Last()
		tail = bytes.Clone(value)
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	harmed := bytes.Clone(tail)
	harmed[len(harmed)/2] ^= 1
	return os.WriteFile(path, bytes.ReplaceAll(data, tail, harmed), 0o600)
}
