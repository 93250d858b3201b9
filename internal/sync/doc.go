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
// any error of the archive, but for damage of what the archive holds of one channel: that is repaired
// ([storage.Archive.Repair]) when a run meets it, and is a problem of the run; what was lost is read again by this run or
// the next one.
//
// # What is read again
//
// Each run reads the recent window again in the walk that looks for news: it begins so much earlier, by the server's
// clock. Beyond it the audit reads on, when all that the run promises is done: of what was not read for the longest time
// so much that everything is read within [Options.AuditDays] at an even pace, main messages as ranges of history and
// comments thread by thread. What ends the audit early is no problem of the run; the archive says when each range was
// read last. A full run reads everything.
//
// # What is gone
//
// An answer shows all that there is between the ts at which it was asked to begin and the greatest one that it shows; the
// messages that the archive holds there and that were not shown are marked as missing, in the same page. They are proven
// gone when they are missing again a minute later or more, while the account's rights on the channel (permissions and
// is_member) are the same; of each answer the first few are also asked for by items.info, and all when that finds one. A
// full run asks for each by items.info, and what that does not find either is proven gone at once. An answer without any
// item proves nothing, since that is what a server may show to those who lost their rights; nor do refusals and errors.
// The messages behind the last one that a channel shows are judged only by an answer that shows that one.
//
// A thread is compared with what the archive holds when its comments, taken together, changed since they were read, or
// when some of them are missing. Comments of a parent that is proven gone are gone with it, whether they can still be
// read or not.
//
// # What stands beside the messages
//
// Public pins, calendar events and conferences have lists of their own, whose reading would cost requests in every run.
// They are read when the channel's messages show a new or changed entry that tells of them (the page that holds the entry
// owes the reading), in a full run, and when they were not read for [Options.AuditDays]; channels that came together are
// spread over these days. A pin is an annotation of its message; that a message is pinned no more is recorded when a
// complete list does not show it, an empty list being believed only if a message that was pinned can be read. An event is
// read by itself when its object in a list, or its title and times in the channel, are new; it is gone when the server says
// so. Conferences are those of the account, and their passwords are never kept: also calendar texts that may tell how to
// join one are freed of the passwords of conferences that they name. What a server does not have, or does not give this
// account, is no fault, and is asked for again when it is due; any other failure is a debt.
//
// # Choices
//
// Comments are read when a main message shows a comments_count that differs from the registry. A message in history
// without the member has none, as far as history knows: servers leave the member out when there are no comments;
// threads.list, which holds only messages with comments, is asked in every run and has the last word. There a missing
// count means that the comments are read in each run. A parent that showed a count once and shows none any more has its
// comments read again, too.
//
// A thread whose parent vanished before its comments were read is no fault: its debt is settled without an entry,
// since nothing of it can be read any more. If the parent returns, threads.list brings the thread up again.
//
// A file that the server does not have any more is gone, one that it refuses with a fresh ticket, or that exceeds
// [Options.MaxFileSize], is refused; both are asked for again when the object changes, and in a full run. The API's own
// word, or lists that do not show the file any more, are believed at once. A status 403, 404 or 410 without such a word
// may come from something in front of the API: it is believed after 5 tries over 3 days. Until then, and after everything
// else that keeps a file from being fetched, the file is pending, as a debt and a problem. The next run tries again; the
// pauses before later tries are an hour, two, four, at most 24. A full run does not wait for them, nor does a file whose
// object changed.
//
// A channel is gone when it is missing from the list at the start and from the list at the end of a run, or from the
// latter alone while channels.diff or its history say the same. A channel that vanishes or loses its rights between the
// two is a problem of the run. With [Options.Channels] the others are
// neither read nor marked; a name that several channels bear selects them all, one that none bears is a problem.
// [Options.Exclude] wins over [Options.Channels].
//
// A channel that moved to another group is a channel that is gone and one that arrived, of the same folder. They are
// linked.
//
// A run that a limit ends keeps the channel and the part of it that it did not come to, and the next run begins there.
//
// # Few requests
//
// With a limit of less than 100 requests a run cannot read everything, so that runs do it together. Each notes which parts
// of which channels it has read; the next ones leave them out, as long as the list of channels shows the same last
// activity and [Options.QuietMaxAge] is not over. The run that reads what is left, with nothing owed, is complete, and the
// next one begins anew. What such a run promises is there is what was there when the first of them began, and all that the
// list of channels told of since. No window is read again, and channels.diff is not asked.
//
// So one request a run is enough for an archive to become complete when the server is quiet. What can't be had in steps
// goes beyond the limit: a list that knows only page numbers proves nothing before its end, so that its first request
// counts and the others do not; likewise the calls without which an answer would be lost, which are the download after a
// fresh ticket, the questions for messages that an answer did not show, and the last look for the end of a channel.
package sync
