package extract

import (
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkCorpus reads the corpus' documents, folder by folder, in this process. PDFium is started before.
func BenchmarkCorpus(b *testing.B) {
	dir, all := samples(b)
	x := newExtractor(b, DefaultLimits())
	x.Prepare([]byte("%PDF-"))
	folders := map[string][]sample{}
	var order []string
	for _, s := range all {
		folder, _, _ := strings.Cut(s.Path, "/")
		if folders[folder] == nil {
			order = append(order, folder)
		}
		folders[folder] = append(folders[folder], s)
	}
	for _, folder := range order {
		b.Run(folder, func(b *testing.B) {
			var size int64
			data := make([][]byte, len(folders[folder]))
			for i, s := range folders[folder] {
				data[i] = s.read(b, dir)
				size += int64(len(data[i]))
			}
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for i, s := range folders[folder] {
					x.Extract(b.Context(), filepath.Base(s.Path), data[i])
				}
			}
			b.ReportMetric(float64(b.N*len(data))/b.Elapsed().Seconds(), "files/s")
		})
	}
}
