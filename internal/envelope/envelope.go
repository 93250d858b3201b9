package envelope

import (
	"archive/tar"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"filippo.io/age"
)

// long ago is the time of every file: when it was written belongs to no hand-over.
var longAgo = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// alphabet has 32 characters that cannot be taken for each other.
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

// Passphrase makes one of 24 characters, 120 random bits, in groups of four.
func Passphrase() string {
	random := make([]byte, 24)
	rand.Read(random)
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[int(r)%len(alphabet)])
	}
	return b.String()
}

// Recipients reads age recipients: public keys (age1...), or names of files that hold some, one a line.
func Recipients(names []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, name := range names {
		text := io.Reader(strings.NewReader(name))
		if !strings.HasPrefix(name, "age1") {
			file, err := os.Open(name)
			if err != nil {
				return nil, fmt.Errorf("age recipient: neither a public key (age1...) nor a file: %w", err)
			}
			defer file.Close()
			text = file
		}
		found, err := age.ParseRecipients(text)
		if err != nil {
			return nil, fmt.Errorf("age recipient %q: %w", name, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// Age writes the files of a folder as a tar, below the folder's name, that only the recipients can open.
func Age(out io.Writer, folder fs.FS, name string, recipients []age.Recipient) error {
	sealed, err := age.Encrypt(out, recipients...)
	if err != nil {
		return err
	}
	w := tar.NewWriter(sealed)
	err = each(folder, func(path string, size int64, content io.Reader) error {
		header := &tar.Header{Name: name + "/" + path, Mode: 0o644, Size: size, ModTime: longAgo, Format: tar.FormatPAX}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.Copy(w, content)
		return err
	})
	return errors.Join(err, w.Close(), sealed.Close())
}

// each gives every file of a folder in the order of names.
func each(folder fs.FS, give func(path string, size int64, content io.Reader) error) error {
	return fs.WalkDir(folder, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file, err := folder.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		if err := give(path, info.Size(), file); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
}
