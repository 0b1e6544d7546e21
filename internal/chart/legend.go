package chart

import "image"

const (
	swatch    = 38 // the legend's little squares
	rowHeight = 68
	ruleSpace = 34 // around the line between failed and rescued

	nameless = "–" // instead of a name in which nothing can be seen
)

// row is one line of the legend.
type row struct {
	name  string
	total int64
	paint func(c canvas, r image.Rectangle) // the swatch; nil in a heading
}

// legend names the colours, the most frequent cause first, with totals; the
// rescued are apart.
func legend(s *scribe, t Trend, f figures) block {
	var failed []row
	if t.FailedName != "" {
		failed = append(failed, row{name: t.FailedName, total: f.total})
	}
	for _, cause := range f.failed {
		failed = append(failed, row{cause.name, cause.total, func(c canvas, r image.Rectangle) {
			c.box(r, cause.tone)
		}})
	}
	saved := row{t.RescuedName, f.rescued.total, func(c canvas, r image.Rectangle) {
		c.hatched(r, rescued, rescuedLight)
	}}
	return block{height: (len(failed)+1)*rowHeight + 2*ruleSpace, draw: func(c canvas, top int) {
		top += ruleSpace / 2
		for _, r := range failed {
			r.draw(s, c, top)
			top += rowHeight
		}
		c.fill(image.Rect(margin, top+ruleSpace/2, Width-margin, top+ruleSpace/2+2), grid)
		saved.draw(s, c, top+ruleSpace)
	}}
}

func (r row) draw(s *scribe, c canvas, top int) {
	const gap = 22
	total := grouped(r.total)
	right := Width - margin - s.width(total, legendSize)
	base := top + rowHeight/2 + legendSize*3/8
	s.write(c, total, image.Pt(right, base), legendSize, ink)
	x, shade := margin, muted
	if r.paint != nil {
		y := top + (rowHeight-swatch)/2
		r.paint(c, image.Rect(x, y, x+swatch, y+swatch))
		x, shade = x+swatch+gap, ink
	}
	name := s.readable(r.name)
	if name == "" {
		name = nameless
	}
	name = s.cut(name, legendSize, right-gap-x)
	s.write(c, name, image.Pt(x, base), legendSize, shade)
}
