package importtest

// rule says what a package of the module may import from the module.
type rule struct {
	imports []string // in any file
	tests   []string // in test files, beyond imports
}

// table has a row for every package of the module, by its path below the module's root. Data flows one way: TeamChat →
// sync → storage → index → search and export. Third-party imports are not bounded here.
var table = map[string]rule{
	// What is kept, and how JSON from servers is read.
	"internal/lenient": {},
	"internal/record":  {imports: []string{"internal/lenient"}},

	// The server, and its likeness for tests, benchmarks and the demo.
	"internal/teamchat": {
		imports: []string{"internal/lenient"},
		tests:   []string{"internal/teamchat/teamchattest"},
	},
	"internal/teamchat/teamchattest":             {imports: []string{"internal/lenient", "internal/record"}},
	"internal/teamchat/teamchattest/teamchatsim": {imports: []string{"internal/teamchat/teamchattest"}},

	// The archive.
	"internal/blob":     {imports: []string{"internal/crash"}},
	"internal/columnar": {},
	"internal/crash":    {},
	"internal/merkle":   {imports: []string{"internal/crash"}},
	"internal/storage": {
		imports: []string{"internal/record", "internal/lenient", "internal/columnar", "internal/blob", "internal/merkle", "internal/crash"},
		tests:   []string{"internal/disktest"},
	},

	// What fills it.
	"internal/sync": {
		imports: []string{"internal/teamchat", "internal/record", "internal/lenient", "internal/storage", "internal/blob"},
		tests:   []string{"internal/teamchat/teamchattest", "internal/merkle"},
	},

	// What is in files.
	"internal/extract": {},

	// What reads it. An export asks for everything through interfaces of its own.
	"internal/index":          {imports: []string{"internal/record", "internal/lenient", "internal/storage", "internal/index/timeline"}},
	"internal/index/timeline": {},
	"internal/filetext":       {imports: []string{"internal/extract", "internal/index"}},
	"internal/loadfile":       {},
	"internal/bag":            {},
	"internal/seal":           {tests: []string{"internal/seal/sealtest"}},
	"internal/seal/sealtest":  {},
	"internal/envelope":       {},
	"internal/rsmf":           {imports: []string{"internal/mail"}},
	"internal/mail":           {},
	"internal/export":         {imports: []string{"internal/record", "internal/lenient", "internal/rsmf", "internal/loadfile", "internal/mail", "internal/bag", "internal/merkle"}},
	"internal/bundle":         {imports: []string{"internal/record", "internal/lenient", "internal/bag", "internal/merkle", "internal/export", "internal/rsmf", "internal/loadfile", "internal/seal"}},

	// What looks at both ends and changes neither.
	"internal/doctor": {
		imports: []string{"internal/teamchat", "internal/record", "internal/lenient", "internal/storage", "internal/index"},
		tests:   []string{"internal/teamchat/teamchattest"},
	},

	"internal/reconcile": {
		imports: []string{"internal/teamchat", "internal/record", "internal/storage"},
		tests:   []string{"internal/teamchat/teamchattest", "internal/sync"},
	},

	// The command line wires them.
	"configs": {},
	"cmd/archiver": {imports: []string{
		"configs", "internal/doctor", "internal/reconcile",
		"internal/lenient", "internal/record", "internal/teamchat", "internal/teamchat/teamchattest", "internal/blob",
		"internal/merkle", "internal/storage", "internal/sync", "internal/index", "internal/export",
		"internal/seal", "internal/envelope", "internal/loadfile", "internal/bundle", "internal/extract", "internal/filetext",
	}, tests: []string{"internal/rsmf", "internal/bag", "internal/seal/sealtest"}},

	// Measured and checked from outside.
	"internal/benchmark":          {},
	"internal/benchmark/peers":    {imports: []string{"internal/record", "internal/storage", "internal/index"}}, // a module of its own
	"internal/benchmark/fetchall": {imports: []string{"internal/record", "internal/teamchat"}},
	"internal/campaign":           {tests: []string{"internal/record", "internal/teamchat/teamchattest", "internal/disktest"}},
	"internal/disktest":           {},
	"internal/formattest":         {},
	"internal/importtest":         {},
}
