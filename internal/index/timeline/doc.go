// Package timeline keeps which messages there are, by channel and by author, in the order of time, so that what asks for
// no words is answered without a search engine: the newest messages of all, of a channel or of an author, at any depth,
// with exact totals, and how many there are by channel, author, month and kind. It owns one bbolt file.
//
// The first messages of an answer cost the same however many there are. What is counted between two moments
// costs a look at one in 512 messages between them; of some kinds, or of an author in some channels, at each of them.
//
// It promises that a change is applied whole or not at all, together with the change number of the archive that it leads
// to, and that damaged blocks are [ErrDamaged] and no wrong answer. It holds nothing that could not be made anew from the
// archive.
//
// # Format
//
// Messages stand in three lists: times, in which all are of the group 0; channels, grouped by the channel's number; and
// authors, grouped by the first eight bytes of the SHA-256 of owner, zero byte and author (so two authors get mixed up
// with a probability of 2^-64). A list is a bucket of blocks of at most 512 messages, sorted by group, second, counter,
// channel. The key of a block is that of its first message:
//
//	group:8 second:5 counter:3 channel:3                        big endian
//
// and its value, for each group in it, in order,
//
//	groups:uvarint { group:8 messages:uvarint first:uvarint last-first:uvarint }... messages crc:4
//
// where first and last are in seconds, and crc is the big-endian CRC-32C of list, key and value. messages is a zstd frame of
// five columns, each behind its length, a uvarint. A message has in them
//
//	second - previous, uvarint                                  the first of a group has 0
//	mark                                                        a byte: counted 1, moved 2, tagged 4
//	counter, uvarint                                            if counted
//	channel, uvarint                                            if moved
//	(version-1)<<4 | kind, uvarint                              if tagged
//
// What is not marked has the channel of the one before it (the first one of a channel's group that channel), version 1,
// kind 0, and as counter in the same second one more than the one before it, in another second that of the message that
// began the second before, the first one 0.
//
// The buckets "channel counters" and "author counters" hold, under the last byte of the numbers of groups, a zstd frame
//
//	{ group:8 messages:uvarint length:uvarint author }...
//
// of how many messages each group has, in the order of their numbers, and behind it the CRC of bucket, key and value.
//
// The bucket state holds two JSON values, each followed by its CRC: under "state" an object with the format, the owner and
// the change number, under "kinds" the numbers of messages by kind.
package timeline
