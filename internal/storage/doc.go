// Package storage keeps an archive: everything that was read of a TeamChat server, version by version, in one
// directory.
//
// It owns
//
//   - the archive directory: archive.db, HEAD, lock and, through package blob, blobs/;
//   - the history: every [record.Entry] gets the next change number and is kept for good, so that the archive can be
//     read as of any change ([Archive.Messages] and its like, [Range].AsOf) and followed ([Archive.Changes]);
//   - the decision whether something that was read again adds an entry: it is made by record.Next within the
//     transaction that would store it, so that putting a page twice is harmless;
//   - the bookkeeping that has to be exactly as old as the evidence: coverage and when it was last read, marks of
//     messages that are missing, threads, debts, counters, runs.
//
// It promises
//
//   - that a [Page] is committed whole or not at all, and is durable when its Done was called without error; pages are
//     committed in groups, so that many small pages cost few fsyncs;
//   - that a page that adds nothing writes nothing. The times of reads are kept "at least as recently as", and are
//     renewed after [AuditRenewal] only;
//   - that what it gives is what was put: every value has a checksum that is checked whenever it is read, and what does
//     not match is [ErrDamaged], never a panic, a fault or a wrong answer. [Archive.Verify] finds what reading does not
//     come across;
//   - that memory does not grow with the archive, and that no reader holds the database for long: objects are read in
//     windows of a few thousand entries.
//
// It does not talk to servers, does not understand messages beyond package record, does not index and does not delete.
//
// # Who may do what at a time
//
// A writer holds an exclusive lock on the file lock, and bbolt's exclusive lock on archive.db; a second one fails with
// [ErrInUse] at once. Readers share bbolt's lock. They give it back for 150 ms at least every 20 seconds, so that a
// writer who waits (up to ten minutes) gets in, and go on when it has finished, at the change number at which they
// began. They write nothing.
//
// # Commits
//
// Put queues; one goroutine commits when 4 MiB are queued, 50 ms after the first page, or when somebody waits. After
// the database, the file HEAD is replaced: JSON with the format version, the archive's id, the newest change, the
// generation of the file and the number of its transaction, size and root of the log, the time, and a CRC-32C (hex) of
// the object with an empty checksum:
//
//	{"format":1,"archive":"6d1c...","change":8812345,"generation":0,"txid":514,"size":514,"root":"mJ2e...",
//	 "time":"2026-01-02T03:04:05Z","checksum":"1a2b3c4d"}
//
// A database whose change, generation or transaction (of one generation) is behind HEAD has been rolled back and is
// refused. One that is before HEAD is
// what a crash between the two leaves; the next writer sets HEAD right. After an error of a commit nothing is known of
// its outcome: the archive takes no more pages and has to be opened again.
//
// Before bbolt sees the file, its page structure is walked over with plain reads, since bbolt trusts what it finds.
//
// # Format of archive.db
//
// archive.db is a bbolt database with pages of 4096 bytes. All numbers in keys are big endian, so that bytewise order is
// numeric order. In values, "uvarint" and "varint" are those of encoding/binary, and "text" is a uvarint length and that
// many bytes. Every value, in every bucket, ends with four more bytes: the big-endian CRC-32C (Castagnoli) of bucket
// name, a zero byte, key, and the value before these four bytes.
//
// Entries live in streams. Stream 1 holds channels, stream 2 users, stream 3 calendar events (by channel id, slash
// and event id), stream 4 conferences, stream 16+2n the messages and stream 17+2n the files of the channel with number n.
// The entries of a stream stand in blocks, in the order of their change numbers: sealed blocks of at most 512 entries (or
// about 1 MiB of bodies), which do not change until [Compact] makes blocks of up to 1024 of them, and after them the tail,
// which is written anew whenever the stream grows and is cut into sealed blocks of equal length when it would reach a
// limit.
//
//	meta      text                    "format": 4-byte number 1; "id": 32 hex digits; "created": RFC 3339 time;
//	                                  "counts": number of entries of each bucket, uvarints, in the order of this table;
//	                                  "generation": how often the file was written anew, 8-byte number, absent is 0;
//	                                  "key": public half of the signing key (C2SP vkey), absent until there is one
//	channels  channel id              4-byte channel number, from 1 in the order of first sight
//	blocks    8-byte block number     block
//	dir       4-byte stream,          header of the block
//	          8-byte block number
//	tails     4-byte stream           block; without entries it is only a header
//	commits   8-byte change number,   version byte 1; varint milliseconds since 1970; uvarint leaf of the log; uvarint
//	          the commit's last       number of segments, and for each uvarint stream, uvarint number of entries; batch
//	                                  salt (32 bytes); batch root (32 bytes). The entries of a commit are numbered
//	                                  segment by segment
//	coverage  4-byte channel number   uvarint number of intervals, and for each text from, text to; uvarint number of
//	                                  audits, and for each text from, text to, varint time; varint latest activity (unix
//	                                  seconds) and varint time of the last walk to the channel's end
//	threads   4-byte channel number,  varint comments_count (-1: unknown), uvarint comments read, 8-byte digest, varint
//	          packed ts               time of the read
//	debts     4-byte channel number,  text kind, text key, text reason, uvarint tries, varint since and varint not
//	          kind byte, debt key     before (milliseconds since 1970, 0 for none)
//	totals    4-byte channel number   uvarints messages, comments, deleted, newest change; text first ts, text last ts
//	runs      8-byte run id           JSON of a Run
//	journal   name                    the answer that is kept
//	missing   4-byte channel number,  text parent's ts, varint last seen, varint first missing, text rights
//	          packed ts
//	tiles     level byte, 8-byte      up to 256 hashes of the log, 32 bytes each: C2SP tlog-tiles of height 8
//	          number
//	checkpoints 8-byte size           signed checkpoint of the log at that size (C2SP tlog-checkpoint, signed note)
//	damaged   bucket, zero byte, key  the damaged value that a repair took out from there, as it was found, its last four
//	                                  bytes included
//	          "blobs", zero byte,     varint time at which that blob was found to be damaged or missing
//	          SHA-256 in hex
//	          "repair", zero byte,    JSON of a [Repaired]
//	          8-byte number, from 1
//
// Coverage ends with the varint time at which the channel's pins and events are due to be read, where that is set. Times
// are milliseconds since 1970, 0 for none.
//
// A packed ts is 8 bytes, seconds<<20 | counter; 1516195206.000463 is 00 05 a5 f4 d8 60 01 cf. Any text that is not ten
// digits, a dot and six digits is a byte ff and the text. Kind bytes are 1 thread, 2 file, 3 channel; any other kind is a
// byte ff, its name and a zero byte.
//
// A block is a header and two zstd frames (with content checksums) that decompress to its payload, numbers and text (where
// there is no text there is one frame):
//
//	header  = version:byte(1) stream:uvarint before:uvarint count:uvarint first:uvarint last-first:uvarint
//	          payload:uvarint min:text max:text
//	payload = ops:count bytes keys:strings threads:strings times:ints changes:ints bodies:rows
//
// before is the number of entries in the stream's earlier blocks, first and last are change numbers, payload is the
// length before compression, min and max are the least and the greatest key. An op is a [record.Op], plus 128 for the
// first entry of its key; times are milliseconds since 1970, changes are counted from first. strings, ints and rows are
// the codings of package columnar (AppendStrings, AppendInts, Encode). For example, the stored entry of dir for block 7
// of stream 18, two entries with changes 5 and 6, begins with key 00000012 0000000000000007 and value
// 01 12 00 02 05 01.
//
// A lost block stands where damage took entries that a repair could not read any more. Its version is 2, its payload 0, and
// it has no frames; min and max are empty where they are unknown. It stands in blocks and in dir, like any other. Its
// change numbers are not given again. So in a stream with a lost block a key may lack earlier entries, even the first, and
// may have two first ones; a message of which only a deletion or pins are left counts as lost.
//
// # Damage
//
// Whatever is damaged costs itself: other values are read as ever. [Archive.Repair] takes it out of use, so that all else
// can be read again, and owes what the server may still have. It goes by the commits, which say how long each stream is
// and which changes it holds. Without them, or with pages of the database that lead astray, there is no repair. The
// tiles, the counts and the totals are made anew from the rest; a damaged blob becomes the file aa/<sha256>.damaged.
// What an archive cannot be opened for writing without (counts, tiles) is mended as it is opened, if HEAD agrees.
//
// # Changes
//
// Format 1 is the first one, and docs/format.md is its full description, for those who read an archive without this
// program. Whatever changes the meaning of stored bytes makes a format 2, with a step that turns an archive of format 1
// into one, and this program refuses what is newer than it knows.
package storage
