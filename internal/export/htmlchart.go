package export

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"time"
)

// month counts months from year 0.
type month int

func monthOf(t time.Time) month { return month(t.Year()*12 + int(t.Month()) - 1) }

// id is the month as an anchor: on-2024-01.
func (m month) id() string { return fmt.Sprintf("on-%04d-%02d", m/12, m%12+1) }

// String is the month for people: January 2024.
func (m month) String() string { return fmt.Sprintf("%s %d", time.Month(m%12+1), m/12) }

// monthCounts are messages by month.
type monthCounts map[month]int64

// Sizes of a chart, in its own units.
const (
	chartWidth  = 960
	chartHeight = 120
	chartLabel  = 18 // below the bars
	widestBar   = 64.0
	widestLabel = 32 // of a year
)

// chart draws the messages by month, or by year where there are too many months to tell apart. link tells where a
// month leads; it may be nil.
func (c monthCounts) chart(link func(month) string) template.HTML {
	if len(c) == 0 {
		return ""
	}
	months := slices.Sorted(maps.Keys(c))
	step := month(1)
	if months[len(months)-1]-months[0] >= chartWidth/4 {
		step = 12
	}
	first, last := months[0]/step, months[len(months)-1]/step
	bars := make([]bar, last-first+1)
	most := int64(0)
	for _, m := range months {
		b := &bars[m/step-first]
		if b.count == 0 && link != nil {
			b.href = link(m)
		}
		b.count += c[m]
		most = max(most, b.count)
	}
	dst := fmt.Appendf(nil, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-label="Messages and comments over time">`, chartWidth, chartHeight+chartLabel)
	width := min(widestBar, chartWidth/float64(len(bars)))
	for i, b := range bars {
		dst = b.append(dst, float64(i)*width, width, most, (first+month(i))*step, step)
	}
	return template.HTML(append(dst, "</svg>"...))
}

// bar is a month or a year of a chart.
type bar struct {
	count int64
	href  string
}

func (b bar) append(dst []byte, x, width float64, most int64, m, step month) []byte {
	height := float64(chartHeight) * float64(b.count) / float64(most)
	if b.count > 0 {
		height = max(2, height)
	}
	name := m.String()
	if step == 12 {
		name = fmt.Sprint(int(m / 12))
	}
	if b.href != "" {
		dst = fmt.Appendf(dst, `<a href="%s">`, b.href)
	}
	dst = fmt.Appendf(dst, `<g><title>%s: %s</title><rect class="slot" x="%.2f" y="0" width="%.2f" height="%d"/>`+
		`<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" rx="1.5"/></g>`,
		name, counted(b.count, "message"), x, width, chartHeight, x+width*0.1, chartHeight-height, width*0.8, height)
	if b.href != "" {
		dst = append(dst, "</a>"...)
	}
	if label := m.label(x == 0, width, step); label != "" && x < chartWidth-widestLabel {
		dst = fmt.Appendf(dst, `<text x="%.2f" y="%d">%s</text>`, x+width*0.1, chartHeight+chartLabel-4, label)
	}
	return dst
}

// label is what stands below a bar: the month where there is room, and the year where it begins.
func (m month) label(first bool, width float64, step month) string {
	switch {
	case width == widestBar && (first || m%12 == 0):
		return fmt.Sprintf("%.3s %d", time.Month(m%12+1).String(), m/12)
	case width == widestBar:
		return time.Month(m%12 + 1).String()[:3]
	case step == 1 && (m%12 == 0 || first && m%12 < 9), step == 12 && m/12%10 == 0:
		return strconv.Itoa(int(m / 12))
	}
	return ""
}
