// Package campaign holds tests that run the archiver's own program against a TeamChat server in the test process: killed
// at every request, at every crash point and at any instant, with each fault at any request, on disks whose power is cut
// or that get full, and through the failure scenarios that an archive must survive. It holds no code of the program.
//
// The tests look from outside only: at exit codes, at what the commands print, and at what the server was asked. An
// archive is right when `dump --stable` prints what it prints after a run that nothing disturbed, or when it holds what
// the server's world holds.
//
// ARCHIVER_CAMPAIGN=1 runs the campaigns in full, which takes many minutes (go test -timeout 2h); without it they take
// samples with fixed seeds. What needs disks of its own (package disktest) is skipped without root. Requests are counted
// from 1 and from the server's start.
package campaign
