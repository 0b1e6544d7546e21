package chart

import (
	"image"

	"golang.org/x/image/vector"
)

// Sizes in pixels. WeChat shows the picture about a third as large as it is, so
// that 33 pixels are read as 11 points.
const (
	margin      = 48
	column      = Width - 2*margin // what texts may take
	titleSize   = 60
	summarySize = 42
	legendSize  = 40
	axisSize    = 33
	signSize    = 240 // of the empty picture
)

// block is a part of the picture, as wide as the picture.
type block struct {
	height int
	draw   func(c canvas, top int)
}

// sheet is a picture's blocks from top to bottom.
type sheet []block

func (s sheet) picture() canvas {
	height := 2 * margin
	for _, b := range s {
		height += b.height
	}
	c := newCanvas(height)
	top := margin
	for _, b := range s {
		b.draw(c, top)
		top += b.height
	}
	return c
}

// line is how a text is set.
type line struct {
	size   int
	tone   tone
	rows   int // at most
	centre bool
}

// leading returns the distance between lines of a size.
func leading(size int) int { return size * 7 / 5 }

// paragraph sets a text on one or more lines; nothing if there is no text.
func paragraph(s *scribe, text string, l line) block {
	lines := s.wrap(s.readable(text), l, column)
	return block{height: len(lines) * leading(l.size), draw: func(c canvas, top int) {
		for i, text := range lines {
			x := margin
			if l.centre {
				x += (column - s.width(text, l.size)) / 2
			}
			s.write(c, text, image.Pt(x, top+i*leading(l.size)+l.size), l.size, l.tone)
		}
	}}
}

// allClear is the picture of nothing: a tick in a circle and a text.
func allClear(s *scribe, text string) block {
	const above, between, below = 80, 64, 56
	said := paragraph(s, text, line{size: summarySize, tone: ink, rows: 2, centre: true})
	return block{height: above + signSize + between + said.height + below, draw: func(c canvas, top int) {
		stampSign(c, (Width-signSize)/2, top+above)
		said.draw(c, top+above+signSize+between)
	}}
}

// stampSign draws the tick in its circle at x and y.
func stampSign(c canvas, x, y int) {
	r := vector.NewRasterizer(signSize, signSize)
	const half, thick = signSize / 2, 14
	circle(r, half, half)
	circle(r, half, half-thick)
	at := func(x, y float32) (float32, float32) { return x * signSize, y * signSize }
	r.MoveTo(at(.27, .52))
	for _, p := range [][2]float32{{.315, .475}, {.435, .595}, {.69, .335}, {.735, .38}, {.435, .685}} {
		r.LineTo(at(p[0], p[1]))
	}
	r.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, signSize, signSize))
	r.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	stamp(c, mask, mask.Rect.Add(image.Pt(x, y)), image.Point{}, calm)
}

// circle adds a circle around the middle. The inner one of a ring turns the other way, so that the
// ring is hollow.
func circle(r *vector.Rasterizer, middle, radius float32) {
	const bend = 0.5523 // how a quarter of a circle is approached by a Bézier curve
	turn := float32(1)
	if radius < middle {
		turn = -1
	}
	at := func(x, y float32) (float32, float32) { return middle + x*radius, middle + turn*y*radius }
	curve := func(p [6]float32) {
		ax, ay := at(p[0], p[1])
		bx, by := at(p[2], p[3])
		x, y := at(p[4], p[5])
		r.CubeTo(ax, ay, bx, by, x, y)
	}
	r.MoveTo(at(1, 0))
	for _, p := range [][6]float32{
		{1, bend, bend, 1, 0, 1}, {-bend, 1, -1, bend, -1, 0},
		{-1, -bend, -bend, -1, 0, -1}, {bend, -1, 1, -bend, 1, 0},
	} {
		curve(p)
	}
	r.ClosePath()
}
