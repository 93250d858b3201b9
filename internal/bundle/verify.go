package bundle

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"archiver/internal/bag"
	"archiver/internal/export"
	"archiver/internal/merkle"
	"archiver/internal/seal"

	"github.com/go-json-experiment/json"
)

// ErrNoBundle means that a directory is no bundle.
var ErrNoBundle = errors.New("no export bundle")

// Options say how a bundle is checked.
type Options struct {
	// Key is the archive's public key as it was got by another way than with the bundle: as checkpoints are checked with,
	// or as minisign writes it. "" takes the bundle's own.
	Key string
	// Since is a signed checkpoint of the archive that was kept elsewhere; nil is none.
	Since []byte
	// Roots are the authorities that certificates of time stamps and X.509 signatures must lead to; nil trusts any.
	Roots *x509.CertPool
	// Progress is called now and then, from several goroutines, with the bytes read and those to read.
	Progress func(done, total int64)
}

// Report says what was found.
type Report struct {
	ID       string `json:"id"`
	SignedBy string `json:"signed_by"` // public key; "" for an unsigned bundle
	Pinned   bool   `json:"pinned"`    // the key is the one that the caller gave

	Timestamp *seal.Timestamp `json:"timestamp,omitzero"` // of an authority; nil without one that holds
	SealedBy  string          `json:"sealed_by,omitzero"` // subject of the X.509 certificate that signed; "" without one

	Warnings []string         `json:"warnings"` // what is not shown, though nothing is wrong
	Checked  map[string]int64 `json:"checked"`
	Findings []bag.Finding    `json:"-"` // what is wrong, by path
}

// Verify checks the bundle in a directory: a bag, a set of volumes, or a volume by itself. Its error says why it could not
// be told, as ErrNoBundle; whatever is wrong with the bundle is a finding.
func Verify(ctx context.Context, dir string, o Options) (*Report, error) {
	if err := mustBeBundle(dir); err != nil {
		return nil, err
	}
	v := &verifier{dir: dir, o: o, report: &Report{Warnings: []string{}, Checked: map[string]int64{}}}
	check := v.single
	if v.has(export.SetFile) {
		check = v.set
	}
	if err := check(ctx); err != nil {
		return nil, fmt.Errorf("bundle %s: %w", dir, err)
	}
	slices.SortStableFunc(v.report.Findings, func(x, y bag.Finding) int { return cmp.Compare(x.Where, y.Where) })
	return v.report, nil
}

// single checks a bundle that is one bag, or a volume without the others.
func (v *verifier) single(ctx context.Context) (err error) {
	if info, err := os.Stat(v.path(export.MessagesFile)); err == nil {
		v.readTwice = info.Size()
	}
	if v.bag, err = v.checkBag(ctx, v.dir, "", v.progress); err != nil {
		return err
	}
	if of := v.info("Bag-Count"); of != "" && of != "1 of 1" {
		v.part(of)
		return nil
	}
	v.custodyRecord()
	v.named = v.custody.Signature.PublicKey
	v.signature("", export.SignedFile)
	v.vouched(export.SignedFile)
	return v.whole(ctx)
}

// whole checks what the payload says, of which all is there.
func (v *verifier) whole(ctx context.Context) error {
	v.contents()
	for _, check := range []func(context.Context) error{v.proofs, v.agreement} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// checkBag reads all files of a bag, which lies in a folder of the bundle or is it.
func (v *verifier) checkBag(ctx context.Context, dir, folder string, progress func(done, total int64)) (*bag.Checked, error) {
	checked, err := bag.Check(ctx, dir, bag.CheckOptions{Beside: export.IsBeside, Progress: progress})
	if err != nil {
		return nil, err
	}
	for _, f := range checked.Findings {
		v.report.Findings = append(v.report.Findings, bag.Finding{Where: folder + f.Where, What: f.What})
	}
	for i := range checked.Files {
		v.report.Checked["files"]++
		v.report.Checked["bytes"] += checked.Files[i].Bytes
	}
	return checked, nil
}

// info gives a value of bag-info.txt.
func (v *verifier) info(label string) string {
	i := slices.IndexFunc(v.bag.Info, func(f bag.Field) bool { return f.Label == label })
	if i < 0 {
		return ""
	}
	return v.bag.Info[i].Value
}

// mustBeBundle tells whether a directory is meant to be a bundle, damaged or not.
func mustBeBundle(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w: there is no such directory", dir, ErrNoBundle)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s: %w: it is no directory", dir, ErrNoBundle)
	}
	for _, name := range []string{bag.Declaration, bag.Info, export.SignedFile, export.SetFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: %w: it has no %s", dir, ErrNoBundle, bag.Declaration)
}

// verifier is a bundle that is being checked.
type verifier struct {
	dir     string
	o       Options
	bag     *bag.Checked
	custody custody
	named   string // public key that the bundle says it is signed with; "" is none
	key     string // that signatures are checked with, likewise
	report  *Report

	readTwice int64 // bytes that are read again after all were hashed
}

// progress tells how far the check is: hashing done of total bytes, and then reading on.
func (v *verifier) progress(done, total int64) {
	if v.o.Progress != nil {
		v.o.Progress(done, total+v.readTwice)
	}
}

// custody is what is read of custody.json.
type custody struct {
	ID      string   `json:"export_id"`
	Formats []string `json:"formats"`
	Counts  struct {
		Messages int64 `json:"messages"`
		Comments int64 `json:"comments"`
	} `json:"counts"`
	Signature struct {
		PublicKey string `json:"public_key"`
	} `json:"signature"`
	Proofs *struct {
		Size    int64 `json:"size"`
		Records int64 `json:"records"`
		Newer   int64 `json:"newer"`
		Lost    int64 `json:"lost"`
	} `json:"proofs"`
}

const custodyFile = "data/custody/custody.json"

func (v *verifier) find(where, format string, args ...any) {
	v.report.Findings = append(v.report.Findings, bag.Finding{Where: where, What: fmt.Sprintf(format, args...)})
}

func (v *verifier) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(v.report.Warnings, text) { // volumes have the same
		v.report.Warnings = append(v.report.Warnings, text)
	}
}

func (v *verifier) path(name string) string { return in(v.dir, name) }

// has tells whether the bundle has a file.
func (v *verifier) has(name string) bool {
	_, err := os.Stat(v.path(name))
	return err == nil
}

// read gives a file's content. One that is not there, or cannot be read, is a finding.
func (v *verifier) read(name string) (content []byte, ok bool) {
	content, err := os.ReadFile(v.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		v.find(name, "is missing")
	} else if err != nil {
		v.find(name, "cannot be read: %v", err)
	}
	return content, err == nil
}

// custodyRecord reads what the bundle says of itself, and compares it with bag-info.txt.
func (v *verifier) custodyRecord() {
	content, ok := v.read(custodyFile)
	if !ok {
		return
	}
	if err := json.Unmarshal(content, &v.custody); err != nil {
		v.find(custodyFile, "is no custody record: %v", err)
		return
	}
	v.report.ID = v.custody.ID
	for _, f := range v.bag.Info {
		if f.Label == "External-Identifier" && f.Value != v.custody.ID {
			v.find(bag.Info, "names the export %s, the custody record %s", f.Value, v.custody.ID)
		}
	}
}

// signature checks who signed a file in a folder of the bundle.
func (v *verifier) signature(folder, name string) {
	named, beside := v.named, folder+name+".minisig"
	if named == "" && !v.has(beside) {
		v.unsigned(beside)
		return
	}
	v.key = named
	if v.o.Key != "" && !isKey(v.o.Key, named) {
		v.find(beside, "made with the key %s, not with the one that was asked for", cmp.Or(named, "unknown"))
		return
	}
	v.report.Pinned = v.o.Key != ""
	public, hasKey := v.read(folder + export.PublicKeyFile)
	want, err := merkle.MinisignPublic(named)
	if hasKey && (err != nil || string(public) != string(want)) {
		v.find(folder+export.PublicKeyFile, "is not the key that the custody record names")
	}
	signature, signed := v.read(beside)
	file, there := v.read(folder + name)
	if !signed || !there {
		return
	}
	comment, err := merkle.CheckMinisign(file, signature, named)
	if err == nil && !strings.HasPrefix(comment, "export="+v.report.ID+" ") {
		err = fmt.Errorf("it was made for another export: %q", comment)
	}
	if err != nil {
		v.find(beside, "%v", err)
		v.find(folder+name, "its signature does not hold")
		return
	}
	v.report.SignedBy = named
	v.report.Checked["signatures"]++
	if !v.report.Pinned {
		v.warn("the key is the one that came with the export: compare it with one that you got by another way (--key)")
	}
}

func (v *verifier) unsigned(signature string) {
	if v.o.Key != "" {
		v.find(signature, "is missing: the export is not signed")
		return
	}
	v.warn("the export is not signed: it is whole, but nothing shows who made it")
}

// isKey tells whether a key that a person gave is the public key: as checkpoints are checked with, as minisign writes it,
// or the content of minisign.pub.
func isKey(given, public string) bool {
	if given = strings.TrimSpace(given); given == public && public != "" {
		return true
	}
	text, err := merkle.MinisignPublic(public)
	if err != nil {
		return false
	}
	_, line, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return given == line || given == strings.TrimSpace(string(text))
}

// contents checks that attachments have the names of their digests.
func (v *verifier) contents() {
	for i := range v.bag.Files {
		f := &v.bag.Files[i]
		if !strings.HasPrefix(f.Path, "data/files/") {
			continue
		}
		v.report.Checked["attachments"]++
		name, _, _ := strings.Cut(path.Base(f.Path), ".")
		if name != hex.EncodeToString(f.SHA256[:]) {
			v.find(f.Path, "is not the content that it is named for")
		}
	}
}

// in gives the place of a file of the bundle in a directory.
func in(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
