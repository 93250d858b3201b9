package bag

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Finding is something in a bag that is not as it should be.
type Finding struct {
	Where string // path in the bag
	What  string
}

// CheckOptions say how a bag is checked.
type CheckOptions struct {
	// Beside tells of a file outside data/ whether the tag manifests leave it out, as a signature.
	Beside func(path string) bool
	// Progress is called now and then, from several goroutines, with the bytes read and those to read.
	Progress func(done, total int64)
}

// Checked is a bag as it was found.
type Checked struct {
	Files    []File // all of them, in order
	Info     []Field
	Findings []Finding // by path
}

// Check reads every file of the bag in a directory and compares it with the manifests. Its error says why it could not
// be told; whatever is wrong with the bag is a finding.
func Check(ctx context.Context, dir string, o CheckOptions) (*Checked, error) {
	c := &checker{dir: dir, o: o, texts: map[string]string{}}
	paths, total, err := c.list()
	if err != nil {
		return nil, err
	}
	if err := c.hash(ctx, paths, total); err != nil {
		return nil, err
	}
	for _, name := range []string{Declaration, Info} {
		if err := c.read(name); err != nil {
			return nil, err
		}
	}
	for _, a := range Algorithms() {
		for _, name := range []string{a.Manifest(), a.TagManifest()} {
			if err := c.read(name); err != nil {
				return nil, err
			}
		}
	}
	c.compareAll()
	slices.SortFunc(c.found, func(x, y Finding) int {
		return cmp.Or(strings.Compare(x.Where, y.Where), strings.Compare(x.What, y.What))
	})
	return &Checked{Files: c.files, Info: c.info, Findings: c.found}, nil
}

type checker struct {
	dir   string
	o     CheckOptions
	files []File
	texts map[string]string // of tag files
	info  []Field
	found []Finding
}

func (c *checker) find(where, format string, args ...any) {
	c.found = append(c.found, Finding{where, fmt.Sprintf(format, args...)})
}

// list gives the paths of all files and the bytes that they have.
func (c *checker) list() (paths []string, total int64, err error) {
	err = filepath.WalkDir(c.dir, func(full string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		path, err := filepath.Rel(c.dir, full)
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			c.find(path, "is no regular file")
			return nil
		}
		paths, total = append(paths, path), total+info.Size()
		return nil
	})
	return paths, total, err
}

// hash reads all files, several at a time. One that cannot be read is a finding.
func (c *checker) hash(ctx context.Context, paths []string, total int64) error {
	files, failed := make([]File, len(paths)), make([]error, len(paths))
	var done, next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			h, buf := NewHash(), make([]byte, 256<<10)
			for i := next.Add(1) - 1; i < int64(len(paths)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				h.Reset()
				failed[i] = readInto(ctx, h, filepath.Join(c.dir, filepath.FromSlash(paths[i])), buf, func(n int) {
					if c.o.Progress != nil {
						c.o.Progress(done.Add(int64(n)), total)
					}
				})
				files[i] = h.File(paths[i])
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, err := range failed {
		if err != nil {
			c.find(paths[i], "cannot be read: %v", err)
		}
	}
	c.files = files
	Sort(c.files)
	return nil
}

func readInto(ctx context.Context, h *Hash, path string, buf []byte, read func(n int)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for ctx.Err() == nil {
		n, err := f.Read(buf)
		_, _ = h.Write(buf[:n])
		read(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// read reads a tag file. One that is not there is a finding.
func (c *checker) read(name string) error {
	if _, found := slices.BinarySearchFunc(c.files, name, func(f File, name string) int { return strings.Compare(f.Path, name) }); !found {
		c.find(name, "is missing")
		return nil
	}
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.find(name, "cannot be read: %v", err)
	}
	c.texts[name] = string(text)
	return nil
}

// compareAll compares what was read with what the tag files say.
func (c *checker) compareAll() {
	if text, ok := c.texts[Declaration]; ok && text != DeclarationText {
		c.find(Declaration, "does not declare BagIt 1.0 in UTF-8")
	}
	var payload, tags []File
	for _, f := range c.files {
		switch {
		case f.IsPayload():
			payload = append(payload, f)
		case !isTagManifest(f.Path) && (c.o.Beside == nil || !c.o.Beside(f.Path)):
			tags = append(tags, f)
		}
	}
	c.compare(payload, Algorithm.Manifest)
	c.compare(tags, Algorithm.TagManifest)
	c.compareInfo()
}

func isTagManifest(path string) bool {
	return slices.ContainsFunc(Algorithms(), func(a Algorithm) bool { return path == a.TagManifest() })
}

// compare compares files with their manifests. Where the manifests disagree about a file, the one that it does not match
// is what was changed.
func (c *checker) compare(files []File, name func(Algorithm) string) {
	wrong := map[string][]Algorithm{} // by path
	for _, a := range Algorithms() {
		text, ok := c.texts[name(a)]
		if !ok {
			continue
		}
		want, err := parseManifest(text, a)
		if err != nil {
			c.find(name(a), "%v", err)
		}
		right := err == nil
		for i := range files {
			if want[files[i].Path] != files[i].digest(a) {
				wrong[files[i].Path] = append(wrong[files[i].Path], a)
				right = false
			}
			delete(want, files[i].Path)
		}
		for path := range want {
			c.find(path, "is missing, %s lists it", name(a))
			right = false
		}
		if right && text != string(AppendManifest(nil, a, files)) {
			c.find(name(a), "is not in the form in which manifests are written")
		}
	}
	c.explain(wrong, name)
}

// explain says which files are not as the manifests say.
func (c *checker) explain(wrong map[string][]Algorithm, name func(Algorithm) string) {
	for path, by := range wrong {
		if len(by) < len(Algorithms()) {
			c.find(name(by[0]), "is wrong about %s, the other manifest is right", path)
			continue
		}
		if c.listed(path, name) {
			c.find(path, "was changed: it has other digests than the manifests say")
		} else {
			c.find(path, "is unexpected: no manifest lists it")
		}
	}
}

func (c *checker) listed(path string, name func(Algorithm) string) bool {
	return slices.ContainsFunc(Algorithms(), func(a Algorithm) bool { return strings.Contains(c.texts[name(a)], "  "+path+"\n") })
}

// compareInfo compares bag-info.txt with the payload.
func (c *checker) compareInfo() {
	text, ok := c.texts[Info]
	if !ok {
		return
	}
	var err error
	if c.info, err = ParseInfo(text); err != nil {
		c.find(Info, "%v", err)
	}
	i := slices.IndexFunc(c.info, func(f Field) bool { return f.Label == "Payload-Oxum" })
	switch oxum := Oxum(c.files); {
	case i < 0:
		c.find(Info, "has no Payload-Oxum")
	case c.info[i].Value != oxum:
		c.find(Info, "Payload-Oxum is %s, the payload has %s", c.info[i].Value, oxum)
	}
}
