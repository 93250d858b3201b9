package bundle

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"archiver/internal/record"
)

// readEML reads the mails below data/eml: one for every version of a message, or one for every slice.
func readEML(ctx context.Context, dir string) iter.Seq2[Shown, error] {
	return func(yield func(Shown, error) bool) {
		found := versions{}
		err := eachFile(ctx, dir, "data/eml", ".eml", func(path string) error {
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			l, err := readLetter(file)
			switch {
			case err == nil && l.header.Get("X-TeamChat-Slice") != "":
				err = l.slice(yield)
			case err == nil:
				err = found.add(l, yield)
			}
			if err != nil && !errors.Is(err, errStop) {
				err = fmt.Errorf("%s: %w", filepath.Base(path), err)
			}
			return err
		})
		found.end(err, yield)
	}
}

// versions puts messages together from mails of their versions, in whatever order they come. It holds those that are not
// complete.
type versions map[messageKey]*versionsSeen

type messageKey struct {
	channel string
	ts      record.TS
}

type versionsSeen struct {
	numbers []int
	shown   Shown
}

// add takes a mail, and gives its message if it is complete. Its error is errStop when nobody wants more.
func (f versions) add(l *letter, yield func(Shown, error) bool) error {
	v, err := l.version()
	if err != nil || v.deletion {
		return err
	}
	key := messageKey{v.channel, v.ts}
	seen := f[key]
	if seen == nil {
		seen = &versionsSeen{shown: Shown{Channel: v.channel, TS: v.ts}}
		f[key] = seen
	}
	if slices.Contains(seen.numbers, v.number) {
		return fmt.Errorf("version %d of message %s/%s is there twice", v.number, v.channel, v.ts)
	}
	seen.numbers = append(seen.numbers, v.number)
	seen.shown.Versions++
	if v.number == v.of {
		seen.shown.Text = TextHash(v.text)
	}
	if seen.shown.Versions < v.of {
		return nil
	}
	delete(f, key)
	if !yield(seen.shown, nil) {
		return errStop
	}
	return nil
}

// end gives the messages that are not complete, or the error that all of them ended with.
func (f versions) end(err error, yield func(Shown, error) bool) {
	if err != nil {
		if !errors.Is(err, errStop) {
			yield(Shown{}, err)
		}
		return
	}
	for _, seen := range f {
		if !yield(seen.shown, nil) {
			return
		}
	}
}
