// Package bundle checks an export that was handed over, without the archive that it came from.
//
// It owns what makes an export trustworthy to somebody who has nothing but the export, the archive's public key and
// perhaps a checkpoint:
//
//   - every file is as the manifests of the bag say, none is missing, none is there beside (package bag);
//   - the tag manifest was signed with the archive's key;
//   - the records were in the archive's log when its checkpoint was signed, and what the format ndjson shows of a message
//     is what follows from its records;
//   - all formats show the same messages, in as many versions, with the same text.
//
// A format takes part in the last comparison by a [reader] of its own, which knows nothing of how the format is written:
// an entry in readers.
//
// It promises to name every file of a bundle that was changed, and that memory does not grow with the number of
// messages, but for 32 bytes a record: of documents it holds one at a time, of a mail and of an RSMF file the text, of a
// page of HTML a message.
package bundle
