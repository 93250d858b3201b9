package bundle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"archiver/internal/export"
	"archiver/internal/loadfile"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// profileOf gives the profile that a bundle's load files were written by, as the custody record has it.
func profileOf(dir string) (*loadfile.Profile, error) {
	content, err := os.ReadFile(in(dir, custodyFile))
	if err != nil {
		return nil, err
	}
	var c struct {
		Rendering export.Rendering `json:"rendering"`
	}
	if err := json.Unmarshal(content, &c); err != nil {
		return nil, fmt.Errorf("rendering: %w", err)
	}
	if c.Rendering.Fields == "" {
		c.Rendering.Fields = export.DefaultFields
	}
	return export.ReadFields(c.Rendering.Fields)
}

// maxRow is the longest row of a load file that is read, in bytes.
const maxRow = 64 << 20

// rowsOfLoadFile gives the rows of a load file: what they say of a document, by the names of values. A value that the
// profile has no field for is absent.
func rowsOfLoadFile(path string, p *loadfile.Profile) iter.Seq2[map[string]string, error] {
	return func(yield func(map[string]string, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer file.Close()
		rest, err := afterHead(file, p)
		if err != nil {
			yield(nil, err)
			return
		}
		lines := bufio.NewScanner(rest)
		lines.Buffer(nil, maxRow)
		for lines.Scan() {
			row, err := rowOf(lines.Text(), p)
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// afterHead reads the first line, which follows from the profile, and gives what is behind it as UTF-8.
func afterHead(r io.Reader, p *loadfile.Profile) (io.Reader, error) {
	var want bytes.Buffer
	if _, err := loadfile.NewWriter(&want, p); err != nil {
		return nil, err
	}
	head := make([]byte, want.Len())
	if _, err := io.ReadFull(r, head); err != nil || !bytes.Equal(head, want.Bytes()) {
		return nil, errors.New("its columns are others than those of the profile that the custody record names")
	}
	switch p.Encoding {
	case loadfile.UTF16:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Reader(r), nil
	case loadfile.Windows1252:
		return charmap.Windows1252.NewDecoder().Reader(r), nil
	}
	return r, nil
}

// rowOf takes a line apart. Nothing in it is escaped.
func rowOf(line string, p *loadfile.Profile) (map[string]string, error) {
	line, begins := strings.CutPrefix(line, p.Quote)
	line, ends := strings.CutSuffix(line, p.Quote)
	cells := strings.Split(line, p.Quote+p.Column+p.Quote)
	if !begins || !ends || len(cells) != len(p.Fields) {
		return nil, fmt.Errorf("%.80q is no row of %d fields", line, len(p.Fields))
	}
	row := make(map[string]string, len(cells))
	for i, f := range p.Fields {
		row[f.Value] = cells[i]
	}
	return row, nil
}
