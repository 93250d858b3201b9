// Package export writes a selection of the archive as an eDiscovery bundle: a directory with the records in one or
// several formats, every attachment once, and a manifest with the SHA-256 of every file.
//
// It owns
//
//   - the frozen [Selection]: what was asked for, at which change number of which archive;
//   - the formats, each behind the same small interface, so that another one (RSMF, EML, a production) is one more file
//     here;
//   - the bundle: its layout, its manifest, its becoming visible;
//   - the [Ledger], which gives export numbers and remembers what was exported.
//
// # Layout
//
//	manifest.json                         what this is, counts, SHA-256 of every other file; written last
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
// Names below data/ use only A-Z a-z 0-9 . _ / and -, whatever names the server gave; those are in the records. The
// layout is that of a BagIt bag's payload, which the bundle is to become.
//
// # What it promises
//
//   - The same selection of the same archive gives the same bytes below data/. What depends on when and by what the
//     export was made is in manifest.json alone.
//   - Nothing is overwritten, and nothing that is not whole can be taken for a bundle: it is built under another name
//     (<output>.partial-*) beside its place, fsynced and renamed at the end. A run that fails removes what it wrote.
//   - Memory does not grow with the number of messages. It holds the directory (channels and users) and about 200
//     bytes an attachment.
//
// # What it does not do
//
// It evaluates no query and opens no archive: it is given a [Source]. It signs and encrypts nothing yet.
package export
