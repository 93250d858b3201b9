// Package rsmf writes and checks files of the Relativity Short Message Format, versions 1.0.0 and 2.0.0: conversations
// as review platforms for legal discovery take them in.
//
// It owns the format: the types of the manifest, the headers and the layout of a file ([Writer]), and the rules of a
// valid one ([Check]). It knows nothing of chat servers or archives.
//
// # Layout
//
// A file is an Internet message (RFC 5322, line ends CRLF) with the ending .rsmf:
//
//	headers          From, To, Subject, Date, Message-ID, and X-RSMF-* with what the manifest says
//	text/plain       what is to be searched: base64, UTF-8
//	rsmf.zip         the only attachment: base64
//	  ATT00001.pdf…    attachments, in one flat folder
//	  rsmf_manifest.json
//
// # What it promises
//
//   - The same document gives the same bytes: no clock, entries of the ZIP of 1980-01-01, data descriptors and no extra
//     fields.
//   - Headers that repeat the manifest are derived from it and cannot disagree with it.
//   - Attachments stream through; memory holds the manifest and the text.
//   - Headers are ASCII, with encoded words (RFC 2047) where needed, or UTF-8 (RFC 6532) on request. Lines are at most
//     998 bytes long, base64 76 columns.
//
// # Sources
//
// The specification "Relativity Short Message Format" on Relativity's documentation site, and the JSON Schema of the
// manifest that Relativity publishes (relativitydev/rsmf-validator-samples). Rules that neither states, such as the
// names and severities of findings, were observed with Relativity's validator.
package rsmf
