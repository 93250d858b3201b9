// Package crash marks the moments between durable steps, so that tests can end the process at each of them and see what
// a power cut or a kill leaves. In the program a point is a call that does nothing.
//
// Built with the tag crashpoints, as internal/campaign builds the program, ARCHIVER_CRASH_AT=n kills the process at the
// n-th point that it comes to, counted from 1, and ARCHIVER_CRASH_LOG=file appends the name of each to a file. The
// program that people run is built without the tag and knows neither.
package crash
