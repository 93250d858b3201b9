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
// The same rules make the terms of texts, of queries and of snippets. Parts of a word, after a slash, stand at its
// position and are found too, but a query's word is not taken apart: getUserName finds no text about the name of a user,
// while user finds getUserName. Typed as it is written, anything is found as the phrase of its terms: AB-123/4 finds
// AB-123/4 and AB 123 4, not 123/4 AB. The test of this table reads it from here.
//
//	rule                                text                              terms
//	words are letters and digits        ubuntu.com a_b x/y (z)            ubuntu com a b x y z
//	case folds                          Hello WORLD                       hello world
//	accents fold                        Žlutý KŮŇ Český                   zluty kun cesky
//	letters that people type without    Straße Łódź æon Øre               strasse lodz aeon ore
//	composed or not                     "z\u030Clu\u0301ty"               zluty
//	other alphabets                     Ёлка Σίσυφος                      елка σισυφοσ
//	Hebrew and Arabic vowel signs go    مُحَمَّد                              محمد
//	Indic vowel signs stay              हिन्दी                             हिन्दी
//	width folds                         ＡＢＣ                            abc
//	an apostrophe joins letters         can't O'Brien’s                   cant/can obriens/brien
//	elsewhere it is a quotation mark    'tis 'quoted'                     tis quoted
//	identifiers whole and by part       getUserName HTMLParser            getusername/get/user/name htmlparser/html/parser
//	letters and digits part             AB123 x9 4th                      ab123/ab/123 x9/9 4th/4/th
//	parts of one letter are none        iPhone                            iphone/phone
//	identifiers with separators         snake_case kebab-case pkg.Func()   snake case kebab case pkg func
//	e-mail addresses                    ann.b@x.org                       ann b x org
//	web addresses                       https://x.org/a?b=c#d             https x org a b c d
//	file names                          re_port-v2.pdf                    re port v2/2 pdf
//	numbers                             1,234.50 12:30 50%                1 234 50 12 30 50
//	part numbers                        AB-123/4                          ab 123 4
//	network addresses                   10.1.2.3 fe80::1                  10 1 2 3 fe80/fe/80 1
//	versions                            v2.6.3                            v2/2 6 3
//	marks alone are nothing             C++ C# .NET -- $                  c c net
//	a hash has no parts                 a1b2c3d4e5f6a7b8                  a1b2c3d4e5f6a7b8
//	Han in pairs, and the last          日本語                            日本 本語 語
//	kana, half-width kana               ガイド ｶﾞｲﾄﾞ                      ガイ イド ド ガイ イド ド
//	Hangul                              한국어                            한국 국어 어
//	Thai, Lao, Khmer, Myanmar, Yi       ไทย                               ไท ทย ย
//	words beside them                   Go言語で                          go 言語 語で で
//	emoji, without skin tones           ok👍🏽 ❤️                         ok 👍 ❤
//	joined emoji one by one             👩‍💻                             👩 💻
//	flags                               🇨🇿                                🇨🇿
//	invisible runes do not part words   "soft\u00adhyphen zero\u200dwidth"   softhyphen zerowidth
//	there are no stop words             to be or not to be                to be or not to be
//
// Han here means any script that is written without spaces between words: a stretch of such text is found wherever it
// stands, a single letter too. Parts have two letters or are digits; a word of more than eight parts has none. A run
// of more than 64 letters is cut into words of 64.
//
// # Documents
//
// A document is one version of a message: the current one, and the older ones with the flag old, which are searched
// only on request. Its key is second, counter, channel number and version (see key.go), so that the order of keys is
// that of time; a version keeps its key for ever, and so documents are replaced but never removed. Channel numbers
// are given by the index at first sight, in the order of the archive's changes, and so are the same after a rebuild.
//
// The text inside one revision of a stored file is a document, too, with channel, author, time, thread and deletion of
// the first message that shows the file (or else what the file says of itself), the kind file, and the flag content. Its
// key is that message's with the revision and the file's id; when another message turns out to be the first, it moves.
// Only queries with words ask for these: without one, answers are of messages alone. They have a cursor of their own,
// behind that of the messages; their texts come from Options.Texts.
//
// Beside bleve's files lies the timeline (package timeline): which messages there are, by channel and author, in the order
// of time. It answers what asks for no words but for channels, authors, kinds and times, and the facets of everything. It
// follows the archive by a cursor of its own, and is asked only while that is where the index stands; CatchUp brings it
// there, after a crash, too, and makes it anew where it is missing.
//
// What an open index keeps in memory from one search to the next: the names of channels and users; of up to 4,194,304
// documents the channel, author, month and time of each once they were asked for, in 20 bytes (see column.go); and 4 MiB
// of what hits showed last, as long as the archive does not change.
//
// Scores are made by the index itself (see scoring.go), since the frequencies that bleve keeps tell where words stand (see
// standing.go); bleve's own scorers would take them for something else.
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
