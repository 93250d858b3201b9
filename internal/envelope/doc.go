// Package envelope puts a finished folder into one encrypted file for hand-over: a tar for the holders of age keys, or a
// ZIP with a passphrase, which 7-Zip opens. Both are written as a stream, in memory that does not depend on the folder.
//
// # AES in ZIP
//
// This is WinZip's AE-2 (https://www.winzip.com/en/support/aes-encryption/): method 99, the extra field 0x9901 with the
// real method, no CRC; the data are a salt of 16 bytes, a verifier of two, the deflated bytes under AES-256 in counter
// mode (little endian, from 1), and ten bytes of HMAC-SHA1 over them. Keys come from PBKDF2-HMAC-SHA1 with 1,000 rounds,
// which is little: so the passphrase is not chosen but made, of 120 random bits. Names, sizes and times of files are not
// hidden.
package envelope
