// Package benchmark measures what a first sync and exports cost, from outside: it builds the program, runs it against a
// simulator in a process of its own, and asks the operating system what the program used.
//
//	go test -run NONE -bench FirstSync -benchtime 1x -timeout 1h ./internal/benchmark
//	go test -run NONE -bench FirstSync -benchtime 1x ./internal/benchmark -rounds 1 -generate 100000 -nozstd
//	go test -run NONE -bench Memory -benchtime 1x -timeout 1h ./internal/benchmark
//	go test -run NONE -bench Export -benchtime 1x -timeout 1h ./internal/benchmark
//	go test -run NONE -bench Export -benchtime 1x -timeout 2h ./internal/benchmark -generate 1000000
//	go test -run NONE -bench Memory//noindex -benchtime 1x ./internal/benchmark -sizes 100000,500000
//
// Beside every figure stands its ratio to a baseline of the same run, since absolute figures say little about another
// machine: fetch and decode only (the command fetchall, which asks for the same things and keeps nothing) for time, CPU
// and memory; zstd -19 --long=27 of the JSON objects received for sizes. The runs of a round follow each other, so that
// a slow moment of the machine falls on all; figures are medians of the rounds.
//
// BenchmarkMemory shows what grows with the number of messages: peak memory, the program's own and that of mapped files
// apart (the second grows with archive.db, and the system takes it back when it needs room), and time, CPU and bytes a
// message. Its worlds are made up, so that their sizes can be chosen.
//
// BenchmarkExport exports everything in every format, those of slices by day and by month, and prints messages per CPU
// second, bytes, files and peak memory. sha256sum and zip -6 read each bundle right after it was written. Generated
// worlds show what does not depend on texts, memory above all. Set TMPDIR to a file system in memory: for some minutes
// after many files were deleted, ext4 needs several times as long to create one, and that is CPU of whoever creates it.
//
// It asserts nothing: which figures are good enough is decided by who reads them.
package benchmark
