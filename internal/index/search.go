package index

import (
	"context"
	"errors"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
)

type directory struct{}

const maxExpansion = 4096

// Request is what a search asks for.
type Request struct {
	Query           *Query // nil matches everything
	Since, Until    string // YYYY-MM-DD in Location, or RFC 3339; half-open
	Channels        []string
	Users           []string
	Kinds           []string
	Sort            string // score (default), time, -time
	Limit           int    // 0 means all
	Offset          int
	Cursor          string // Answer.Next of the request before
	IncludeVersions bool
	Location        *time.Location // nil is UTC
}

// Hit is one message, or one version of a message, that matches.
type Hit struct {
	Channel     string      `json:"channel"`
	ChannelName string      `json:"channel_name"`
	TS          record.TS   `json:"ts"`
	ThreadTS    record.TS   `json:"thread_ts"`
	User        string      `json:"user"`
	UserName    string      `json:"user_name"`
	Time        string      `json:"time"` // RFC 3339, UTC
	Kind        record.Kind `json:"kind"`
	Version     int         `json:"version"`  // counts from 1
	Versions    int         `json:"versions"` // how many the message has
	Deleted     bool        `json:"deleted"`
	Score       float64     `json:"score"`
	Snippet     string      `json:"snippet"` // matches between <mark> and </mark>, the text as it is
	File        *string     `json:"file"`    // the file's id
}

// Covers says what an answer rests on.
type Covers struct {
	Messages uint64   `json:"messages"` // that the index holds
	Change   uint64   `json:"change"`   // the newest entry of the archive that the index holds
	Complete bool     `json:"complete"` // the index holds the archive's newest entry
	Notes    []string `json:"notes"`
}

// Answer ends the hits of a search.
type Answer struct {
	Total    uint64 `json:"total"`    // all that match, exactly
	Returned int    `json:"returned"` //
	Next     string `json:"next"`     // cursor of the following page, "" at the end
	Covers   Covers `json:"covers"`
	TookMS   int64  `json:"took_ms"`
}

// Search calls each with every hit in order.
func (ix *Index) Search(ctx context.Context, a *storage.Archive, r Request, each func(Hit) error) (*Answer, error) {
	return nil, errors.ErrUnsupported
}

// Match calls each with every matching message by (channel, ts).
func (ix *Index) Match(ctx context.Context, a *storage.Archive, r Request, each func(channel string, ts record.TS) error) error {
	return errors.ErrUnsupported
}
