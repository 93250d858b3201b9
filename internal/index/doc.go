// Package index finds messages. It owns the bleve directory beside the archive, what a text's words are, the query
// language, the order and the paging of hits, and snippets.
//
// It promises
//
//   - exact answers: totals count what matches, and a query that stands for too much is refused, never cut short;
//   - that the index is a follower: its cursor (a change number of storage) is written in the same batch as the
//     documents that bring it there, so that a crash at any moment loses and doubles nothing, and every answer says
//     up to where it goes and whether that is everything;
//   - that it is disposable: [Rebuild] makes the same index from the archive again. Two indexes that hold the same
//     change give the same answers.
//
// It does not keep anything that the archive does not have: snippets, names and all data of a hit are read from
// storage. It knows nothing of the server, of exports and of how answers are printed.
//
// # Queries
//
//	word                 messages with the word; several words must all match
//	"some words"         the words in this order, one after the other
//	"some words"~5       these words at most 5 positions apart, in any order; each may have the marks below. What falls
//	                     into several terms is a phrase here too and counts as one word
//	-word, NOT word      without it; also before phrases, groups and fields
//	a OR b               either; binds less than words side by side: a b OR c is (a b) OR c
//	a AND b              like a b
//	( )                  groups
//	pre*                 words that begin so
//	co*r, *nover         words of this pattern; one that begins with * needs three letters
//	fuzzy~1, fuzzy~2     words that differ by one or two letters (inserted, left out, replaced, swapped); ~ is ~1
//	in:general           the channel with this id, or those that have or had this name
//	from:ann             the author with this id; else those with this name or this part before the @; else those
//	                     whose name holds these words
//	mentions:ann         messages with @[ann@x.org], @[ann] or @ann, for what from:ann would stand for
//	kind:file            text, code, file, event, conference, mail, system, other
//	has:file             also has:link, has:reaction
//	is:deleted           also is:edited, is:thread (a comment, or with comments), is:comment
//	filename:*.pdf       files whose whole name matches, where ? is one letter; filename:report by words of the name,
//	                     filename:"annual report" by words one after the other
//	after:2016-01-31     from the beginning of that day on, in the request's zone; also RFC 3339 moments
//	before:2016-01-31    up to the beginning of that day; also RFC 3339 moments
//	on:2016-01-31        that day
//	thread:TS            a thread: the message with this ts and its comments; thread:CHANNEL/TS in one channel only
//	field:(a b)          any of these values; OR between them may be left out
//	*                    everything, like the empty query
//
// Values with spaces are quoted. A field's name is letters before a colon; "http://x", "a::b" and "12:30" are words.
// A word that falls into several terms (see below) is the phrase of them. What holds no letter and no digit is left
// out, with a note in the answer; if nothing else is there it is an error. A query has at most 4096 bytes and 256
// words, and a prefix, pattern or fuzzy word stands for at most 65,536 words of the index. A query whose first page would
// take longer than 2 seconds, by an estimate from the index's own counts (see cost.go), is refused at once; without a
// limit on hits it is not.
//
// # Words
//
// The same rules make the terms of texts, of queries and of snippets.
//
//	letters and digits   make words; everything else separates: ubuntu.com is ubuntu com, a_b is a b
//	case, accents        fold: Žlutý is zluty; ß is ss, ø is o, æ is ae; Hebrew and Arabic vowel signs go, those of
//	                     Indic scripts stay
//	width                folds: ＡＢＣ is abc
//	apostrophe           joins between letters: can't is cant, and its part can is found too
//	getUserName          is getusername, and its parts get, user, name are found too, at the same position
//	AB123                likewise is ab123 and ab and 123; a word of more than eight parts (a hash) has none
//	parts                have two letters at least
//	日本語                 Han, kana, Hangul, Thai, Lao, Khmer, Myanmar, Yi: pairs of letters (日本, 本語), and the last
//	                     letter alone (語), so that any stretch of such text is found, a single letter too
//	emoji                are words; skin tones and variation selectors are not looked at; two regional indicators are
//	                     one flag
//	invisible runes      soft hyphens, joiners and direction marks neither show nor separate
//	long runs            of more than 64 letters are cut into words of 64
//	stop words           there are none
//
// # Documents
//
// A document is one version of a message: the current one, and the older ones with the flag old, which are searched
// only on request. Its key is second, counter, channel number and version (see key.go), so that the order of keys is
// that of time; a version keeps its key for ever, and so documents are replaced but never removed. Channel numbers
// are given by the index at first sight, in the order of the archive's changes, and so are the same after a rebuild.
//
// The directory holds one subdirectory a generation, named by mapping version and number, the file CURRENT that names
// the one in use, and the lock that keeps writers apart. Readers need none: bleve's own lock keeps them and the writer
// of one generation apart, and a rebuild works beside them in another.
//
// # Caveats
//
// A read-only index keeps writers of the same generation out until it is closed. Messages have whole seconds, so
// bounds of time are rounded up to them. A word of the query never matches part of a word without the marks above.
package index
