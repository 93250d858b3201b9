package main

import (
	"path/filepath"
	"testing"

	"archiver/internal/export"
)

// compareFormats exports the archive in all formats, in volumes, and has them compared: they show the same messages with
// the same texts, in productions under numbers without a gap and in closed families.
func compareFormats(t *testing.T) {
	t.Helper()
	args := []string{"export", "--quiet", "--slice", "week", "--mail", export.MailSlice, "--volume-size", "50MB", "--since", exportSince()}
	for _, format := range export.Formats() {
		args = append(args, "--format", format)
	}
	output := filepath.Join(t.TempDir(), "formats")
	must(t, append(args, "--output", output)...)
	code, v := verify(t, output, "--key", filepath.Join(output, export.PublicKeyFile))
	if compared := int64(len(export.Formats()) - 1); code != exitOK || v.Checked["formats compared"] != compared || len(v.Bundle.Warnings) > 0 {
		t.Errorf("verify exits %d: %+v", code, v)
	}
	t.Logf("%v", v.Checked)
}
