//go:build unix

package export

import "testing"

// BenchmarkTerms previews messages of which a query finds all and terms some, 17 a day, and the same without terms.
func BenchmarkTerms(b *testing.B) {
	for name, letters := range map[string]string{"none": "", "three": "1!3"} {
		b.Run(name, func(b *testing.B) {
			const n = 50_000
			src := newMany(n)
			src.every = 24 * 3600 / 17
			if letters != "" {
				searched(src.source, letters)
			}
			before := cpuTime(b)
			for b.Loop() {
				if _, err := Preview(b.Context(), Options{}, smallSelection, src); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(n*b.N), "cpu-ns/message")
		})
	}
}
