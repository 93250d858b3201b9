//go:build linux

package benchmark

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

var (
	rounds   = flag.Int("rounds", 3, "rounds of BenchmarkFirstSync; figures are medians")
	generate = flag.Int("generate", 0, "serve `N` generated messages instead of the corpus")
	noZstd   = flag.Bool("nozstd", false, "leave out the baseline of sizes, which takes a minute")
)

// The simulator's account.
const (
	username = "archive@example.com"
	password = "ARCHIVER_PASSWORD=secret"
)

// campaign is what the runs of a benchmark share.
type campaign struct {
	archiver, fetchall, simulator string // binaries
	url                           string
	dir                           string // for archives
	archives                      int    // made so far
}

// outcome is what of `sync --json` is used.
type outcome struct {
	Outcome     string `json:"outcome"`
	Requests    int64  `json:"requests"`
	Messages    int64  `json:"messages_new"`
	Comments    int64  `json:"comments_new"`
	Versions    int64  `json:"versions_new"`
	FilesStored int64  `json:"files_new"`
}

// fetched is what fetchall prints.
type fetched struct {
	Messages int64 `json:"messages"`
	Comments int64 `json:"comments"`
	Requests int64 `json:"requests"`
}

// status is what of `status --json` is used.
type status struct {
	Archive struct {
		InUse    int64    `json:"in_use"`
		FileSize int64    `json:"file_size"`
		Buckets  []bucket `json:"buckets"`
	} `json:"archive"`
	Index struct {
		Bytes int64 `json:"bytes"`
	} `json:"index"`
}

// bucket is a part of archive.db.
type bucket struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// newPrograms builds all that is run; no server runs yet.
func newPrograms(b *testing.B) *campaign {
	b.Helper()
	dir := b.TempDir()
	return &campaign{
		dir: dir, archiver: build(b, dir, "cmd/archiver"), fetchall: build(b, dir, "internal/benchmark/fetchall"),
		simulator: build(b, dir, "internal/teamchat/teamchattest/teamchatsim"),
	}
}

func newCampaign(b *testing.B) *campaign {
	b.Helper()
	c := newPrograms(b)
	if *generate > 0 {
		c.generate(b, *generate)
		return c
	}
	corpus := filepath.Join("..", "..", "..", "shared", "corpus", "chat", "messages.ndjson.zst")
	if _, err := os.Stat(corpus); err != nil {
		b.Skip("no corpus beside the project; -generate N makes one up")
	}
	c.url = serve(b, c.simulator, "-corpus", corpus)
	return c
}

// generate starts a server of so many made-up messages.
func (c *campaign) generate(b *testing.B, messages int) {
	c.url = serve(b, c.simulator, "-generate", strconv.Itoa(messages), "-seed", "1")
}

// fetch reads everything and keeps nothing.
func (c *campaign) fetch(b *testing.B) run {
	u := measure(b, []string{password}, c.fetchall, "-url", c.url, "-username", username)
	f := decode[fetched](b, u)
	return run{usage: u, items: f.Messages + f.Comments, requests: f.Requests}
}

// newArchive names an archive directory that does not exist yet.
func (c *campaign) newArchive() string {
	c.archives++
	return filepath.Join(c.dir, "archive"+strconv.Itoa(c.archives))
}

func (c *campaign) syncArgs(archive string, more ...string) []string {
	return append([]string{"sync", "--json", "--quiet", "--archive", archive, "--server", c.url, "--username", username}, more...)
}

// sync runs `archiver sync` on an archive.
func (c *campaign) sync(b *testing.B, archive string, more ...string) run {
	u := measure(b, []string{password}, c.archiver, c.syncArgs(archive, more...)...)
	o := decode[outcome](b, u)
	if o.Outcome != "complete" {
		b.Fatalf("sync: %s", u.stdout)
	}
	return run{usage: u, items: o.Messages + o.Comments, requests: o.Requests, added: o.Messages + o.Comments + o.Versions + o.FilesStored}
}

func (c *campaign) status(b *testing.B, archive string) status {
	return decode[status](b, measure(b, nil, c.archiver, "status", "--json", "--archive", archive))
}

// fsyncs counts the fsyncs of one more first sync.
func (c *campaign) fsyncs(b *testing.B, more ...string) int64 {
	archive := c.newArchive()
	defer os.RemoveAll(archive)
	return countFsyncs(b, c.dir, []string{password}, c.archiver, c.syncArgs(archive, more...)...)
}

// received gives the length of the objects that a sync receives, as they are kept, and their compressed length.
func (c *campaign) received(b *testing.B) (plain, compressed int64) {
	path := filepath.Join(c.dir, "received.ndjson")
	measure(b, []string{password}, c.fetchall, "-url", c.url, "-username", username, "-save", path)
	defer os.Remove(path)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	if *noZstd {
		return info.Size(), -1
	}
	return info.Size(), compressedSize(b, path)
}

// BenchmarkFirstSync measures the first sync of a server, with and without the index, and a second one on the
// unchanged server, each from outside and beside the baselines of the package comment.
func BenchmarkFirstSync(b *testing.B) {
	c := newCampaign(b)
	var r report
	for b.Loop() {
		for range *rounds {
			r.round(b, c)
		}
	}
	r.plain, r.compressed = c.received(b)
	r.fsyncsWith, r.fsyncsWithout = c.fsyncs(b), c.fsyncs(b, "--no-index")
	r.metrics(b)
	r.print(os.Stdout)
}
