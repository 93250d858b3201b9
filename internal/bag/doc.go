// Package bag writes and checks what makes a directory a BagIt bag (version 1.0, RFC 8493).
//
// It owns the tag files:
//
//	bagit.txt                   the declaration
//	bag-info.txt                what the bag is, "Label: value"
//	manifest-ALGORITHM.txt      the digest of every file below data/
//	tagmanifest-ALGORITHM.txt   the digest of every other file but the tag manifests and their signatures
//
// for the algorithms sha256 and sha512, both always, computed in one pass. [Check] reads a bag with several workers and
// names whatever is not as the manifests say: changed, missing, unexpected.
//
// It promises that every file it writes has one form (paths in bytewise order, digests in lower case, two blanks, line
// feeds), and it holds the manifests that it checks to that form, so that no byte of them can change unseen.
//
// It knows nothing of what lies below data/, and signs nothing.
package bag
