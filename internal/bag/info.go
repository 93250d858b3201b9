package bag

import (
	"fmt"
	"strings"
	"unicode"
)

// Field is a line of bag-info.txt.
type Field struct{ Label, Value string }

// AppendInfo appends bag-info.txt. Fields without a value are left out; a value becomes one line.
func AppendInfo(dst []byte, fields []Field) []byte {
	for _, f := range fields {
		if value := oneLine(f.Value); value != "" {
			dst = append(append(append(append(dst, f.Label...), ": "...), value...), '\n')
		}
	}
	return dst
}

// oneLine puts blanks in the place of whatever is no visible character.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(s)
}

// ParseInfo reverses AppendInfo. Lines that begin with a blank or a tab go on with the value before.
func ParseInfo(text string) ([]Field, error) {
	var fields []Field
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if line == "" {
			continue
		}
		if last := len(fields) - 1; (line[0] == ' ' || line[0] == '\t') && last >= 0 {
			fields[last].Value += " " + strings.TrimSpace(line)
			continue
		}
		label, value, ok := strings.Cut(line, ":")
		if !ok || label == "" || strings.TrimSpace(label) != label {
			return fields, fmt.Errorf("line %d is no label and value", n+1)
		}
		fields = append(fields, Field{label, strings.TrimSpace(value)})
	}
	return fields, nil
}

// Oxum is the value of Payload-Oxum: octets and number of the payload's files.
func Oxum(files []File) string {
	var octets, count int64
	for i := range files {
		if files[i].IsPayload() {
			octets, count = octets+files[i].Bytes, count+1
		}
	}
	return fmt.Sprintf("%d.%d", octets, count)
}
