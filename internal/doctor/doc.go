// Package doctor examines a TeamChat server and an archive, and says in plain words what it found, what will be missing
// from the archive, and what to do about it.
//
// It owns the checks. [Server] asks a server: is it there, does it let the account in, which channels can the account
// read, and how does this server speak, where the API is undocumented: how lists are paged, which bounds history
// honours, what messages look like. [Archive] looks at an archive directory, its index and its disk. Neither needs the
// other.
//
// It promises
//
//   - to change nothing: only methods that read are called (see [teamchat.Client.Probe]), and the archive is opened for
//     reading;
//   - to be brief: a few dozen requests, one after another, and none of them twice in a row when it fails;
//   - that what could not be told is said to be so, and that nothing is guessed from one coincidence: the dialect is
//     read off answers about one channel that holds enough messages.
//
// The servers that are known move an account's read marker when it lists messages. So the channels that are looked into
// (at most five) may show as read for the account afterwards, as they do after any sync. Reading channels.diff moves
// the server's base for this login; where a server keeps that base by account, a program that follows channels.diff as
// the same account must ask channels.list again.
//
// A [Recorder] keeps the answers with secrets blanked. They still hold what people wrote.
package doctor
