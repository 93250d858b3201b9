package index

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"math"
	"strconv"
	"strings"
)

// ErrCursor is the error of a cursor that is no cursor, or that of another query.
var ErrCursor = errors.New("the cursor does not belong to this query")

// cursor is where a page ends: the last hit's key and score. It names the request by a hash, so that a cursor is not
// taken for that of another query.
type cursor struct {
	request uint64
	score   float64
	id      string
}

const minCursor = 8 + 8 + keyLen

func (c cursor) String() string {
	b := binary.BigEndian.AppendUint64(nil, c.request)
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(c.score))
	return base64.RawURLEncoding.EncodeToString(append(b, c.id...))
}

// parseCursor reads a cursor of the request with the given hash.
func parseCursor(text string, request uint64) (cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < minCursor || binary.BigEndian.Uint64(b) != request {
		return cursor{}, ErrCursor
	}
	return cursor{request, math.Float64frombits(binary.BigEndian.Uint64(b[8:])), string(b[16:])}, nil
}

// hash names what a request selects and how it is ordered, not where in it a page lies.
func (r *Request) hash() uint64 {
	h := fnv.New64a()
	loc := ""
	if r.Location != nil {
		loc = r.Location.String()
	}
	for _, part := range [][]string{{r.Query.String(), r.Since, r.Until, r.Sort, loc, strconv.FormatBool(r.IncludeVersions)},
		r.Channels, r.Users, r.Kinds} {
		h.Write([]byte(strings.Join(part, "\x00") + "\x01"))
	}
	return h.Sum64()
}
