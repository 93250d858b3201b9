package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// What lies in an index directory: one directory a generation, named by mapping version and number, the file that
// names the one in use, and the lock of writers.
const (
	currentFile = "CURRENT"
	lockFile    = "lock"
)

// generation is one build of the index: a directory that bleve owns.
type generation struct{ mapping, number int }

func (g generation) String() string { return fmt.Sprintf("v%d-%06d", g.mapping, g.number) }

func parseGeneration(name string) (generation, bool) {
	version, number, ok := strings.Cut(strings.TrimPrefix(name, "v"), "-")
	v, err1 := strconv.Atoi(version)
	n, err2 := strconv.Atoi(number)
	g := generation{v, n}
	return g, ok && err1 == nil && err2 == nil && g.String() == name
}

// currentGeneration reads which generation is in use: ErrNone without one, ErrMapping when another version of the
// mapping made it.
func currentGeneration(dir string) (generation, error) {
	text, err := os.ReadFile(filepath.Join(dir, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return generation{}, ErrNone
	}
	if err != nil {
		return generation{}, err
	}
	g, ok := parseGeneration(strings.TrimSpace(string(text)))
	if !ok {
		return generation{}, fmt.Errorf("%w: %s names no generation", ErrDamaged, currentFile)
	}
	if g.mapping != mappingVersion {
		return g, fmt.Errorf("%w (mapping %d, this one makes %d)", ErrMapping, g.mapping, mappingVersion)
	}
	return g, nil
}

// nextGeneration gives a generation whose number none in dir has had.
func nextGeneration(dir string) (generation, error) {
	next := generation{mappingVersion, 1}
	names, err := os.ReadDir(dir)
	if err != nil {
		return next, err
	}
	for _, n := range names {
		if g, ok := parseGeneration(n.Name()); ok {
			next.number = max(next.number, g.number+1)
		}
	}
	return next, nil
}

// removeOthers removes the generations but the one to keep: those of old, and what a crashed rebuild left.
func removeOthers(dir string, keep generation) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if g, ok := parseGeneration(n.Name()); ok && g != keep {
			if err := os.RemoveAll(filepath.Join(dir, n.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// setCurrent makes g the generation in use, durably.
func setCurrent(dir string, g generation) error {
	temp := filepath.Join(dir, currentFile+".tmp")
	if err := os.WriteFile(temp, []byte(g.String()+"\n"), 0o600); err != nil {
		return err
	}
	if err := syncPath(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, currentFile)); err != nil {
		return err
	}
	return syncPath(dir)
}

// syncGeneration makes a generation that bleve has just created survive a power cut: bleve syncs its segments, but
// neither its description nor the directories.
func syncGeneration(dir string, g generation) error {
	path := filepath.Join(dir, g.String())
	for _, p := range []string{filepath.Join(path, "index_meta.json"), filepath.Join(path, "store"), path, dir, filepath.Dir(dir)} {
		if err := syncPath(p); err != nil {
			return err
		}
	}
	return nil
}

// syncPath flushes a file or a directory; Windows has no way to do so with directories.
func syncPath(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil { // a directory opens for reading alone
		if f, err = os.Open(path); err != nil {
			return err
		}
		if runtime.GOOS == "windows" {
			return f.Close()
		}
	}
	return errors.Join(f.Sync(), f.Close())
}

// sizeOf is the sum of the sizes of the files below path.
func sizeOf(path string) (int64, error) {
	var total int64
	err := filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) { // merged away meanwhile
			return nil
		}
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
