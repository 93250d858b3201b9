package export

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	TimestampFile = SignedFile + ".tsr" // an authority's answer (RFC 3161)
	SealFile      = SignedFile + ".p7s" // a signature with an X.509 key (CMS)
)

// IsBeside tells of a file outside data/ whether the tag manifests leave it out: a signature of them, or a time stamp.
func IsBeside(path string) bool {
	return path == SignatureFile || path == TimestampFile || path == SealFile
}

// custodyFolder is what depends on the run. All else below data/ is a pure function of what was selected.
const custodyFolder = "data/custody/"

// contentDigest is the digest of everything below data/ but data/custody: the SHA-256 (hex) of that part of
// manifest-sha256.txt. Exports with equal digests have equal content.
func contentDigest(files []bag.File) string {
	var lines []byte
	for i := range files {
		if files[i].IsPayload() && !strings.HasPrefix(files[i].Path, custodyFolder) {
			lines = bag.AppendManifest(lines, bag.SHA256, files[i:i+1])
		}
	}
	sum := sha256.Sum256(lines)
	return hex.EncodeToString(sum[:])
}

// seal writes the tag files of a bundle that has its payload, the manifests last, and signs them.
func (b *bundle) seal(o Options, s *Summary) error {
	if err := b.describe(o, s); err != nil {
		return err
	}
	payload, _ := b.divided()
	for _, a := range bag.Algorithms() {
		if err := b.put(a.Manifest(), bag.AppendManifest(nil, a, payload)); err != nil {
			return err
		}
	}
	_, tags := b.divided()
	var signed []byte
	for _, a := range bag.Algorithms() {
		signed = bag.AppendManifest(nil, a, tags)
		if err := b.put(a.TagManifest(), signed); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(signed)
	s.Manifest = hex.EncodeToString(sum[:])
	if o.Key != nil {
		signature, err := o.Key.Minisign(signed, trustedComment(o, s))
		if err != nil {
			return err
		}
		if err := b.put(SignatureFile, signature); err != nil {
			return err
		}
	}
	for i := range b.written {
		s.Written += b.written[i].Bytes
	}
	return nil
}

// divided gives the files written so far in the order of manifests.
func (b *bundle) divided() (payload, tags []bag.File) {
	bag.Sort(b.written)
	for i := range b.written {
		if b.written[i].IsPayload() {
			payload = append(payload, b.written[i])
		} else {
			tags = append(tags, b.written[i])
		}
	}
	return payload, tags
}

// trustedComment is what the signature says beside the digests.
func trustedComment(o Options, s *Summary) string {
	return "export=" + s.ID + " root=" + cmp.Or(o.State.Root, "none") + " utc=" + s.Finished.Format(time.RFC3339)
}

// describe writes the declaration, bag-info.txt and the public key.
func (b *bundle) describe(o Options, s *Summary) error {
	if err := b.put(bag.Declaration, []byte(bag.DeclarationText)); err != nil {
		return err
	}
	if o.Key != nil {
		public, err := merkle.MinisignPublic(o.Key.Public())
		if err != nil {
			return err
		}
		if err := b.put(PublicKeyFile, public); err != nil {
			return err
		}
	}
	payload, _ := b.divided()
	return b.put(bag.Info, bag.AppendInfo(nil, bagInfo(o, s, payload)))
}

func bagInfo(o Options, s *Summary, payload []bag.File) []bag.Field {
	octets := int64(0)
	for i := range payload {
		octets += payload[i].Bytes
	}
	fields := []bag.Field{
		{Label: "Source-Organization", Value: o.Custody.Organization},
		{Label: "Contact-Name", Value: o.Custody.Contact},
		{Label: "External-Description", Value: cmp.Or(o.Custody.Description, "Export of chat messages of "+cmp.Or(o.Custody.Source.Server, "IceWarp TeamChat"))},
		{Label: "Bagging-Date", Value: s.Finished.Format(time.DateOnly)},
		{Label: "External-Identifier", Value: s.ID},
		{Label: "Bag-Size", Value: humanSize(octets)},
		{Label: "Payload-Oxum", Value: bag.Oxum(payload)},
		{Label: "Bag-Group-Identifier", Value: o.Custody.Matter},
		{Label: "Bag-Count", Value: "1 of 1"},
		{Label: "Internal-Sender-Identifier", Value: s.Selection.Archive},
		{Label: "Bag-Software-Agent", Value: o.Generator},
		{Label: "TC-Query-SHA256", Value: queryDigest(s.Selection)},
		{Label: "TC-Change", Value: strconv.FormatUint(s.Selection.Change, 10)},
		{Label: "TC-Content-SHA256", Value: s.Content},
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
