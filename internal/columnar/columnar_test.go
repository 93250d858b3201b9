package columnar

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRowsComeBackToTheByte(t *testing.T) {
	const message = `{"type":"message","user":"ann@x","text":"hi %d","ts":"1516117587.%06d","created":%d,"is_stared":false}`
	var messages, comments []string
	for i := range 100 {
		messages = append(messages, fmt.Sprintf(message, i, i+7, 1516117587+i%2))
		ts := fmt.Sprintf("15161175%02d.000012", i)
		comments = append(comments, fmt.Sprintf(`{"ts":%q,"text":"t%d","comment":{"created":15161175%02d,"timestamp":15161175%02d,"comment":"t%d"}}`, ts, i, i, i, i))
	}
	for name, rows := range map[string][]string{
		"none":                 {},
		"one empty":            {""},
		"empties":              {"", "", ""},
		"messages":             messages,
		"comments":             comments,
		"mixed":                append(append([]string{}, messages...), comments...),
		"equal":                strings.Split(strings.Repeat(messages[0]+"\n", 600), "\n"),
		"equal and long":       {strings.Repeat("a", 1<<16), strings.Repeat("a", 1<<16), strings.Repeat("a", 1<<16), strings.Repeat("a", 1<<16)},
		"scalars":              {`1`, `"a"`, `true`, `null`, `-0`, `0`, `00`, `1e5`, `-`, `""`},
		"numbers":              {`{"n":1}`, `{"n":-5}`, `{"n":9223372036854775807}`, `{"n":0}`, `{"n":999999999999999999}`},
		"odd numbers":          {`{"n":01}`, `{"n":-0}`, `{"n":1.0}`, `{"n":+1}`},
		"number or string":     {`{"n":1}`, `{"n":"1"}`, `{"n":2}`},
		"spaces":               {`{"a": 1}`, ` {"a":1}`, "{\"a\":1}\n"},
		"line feeds in text":   {"{\"a\":\"x\ny\"}", "{\"a\":\"\n\"}"},
		"not JSON":             {`{`, `}`, `{"a"`, `"`, `{"a":}`, `{,}`, `[1,]`, `{"a":"b`, "\x00", `{"a\`, `x`},
		"control in name":      {"{\"a\x00b\":1}", "{\"a\nb\":1}"},
		"invalid UTF-8":        {"{\"a\":\"\xff\"}", "{\"\xff\":1}"},
		"quotes and escapes":   {`{"a":"\""}`, `{"a":"\\"}`, `{"a\"b":"\\\""}`},
		"duplicate names":      {`{"a":1,"a":2}`, `{"a":3,"a":4}`},
		"arrays":               {`{"a":[1,2,{"b":"x"}]}`, `{"a":[]}`, `[[1],[2,3]]`},
		"deep":                 {strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
		"ts out of order":      {`{"ts":"1516117587.000001"}`, `{"ts":"0000000000.000000"}`, `{"ts":"9999999999.999999"}`},
		"ts sometimes empty":   {`{"ts":""}`, `{"ts":"1516117587.000001"}`, `{"ts":""}`},
		"created before ts":    {`{"created":1516117587,"ts":"1516117587.000001"}`, `{"created":1516117588,"ts":"1516117588.000001"}`},
		"created without a ts": {`{"created":1516117587}`, `{"ts":"1516117587.000001","created":1516117587}`, `{"created":1516117599}`},
	} {
		t.Run(name, func(t *testing.T) {
			in := make([][]byte, len(rows))
			for i, row := range rows {
				in[i] = []byte(row)
			}
			checkRoundTrip(t, in)
		})
	}
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkRoundTrip(t failer, rows [][]byte) (block []byte) {
	t.Helper()
	block = Encode([]byte("before"), rows)[len("before"):]
	out, err := Decode(block)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if len(out) != len(rows) {
		t.Fatalf("%d rows came back of %d", len(out), len(rows))
	}
	for i := range rows {
		if !bytes.Equal(rows[i], out[i]) {
			t.Fatalf("row %d: got %q, want %q", i, out[i], rows[i])
		}
	}
	return block
}

// TestHostileRowsTakeLittle packs rows that would take minutes or gigabytes if work grew with the square of the
// number of members.
func TestHostileRowsTakeLittle(t *testing.T) {
	var names, ones strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&names, `,"n%d":%d`, i, i)
		ones.WriteString(",1")
	}
	for name, row := range map[string]string{
		"many names":                 "{" + names.String()[1:] + "}",
		"many names after many ones": `{"a":[` + ones.String()[1:] + "]" + names.String() + "}",
		"many values of a long name": `{"` + strings.Repeat("a", 1<<19) + `":[` + ones.String()[1:] + "]}",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			checkRoundTrip(t, [][]byte{[]byte(row), []byte(row)})
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestAnyRowsComeBack(t *testing.T) {
	used := NewEncoder() // for all blocks: what came before leaves no trace
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.OneOf(jsonValue(3), jsonValue(3), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		rows := rapid.SliceOf(row).Draw(t, "rows")
		for range rapid.IntRange(0, 3).Draw(t, "doublings") {
			rows = append(rows, rows...)
		}
		in := make([][]byte, len(rows))
		for i, row := range rows {
			in[i] = []byte(row)
		}
		block := checkRoundTrip(t, in)
		if again := used.Encode(nil, in); !bytes.Equal(again, block) {
			t.Errorf("an encoder that was used before gives %q, not %q", again, block)
		}
	})
}

// jsonValue draws compact JSON from few names and few kinds of values, so that shapes and columns repeat.
func jsonValue(depth int) *rapid.Generator[string] {
	scalars := rapid.OneOf(
		rapid.SampledFrom([]string{"true", "false", "null", `""`, `"x"`, `"\""`, "0", "-1", "1e9", "12345678901234567890"}),
		rapid.Map(rapid.Int64(), func(n int64) string { return fmt.Sprint(n) }),
		rapid.Map(rapid.IntRange(0, 1e10-1), func(n int) string { return fmt.Sprintf(`"%010d.%06d"`, n, n%1000) }),
		rapid.Map(rapid.String(), func(s string) string { return fmt.Sprintf("%q", s) }),
	)
	if depth == 0 {
		return scalars
	}
	inner := jsonValue(depth - 1)
	name := rapid.SampledFrom([]string{`"ts"`, `"text"`, `"created"`, `"a\"b"`, `""`})
	member := rapid.Custom(func(t *rapid.T) string { return name.Draw(t, "name") + ":" + inner.Draw(t, "value") })
	return rapid.OneOf(scalars,
		rapid.Map(rapid.SliceOfN(member, 0, 4), func(m []string) string { return "{" + strings.Join(m, ",") + "}" }),
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(m []string) string { return "[" + strings.Join(m, ",") + "]" }))
}

func TestIntsAndStringsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ints := rapid.SliceOf(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 300))).Draw(t, "ints")
		packed := append(AppendInts(nil, ints), "rest"...)
		gotInts, rest, err := ReadInts(packed)
		if err != nil || string(rest) != "rest" || fmt.Sprint(gotInts) != fmt.Sprint(ints) {
			t.Fatalf("ints: got %v, rest %q, error %v", gotInts, rest, err)
		}
		text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "7", "1516117587.000001"}), rapid.String())
		values := rapid.SliceOf(text).Draw(t, "strings")
		gotText, rest, err := ReadStrings(append(AppendStrings(nil, values), "rest"...))
		if err != nil || string(rest) != "rest" || len(gotText) != len(values) {
			t.Fatalf("strings: got %q, rest %q, error %v", gotText, rest, err)
		}
		for i := range values {
			if values[i] != string(gotText[i]) {
				t.Fatalf("string %d: got %q, want %q", i, gotText[i], values[i])
			}
		}
	})
}

func TestDamageIsAnErrorOrOtherRows(t *testing.T) {
	packed := Encode(nil, generated(16))
	for i := range packed {
		if _, err := Decode(packed[:i]); err == nil {
			t.Fatalf("cut to %d of %d bytes: no error", i, len(packed))
		} else if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v is not ErrCorrupt", i, err)
		}
		for bit := range 8 {
			damaged := bytes.Clone(packed)
			damaged[i] ^= 1 << bit
			if _, err := Decode(damaged); err != nil && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("flip of bit %d of byte %d: %v is not ErrCorrupt", bit, i, err)
			}
		}
	}
}

// TestBlocksOfOldStayReadable reads a block that was written when the format was made. It has columns of every tag.
func TestBlocksOfOldStayReadable(t *testing.T) {
	block, err := os.ReadFile("testdata/v1.block")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/v1.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := Decode(block)
	if err != nil {
		t.Fatal(err)
	}
	if got := append(bytes.Join(rows, []byte("\n")), '\n'); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTextStart(t *testing.T) {
	block := Encode(nil, generated(10))
	if start := TextStart(block); start <= 0 || !bytes.HasPrefix(block[start:], []byte("{\"type\":\"\n")) {
		t.Errorf("the text of %q starts at %d", block, start)
	}
	for _, damaged := range [][]byte{nil, {1}, {2, 3, 4}, {1, 1, 9}} {
		if start := TextStart(damaged); start != 0 {
			t.Errorf("the text of %v starts at %d, want 0", damaged, start)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte(`{"a":1}`), []byte(`{"a":2}`), []byte(`[`))
	f.Add([]byte(`{"ts":"1516117587.000001","created":1516117587}`), []byte(``), []byte("\"\n\""))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		checkRoundTrip(t, [][]byte{a, b, c, a, a, b})
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(nil, generated(5)))
	f.Add(Encode(nil, [][]byte{[]byte("{"), nil, []byte("[1]")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := Decode(data)
		if err != nil {
			return
		}
		total := 0
		for _, row := range rows {
			total += len(row)
		}
		if total > maxExpansion*len(data) {
			t.Fatalf("%d bytes of rows from %d", total, len(data))
		}
		checkRoundTrip(t, rows)
	})
}
