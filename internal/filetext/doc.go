// Package filetext keeps what was read from files: text and outcome by the SHA-256 of the content, in a file beside the
// search index. It owns that file, and when a content is read.
//
// It promises that a content is read once for every version of package extract, that what is kept can be thrown away at
// any time (everything is read again from the archive then), and that a crash loses at most what was not returned yet.
//
// It does not read files itself (package extract does), and does not know which messages and channels they belong to.
package filetext
