// Package formattest holds the tests of two pages: that docs/format.md is enough to read an archive, and that
// docs/verify.md is enough to check one without this program.
//
// It is a reader of its own, made from the page: reader_test.go reads archive.db and blobs, columns_test.go the columnar
// coding, and nothing of this module is imported. The tests build the program and a simulator, sync a small company and
// compare what this reader finds with what the program says. What the pages show in hex and as commands is taken from
// the pages and checked too.
package formattest
