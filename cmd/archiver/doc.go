// Archiver archives the channels of a TeamChat server, searches the archive and hands it over. This package is its
// command line.
//
// # A tour of the packages, from the bottom up
//
// Data goes one way: from the server through sync into storage, from storage into the index, and from both to whoever
// searches, reads or exports.
//
//   - internal/lenient decodes JSON from servers that disagree about types. It owns that tolerance and nothing else.
//   - internal/record says what is kept: messages, channels, users and files as they were read; what makes another
//     version of a message; how entries fold into what a message is now; the lines of dump.
//   - internal/merkle hashes what is archived, signs checkpoints and proves records.
//   - internal/columnar packs rows of JSON so that they compress well, and gives them back to the byte.
//   - internal/blob keeps file bytes by their SHA-256.
//   - internal/storage is the archive: an append-only history of entries in one bbolt file, with checksums, change
//     numbers that others follow, and the bookkeeping of what is complete. It is the one place where packages meet:
//     sync writes it, all others read it.
//   - internal/teamchat is the client of the server's API: one method an endpoint, retries, limits, typed errors. It
//     knows nothing of archives.
//   - internal/teamchat/teamchattest is a TeamChat server to test, measure and demonstrate against.
//   - internal/sync makes an archive follow a server: it decides what to fetch next and turns answers into entries.
//   - internal/index is the search index and the query language. It follows the archive by change number and can be
//     rebuilt from it at any time.
//   - internal/export writes a selection of the archive as a bundle. It asks the archive by an interface of its own.
//   - internal/bag has what makes a directory a BagIt bag; internal/bundle checks an export without its archive.
//   - internal/rsmf, internal/mail and internal/loadfile are formats of exports as bytes, and know nothing of chat.
//   - internal/seal has others vouch for a file; internal/envelope puts a bundle into an encrypted one.
//   - internal/extract reads the text inside files, in processes of their own; internal/filetext keeps it.
//   - internal/doctor examines a server and an archive and says what will be missing and why. It changes neither.
//   - internal/reconcile compares an archive with the live server and explains every difference.
//   - internal/benchmark measures what a first sync and exports cost, from outside.
//   - internal/campaign runs the program against faults and kills it, from outside.
//   - internal/formattest reads an archive by its documentation alone, without anything of the other packages.
//   - internal/crash marks the moments between durable steps, and internal/disktest makes disks that lose their power or
//     get full, both for tests.
//   - internal/importtest holds the table of who may import whom.
//
// # This package
//
// It owns the command line, the configuration, the wiring of the packages, what is printed, and the exit codes. A
// command is a file: its flags, then opening, then one call into a package, then printing. [run] is the whole program;
// app.go has the command table, config.go the configuration, open.go what commands open, exit.go the one switch from
// errors to exit codes, ui.go the rules of output, and source.go the archive as exports see it.
//
// What scripts may rely on (names of commands and flags, exit codes, fields of JSON) does not change.
package main
