package bundle

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"archiver/internal/record"
)

// readHTML reads the articles of the pages below data/html. Those with data-context are repeated from another page.
func readHTML(ctx context.Context, dir string) iter.Seq2[Shown, error] {
	return func(yield func(Shown, error) bool) {
		err := eachFile(ctx, dir, "data/html", ".html", func(path string) error {
			err := showPage(path, yield)
			if err != nil && !errors.Is(err, errStop) {
				err = fmt.Errorf("%s: %w", filepath.Base(path), err)
			}
			return err
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(Shown{}, err)
		}
	}
}

func showPage(path string, yield func(Shown, error) bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for p := newPage(file, "x"); ; {
		a, err := p.next()
		if a == nil || err != nil {
			return err
		}
		if _, repeated := a.attributes["data-context"]; repeated {
			continue
		}
		if len(a.texts) != 1 {
			return fmt.Errorf("message %s has %d texts", a.attributes["data-ts"], len(a.texts))
		}
		m := Shown{Channel: p.channel, TS: record.TS(a.attributes["data-ts"]), Versions: max(1, a.versions), Text: TextHash(a.texts[0])}
		if !yield(m, nil) {
			return errStop
		}
	}
}
