// Package columnar packs rows of JSON so that a general compressor finds little left to do, and gives them back to
// the byte.
//
// Rows written by one server look alike: the same members in the same order around values of their own. [Encode]
// splits each row into its shape (everything but the values) and its values, keeps each shape once, and lays the
// values out by column, one column for each JSON path. [Decode] puts the rows together again. Any rows are welcome:
// what is no JSON is kept as it is. The result is meant to be compressed by the caller.
//
// [AppendInts] and [AppendStrings] offer the codings of the columns to callers that have columns of their own.
//
// The package does no I/O, keeps no state and knows nothing of messages. It does not detect damage that happens to
// decode: callers keep a checksum.
//
// # Format
//
// A uvarint is a base-128 number as in encoding/binary: seven bits a byte, lowest first, the top bit set in all but
// the last. A zigzag number is a signed x stored as the uvarint (x<<1)^(x>>63).
//
//	block  = version:byte(1) total:uvarint metalen:uvarint meta:metalen bytes, heap: the rest
//	meta   = holes:ints columns:ints literals:strings shapes:ints ncolumns:uvarint strings*ncolumns
//
// meta and heap are read side by side, both from their start; all text is in the heap, all numbers are in meta.
//
//	ints    = length:uvarint mode:byte values: length bytes of numbers
//	          mode 0: values are zigzag numbers
//	          mode 1: values are zigzag differences from the value before, the first from 0
//	          mode 2: values are differences from the value before as uvarints, the first from 0
//	strings = tag:byte and, by tag,
//	          't' size:uvarint; values are the next size bytes of the heap, each ended by a line feed
//	          'l' size:uvarint lengths:ints; values are the next size bytes of the heap, cut by lengths
//	          'i' values:ints, as decimal numbers
//	          's' seconds:ints counters:ints; a value is %010d.%06d of the two, or empty when the counter is -1
//	              (it has seconds all the same)
//	          'd' values:strings (of tag t, l, i or s) indices:ints; a value is the one at the index, from 0
//	          'r' column:uvarint differences:ints; a value is a difference added to the seconds of the value that
//	              was taken last from that earlier column, whose tag is 's', as a decimal number
//	          '=' column:uvarint; a value is the one that was taken last from that earlier column
//
// Tags r and = occur only among the columns at the end of meta.
//
// A row is put together from its shape: shapes names the shape of each row, from 0. The first number of holes is
// the number of holes of shape 0, and so on. A shape with n holes owns the next n numbers of columns and the next
// n+1 values of literals. The row is its first literal, the next value of the first hole's column, the second
// literal, the next value of the second hole's column, and so on to the last literal. total is the sum of the
// lengths of all rows. Every value of every column is taken exactly once, except for tag =, which has no values.
//
// A block never stands for more than 256 times its own length, so that damaged input costs a bounded amount of
// memory. Encode keeps rows that would exceed it unsplit.
package columnar
