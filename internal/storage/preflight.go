package storage

import (
	"context"
	"os"
)

// preflight looks at the pages of archive.db before bbolt does. Problems up to the tolerated severity are logged.
func (a *Archive) preflight(tolerated severity) (*pageMap, error) {
	pages, err := readPageFile(a.path(databaseName), !a.o.ReadOnly)
	if err != nil {
		return nil, err
	}
	if err := pages.err(tolerated); err != nil {
		return nil, err
	}
	for _, p := range pages.problems {
		a.o.Logger.Warn("archive.db has a bad page", "archive", a.dir, "page", p.page, "what", p.what)
	}
	return pages, nil
}

// readPageFile reads the pages of a database file, with the list of free pages or without.
func readPageFile(path string, free bool) (*pageMap, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	pages, err := readPages(f, info.Size())
	if err != nil {
		return nil, err
	}
	if free {
		pages.freelist()
	}
	return pages, nil
}

// checkCounts compares the number of entries that the pages hold with the number that the latest commit noted.
func (a *Archive) checkCounts(pages *pageMap) error {
	return a.view(context.Background(), func(s *snapshot) error {
		counts, err := s.counts()
		if err != nil {
			return err
		}
		for _, b := range buckets {
			if pages.entries[b] != counts[b] {
				return damaged(string(b), "%d entries, not %d", pages.entries[b], counts[b])
			}
		}
		return nil
	})
}
