package teamchattest

// Variant switches ways in which real servers may differ from the default layout. The zero value is the default.
type Variant struct {
	Members     string // of a channel: "" objects, "strings", "absent"
	NoPadding   bool   // channel ids without "="
	NumberText  bool   // numbers as strings
	Bools       string // "" true and false, "text" "true", "number" 1
	ErrorNumber bool   // gw_error as the number of its details
	ErrorStatus int    // HTTP status of errors, 0 is 200
	ErrorType   string // Content-Type of the errors of files.download, "" is text/html

	PagingAbsent bool
	PagingWrong  bool // total and pages are always 1
	CountCap     int  // largest page; 0 is 1000
	PageIgnored  bool // every page is page 1
	PageBase0    bool // the first page is 0, and 1 the second
	ShortPages   bool // odd pages hold half of what was asked, and more follow

	CommentsCount string // of a message: "" a number, "text", "absent"
	NoEdited      bool   // no mark on edited messages
	NullLists     bool   // null in place of an empty list
	Diff          string // channels.diff: "" or "a" {status, channel}, "b" fields inline, "c" {status, id, name, old_name}, "d" one status for all
	BOM           bool   // a byte order mark before the JSON
	ExtraFields   bool   // members nobody knows, in objects and envelopes
	ForbiddenList bool   // a channel without items_read gives an empty list in place of e_rights
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
