package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"archiver/internal/bag"
)

// SetFile names the volumes of a bundle that is more than one: a line for each, as sha512sum writes it, with the digest
// of its tagmanifest-sha512.txt. It lies beside the volumes, and is signed as they are.
const SetFile = "volumes-sha512.txt"

// VolumeName names a volume, a folder of its own.
func VolumeName(id string, n int) string { return fmt.Sprintf("%s_VOL%03d", id, n) }

// volume is a bag: all of a bundle, or a part of it.
type volume struct {
	folder     string // within the bundle, with a slash at the end; "" where the bundle is one bag
	number, of int
	payload    []bag.File // by path, without the folder
}

// cut divides the payload, which is in order, into volumes of at most limit bytes; 0 is no limit. What tells of the whole
// comes first. A file that is larger than the limit has a volume of its own.
func cut(payload []bag.File, limit int64) [][]bag.File {
	if limit <= 0 {
		return [][]bag.File{payload}
	}
	var parts [][]bag.File
	size := limit + 1 // so that the first file begins a volume
	for _, about := range []bool{true, false} {
		for i := range payload {
			f := payload[i]
			if tellsOfAll(f.Path) != about {
				continue
			}
			if size+f.Bytes > limit {
				parts, size = append(parts, nil), 0
			}
			parts[len(parts)-1] = append(parts[len(parts)-1], f)
			size += f.Bytes
		}
	}
	for _, part := range parts { // the last of those about the whole may go on with others
		bag.Sort(part)
	}
	return parts
}

// tellsOfAll tells of a payload file whether it is about the bundle as a whole.
func tellsOfAll(path string) bool {
	rest := strings.TrimPrefix(path, bag.Payload)
	return strings.HasPrefix(path, custodyFolder) || strings.HasPrefix(rest, "reports/") || !strings.Contains(rest, "/")
}

// sealSet makes volumes of the parts and writes what names them.
func (b *bundle) sealSet(o Options, s *Summary, parts [][]bag.File) error {
	s.Volumes = len(parts)
	var set []byte
	for i, files := range parts {
		v := volume{VolumeName(s.ID, i+1) + "/", i + 1, len(parts), files}
		if err := b.move(v); err != nil {
			return err
		}
		signed, err := b.sealVolume(o, s, v)
		if err != nil {
			return fmt.Errorf("volume %d: %w", v.number, err)
		}
		signed.Path = v.folder + signed.Path
		set = bag.AppendManifest(set, bag.SHA512, []bag.File{signed})
	}
	if err := os.RemoveAll(filepath.Join(b.dir, bag.Payload)); err != nil { // folders that nothing is in
		return err
	}
	sum := sha256.Sum256(set)
	s.Manifest = hex.EncodeToString(sum[:])
	if err := b.put(SetFile, set); err != nil {
		return err
	}
	return b.sign(o, s, "", SetFile, set)
}

// move gives the files of a volume their place.
func (b *bundle) move(v volume) error {
	for i := range v.payload {
		path := filepath.FromSlash(v.payload[i].Path)
		to := filepath.Join(b.dir, filepath.FromSlash(v.folder), path)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(b.dir, path), to); err != nil {
			return err
		}
	}
	return nil
}
