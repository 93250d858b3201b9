package teamchattest

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

// session is a token: whose it is, and which rooms its holder was told of.
type session struct {
	user    string
	expires time.Time         // zero is never
	rooms   map[string]string // name by id at the last channels.list or channels.diff; nil before the first
}

type sessions struct {
	mu     sync.Mutex
	live   map[string]*session
	told   map[string]map[string]string // rooms by account, as in session, of the newest list or diff
	nonces map[string]uint64            // open challenges, with the last nc
}

func newSessions() sessions {
	return sessions{live: map[string]*session{}, told: map[string]map[string]string{}, nonces: map[string]uint64{}}
}

// open gives a new token.
func (s *sessions) open(user string, expires time.Time) (token string) {
	random := make([]byte, 32)
	rand.Read(random)
	token = "xoxp-" + hex.EncodeToString(random)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[token] = &session{user: user, expires: expires}
	return token
}

// get gives the session of a token, nil when it is unknown or expired.
func (s *sessions) get(token string, now time.Time) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live[token]
	if found == nil || !found.expires.IsZero() && !now.Before(found.expires) {
		delete(s.live, token)
		return nil
	}
	return found
}

func (s *sessions) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, token)
}

// rebase replaces what the session's holder knows.
func (s *sessions) rebase(of *session, next func(before map[string]string) map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of.rooms = next(of.rooms)
	s.told[of.user] = of.rooms
}

// ExpireTokens makes all tokens given out so far invalid.
func (s *Server) ExpireTokens() {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	clear(s.sessions.live)
}

// begin gives a session that was told nothing a base for its first diff.
func (s *sessions) begin(of *session, base func(account map[string]string) map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of.rooms == nil {
		of.rooms = base(s.told[of.user])
	}
}
