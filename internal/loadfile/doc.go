// Package loadfile writes load files: the tables, one document a line, by which review platforms take in a production
// set. It owns the format of Concordance DAT files and the profiles that say which fields a table has and how they are
// written. It knows nothing of chat, archives and bundles.
//
// # DAT
//
// There is no standard; this is what Relativity and Concordance read. The first line has the fields' names. Every value
// is quoted, an empty one too. Nothing is escaped: the characters that delimit may not stand in a value, and are
// replaced there. Replacements are counted, so that a report can say how many there were.
//
//	role              character   in a value becomes
//	column            U+0014      a space
//	quote             þ  U+00FE   a space
//	line end          ®  U+00AE   (R), as ® itself stands for CR, LF and CRLF
//	many values       ;           , within each of several values
//	nested folders    \
//	end of a record   CR LF
//
// Dates are never written as in ISO 8601: Relativity drops the time of such values without a word.
package loadfile
