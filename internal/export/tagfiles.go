package export

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"archiver/internal/bag"
	"archiver/internal/merkle"
)

// Files of a bundle that are no payload, beside those of a bag.
const (
	PublicKeyFile = "minisign.pub"
	SignedFile    = "tagmanifest-sha512.txt" // covers the manifests, which cover all else
	SignatureFile = SignedFile + ".minisig"
)

// What others lay beside a signed file ends so.
const (
	TimestampEnding = ".tsr" // an authority's answer (RFC 3161)
	SealEnding      = ".p7s" // a signature with an X.509 key (CMS)
)

// Signed gives the file of the bundle in dir that covers all others: that of the set where it has volumes.
func Signed(dir string) string {
	set := filepath.Join(dir, SetFile)
	if _, err := os.Stat(set); err == nil {
		return set
	}
	return filepath.Join(dir, SignedFile)
}

// PublicKeyLabel is the label in bag-info.txt of the key that signed, as checkpoints are checked with.
const PublicKeyLabel = "TC-Public-Key"

// IsBeside tells of a file outside data/ whether the tag manifests leave it out: a signature of them, or a time stamp.
func IsBeside(path string) bool {
	return path == SignatureFile || path == SignedFile+TimestampEnding || path == SignedFile+SealEnding
}

// custodyFolder is what depends on the run. All else below data/ is a pure function of what was selected.
const custodyFolder = "data/custody/"

// contentDigest is the digest of everything below data/ but data/custody: the SHA-256 (hex) of that part of
// manifest-sha256.txt. Exports with equal digests have equal content.
func contentDigest(files []bag.File) string {
	sum, line := sha256.New(), []byte(nil)
	for i := range files {
		if files[i].IsPayload() && !strings.HasPrefix(files[i].Path, custodyFolder) {
			line = bag.AppendManifest(line[:0], bag.SHA256, files[i:i+1])
			sum.Write(line)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// seal makes a bag of a bundle that has its payload, or several where volumes have a limit.
func (b *bundle) seal(o Options, s *Summary) error {
	bag.Sort(b.written)
	parts := cut(b.written, o.Rendering.Volume)
	err := error(nil)
	if len(parts) > 1 {
		err = b.sealSet(o, s, parts)
	} else {
		var signed bag.File
		signed, err = b.sealVolume(o, s, volume{number: 1, of: 1, payload: parts[0]})
		s.Manifest = hex.EncodeToString(signed.SHA256[:])
	}
	for i := range b.written {
		s.Written += b.written[i].Bytes
	}
	return err
}

// sealVolume writes the tag files of a volume, the manifests last, and signs them. It gives the file that it signed.
func (b *bundle) sealVolume(o Options, s *Summary, v volume) (signed bag.File, err error) {
	first := len(b.written)
	if err := b.describe(o, s, v); err != nil {
		return signed, err
	}
	for _, a := range bag.Algorithms() {
		if err := b.putManifest(v.folder+a.Manifest(), a, v.payload); err != nil {
			return signed, err
		}
	}
	tags := slices.Clone(b.written[first:])
	for i := range tags {
		tags[i].Path = strings.TrimPrefix(tags[i].Path, v.folder)
	}
	bag.Sort(tags)
	var text []byte
	for _, a := range bag.Algorithms() {
		text = bag.AppendManifest(nil, a, tags)
		if err := b.put(v.folder+a.TagManifest(), text); err != nil {
			return signed, err
		}
	}
	signed = b.written[len(b.written)-1]
	signed.Path = SignedFile
	return signed, b.sign(o, s, v.folder, SignedFile, text)
}

// putManifest writes the manifest of files, which are in order, a part at a time: there may be many.
func (b *bundle) putManifest(path string, a bag.Algorithm, files []bag.File) error {
	out, err := b.create(path)
	if err != nil {
		return err
	}
	var lines []byte
	for part := range slices.Chunk(files, 1000) {
		lines = bag.AppendManifest(lines[:0], a, part)
		if _, err := out.Write(lines); err != nil {
			return errors.Join(err, out.abandon())
		}
	}
	_, _, err = out.close()
	return err
}

// sign lays the signature of a file, and the key to check it with, beside the file; nothing without a key.
func (b *bundle) sign(o Options, s *Summary, folder, name string, content []byte) error {
	if o.Key == nil {
		return nil
	}
	if name != SignedFile { // a volume has its key already
		if err := b.putKey(o, folder); err != nil {
			return err
		}
	}
	signature, err := o.Key.Minisign(content, trustedComment(o, s))
	if err != nil {
		return err
	}
	return b.put(folder+name+".minisig", signature)
}

func (b *bundle) putKey(o Options, folder string) error {
	public, err := merkle.MinisignPublic(o.Key.Public())
	if err != nil {
		return err
	}
	return b.put(folder+PublicKeyFile, public)
}

// trustedComment is what the signature says beside the digests.
func trustedComment(o Options, s *Summary) string {
	return "export=" + s.ID + " root=" + cmp.Or(o.State.Root, "none") + " utc=" + s.Finished.Format(time.RFC3339)
}

// describe writes the declaration, bag-info.txt and the public key.
func (b *bundle) describe(o Options, s *Summary, v volume) error {
	if err := b.put(v.folder+bag.Declaration, []byte(bag.DeclarationText)); err != nil {
		return err
	}
	if o.Key != nil {
		if err := b.putKey(o, v.folder); err != nil {
			return err
		}
	}
	return b.put(v.folder+bag.Info, bag.AppendInfo(nil, bagInfo(o, s, v)))
}

func bagInfo(o Options, s *Summary, v volume) []bag.Field {
	octets := int64(0)
	for i := range v.payload {
		octets += v.payload[i].Bytes
	}
	fields := []bag.Field{
		{Label: "Source-Organization", Value: o.Custody.Organization},
		{Label: "Contact-Name", Value: o.Custody.Contact},
		{Label: "External-Description", Value: cmp.Or(o.Custody.Description, "Export of chat messages of "+cmp.Or(o.Custody.Source.Server, "IceWarp TeamChat"))},
		{Label: "Bagging-Date", Value: s.Finished.Format(time.DateOnly)},
		{Label: "External-Identifier", Value: s.ID},
		{Label: "Bag-Size", Value: humanSize(octets)},
		{Label: "Payload-Oxum", Value: bag.Oxum(v.payload)},
		{Label: "Bag-Group-Identifier", Value: o.Custody.Matter},
		{Label: "Bag-Count", Value: fmt.Sprintf("%d of %d", v.number, v.of)},
		{Label: "Internal-Sender-Identifier", Value: s.Selection.Archive},
		{Label: "Bag-Software-Agent", Value: o.Generator},
		{Label: "TC-Query-SHA256", Value: queryDigest(s.Selection)},
		{Label: "TC-Change", Value: strconv.FormatUint(s.Selection.Change, 10)},
		{Label: "TC-Content-SHA256", Value: s.Content},
		{Label: PublicKeyLabel, Value: s.PublicKey},
	}
	if o.State.Root != "" {
		fields = append(fields, bag.Field{Label: "TC-Tree-Size", Value: strconv.FormatInt(o.State.Size, 10)},
			bag.Field{Label: "TC-Tree-Root", Value: o.State.Root})
	}
	return fields
}

// queryDigest is the SHA-256 (hex) of a selection's query as typed.
func queryDigest(sel Selection) string {
	sum := sha256.Sum256([]byte(sel.Query))
	return hex.EncodeToString(sum[:])
}

// humanSize is a number of bytes as Bag-Size has it.
func humanSize(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d %s", n, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
