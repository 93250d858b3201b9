// Package reconcile compares an archive with the live server that it was made from, and explains every difference: the
// reconciliation report that an auditor asks for.
//
// It owns the comparison. [Run] reads the list of channels, and of each channel all main messages by ts, the number of
// comments and the list of files, counts them, and holds them against what the archive has. What only the server has is
// new since the last sync, or lies in a range that the archive does not claim, or is owed as a debt, or is missing
// without an explanation; what only the archive has was perhaps deleted. A random sample of the archived messages is
// compared by content.
//
// It promises
//
//   - to change nothing, on the server or in the archive, which may be open for reading only;
//   - never to call a message deleted: absence in one read is no proof;
//   - to take nothing for explained that is not: a missing message that a sync should have brought is
//     [Unexplained], and a channel that can't be counted is [Unread];
//   - that memory grows with the threads and files of the channels under way, not with their messages.
//
// The server goes on living meanwhile: what arrives during the comparison is new since the last sync, what is deleted
// during it is absent. A comment that replaced another one leaves the count as it was and is found by the sample only.
//
// It needs a server that honours the lower bound and the order of history; of another one it says so, and counts
// nothing.
package reconcile
