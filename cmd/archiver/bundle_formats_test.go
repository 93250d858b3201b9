package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"archiver/internal/export"
	"archiver/internal/record"
	"archiver/internal/teamchat/teamchattest"
)

// awkwardTexts are what formats could show in another way than it is.
var awkwardTexts = []string{
	"", " ", "\n", "\r\n a\rb\n\r", "nul \x00 and its picture \u2400", "bell \a escape \x1b delete \x7f", "\u202Eover\u202C \u200B\uFEFF\u2028",
	"-- \n[edited 2024-01-01 00:00:00Z by Eve]", "a\n-- \n-- \n[x]\n", "From ann\n>From bob\n>>From c", "</div></article><article id=\"m-1\">",
	`<b class="u" data-u="41"></b>`, "<li data-sha256=\"00\">&lt;&amp;", "þ\x14þ®;", "=3D=\n=?utf-8?q?x?=", "https://a.example/?b=1&c=2 http", "👩‍👩‍👧 ž",
	strings.Repeat("long ", 500), ".", "=CMD()", `"quoted", and`, "\ttab", "\ufffd", "x: y\n  version 1 of 2: z",
}

// formatsWorld has a channel of awkward texts, each of which was edited into the next, and a thread; it gives the
// channel and the main messages.
func formatsWorld(t *testing.T) (world *teamchattest.World, channel string, posted []record.TS) {
	t.Helper()
	world = teamchattest.Generate(teamchattest.GenerateOptions{Seed: 3, Messages: 40})
	server := teamchattest.Start(t, world, teamchattest.ServerOptions{})
	t.Setenv("ARCHIVER_SERVER", server.URL)
	t.Setenv("ARCHIVER_USERNAME", "archive@example.com")
	t.Setenv("ARCHIVER_PASSWORD", "secret")
	user := world.Channels()[0].Members[0]
	channel = world.AddChannel("awkward", user)
	for _, text := range awkwardTexts {
		posted = append(posted, world.Post(channel, user, text))
	}
	for i, text := range awkwardTexts {
		world.Comment(channel, posted[i], user, text)
	}
	return world, channel, posted
}

// archived archives the world as it is into an archive of its own.
func archived(t *testing.T, name string) {
	t.Helper()
	t.Setenv("ARCHIVER_ARCHIVE", filepath.Join(t.TempDir(), name))
	must(t, "sync", "--quiet")
}

// exported exports into a new directory.
func exported(t testing.TB, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	must(t, slices.Concat([]string{"export", "--quiet", "--output", dir}, args)...)
	return dir
}

func TestFormatsShowAwkwardTextsAlike(t *testing.T) {
	world, channel, posted := formatsWorld(t)
	archived(t, "archive")
	for i, ts := range posted {
		world.Edit(channel, ts, world.Channels()[0].Members[0], awkwardTexts[(i+1)%len(awkwardTexts)])
	}
	world.Delete(channel, posted[3])
	must(t, "sync", "--quiet", "--full")
	for _, args := range [][]string{allFormats(), allFormats("--mail", "slice", "--slice", "thread"), allFormats("--slice", "whole", "--context", "1", "long")} {
		code, v := verify(t, exported(t, args...))
		if code != 0 || v.Checked["formats compared"] != int64(len(export.Formats())-1) {
			t.Errorf("%v: verify exits %d: %+v", args, code, v)
		}
	}
}

// others are the formats that are compared with NDJSON, with the flags of their exports.
func others() map[string][]string {
	all := map[string][]string{"mails of slices": {"--format", "ndjson", "--format", "eml", "--mail", "slice"}}
	for _, name := range export.Formats() {
		if name != "ndjson" {
			all[name] = []string{"--format", "ndjson", "--format", name}
		}
	}
	return all
}

// damaged wants a finding about a format that says something.
func damaged(t *testing.T, what, dir, format, says string) {
	t.Helper()
	rebag(t, dir)
	code, v := verify(t, dir)
	for _, d := range v.Damage {
		if code == exitDamage && strings.HasPrefix(d.Where, "data/"+format) && strings.Contains(d.What, says) {
			return
		}
	}
	t.Errorf("%s: verify exits %d and does not say of %s: %s\n%+v", what, code, format, says, v.Damage)
}

// TestForgedFormatsAreNamed puts a format of one archive into the bundle of another, which has seen the same messages at
// another time.
func TestForgedFormatsAreNamed(t *testing.T) {
	world, channel, posted := formatsWorld(t)
	bundles := func() map[string]string {
		made := map[string]string{}
		for format, args := range others() {
			made[format] = exported(t, args...)
		}
		return made
	}
	user := world.Channels()[0].Members[0]
	archived(t, "first")
	before := bundles()
	world.Edit(channel, posted[5], user, "another text")
	archived(t, "second")
	edited := bundles()
	world.Edit(channel, posted[6], user, "a new version")
	extra := world.Post(channel, user, "a new message")
	must(t, "sync", "--quiet", "--full")
	later := bundles()
	message := func(ts record.TS, what string) string { return fmt.Sprintf("/%s %s", ts, what) }
	for format := range others() {
		folder, _, _ := strings.Cut(strings.Replace(format, "mails of slices", "eml", 1), " ")
		for _, c := range []struct{ whole, forged, says string }{
			{before[format], edited[format], message(posted[5], "has another text")},
			{later[format], edited[format], message(posted[6], "has 1 versions here, 2 elsewhere")},
			{later[format], edited[format], message(extra, "is missing")},
			{edited[format], later[format], message(extra, "is shown here only")},
		} {
			dir := filepath.Join(t.TempDir(), "forged")
			if err := os.CopyFS(dir, os.DirFS(c.whole)); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(dir, "data", folder)); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(filepath.Join(dir, "data", folder), os.DirFS(filepath.Join(c.forged, "data", folder))); err != nil {
				t.Fatal(err)
			}
			damaged(t, format, dir, folder, c.says)
		}
	}
}

// TestForgedFilesAreNamed changes what a format says twice in one place only.
func TestForgedFilesAreNamed(t *testing.T) {
	_, channel, _ := formatsWorld(t)
	archived(t, "archive")
	all := exported(t, allFormats("--channel", channel)...)
	slices := exported(t, "--format", "ndjson", "--format", "eml", "--mail", "slice", "--channel", channel)
	for _, c := range []struct{ whole, pattern, from, to, format, says string }{
		{all, "data/eml/*/*/*.eml", `(white-space:pre-wrap.*>.*)quot`, "${1}QUOT", "eml", "shows another text in HTML"},
		{slices, "data/eml/*/*.eml", `(white-space.*>.*)quot`, "${1}QUOT", "eml", "has another text in HTML"},
		{slices, "data/eml/*/*.eml", `</article>`, "", "eml", "cannot be read"},
		{all, "data/eml/*/*/*.eml", `(Version: 1/)1`, "${1}2", "eml", "has another text"},
		{all, "data/eml/*/*/*.eml", `(X-TeamChat-Notes: )\d`, "${1}7", "eml", "does not end as its header says"},
		{all, "data/mbox/*.mbox", `(?s)\n\nFrom .*?\n(\n)From `, "\n${1}From ", "mbox", "is missing"},
		{all, "data/mbox/*.mbox", `\n>+From bob`, "\nFrom bob", "mbox", "cannot be read"},
		{all, "data/html/*/*.html", `<article `, `<article data-context="" `, "html", "is missing"},
		{all, "data/html/*/*.html", `quoted`, `QUOTED`, "html", "has another text"},
		{all, "data/production/*/DATA/*.DAT", `(þ)[0-9a-f]{64}`, "${1}00", "production", `the load file says sha256 "00"`},
		{all, "data/production/*/DATA/*.DAT", `(?m)\A(.*\r\n)(þ.*þ\r\n)`, "${1}${2}${2}", "production", "a row too many"},
		{all, "data/production/*/DATA/*.DAT", `BEGBATES`, "BEGNO", "production", "columns are others"},
		{all, "data/production/*/DATA/*.DAT", `NATIVES\\0001`, `NATIVES\0002`, "production", "the load file says native"},
		{all, "data/production/*/TEXT/*/*.txt", `quoted`, `QUOTED`, "production", "has another text in the text that is searched"},
	} {
		dir := filepath.Join(t.TempDir(), "forged")
		if err := os.CopyFS(dir, os.DirFS(c.whole)); err != nil {
			t.Fatal(err)
		}
		replaceFirst(t, filepath.Join(dir, filepath.FromSlash(c.pattern)), c.from, c.to)
		damaged(t, c.from, dir, c.format, c.says)
	}
}

// replaceFirst replaces a match in the first file that has one.
func replaceFirst(t *testing.T, pattern, from, to string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(from)
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := match.FindSubmatchIndex(content)
		if at == nil {
			continue
		}
		forged := slices.Concat(content[:at[0]], match.Expand(nil, []byte(to), content, at), content[at[1]:])
		if err := os.WriteFile(path, forged, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%s: nothing matches %s", pattern, from)
}

// TestFlipsInFormatsAreNamed flips ten bytes of each format, one at a time.
func TestFlipsInFormatsAreNamed(t *testing.T) {
	_, channel, _ := formatsWorld(t)
	archived(t, "archive")
	dir := exported(t, allFormats("--channel", channel)...)
	rng := rand.New(rand.NewPCG(5, 6))
	for _, format := range export.Formats() {
		paths := filesOf(t, filepath.Join(dir, "data", format))
		for range 10 {
			path := paths[rng.IntN(len(paths))]
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(content) == 0 { // no file of the channel, say
				continue
			}
			flipped := bytes.Clone(content)
			flipped[rng.IntN(len(flipped))] ^= 1 << rng.IntN(8)
			if err := os.WriteFile(path, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			name, _ := filepath.Rel(dir, path)
			if code, v := verify(t, dir); code != exitDamage || !names(v, filepath.ToSlash(name)) {
				t.Errorf("%s: exit %d, %+v", name, code, v.Damage)
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
