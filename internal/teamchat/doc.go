// Package teamchat is a client of the TeamChat API, with one method per endpoint that an archive needs.
//
// It owns
//
//   - the transport: POST forms to <url>/teamchatapi/<method>, the token in the body, TLS 1.2 or newer, no redirects,
//     never a credential to another host;
//   - logging in, plainly or by digest, and one new login for all callers when the server no longer knows the token;
//   - patience: back-off with full jitter, waits that the server asks for, a rate and a connection limit, an end after
//     a time without any success;
//   - manners: after a 429 or 503, or when the answers of a method begin to take four times as long as usual and more
//     than half a second, half as many requests are under way at once, at least one, and one more after each 20
//     successes in a row, up to [Options.Connections];
//   - the reading of answers: every object's bytes stay exactly as received ([Message.Raw]), and the few members the
//     client itself needs are understood in every variant that servers are known to send;
//   - errors: everything that is no success is an [*Error] with its class.
//
// It promises that an answer is never taken for more than it is: only a JSON object that says ok (or says nothing
// about success and holds what was asked for) is a success. HTML, an empty or cut body, or a list that is missing are
// errors, never an empty page. Passwords, tokens and tickets never appear in an error's text or in the log; they do
// appear in the objects as received, which callers clean before they keep them.
//
// For those who study a server there are [Options.Capture] and [Client.Probe], which give answers as received but
// without secrets. No call changes what the server keeps, but the login and its end.
//
// A page of at most 64 MiB is held in memory, files are streamed. The items of a page share one allocation: whoever
// keeps one Raw keeps the page's bytes alive.
//
// It does not know what is kept or how (no storage, no message kinds), does not walk lists, and starts no goroutines
// that outlive a call, but those of net/http.
package teamchat
