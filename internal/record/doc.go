// Package record holds what is kept: the objects of a TeamChat server as they were read, and the logical content
// that follows from them.
//
// It owns
//
//   - identifiers: [TS] and its 12-hex form, channel ids without padding;
//   - calendar events and conferences ([Event], [Conference]), and which parts of them are passwords;
//   - [Clean], which turns an object as received into the bytes that are kept (insignificant whitespace and secrets
//     removed, nothing else);
//   - the meaning of a message's raw object ([ParseMessage]) and its state: what counts as another version and what
//     is only an annotation;
//   - [Entry], the unit that storage appends, and the fold of an object's entries into its present logical form
//     ([Message], [Channel], [User], [File]);
//   - the dump's JSON (the NDJSON records of `archiver dump`).
//
// It does no I/O, reads no clock and knows nothing of HTTP, files or the index.
package record
