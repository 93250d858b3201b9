package teamchattest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"archiver/internal/record"
)

// A ticket is a signed line of parameters that names a file, whatever its present content, in base64 with '.', ',' and
// '_' for '+', '/' and '=', after the prefix that all tickets of real servers share.

const ticketPrefix = "eJx"

var (
	toTicket   = strings.NewReplacer("+", ".", "/", ",", "=", "_")
	fromTicket = strings.NewReplacer(".", "+", ",", "/", "_", "=")
)

// ticket makes the ticket of a file of a channel.
func (s *Server) ticket(c *channel, f *file) string {
	expiry := ""
	if s.o.TicketTTL > 0 {
		expiry = strconv.FormatInt(s.o.Now().Add(s.o.TicketTTL).UnixMilli(), 10)
	}
	line := fmt.Sprintf("c=F&e=%s&f=%s&g=%d&i=%s&v=%d", expiry, hexOf(c.folder), s.ticketEpoch.Load(), hexOf(f.id), f.revision)
	line += "&k=" + s.sign(line)
	return ticketPrefix + toTicket.Replace(base64.StdEncoding.EncodeToString([]byte(line)))
}

// sign is the 10-hex signature of a line.
func (s *Server) sign(line string) string {
	key := binary.BigEndian.AppendUint64([]byte("teamchattest ticket"), s.w.seed)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(line))
	return hex.EncodeToString(mac.Sum(nil)[:5])
}

// redeem gives the file that a ticket names, and its channel. Callers hold the world's lock.
func (s *Server) redeem(ticket string) (*channel, *file, error) {
	body, ok := strings.CutPrefix(ticket, ticketPrefix)
	plain, err := base64.StdEncoding.DecodeString(fromTicket.Replace(body))
	line, signature, _ := strings.Cut(string(plain), "&k=")
	if !ok || err != nil || signature != s.sign(line) {
		return nil, nil, errNoPermission
	}
	values, _ := url.ParseQuery(line)
	if !s.ticketValid(values) {
		return nil, nil, errNoPermission
	}
	id, folder := hexID(values.Get("i")), hexID(values.Get("f"))
	for _, c := range s.w.channels {
		if c.folder != folder || c.unlisted {
			continue
		}
		if c.unreadable {
			return nil, nil, errNoPermission
		}
		if i, found := searchFile(c.files, id); found {
			return c, c.files[i], nil
		}
	}
	return nil, nil, errNotFound
}

// hexID is the id of 12 hex digits, 0 for anything else.
func hexID(text string) uint64 {
	ts, _ := record.TSFromHex(text)
	id, _ := idOf(ts)
	return id
}

func (s *Server) ticketValid(values url.Values) bool {
	if values.Get("g") != strconv.FormatInt(s.ticketEpoch.Load(), 10) {
		return false
	}
	expiry := values.Get("e")
	ms, _ := strconv.ParseInt(expiry, 10, 64)
	return expiry == "" || s.o.Now().Before(time.UnixMilli(ms))
}

// ExpireTickets makes all tickets given out so far invalid.
func (s *Server) ExpireTickets() { s.ticketEpoch.Add(1) }
