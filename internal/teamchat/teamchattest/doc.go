// Package teamchattest is a TeamChat server to test and to measure against: a real HTTP server with the content of a
// company in memory.
//
// It owns
//
//   - [World], the content: users, channels, messages, comments, files. It may be changed while it is served, also
//     from inside a request ([Server.OnRequest], [Server.OnMethod]);
//   - where worlds come from: a small text ([ParseScenario]), the open chat corpus ([LoadCorpus]), a deterministic
//     generator ([Generate]), or the methods of World alone;
//   - [Server], the wire: the default layout of objects, ids by the law of the groupware store (8 hex digits of seconds,
//     4 of a counter, shown in decimal as ts), tokens, tickets, paging, the state of channels.diff for each token;
//   - what goes wrong on a wire ([Fault]) and how real servers may differ from the default ([Variant]);
//   - the oracle: what a complete archive of the world must hold ([World.Channels], [World.Users], [World.Messages],
//     [World.Files], [CorpusMessages]).
//
// The same calls on a world of the same seed give the same content, ids included. Tokens are random.
//
// It is independent of the client: it shares no wire types with it, so that an error in one is not hidden by the same
// error in the other. It checks no rights beyond "may read this channel" and serves everything from memory. Pins,
// mentions, calendars, conferences and the digest login are not served.
//
// # Names in calls
//
// Methods of World that take a channel accept its id (padding optional) or its name. Users are named by their e-mail
// address; one that is not there yet is added. A call that names a channel that does not exist panics: that is an error
// in the test. Calls on messages and files that are not there (any more) report false.
package teamchattest
