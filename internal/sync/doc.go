// Package sync makes an archive follow a TeamChat server.
//
// It owns the question what to read next, and the way from the server's objects to pages of the archive. It promises
//
//   - exactness: what a page says to be proven was read without a gap. Main messages are walked by ts, not by page
//     number: each answer begins at the greatest ts of the one before, so that nothing that arrives or vanishes
//     between two requests shifts the rest. Lists that know only page numbers are walked in windows that overlap; an
//     item that shows up in two windows in a row proves that nothing was skipped between them;
//   - durability: an answer, the range it proves and the work it creates (comments to read, files to fetch) are one
//     page. A run that ends at any moment leaves exact coverage and debts, and the next run goes on from there;
//   - honesty: a fault in one channel, thread or file stops nothing else, is named in [Result.Problems] and makes the
//     run incomplete. Debts that are left make it incomplete as well.
//
// What ends a run as a whole: the context, its time or request budget, a refused login, a server out of reach, and
// any error of the archive.
//
// # Choices
//
// Comments are read when a main message shows a comments_count that differs from the registry. A message in history
// without the member has none, as far as history knows: servers leave the member out when there are no comments;
// threads.list, which holds only messages with comments, is asked in every run and has the last word. There a missing
// count means that the comments are read in each run.
//
// A thread whose parent vanished before its comments were read is no fault: its debt is settled without an entry,
// since nothing of it can be read any more. If the parent returns, threads.list brings the thread up again.
//
// A file that the server does not have any more is gone, one that it refuses with a fresh ticket, or that exceeds
// [Options.MaxFileSize], is refused; neither is asked for again until its object changes. Everything else that keeps a
// file from being fetched leaves it pending, as a debt and a problem.
//
// A channel is gone when it is missing from the list at the start and from the list at the end of a run, or from the
// latter alone while channels.diff or its history say the same. A channel that vanishes or loses its rights between the
// two is a problem of the run. With [Options.Channels] the others are
// neither read nor marked; a name that several channels bear selects them all, one that none bears is a problem.
// [Options.Exclude] wins over [Options.Channels].
//
// Not done here: deletions, audits, the recent window and the probing of the server's dialect (issue 2). Nor does a
// budget of a request or two a run suffice: a channel's history and lists are read anew in each run, and a run begins with
// the channel that the last one did not finish.
package sync
