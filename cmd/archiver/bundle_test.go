package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"archiver/internal/bag"
	"archiver/internal/export"
	"archiver/internal/teamchat/teamchattest"
)

// busyArchive archives a server with a bit of everything, in several runs, and gives the server.
func busyArchive(t *testing.T, messages int) *teamchattest.Server {
	t.Helper()
	world := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 7, Messages: messages})
	server := teamchattest.Start(t, world, teamchattest.ServerOptions{})
	t.Setenv("ARCHIVER_SERVER", server.URL)
	t.Setenv("ARCHIVER_USERNAME", "archive@example.com")
	t.Setenv("ARCHIVER_PASSWORD", "secret")
	t.Setenv("ARCHIVER_ARCHIVE", filepath.Join(t.TempDir(), "archive"))
	must(t, "sync", "--quiet")
	for range 3 {
		world.Busy(uint64(messages), 20)
		must(t, "sync", "--quiet", "--full")
	}
	return server
}

// must runs the program and gives what it prints.
func must(t testing.TB, args ...string) string {
	t.Helper()
	code, out, errs := runProgram(t, args...)
	if code != 0 {
		t.Fatalf("%v exits %d: %s%s", args, code, out, errs)
	}
	return out
}

func runProgram(t testing.TB, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, nil, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

type verified struct {
	Outcome string           `json:"outcome"`
	Checked map[string]int64 `json:"checked"`
	Damage  []struct {
		Where string `json:"where"`
		What  string `json:"what"`
	} `json:"damage"`
	Bundle bundleOutcome `json:"bundle"`
}

func verify(t testing.TB, dir string, args ...string) (code int, v verified) {
	t.Helper()
	code, out, errs := runProgram(t, append(append([]string{"verify", "--json", "--quiet"}, args...), dir)...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("verify exits %d: %s%s", code, out, errs)
	}
	return code, v
}

func names(v verified, path string) bool {
	return slices.ContainsFunc(v.Damage, func(d struct {
		Where string `json:"where"`
		What  string `json:"what"`
	}) bool {
		return d.Where == path
	})
}

func filesOf(t testing.TB, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestBundlesOfAllSortsAreWhole exports in several ways and wants every record to be proven.
func TestBundlesOfAllSortsAreWhole(t *testing.T) {
	busyArchive(t, 400)
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"everything": allFormats(), "ndjson": {"--format", "ndjson"}, "csv": {"--format", "csv"}, "query-csv": {"--format", "csv", "the"},
		"query": allFormats("--slice", "thread", "--context", "2", "the"), "nothing": allFormats("nobodywrotethisword"),
		"mails of slices": allFormats("--mail", "slice", "--slice", "month", "--context", "thread", "the"),
		"volumes":         {"--format", "production", "--volume-size", "20kB", "--slice", "week"},
		"sec":             {"--format", "production", "--fields", "sec", "--bates", "ACME-"},
		"own fields":      {"--format", "production", "--fields", "testdata/fields.yaml"},
	} {
		output := filepath.Join(dir, name)
		must(t, slices.Concat([]string{"export", "--quiet", "--output", output}, args)...)
		code, v := verify(t, output, "--key", filepath.Join(output, export.PublicKeyFile))
		if code != 0 || len(v.Bundle.Warnings) > 0 {
			t.Errorf("%s: verify exits %d: %+v", name, code, v)
		}
		t.Logf("%s: %v", name, v.Checked)
		if name != "nothing" && v.Checked["records proven"] == 0 {
			t.Errorf("%s: nothing is proven: %v", name, v.Checked)
		}
	}
}

// allFormats are the flags of an export in all formats, and what follows.
func allFormats(more ...string) (args []string) {
	for _, name := range export.Formats() {
		args = append(args, "--format", name)
	}
	return append(args, more...)
}

// TestEveryFlipIsNamed flips bytes of every file of a bundle, one at a time.
func TestEveryFlipIsNamed(t *testing.T) {
	busyArchive(t, 60)
	dir := filepath.Join(t.TempDir(), "bundle")
	must(t, "export", "--quiet", "--output", dir, "--channel", channelWithFiles(t))
	flips := 500
	if testing.Short() {
		flips = 60
	}
	paths := filesOf(t, dir)
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range flips {
		path := paths[n%len(paths)]
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(content) == 0 {
			continue
		}
		at := rng.IntN(len(content))
		flipped := bytes.Clone(content)
		flipped[at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(dir, path)
		if code, v := verify(t, dir); code != exitDamage || !names(v, filepath.ToSlash(name)) {
			t.Errorf("%s, byte %d: exit %d, %+v", name, at, code, v.Damage)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, v := verify(t, dir); code != 0 {
		t.Errorf("the bundle as it was: %+v", v.Damage)
	}
}

// channelWithFiles is the channel with the fewest messages that has a file.
func channelWithFiles(t *testing.T) string {
	t.Helper()
	all := filepath.Join(t.TempDir(), "all")
	must(t, "export", "--quiet", "--format", "ndjson", "--output", all)
	text, err := os.ReadFile(filepath.Join(all, "data", "ndjson", "files.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Channel string `json:"channel"`
	}
	if err := json.Unmarshal(bytes.Split(text, []byte("\n"))[0], &file); err != nil {
		t.Fatal(err)
	}
	return file.Channel
}

// TestForgedBundleIsNotProven lets a forger without the archive's key change a message, and make all manifests anew.
func TestForgedBundleIsNotProven(t *testing.T) {
	busyArchive(t, 60)
	for what, forge := range map[string]func(line string) string{
		"a changed line":    func(line string) string { return strings.Replace(line, `"kind":"text"`, `"kind":"code"`, 1) },
		"a changed raw":     func(line string) string { return strings.Replace(line, `"raw":{"`, `"raw":{"a":1,"`, 1) },
		"a removed message": func(line string) string { return "" },
		"a message put in":  func(line string) string { return line + strings.Replace(line, `"ts":"1`, `"ts":"2`, 1) },
	} {
		dir := filepath.Join(t.TempDir(), "bundle")
		must(t, "export", "--quiet", "--format", "ndjson", "--output", dir)
		path := filepath.Join(dir, filepath.FromSlash(export.MessagesFile))
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(content), "\n")
		at := slices.IndexFunc(lines, func(line string) bool {
			return strings.Contains(line, `"kind":"text"`) && strings.Contains(line, `"annotations":[]`)
		})
		lines[at] = forge(lines[at])
		if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		rebag(t, dir)
		code, v := verify(t, dir)
		if code != exitDamage || !names(v, export.SignatureFile) || !(names(v, export.MessagesFile) || names(v, export.InclusionFile)) {
			t.Errorf("%s: exit %d, %+v", what, code, v.Damage)
		}
	}
}

// rebag makes the manifests of a bundle that was changed.
func rebag(t *testing.T, dir string) {
	t.Helper()
	var payload, tags []bag.File
	for _, path := range filesOf(t, dir) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(dir, path)
		f := bag.File{Path: filepath.ToSlash(name), Bytes: int64(len(content)), SHA256: sha256.Sum256(content), SHA512: sha512.Sum512(content)}
		switch {
		case f.IsPayload():
			payload = append(payload, f)
		case !strings.Contains(f.Path, "manifest-") && f.Path != bag.Info:
			tags = append(tags, f)
		}
	}
	put := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		tags = append(tags, bag.File{Path: name, SHA256: sha256.Sum256(content), SHA512: sha512.Sum512(content)})
	}
	bag.Sort(payload)
	info, err := os.ReadFile(filepath.Join(dir, bag.Info))
	if err != nil {
		t.Fatal(err)
	}
	fields, err := bag.ParseInfo(string(info))
	if err != nil {
		t.Fatal(err)
	}
	for i := range fields {
		if fields[i].Label == "Payload-Oxum" {
			fields[i].Value = bag.Oxum(payload)
		}
	}
	put(bag.Info, bag.AppendInfo(nil, fields))
	for _, a := range bag.Algorithms() {
		put(a.Manifest(), bag.AppendManifest(nil, a, payload))
	}
	sorted := slices.Clone(tags)
	bag.Sort(sorted)
	for _, a := range bag.Algorithms() {
		put(a.TagManifest(), bag.AppendManifest(nil, a, sorted))
	}
}

// TestFormatsThatDisagreeAreNamed changes a text in one format only.
func TestFormatsThatDisagreeAreNamed(t *testing.T) {
	busyArchive(t, 60)
	dir := filepath.Join(t.TempDir(), "bundle")
	must(t, "export", "--quiet", "--output", dir)
	path := filepath.Join(dir, "data", "csv", "messages.csv")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(content, []byte(" "), []byte("_"), 30), 0o600); err != nil {
		t.Fatal(err)
	}
	rebag(t, dir)
	code, v := verify(t, dir)
	if code != exitDamage || !slices.ContainsFunc(v.Damage, func(d struct {
		Where string `json:"where"`
		What  string `json:"what"`
	}) bool {
		return d.Where == "data/csv/messages.csv" && strings.Contains(d.What, "does not agree with "+export.MessagesFile)
	}) {
		t.Errorf("exit %d, %+v", code, v.Damage)
	}
}

// TestBundleAgainstCheckpoints compares bundles with checkpoints that were kept elsewhere.
func TestBundleAgainstCheckpoints(t *testing.T) {
	server := busyArchive(t, 60)
	dir := t.TempDir()
	kept := func(name string) string {
		all := filepath.Join(dir, name)
		must(t, "export", "--quiet", "--format", "ndjson", "--output", all)
		return filepath.Join(all, filepath.FromSlash(export.CheckpointFile))
	}
	before := kept("before")
	server.World().Busy(1, 10)
	must(t, "sync", "--quiet", "--full")
	now := kept("now")
	part := filepath.Join(dir, "part")
	must(t, "export", "--quiet", "--format", "ndjson", "--output", part, "the")
	server.World().Busy(2, 10)
	must(t, "sync", "--quiet", "--full")
	later := kept("later")
	for _, checkpoint := range []string{before, now} {
		for _, bundle := range []string{part, filepath.Join(dir, "now")} {
			if code, v := verify(t, bundle, "--since", checkpoint); code != 0 || v.Checked["checkpoints compared"] != 1 {
				t.Errorf("%s since %s: exit %d, %+v", bundle, checkpoint, code, v)
			}
		}
	}
	if code, out, errs := runProgram(t, "verify", "--since", later, part); code != exitUsage || !strings.Contains(errs, "newer than the export") {
		t.Errorf("since a later one: exit %d, %s%s", code, out, errs)
	}
}
