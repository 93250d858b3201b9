package bundle

import (
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"archiver/internal/bag"
	"archiver/internal/export"
)

// part checks a volume by itself; of is its Bag-Count. What the export holds can only be told of all volumes.
func (v *verifier) part(of string) {
	v.report.ID, v.named = v.info("External-Identifier"), v.info(export.PublicKeyLabel)
	v.signature("", export.SignedFile)
	v.vouched(export.SignedFile)
	v.contents()
	v.warn("this is volume %s: put the volumes and %s into one folder, and verify that, to have their content compared", of, export.SetFile)
}

// set checks all volumes of a bundle, and what they hold together.
func (v *verifier) set(ctx context.Context) error {
	union, err := os.MkdirTemp("", "archiver-verify-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(union)
	all := &bag.Checked{}
	folders := v.folders()
	for i, folder := range folders {
		v.bag, err = v.checkBag(ctx, v.path(folder), folder, v.share(i, len(folders)))
		if err != nil {
			return err
		}
		v.report.ID, v.named = v.info("External-Identifier"), v.info(export.PublicKeyLabel)
		v.signature(folder, export.SignedFile)
		all.Files, all.Info = append(all.Files, v.bag.Files...), v.bag.Info
		if err := link(union, v.path(folder), v.bag.Files); err != nil {
			return err
		}
	}
	v.signature("", export.SetFile)
	v.vouched(export.SetFile)
	v.bag = all
	v.report.Checked["volumes"] = int64(len(folders))
	v.dir = union
	v.custodyRecord()
	if v.custody.Signature.PublicKey != v.named {
		v.find(custodyFile, "names another key than the volumes")
	}
	return v.whole(ctx)
}

// folders gives the folders of the volumes that the set names, of which each must be there with the digest that stands
// there, and no other.
func (v *verifier) folders() (folders []string) {
	text, ok := v.read(export.SetFile)
	if !ok {
		return nil
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		digest, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		folder, isTags := strings.CutSuffix(path, export.SignedFile)
		if !isTags || !strings.HasSuffix(folder, "/") || bag.CheckPath(path) != nil {
			v.find(export.SetFile, "names no volume: %q", line)
			continue
		}
		named[strings.TrimSuffix(folder, "/")] = true
		if !v.has(path) {
			v.find(strings.TrimSuffix(folder, "/"), "is missing: the set names this volume")
			continue
		}
		folders = append(folders, folder)
		content, _ := v.read(path)
		h := bag.NewHash()
		h.Write(content)
		if sum := h.File(path).SHA512; hex.EncodeToString(sum[:]) != digest {
			v.find(path, "is not that of the volume which the set names")
		}
	}
	v.unnamed(named)
	return folders
}

// unnamed finds what lies beside the volumes and belongs to no set.
func (v *verifier) unnamed(named map[string]bool) {
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		v.find(export.SetFile, "%v", err)
		return
	}
	for _, e := range entries {
		name := e.Name()
		beside, isBeside := strings.CutPrefix(name, export.SetFile)
		known := isBeside && export.IsBeside(export.SignedFile+beside) || isBeside && beside == "" || name == export.PublicKeyFile
		if !named[name] && !known {
			v.find(name, "is not part of the set")
		}
	}
}

// share is the progress of one bag of several.
func (v *verifier) share(n, of int) func(done, total int64) {
	return func(done, total int64) { v.progress(int64(n)*total+done, int64(of)*total) }
}

// link makes the payload of a volume appear in a folder where all volumes' is together.
func link(union, volume string, files []bag.File) error {
	volume, err := filepath.Abs(volume)
	if err != nil {
		return err
	}
	for i := range files {
		if !files[i].IsPayload() {
			continue
		}
		to := in(union, files[i].Path)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := os.Symlink(in(volume, files[i].Path), to); err != nil {
			return err
		}
	}
	return nil
}
