package export

import (
	"path/filepath"
	"testing"
)

func TestBatesNumbersNeverRepeat(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")}
	for _, step := range []struct {
		prefix, export string
		n, first       int64
	}{
		{"TC", "EXP-1", 10, 1}, {"TC", "EXP-2", 5, 11}, {"AB", "EXP-2", 7, 1}, {"TC", "EXP-1", 10, 1}, {"TC", "EXP-3", 1, 16}, {"T", "EXP-3", 1, 1},
	} {
		first, err := l.Reserve(step.prefix, step.export, step.n)
		if err != nil || first != step.first {
			t.Errorf("%+v: %d, %v", step, first, err)
		}
	}
	if _, err := l.Reserve("TC", "EXP-1", 11); err == nil {
		t.Error("an export got another count of numbers")
	}
}
