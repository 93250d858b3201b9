// Package merkle holds what an archive is committed to: how a record becomes a hash, how the hashes of a commit become a
// leaf of the archive's log, how the log's state is signed, and how one record is proven to be in it.
//
// It owns the bytes that are hashed and signed. It does not store anything, and it does not decide what is recorded.
//
// # From records to a checkpoint
//
// A record is one entry of the archive's history, in the canonical form of [Record.Append]. Each has a salt of its own,
// so that a hash says nothing about a record that was removed later:
//
//	salt i        = HMAC-SHA-256(batch salt, i as 8 bytes, big endian), i counting from 0 in the commit
//	commitment i  = SHA-256(salt i ‖ record i)
//	batch root    = root of the RFC 6962 tree over the commitments of one commit
//	log           = RFC 6962 tree over the batch roots, one leaf a commit
//	checkpoint    = size and root of the log, signed (C2SP tlog-checkpoint, C2SP signed-note, Ed25519)
//
// In both trees a leaf's hash is SHA-256(0x00 ‖ leaf) and a node's is SHA-256(0x01 ‖ left ‖ right) (RFC 6962, section
// 2.1). The leaves of the inner tree are the 32 bytes of a commitment, those of the log the 32 bytes of a batch root.
//
// Nothing of how records are packed into blocks is hashed, so that blocks may be packed anew.
//
// # Removing a record
//
// Nothing is removed by this version. Where a record is to go, its commitment and the salts of the records that stay in
// its commit are stored, and the batch salt is destroyed: what stays can still be proven, what went cannot be guessed.
package merkle
