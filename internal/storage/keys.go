package storage

import (
	"encoding/binary"
	"hash/crc32"
	"strconv"

	"archiver/internal/record"
)

// formatVersion is the version of everything that doc.go describes.
const formatVersion = 1

// bucket names a bucket of archive.db.
type bucket string

const (
	bucketMeta     bucket = "meta"
	bucketChannels bucket = "channels"
	bucketBlocks   bucket = "blocks"
	bucketDir      bucket = "dir"
	bucketTails    bucket = "tails"
	bucketCommits  bucket = "commits"
	bucketCoverage bucket = "coverage"
	bucketThreads  bucket = "threads"
	bucketDebts    bucket = "debts"
	bucketTotals   bucket = "totals"
	bucketRuns     bucket = "runs"
	bucketJournal  bucket = "journal"
	bucketMissing  bucket = "missing"
	bucketTiles    bucket = "tiles"
	bucketNotes    bucket = "checkpoints"
	bucketDamaged  bucket = "damaged"
)

// buckets are all buckets, in the order in which meta/counts counts their entries.
var buckets = []bucket{
	bucketMeta, bucketChannels, bucketBlocks, bucketDir, bucketTails, bucketCommits,
	bucketCoverage, bucketThreads, bucketDebts, bucketTotals, bucketRuns, bucketJournal, bucketMissing,
	bucketTiles, bucketNotes, bucketDamaged,
}

// The keys of bucket meta.
const (
	metaFormat     = "format"     // 4 bytes, big endian
	metaID         = "id"         // the archive's identifier, text
	metaCreated    = "created"    // RFC 3339 text
	metaCounts     = "counts"     // entries of each bucket, in the order of buckets, as uvarints
	metaGeneration = "generation" // how often the database was written anew, 8 bytes; absent is 0
	metaKey        = "key"        // public half of the signing key, text; absent until there is one
)

// stream numbers a sequence of entries.
type stream uint32

const (
	streamChannels    stream = 1
	streamUsers       stream = 2
	streamEvents      stream = 3
	streamConferences stream = 4
	streamBase        stream = 16
)

// messagesOf and filesOf are the streams of the channel with number n.
func messagesOf(n uint32) stream { return streamBase + stream(2*n) }
func filesOf(n uint32) stream    { return streamBase + stream(2*n) + 1 }

// channel is the number of the channel that a stream of messages or files belongs to.
func (s stream) channel() uint32 { return uint32(s-streamBase) / 2 }

// class says what sort of objects the stream's entries belong to.
func (s stream) class() Class {
	switch {
	case s == streamChannels:
		return ClassChannel
	case s == streamUsers:
		return ClassUser
	case s == streamEvents:
		return ClassEvent
	case s == streamConferences:
		return ClassConference
	case s%2 == 0:
		return ClassMessage
	default:
		return ClassFile
	}
}

func (s stream) key() []byte { return uint32Key(uint32(s)) }

// blockKey is the key of a block's entry in dir.
func (s stream) blockKey(number uint64) []byte { return binary.BigEndian.AppendUint64(s.key(), number) }

func uint32Key(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func uint64Key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// escapedTS is the first byte of a packed ts that is not in canonical form.
const escapedTS = 0xff

// appendTS packs a ts so that bytewise order is time order: 8 bytes of seconds<<20|counter for a canonical one.
func appendTS(dst []byte, ts record.TS) []byte {
	sec, counter, ok := splitTS(string(ts))
	if !ok {
		return append(append(dst, escapedTS), ts...)
	}
	return binary.BigEndian.AppendUint64(dst, uint64(sec)<<20|uint64(counter))
}

// unpackTS reverses appendTS.
func unpackTS(packed []byte) (record.TS, bool) {
	if len(packed) > 0 && packed[0] == escapedTS {
		return record.TS(packed[1:]), true
	}
	if len(packed) != 8 {
		return "", false
	}
	n := binary.BigEndian.Uint64(packed)
	ts := joinTS(int64(n>>20), int64(n&(1<<20-1)))
	_, _, ok := splitTS(ts)
	return record.TS(ts), ok
}

// tsLength is the length of a canonical ts: ten digits, a dot, six digits.
const tsLength = 17

// splitTS gives the two numbers of a canonical ts; ok is false for any other text.
func splitTS(ts string) (sec, counter int64, ok bool) {
	if len(ts) != tsLength || ts[10] != '.' {
		return 0, 0, false
	}
	for i := range tsLength {
		if i == 10 {
			continue
		}
		digit := ts[i] - '0'
		switch {
		case digit > 9:
			return 0, 0, false
		case i < 10:
			sec = sec*10 + int64(digit)
		default:
			counter = counter*10 + int64(digit)
		}
	}
	return sec, counter, true
}

// joinTS reverses splitTS.
func joinTS(sec, counter int64) string {
	b := make([]byte, 0, tsLength)
	b = appendPadded(b, sec, 10)
	b = append(b, '.')
	return string(appendPadded(b, counter, 6))
}

func appendPadded(dst []byte, n int64, width int) []byte {
	start := len(dst)
	dst = strconv.AppendInt(dst, n, 10)
	for len(dst)-start < width {
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '0'
	}
	return dst
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksumSize is the length of the checksum at the end of every value.
const checksumSize = 4

// checksum is the CRC-32C over bucket, a zero byte, key and value.
func checksum(b bucket, key, value []byte) uint32 {
	sum := crc32.Update(0, castagnoli, append([]byte(b), 0))
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, value)
}

// seal appends its checksum to a value.
func seal(b bucket, key, value []byte) []byte {
	return binary.BigEndian.AppendUint32(value, checksum(b, key, value))
}

// unseal checks a stored value and gives it without its checksum.
func unseal(b bucket, key, stored []byte) ([]byte, error) {
	n := len(stored) - checksumSize
	if n < 0 {
		return nil, damagedAt(b, key, "value of %d bytes is too short", len(stored))
	}
	if binary.BigEndian.Uint32(stored[n:]) != checksum(b, key, stored[:n]) {
		return nil, damagedAt(b, key, "checksum does not match")
	}
	return stored[:n:n], nil
}
