// Package mail writes mail messages and mailboxes.
//
// It owns
//
//   - the [Header]: fields folded at 78 columns and never longer than 998 bytes (RFC 5322), text that is not ASCII as
//     B-encoded words cut between characters (RFC 2047), parameters in the extended form (RFC 2231);
//   - the [Message]: a text, the same as HTML, and attachments as a MIME multipart (RFC 2045, 2046);
//   - the [Mbox]: messages in one file, in the variant mboxrd (RFC 4155).
//
// # What it promises
//
//   - The same input gives the same bytes: boundaries are made of the Message-ID, nothing follows a clock or chance.
//   - Lines end in CRLF (in a mailbox LF), and no CR or LF stands alone. There is no NUL, and only ASCII.
//   - No value can end its field or begin another: controls in headers are shown by their pictures (U+2400 to U+2421).
//   - Attachments are streamed.
//
// # What it does not do
//
// It reads no mail, and sends none. Fields are written as given, in the order given; that one is missing or stands twice
// is not noticed.
package mail
