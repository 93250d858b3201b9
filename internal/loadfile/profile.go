package loadfile

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed profiles/*.yaml
var profiles embed.FS

// Builtin are the names of the profiles that need no file.
func Builtin() []string { return []string{"relativity", "sec"} }

// Profile says how a table is written.
type Profile struct {
	Name     string   `yaml:"name"`
	Encoding Encoding `yaml:"encoding"`
	Column   string   `yaml:"column"`  // one character, like those that follow
	Quote    string   `yaml:"quote"`   //
	Newline  string   `yaml:"newline"` // stands for a line end within a value
	Multi    string   `yaml:"multi"`   // between the values of a field that has several
	Date     string   `yaml:"date"`    // as in MM/DD/YYYY
	Time     string   `yaml:"time"`    // as in HH:mm:ss
	Fields   []Field  `yaml:"fields"`
}

// Encoding is how a table's characters are written.
type Encoding string

// The encodings. The first two begin with a byte order mark, without which Relativity does not recognise them.
const (
	UTF8        Encoding = "utf-8"
	UTF16       Encoding = "utf-16" // little endian
	Windows1252 Encoding = "windows-1252"
)

// Field is a column of a table.
type Field struct {
	Name  string `yaml:"name"`  // in the first line
	Value string `yaml:"value"` // which of a document's values
	As    Form   `yaml:"as"`    // how moments are written; "" is date and time
}

// Form says which part of a moment a field shows.
type Form string

// The forms of a moment. AsTimeZone is the time with the zone's name behind it.
const (
	AsDateTime Form = "datetime"
	AsDate     Form = "date"
	AsTime     Form = "time"
	AsTimeZone Form = "time-zone"
)

// ParseProfile reads a profile, YAML. Keys that it does not know, values that are not among known (nil: any), and forms
// that cannot be read again are errors.
func ParseProfile(data []byte, known []string) (*Profile, error) {
	p := &Profile{
		Encoding: UTF8, Column: "\x14", Quote: "þ", Newline: "®", Multi: ";", Date: "MM/DD/YYYY", Time: "HH:mm:ss",
	}
	if err := yaml.UnmarshalWithOptions(data, p, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("load file profile: %s", yaml.FormatError(err, false, true))
	}
	if err := p.check(known); err != nil {
		return nil, fmt.Errorf("load file profile %q: %w", p.Name, err)
	}
	return p, nil
}

// BuiltinProfile gives a profile by its name.
func BuiltinProfile(name string) (*Profile, error) {
	if !slices.Contains(Builtin(), name) {
		return nil, fmt.Errorf("no profile %q: there are %s", name, strings.Join(Builtin(), " and "))
	}
	data, err := profiles.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return nil, err
	}
	return ParseProfile(data, nil)
}

func (p *Profile) check(known []string) error {
	if len(p.Fields) == 0 {
		return errors.New("fields: there are none")
	}
	if !slices.Contains([]Encoding{UTF8, UTF16, Windows1252}, p.Encoding) {
		return fmt.Errorf("encoding: %q is none of %s, %s, %s", p.Encoding, UTF8, UTF16, Windows1252)
	}
	return errors.Join(p.checkDelimiters(), p.checkDates(), p.checkFields(known))
}

func (p *Profile) checkDelimiters() error {
	seen := map[string]string{}
	for _, d := range [][2]string{{"column", p.Column}, {"quote", p.Quote}, {"newline", p.Newline}, {"multi", p.Multi}} {
		name, value := d[0], d[1]
		if runes := []rune(value); len(runes) != 1 || strings.ContainsAny(value, "\r\n \uFFFD") {
			return fmt.Errorf("%s: want one character that is no space and no line end, not %q", name, value)
		}
		if other := seen[value]; other != "" {
			return fmt.Errorf("%s and %s are the same character", other, name)
		}
		seen[value] = name
	}
	return nil
}

func (p *Profile) checkDates() error {
	if strings.HasPrefix(p.Date, "YYYY-MM") || strings.HasPrefix(p.Date, "YYYYMM") {
		return fmt.Errorf("date: %q is ISO 8601, of which review platforms drop the time: use MM/DD/YYYY or DD.MM.YYYY", p.Date)
	}
	for _, part := range []string{"YYYY", "MM", "DD"} {
		if strings.Count(p.Date, part) != 1 {
			return fmt.Errorf("date: %q has not one %s", p.Date, part)
		}
	}
	for _, part := range []string{"HH", "mm", "ss"} {
		if strings.Count(p.Time, part) != 1 {
			return fmt.Errorf("time: %q has not one %s", p.Time, part)
		}
	}
	return nil
}

func (p *Profile) checkFields(known []string) error {
	seen := map[string]bool{}
	for _, f := range p.Fields {
		switch name := strings.ToUpper(f.Name); {
		case f.Name == "":
			return fmt.Errorf("fields: the one of value %q has no name", f.Value)
		case seen[name]:
			return fmt.Errorf("fields: %s stands there twice", f.Name)
		case known != nil && f.Value != "" && !slices.Contains(known, f.Value):
			return fmt.Errorf("field %s: no document has a value %q", f.Name, f.Value)
		case !slices.Contains([]Form{"", AsDateTime, AsDate, AsTime, AsTimeZone}, f.As):
			return fmt.Errorf("field %s: as: %q is none of %s, %s, %s, %s", f.Name, f.As, AsDateTime, AsDate, AsTime, AsTimeZone)
		default:
			seen[name] = true
		}
	}
	return nil
}

// layouts are the parts of a format such as MM/DD/YYYY HH:mm:ss, and those that package time has for them.
var layouts = strings.NewReplacer("YYYY", "2006", "MM", "01", "DD", "02", "HH", "15", "mm", "04", "ss", "05")

// layout turns a format into that of package time.
func layout(format string) string { return layouts.Replace(format) }
