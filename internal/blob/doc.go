// Package blob keeps the bytes of files, each content once, under the SHA-256 of its bytes.
//
// A [Store] is a directory. The content with the SHA-256 aa... (64 lower-case hex digits) is the file aa/aa... in it:
// the bytes cut into chunks of 1 MiB, each chunk a zstd frame of its own with a checksum, one after the other. So it
// is an ordinary zstd file, and `zstd -d < FILE | sha256sum` gives its name. Empty content is one empty frame.
//
// What [Store.Put] has confirmed is durable: the bytes are written under a temporary name, synced, renamed, and the
// directories are synced. A crash leaves at most temporary files behind, which [Store.RemoveTemporary] removes.
// Putting bytes that are there adds nothing. Memory does not grow with the size of the content.
//
// Reading checks everything: [Store.Get] ends with [ErrDamaged] unless the bytes are those that were put. A damaged file
// that was set aside ([Store.SetAside]) is aa/aa....damaged, and no blob any more.
//
// One process at a time may put or remove; any number may read beside it. The package does not know who refers to a
// blob, and never removes one. Files have mode 0600, directories 0700.
package blob
