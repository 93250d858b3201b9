package index

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
)

// written writes facets as "value count" of each, by commas.
func written(counts []FacetCount) string {
	var out []string
	for _, c := range counts {
		out = append(out, fmt.Sprintf("%s %d", c.Value, c.Count))
	}
	return strings.Join(out, ", ")
}

func TestFacets(t *testing.T) {
	a, ix := company(t)
	for _, tt := range []struct {
		query string
		want  map[string]string
	}{
		{"", map[string]string{FacetChannel: "C2 3, C1 2, C3 2", FacetUser: "ann@x.org 3, bob@x.org 2, ann@y.org 1, gone@z.org 1",
			FacetKind: "text 6, file 1", FacetMonth: "2018-01 7"}},
		{"ha OR hello", map[string]string{FacetChannel: "C1 1, C3 1", FacetUser: "ann@x.org 2", FacetMonth: "2018-01 2"}},
		{"nothing", map[string]string{FacetChannel: "", FacetMonth: ""}},
	} {
		r := Request{Limit: 1}
		for name := range tt.want {
			r.Facets = append(r.Facets, name)
		}
		for _, r.Sort = range []string{byScore, newest} {
			_, answer := find(t, ix, a, tt.query, r)
			if len(answer.Facets) != len(tt.want) {
				t.Errorf("%s: %v", tt.query, answer.Facets)
			}
			for name, want := range tt.want {
				if got := written(answer.Facets[name]); got != want {
					t.Errorf("%s by %s: %s, want %s", tt.query, name, got, want)
				}
			}
		}
	}
	_, answer := find(t, ix, a, "hello", Request{Facets: []string{FacetChannel, FacetUser}})
	if c, u := answer.Facets[FacetChannel][0], answer.Facets[FacetUser][0]; c.Name != "general" || u.Name != "Ann Žitná" {
		t.Errorf("%+v, %+v", c, u)
	}
}

func TestFacetOfMonthsIsOfTheZone(t *testing.T) {
	a := newArchive(t)
	for i, at := range []string{"2018-01-31T09:59:59Z", "2018-01-31T10:00:00Z", "2018-01-31T23:59:59Z", "2018-02-01T00:00:00Z",
		"2018-03-01T07:59:59Z", "2018-03-01T08:00:00Z", "2018-12-31T23:00:00Z"} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		put(t, a, post{channel: "C", ts: string(record.MakeTS(moment.Unix(), i)), text: "word"})
	}
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	for offset, want := range map[int]string{
		0:   "2018-01 3, 2018-02 1, 2018-03 2, 2018-12 1",
		14:  "2018-01 1, 2018-02 3, 2018-03 2, 2019-01 1",
		-8:  "2018-01 4, 2018-02 1, 2018-03 1, 2018-12 1",
		-12: "2018-01 4, 2018-02 2, 2018-12 1",
	} {
		_, answer := find(t, ix, a, "word", Request{Facets: []string{FacetMonth}, Location: time.FixedZone("", offset*3600)})
		if got := written(answer.Facets[FacetMonth]); got != want {
			t.Errorf("%+d h: %s, want %s", offset, got, want)
		}
	}
}
