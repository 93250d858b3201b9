package export

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"archiver/internal/record"
)

// producing exports a source as a production and gives the bundle's files and the rows of its load files, in order.
func producing(t testing.TB, src Source, r Rendering) (map[string]string, []map[string]string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	given := false
	o := Options{ID: "EXP-2026-000001", Output: dir, Formats: []string{"production"}, Rendering: r, Reserve: func(prefix string, n int64) (int64, error) {
		if given {
			t.Error("numbers were reserved twice")
		}
		given = true
		return 101, nil
	}}
	if _, err := Write(t.Context(), o, smallSelection, src); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name, content := range tree(t, dir) {
		if volume, rest, ok := strings.Cut(name, "/"); ok && strings.HasPrefix(volume, o.ID) { // of the bundle
			name = rest
		}
		files[name] = content
	}
	return files, loadFiles(t, files)
}

// loadFiles reads the load files of a bundle as a platform does, and checks that they hold together.
func loadFiles(t testing.TB, files map[string]string) []map[string]string {
	t.Helper()
	var rows []map[string]string
	seen := map[string]bool{}
	for _, name := range names(files) {
		if !strings.HasSuffix(name, ".DAT") {
			continue
		}
		volume := strings.TrimSuffix(strings.TrimPrefix(name, "data/production/"), name[strings.Index(name, "/DATA/"):])
		var columns []string
		for line := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(files[name], "\uFEFF"), "\r\n"), "\r\n") {
			cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "þ"), "þ"), "þ\x14þ")
			if columns == nil {
				columns = cells
				continue
			}
			if len(cells) != len(columns) {
				t.Fatalf("%s: %d cells, want %d", name, len(cells), len(columns))
			}
			row := map[string]string{}
			for i, c := range columns {
				row[c] = cells[i]
			}
			checkRow(t, files, "data/production/"+volume+"/", row)
			if seen[row["BEGBATES"]] {
				t.Errorf("number %s is given twice", row["BEGBATES"])
			}
			seen[row["BEGBATES"]] = true
			rows = append(rows, row)
		}
	}
	checkFamilies(t, rows)
	return rows
}

// checkRow checks that a document's files are there, as the row says.
func checkRow(t testing.TB, files map[string]string, volume string, row map[string]string) {
	t.Helper()
	path := func(column string) string {
		return volume + strings.ReplaceAll(strings.TrimPrefix(row[column], `.\`), `\`, "/")
	}
	native, ok := files[path("NATIVEPATH")]
	md := md5.Sum([]byte(native))
	if !ok || row["SHA256HASH"] != digestOf(native) || row["MD5HASH"] != hex.EncodeToString(md[:]) || row["FILESIZE"] != fmt.Sprint(len(native)) {
		t.Errorf("%s: native %s is not as the row says", row["BEGBATES"], row["NATIVEPATH"])
	}
	if _, ok := files[path("TEXTPATH")]; !ok {
		t.Errorf("%s: no text %s", row["BEGBATES"], row["TEXTPATH"])
	}
	for column, value := range row {
		if strings.HasPrefix(column, "DATE") && value != "" && !(len(value) == 19 && value[2] == '/' && value[5] == '/') {
			t.Errorf("%s: %s is %q", row["BEGBATES"], column, value)
		}
	}
}

// checkFamilies checks that numbers are contiguous, and families closed and contiguous.
func checkFamilies(t testing.TB, rows []map[string]string) {
	t.Helper()
	number := func(s string) (n int) {
		fmt.Sscanf(strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-"), "%d", &n)
		return n
	}
	for i, row := range rows {
		if i > 0 && number(row["BEGBATES"]) != number(rows[i-1]["BEGBATES"])+1 {
			t.Errorf("%s follows %s", row["BEGBATES"], rows[i-1]["BEGBATES"])
		}
		first, last := number(row["BEGATTACH"]), number(row["ENDATTACH"])
		if n := number(row["BEGBATES"]); n < first || n > last || (row["PARENTID"] == "") != (n == first) {
			t.Errorf("%s is not in its family %s", row["BEGBATES"], row["ATTACHRANGE"])
		}
		children := slices.DeleteFunc(strings.Split(row["CHILDIDS"], ";"), func(s string) bool { return s == "" })
		if row["PARENTID"] == "" && len(children) != last-first {
			t.Errorf("%s has children %v in family %s", row["BEGBATES"], children, row["ATTACHRANGE"])
		}
	}
}

func TestProduction(t *testing.T) {
	files, rows := producing(t, small(), Rendering{})
	var got []string
	for _, row := range rows {
		got = append(got, strings.Join([]string{row["BEGBATES"], row["DOCTYPE"], row["CONVNAME"], row["MSGCOUNT"], row["FILENAME"]}, " | "))
	}
	if len(rows) != 3 || rows[0]["BEGBATES"] != "TC00000101" || rows[1]["DOCTYPE"] != "Chat attachment" {
		t.Fatalf("%q", got)
	}
	if a := rows[1]; a["FILENAME"] != "../../etc/pass wd.PDF" || a["FILEEXT"] != "pdf" || a["RELATIVITY ATTACHMENT ID"] != "ATT00001.pdf" {
		t.Errorf("%v", a)
	}
	if text := files["data/production/VOL001/TEXT/0001/TC00000101.txt"]; !strings.Contains(text, "a comment, \"quoted\"") {
		t.Errorf("%s", text)
	}
	if text := files["data/production/VOL001/TEXT/0001/TC00000102.txt"]; text != "second content" {
		t.Errorf("%s", text)
	}
	if rows[0]["MSGCOUNT"] != "3" || rows[0]["EDITEDCOUNT"] != "1" || rows[0]["DATESENT"] != "07/14/2017 04:40:00" {
		t.Errorf("%v", rows[0])
	}
}

func TestFileThatIsNotThereHasASlipSheet(t *testing.T) {
	src := small()
	src.items[0] = message("chan-a", src.items[0].TS, "", `{"user":"ann@x","text":"","subtype":"file_share","file":{"id":"f9","name":"lost.doc"}}`)
	src.files["chan-a"] = append(src.files["chan-a"], &record.File{Channel: "chan-a", ID: "f9", Name: "lost.doc", State: record.FileRefused, Reason: "no_permission", Change: 9})
	clear(src.blobs)
	files, rows := producing(t, src, Rendering{Bates: "ACME-"})
	var sheets int
	for _, row := range rows {
		if row["DOCTYPE"] == "Chat attachment" {
			sheets++
			sheet := files["data/production/VOL001/NATIVES/0001/"+row["BEGBATES"]+".txt"]
			if row["EXCEPTION"] == "" || !strings.Contains(sheet, row["EXCEPTION"]) {
				t.Errorf("%v: %q", row, sheet)
			}
		}
	}
	if sheets != 2 {
		t.Errorf("%d slip sheets, want 2", sheets)
	}
}

func TestVolumesOfAProduction(t *testing.T) {
	src := small()
	var items []Item
	for i := range 40 {
		items = append(items, message("chan-a", record.MakeTS(1_500_000_000+int64(i)*86400, 0), "", fmt.Sprintf(`{"user":"ann@x","text":"day %d %s"}`, i, strings.Repeat("word ", 200))))
	}
	src.items, src.files = items, nil
	files, rows := producing(t, src, Rendering{Volume: 20_000})
	volumes := map[string]bool{}
	for _, row := range rows {
		volumes[row["VOLUME"]] = true
	}
	if len(rows) != 40 || len(volumes) < 3 || files["data/production/VOL002/DATA/VOL002.DAT"] == "" {
		t.Errorf("%d documents in %d volumes", len(rows), len(volumes))
	}
}

func TestBatesPrefixes(t *testing.T) {
	for prefix, good := range map[string]bool{"TC": true, "ACME-": true, "A_b": true, "": false, "TC1": false, "a b": false, "../x": false} {
		if err := CheckBates(prefix); (err == nil) != good {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}
