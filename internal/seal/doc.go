// Package seal has others vouch for a file: a time-stamping authority that it existed at a time (RFC 3161), the holder of
// an X.509 key that it is theirs (CMS, RFC 5652). Both lie beside the file as files of their own, are checked offline
// and by public tools:
//
//	openssl ts -verify -data FILE -in FILE.tsr -CAfile authority.pem
//	openssl cms -verify -binary -inform DER -in FILE.p7s -content FILE -CAfile authority.pem -purpose any
//
// It chooses no authority and keeps no keys.
package seal
