// Command teamchatsim serves a simulated TeamChat server until it is told to stop, as a process of its own, so that a
// measurement holds the cost of its client alone.
//
//	teamchatsim -corpus DIR_OR_FILE | -generate N [-seed S] | -scenario FILE
//	            [-addr 127.0.0.1:0] [-username NAME] [-password WORD] [-until-stdin-closes] [-apply-stdin]
//	            [-life SEED] [-rate 0.5]
//
// It listens on loopback only. When it is ready it prints one line, "URL USERNAME PASSWORD", on stdout. It ends on
// SIGINT and SIGTERM, and with -until-stdin-closes when its stdin ends. With -apply-stdin each line of stdin is a line
// of a scenario that changes the world; it is answered by "ok" or "error: ..." on stdout.
//
// GET /sim/requests gives the number of requests by method as JSON, POST /sim/apply carries out the lines of a scenario
// in its body. With -life the world changes by itself between requests; POST /sim/settle ends that and gives back the
// rights and rooms that were taken.
package main
