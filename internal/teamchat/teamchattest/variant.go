package teamchattest

import "time"

// Variant switches ways in which real servers may differ from the default layout. The zero value is the default.
type Variant struct {
	Members     string // of a channel: "" objects, "strings", "absent"
	Build       string // of channel objects: "" with is_archived, "2026" with is_recent in its place and no num_members
	NoLatest    bool   // channels without latest
	NoPadding   bool   // channel ids without "="
	NumberText  bool   // numbers as strings
	NumberTS    bool   // ts as numbers with all their digits
	Bools       string // "" true and false, "text" "true", "number" 1
	BOM         bool   // a byte order mark before the JSON
	ExtraFields bool   // members nobody knows, in objects and envelopes
	NullLists   bool   // null in place of an empty list

	ErrorNumber   bool   // gw_error as the number of its details
	ErrorStatus   int    // HTTP status of errors, 0 is 200
	ErrorType     string // Content-Type of the errors of files.download, "" is text/html
	ForbiddenList bool   // a channel without items_read gives an empty list in place of e_rights

	LoginFailure    string // "" or "b" {authorized:false, ok:false, error}, "a" {authorized:false, ok:true}, "c" status 401 with a text
	DigestAlgorithm string // "" md5, "md5-sess"
	DigestNoQop     bool   // the challenge's qop is ""
	DigestMethod    string // "" POST, "AUTHENTICATE"
	DigestReuse     bool   // a nonce may be answered again with a greater nc, until an answer is wrong
	RevokedBool     bool   // auth.revoke answers true and not "true"

	PagingAbsent bool
	PagingWrong  bool   // total and pages are always 1
	CountCap     int    // largest page; 0 is 1000
	CountFixed   int    // size of every page, whatever is asked; 0 is what is asked
	PageIgnored  bool   // every page is page 1
	PageBase0    bool   // the first page is 0, and 1 the second
	PastEnd      string // a page past the end: "" has no items, "last" is the last page again, "first" the first
	ShortPages   bool   // odd pages hold half of what was asked, and more follow
	EmptyPages   bool   // pages 2, 5, 8, ... are empty, and more follow
	HiddenSlots  bool   // messages that the account does not see (Item.Hidden) take up places on pages, page 1 included
	Reversed     bool   // lists run the other way round, also where descending is given

	IgnoreOldest     bool   // history knows no lower bound
	IgnoreLatest     bool   // history knows no upper bound
	IgnoreInclusive  bool   // history leaves the bounds out always
	AlwaysInclusive  bool   // history keeps the bounds always
	IgnoreDescending bool   // newest first always
	ThreadsOrder     string // of threads.list: "" by ts, "activity" by newest comment
	FilesOrder       string // of files.list: "" by id, "modified" by last change

	CommentsCount string // of a message: "" a number, "text", "absent", "always" also when 0
	CommentsCut   int    // threads.comments gives no more than this many, the oldest; 0 is all
	NoEdited      bool   // no mark on edited messages
	Edited        string // the mark: "" edited {user, ts}, "modified" a member modified, in unix seconds, on every message
	PinnedTo      bool   // publicly pinned messages carry pinned_to in all lists
	EventsObject  bool   // events.* give one object, if there is one event
	UsersCap      int    // users.list gives no more than this many; 0 is all

	Diff      string // channels.diff: "" or "a" {status, channel}, "b" fields inline, "c" {status, id, name, old_name}, "d" one status for all
	DiffFirst string // what a token's first channels.diff tells: "" every room, "nothing", "account" what changed since any token of the account was told

	SizeLag time.Duration // of the world's clock, in which a new revision's size is still the one before, at first 0
	Skew    time.Duration // time.now is ahead by so much
}

func (v *Variant) id(id string) string {
	if v.NoPadding {
		return trimPadding(id)
	}
	return id
}

func (v *Variant) largestPage() int {
	if v.CountCap > 0 {
		return min(v.CountCap, 1000)
	}
	return 1000
}
