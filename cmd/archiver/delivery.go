package main

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"archiver/internal/envelope"
	"archiver/internal/export"
	"archiver/internal/seal"

	"filippo.io/age"
	"github.com/urfave/cli/v2"
)

// delivery is what is done with a bundle once it is whole: others vouch for it, and it is put into an encrypted file.
type delivery struct {
	timestampURL string
	signer       *seal.Signer    // nil: no CMS signature
	recipients   []age.Recipient // none: no age file
	zip          bool
}

// delivered says what became of it.
type delivered struct {
	Timestamp  *seal.Timestamp `json:"timestamp,omitzero"`
	Unstamped  string          `json:"unstamped,omitzero"` // why there is no time stamp though one was asked for
	SignedBy   string          `json:"signed_by,omitzero"` // subject of the X.509 certificate
	Sealed     []sealedFile    `json:"sealed,omitzero"`
	Passphrase string          `json:"passphrase,omitzero"` // of the ZIP; kept nowhere else
}

// sealedFile is an encrypted file beside the bundle.
type sealedFile struct {
	Path   string `json:"path"`
	SHA512 string `json:"sha512"` // hex; also in <path>.sha512
	Bytes  int64  `json:"bytes"`
}

func deliveryFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "timestamp", Usage: "have the authority at `URL` state when the bundle existed (RFC 3161)", DefaultText: "export.timestamp_url"},
		&cli.StringSliceFlag{Name: "age", Usage: "put the bundle into a file that only `RECIPIENT` can open: an age public key, or a file of them; repeatable"},
		boolFlag("zip", "put the bundle into an AES-256 ZIP, which 7-Zip opens, and show its passphrase once"),
	}
}

// newDelivery reads the command line and the configuration, so that what can't be done is known before the export.
func (e *env) newDelivery(c *cli.Context) (h delivery, err error) {
	cfg := e.cfg.Export
	h.timestampURL, h.zip = firstNonEmpty(c.String("timestamp"), cfg.TimestampURL), c.Bool("zip")
	if h.recipients, err = envelope.Recipients(c.StringSlice("age")); err != nil {
		return h, &usageError{"--age: " + err.Error(), "as in --age age1ql3z... or --age counsel.keys"}
	}
	if cfg.CertificateFile == "" {
		return h, nil
	}
	if h.signer, err = seal.LoadSigner(cfg.CertificateFile, cfg.CertificateKeyFile); err != nil {
		return h, &configError{err.Error(), "export.certificate_file and export.certificate_key_file name PEM files"}
	}
	return h, nil
}

// do hands over the bundle in dir. An authority that fails is reported and stops nothing.
func (h delivery) do(ctx context.Context, dir string) (done delivered, err error) {
	if h.timestampURL != "" {
		if done.Timestamp, err = requestStamp(ctx, h.timestampURL, dir); err != nil {
			done.Unstamped = err.Error()
		}
	}
	if h.signer != nil {
		if err := h.sign(dir); err != nil {
			return done, err
		}
		done.SignedBy = h.signer.Certificate.Subject.String()
	}
	if h.zip {
		done.Passphrase = envelope.Passphrase()
	}
	bags, err := bagsOf(dir)
	if err != nil {
		return done, err
	}
	for _, bag := range bags {
		if err := h.encrypt(&done, bag, filepath.Join(filepath.Dir(dir), filepath.Base(bag))); err != nil {
			return done, err
		}
	}
	return done, nil
}

// bagsOf gives the folders of a bundle that are bags: its volumes, or itself.
func bagsOf(dir string) ([]string, error) {
	if export.Signed(dir) == filepath.Join(dir, export.SignedFile) {
		return []string{dir}, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", export.SignedFile))
	for i := range files {
		files[i] = filepath.Dir(files[i])
	}
	return files, err
}

// encrypt puts a bag into files whose names begin with path.
func (h delivery) encrypt(done *delivered, bag, path string) error {
	if len(h.recipients) > 0 {
		err := done.seal(path+".tar.age", func(out io.Writer) error {
			return envelope.Age(out, os.DirFS(bag), filepath.Base(bag), h.recipients)
		})
		if err != nil {
			return err
		}
	}
	if !h.zip {
		return nil
	}
	return done.seal(path+".zip", func(out io.Writer) error {
		return envelope.ZIP(out, os.DirFS(bag), filepath.Base(bag), done.Passphrase)
	})
}

// requestStamp has an authority state when the bundle in dir existed, and lays its answer there.
func requestStamp(ctx context.Context, url, dir string) (*seal.Timestamp, error) {
	file, err := os.Open(export.Signed(dir))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	answer, err := seal.RequestTimestamp(ctx, http.DefaultClient, url, file)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	stamp, err := seal.CheckTimestamp(answer, file, nil)
	if err != nil {
		return nil, err
	}
	return stamp, createFile(export.Signed(dir)+export.TimestampEnding, func(out io.Writer) error { _, err := out.Write(answer); return err })
}

// sign lays a CMS signature of the bundle there.
func (h delivery) sign(dir string) error {
	content, err := os.ReadFile(export.Signed(dir))
	if err != nil {
		return err
	}
	signature, err := seal.Sign(content, h.signer)
	if err != nil {
		return err
	}
	return createFile(export.Signed(dir)+export.SealEnding, func(out io.Writer) error { _, err := out.Write(signature); return err })
}

// seal writes an encrypted file and its SHA-512, in the form that sha512sum -c reads.
func (d *delivered) seal(path string, write func(io.Writer) error) error {
	sum := sha512.New()
	counted := &countingWriter{}
	err := createFile(path, func(out io.Writer) error { return write(io.MultiWriter(out, sum, counted)) })
	if err != nil {
		return err
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	d.Sealed = append(d.Sealed, sealedFile{path, digest, counted.n})
	return createFile(path+".sha512", func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%s  %s\n", digest, filepath.Base(path))
		return err
	})
}

type countingWriter struct{ n int64 }

func (w *countingWriter) Write(p []byte) (int, error) { w.n += int64(len(p)); return len(p), nil }

// createFile writes a file that must not exist. One that could not be written whole is removed.
func createFile(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), os.Remove(path))
	}
	return nil
}

// print says for people what was done.
func (d delivered) print(u *ui) error {
	var err error
	say := func(format string, args ...any) { err = errors.Join(err, u.printf(format, args...)) }
	if s := d.Timestamp; s != nil {
		say("stamped  %s by %s\n", s.Time.Format("2006-01-02 15:04:05Z"), printable(s.Authority))
	}
	if d.Unstamped != "" {
		say("stamped  no: %s\n", printable(d.Unstamped))
	}
	if d.SignedBy != "" {
		say("sealed   by %s\n", printable(d.SignedBy))
	}
	for _, f := range d.Sealed {
		say("sealed   %s (%s)\n         sha512 %s\n", f.Path, size(f.Bytes), f.SHA512)
	}
	if d.Passphrase != "" {
		say("         passphrase %s (shown once and kept nowhere; send it by another way than the file)\n", d.Passphrase)
	}
	return err
}
