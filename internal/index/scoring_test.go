package index

import (
	"math"
	"testing"
)

// TestScores computes the scores of documents anew, by the formula in scoring.go.
func TestScores(t *testing.T) {
	a := newArchive(t)
	texts := map[string]string{"1": "alpha beta gamma", "2": "alpha alpha beta delta", "3": "gamma", "4": "beta", "5": "zeta alphabet"}
	for n, text := range texts {
		put(t, a, post{channel: "C1", ts: "151619520" + n + ".000000", user: "u", text: text})
	}
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	word := func(times, length, documents float64) float64 {
		idf := 1 + math.Log(float64(len(texts))/(documents+1))
		return math.Sqrt(times) * idf * idf / math.Sqrt(length)
	}
	for _, tt := range []struct {
		query string
		want  map[string]float64
	}{
		{"alpha", map[string]float64{"1": word(1, 3, 2), "2": word(2, 4, 2)}},
		{"alpha beta", map[string]float64{"1": word(1, 3, 2) + word(1, 3, 3), "2": word(2, 4, 2) + word(1, 4, 3)}},
		{"alpha gam*", map[string]float64{"1": word(1, 3, 2) + 1}},
		{"gamma OR delta", map[string]float64{"1": word(1, 3, 2) / 2, "2": word(1, 4, 1) / 2, "3": word(1, 1, 2) / 2}},
		{"alpha OR beta", map[string]float64{"1": word(1, 3, 2) + word(1, 3, 3), "2": word(2, 4, 2) + word(1, 4, 3), "4": word(1, 1, 3) / 2}},
		{"beta (gam* OR delt*)", map[string]float64{"1": word(1, 3, 3) + 0.5, "2": word(1, 4, 3) + 0.5}},
		{`"alpha beta"`, map[string]float64{"1": word(1, 3, 2) + word(1, 3, 3), "2": word(2, 4, 2) + word(1, 4, 3)}},
		{"beta -alpha", map[string]float64{"4": word(1, 1, 3)}},
		{"beta from:u", map[string]float64{"1": word(1, 3, 3), "2": word(1, 4, 3), "4": word(1, 1, 3)}},
		{"alpha*", map[string]float64{"1": 0, "2": 0, "5": 0}}, // all alike: in order of time
	} {
		hits, _ := find(t, ix, a, tt.query, Request{})
		if len(hits) != len(tt.want) {
			t.Errorf("%s: %d hits", tt.query, len(hits))
		}
		for i, h := range hits {
			if want := tt.want[string(h.TS[9:10])]; math.Abs(h.Score-want) > 1e-6 {
				t.Errorf("%s: %s scores %v, want %v", tt.query, h.TS, h.Score, want)
			}
			if i > 0 && h.Score > hits[i-1].Score {
				t.Errorf("%s: %v before %v", tt.query, hits[i-1].Score, h.Score)
			}
		}
	}
}
