// Package export writes a selection of the archive as an eDiscovery bundle: a BagIt bag with the records in one or
// several formats, every attachment once, reports, a custody record, and a signature.
//
// It owns
//
//   - the frozen [Selection]: what was asked for, at which change number of which archive;
//   - the formats, each behind the same small interface, so that another one (RSMF, EML, HTML, a production) is one
//     more file here;
//   - the bundle: its layout, its custody record and reports, its signature, its becoming visible;
//   - the search-term report, and the comparison with earlier exports;
//   - the [Ledger], which gives export numbers and remembers what was exported, in which documents.
//
// # Layout
//
//	bagit.txt, bag-info.txt               what this is (BagIt 1.0, RFC 8493)
//	manifest-sha256.txt, -sha512.txt      digests of everything below data/
//	tagmanifest-sha256.txt, -sha512.txt   digests of the other files, written last
//	minisign.pub                          the key that signed, unless the bundle is unsigned
//	tagmanifest-sha512.txt.minisig        the signature, likewise
//	data/README.txt, data/VERIFY.txt      for people
//	data/custody/custody.json, .html      who, what, when, where from, how
//	data/custody/certification-902-14.html  a draft
//	data/custody/proofs/                  that the records are in the archive's signed log
//	data/reports/                         see reports.go
//	data/ndjson/channels.ndjson           format ndjson: lossless, one object a line
//	data/ndjson/users.ndjson
//	data/ndjson/messages.ndjson
//	data/ndjson/files.ndjson
//	data/csv/messages.csv                 format csv: one row per message version, nothing altered
//	data/csv/messages.excel.csv           the same for spreadsheets, formulas disarmed
//	data/rsmf/<channel>/<slice>.rsmf      format rsmf: conversations for review platforms, with their attachments
//	data/html/index.html                  format html: the offline reader, with a page per channel and slice
//	data/eml/<channel>/<month>/*.eml      format eml: one mail for every version of a message, and for a deletion
//	data/eml/<channel>/<slice>.eml        the same with one mail for every slice
//	data/mbox/<channel>.mbox              format mbox: the mails of messages in a mailbox for each channel
//	data/files/ab/cd/<sha256>.<ext>       each attachment once, all stored revisions
//
// Names use only A-Z a-z 0-9 . _ / and -, whatever names the server gave; those are in the records.
//
// # What it promises
//
//   - The same selection of the same archive with the same rendering and export number gives the same bytes below data/.
//     What depends on when and by what the export was made is in data/custody and in the tag files.
//   - Nothing is overwritten, and nothing that is not whole can be taken for a bundle: it is built under another name
//     (<output>.partial-*) beside its place, the manifests last, fsynced and renamed at the end. A run that fails removes
//     what it wrote; what a killed one left is removed by the next export with the same output.
//   - Memory does not grow with the number of messages, but for a bit each. It holds the directory (channels and users),
//     about 200 bytes an attachment, and about 400 bytes a slice.
//
// # What it does not do
//
// It evaluates no query and opens no archive: it is given a [Source]. It encrypts nothing yet. A bundle is checked by
// package bundle.
package export
