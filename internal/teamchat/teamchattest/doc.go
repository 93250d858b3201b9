// Package teamchattest is a TeamChat server to test and to measure against: a real HTTP server with the content of a
// company in memory.
//
// It owns
//
//   - [World], the content: users, channels, messages, comments, files, pins, events, conferences. It may be changed
//     while it is served, also from inside a request ([Server.OnRequest], [Server.OnMethod], [Server.OnEvery]);
//   - where worlds come from: a small text ([ParseScenario]), the open chat corpus ([LoadCorpus]), a deterministic
//     generator ([Generate]), or the methods of World alone;
//   - [Server], the wire: the default layout of objects, ids by the law of the groupware store (8 hex digits of seconds,
//     4 of a counter, shown in decimal as ts), tokens, tickets, paging, the state of channels.diff for each token;
//   - what goes wrong on a wire ([Fault]) and how real servers may differ from the default ([Variant]);
//   - what happens while it is read: changes at a certain request ([Server.OnMethod]), or those of a company that goes
//     on as a seed decides ([RandomLife]);
//   - the oracle: what a complete archive of the world must hold ([World.Channels], [World.Users], [World.Messages],
//     [World.Files], [CorpusMessages]), and, once [World.Record] was called, each state that was served
//     ([World.ServedMessages], [World.ServedFiles], [World.ServedChannels]).
//
// The same calls on a world of the same seed give the same content, ids included. Tokens are random.
//
// It is independent of the client: it shares no wire types with it, so that an error in one is not hidden by the same
// error in the other. It checks no rights beyond "may read this channel", and serves everything from memory. Where a
// message is hidden from the account ([Item]) it is so from every account. No public source shows the layout
// of pins.list, events.* and documentation.errors: theirs is a guess that follows the other lists.
//
// # Names in calls
//
// Methods of World that take a channel accept its id (padding optional) or its name. Users are named by their e-mail
// address; one that is not there yet is added. A call that names a channel that does not exist panics: that is an error
// in the test. Calls on messages and files that are not there (any more) report false.
package teamchattest
