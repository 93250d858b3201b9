package record

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// TS identifies a message within its channel: unix seconds, a dot, and a six-digit counter within the second
// ("1516195206.000463"). Bytewise order is time order. The counter is no fraction of a second.
type TS string

// ParseTS reads a ts as servers write it. A missing counter is zero and a short one is filled with zeros on the
// right, since a ts sent as a JSON number loses them.
func ParseTS(s string) (TS, error) {
	sec, counter, _ := strings.Cut(strings.TrimSpace(s), ".")
	if len(counter) < 6 {
		counter += "000000"[len(counter):]
	}
	if !digits(sec) || !digits(counter) || len(sec) > 10 || len(counter) != 6 {
		return "", fmt.Errorf("ts %q: want seconds.counter, as in 1516195206.000463", s)
	}
	if len(sec) < 10 {
		sec = "0000000000"[len(sec):] + sec
	}
	return TS(sec + "." + counter), nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// MakeTS builds the ts of a second and a counter within it (0 to 999999).
func MakeTS(second int64, counter int) TS {
	return TS(fmt.Sprintf("%010d.%06d", second, counter))
}

// TSFromHex reads the 12-hex groupware id: 8 digits of seconds, 4 of the counter.
func TSFromHex(id string) (TS, error) {
	n, err := strconv.ParseUint(id, 16, 48)
	if err != nil || len(id) != 12 {
		return "", fmt.Errorf("groupware id %q: want 12 hex digits", id)
	}
	return MakeTS(int64(n>>16), int(n&0xffff)), nil
}

// Hex is the 12-hex groupware id of ts; a counter above 65535 has none and gives "".
func (ts TS) Hex() string {
	if ts.Counter() > 0xffff || len(ts) != 17 {
		return ""
	}
	return fmt.Sprintf("%08x%04x", ts.Second(), ts.Counter())
}

// Second is the unix second of ts.
func (ts TS) Second() int64 {
	sec, _, _ := strings.Cut(string(ts), ".")
	n, _ := strconv.ParseInt(sec, 10, 64)
	return n
}

// Counter is the number of ts within its second.
func (ts TS) Counter() int {
	_, counter, _ := strings.Cut(string(ts), ".")
	n, _ := strconv.Atoi(counter)
	return n
}

// Time is the second of ts in UTC.
func (ts TS) Time() time.Time { return time.Unix(ts.Second(), 0).UTC() }

// ChannelID strips the base64 padding, which servers give or leave out for the same channel.
func ChannelID(id string) string { return strings.TrimRight(id, "=") }

// ChannelFolder is what stays of a channel's id when the channel moves to another group: the last component of the path
// that the id is the base64 of, "" for an id that is none. ("group%40example.com&TeamChat%5C67288ae108a6" gives
// "67288ae108a6".)
func ChannelFolder(id string) string {
	path, err := base64.RawStdEncoding.DecodeString(ChannelID(id))
	if err != nil {
		return ""
	}
	plain, err := url.PathUnescape(string(path))
	if err != nil {
		return ""
	}
	return plain[strings.LastIndexAny(plain, `\/`)+1:]
}
