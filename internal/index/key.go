package index

import (
	"encoding/binary"
	"fmt"

	"archiver/internal/record"
)

// key names a document. As a string its bytewise order is the order of time, then of channel numbers, then of
// versions. The text inside a file has the key of the message that shows the file, with its own revision as the version
// and the file's id behind it; without such a message, the second of the file and a counter that no message has.
type key struct {
	ts      record.TS
	channel uint32 // the index's own number of the channel
	version uint32 // counts from 1; of the text inside a file, its revision
	file    string // id of the file whose text this is, "" of a message
}

// The bytes of a key: second, counter, channel number, version; all big-endian.
const (
	keySecond  = 5
	keyCounter = 3
	keyChannel = 3
	keyVersion = 3
	keyTS      = keySecond + keyCounter
	keyLen     = keyTS + keyChannel + keyVersion
	keyMax     = 1<<24 - 1 // greatest channel number and version
	keyAlone   = 1<<24 - 1 // counter of a file that no message shows
)

// encode gives the document's id, an error if the key cannot be read back from it.
func (k key) encode() (string, error) {
	if k.channel > keyMax || k.version > keyMax || record.MakeTS(k.ts.Second(), k.ts.Counter()) != k.ts {
		return "", fmt.Errorf("message %s, version %d, of channel number %d has no key", k.ts, k.version, k.channel)
	}
	b := secondKey(k.ts.Second())
	b = appendUint24(b, uint32(k.ts.Counter()))
	b = appendUint24(b, k.channel)
	b = appendUint24(b, k.version)
	return string(b) + k.file, nil
}

// aloneKey gives the id of the document of a file that no message shows.
func aloneKey(second int64, k key) string {
	b := secondKey(max(second, 0))
	b = appendUint24(b, keyAlone)
	b = appendUint24(b, k.channel)
	b = appendUint24(b, k.version)
	return string(b) + k.file
}

// isAlone tells whether a key is that of a file that no message shows.
func isAlone(id string) bool { return uint24(id[keySecond:]) == keyAlone }

// secondKey is what the keys of a second's messages begin with.
func secondKey(second int64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(second))
	return append(make([]byte, 0, keyLen), b[8-keySecond:]...)
}

func decodeKey(id string) (key, error) {
	if len(id) < keyLen {
		return key{}, fmt.Errorf("document %x: a key has %d bytes", id, keyLen)
	}
	k := key{tsOfKey(id), uint24(id[keyTS:]), uint24(id[keyTS+keyChannel:]), id[keyLen:]}
	if k.file != "" && isAlone(id) {
		k.ts = ""
	}
	return k, nil
}

// tsOfKey gives the ts that a key begins with.
func tsOfKey(id string) record.TS {
	second := int64(id[0])<<32 | int64(binary.BigEndian.Uint32([]byte(id[1:keySecond])))
	return record.MakeTS(second, int(uint24(id[keySecond:])))
}

// keyTime is what an id begins with, as a number in the order of time; 0 for what is no id.
func keyTime(id string) uint64 {
	if len(id) < keyTS {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(id[:keyTS]))
}

func appendUint24(dst []byte, n uint32) []byte { return append(dst, byte(n>>16), byte(n>>8), byte(n)) }

func uint24(s string) uint32 { return uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2]) }
