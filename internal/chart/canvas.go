package chart

import (
	"image"
)

// canvas is a picture of one byte per pixel: what is drawn has few colours, and
// a quarter of the memory does.
type canvas struct{ *image.Paletted }

func newCanvas(height int) canvas {
	return canvas{image.NewPaletted(image.Rect(0, 0, Width, height), palette())}
}

// fill paints a rectangle flat.
func (c canvas) fill(r image.Rectangle, t tone) {
	r = r.Intersect(c.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := c.Pix[c.PixOffset(r.Min.X, y):c.PixOffset(r.Max.X, y)]
		for i := range row {
			row[i] = uint8(t)
		}
	}
}

// box paints a rectangle with an edge around it, as thick as its size allows.
func (c canvas) box(r image.Rectangle, t tone) {
	c.fill(r, t.edge())
	c.fill(inside(r), t)
}

// hatched paints a rectangle with slanting stripes and an edge; flat if it is too
// small for stripes.
func (c canvas) hatched(r image.Rectangle, t, between tone) {
	if min(r.Dx(), r.Dy()) < 8 {
		c.fill(r, t)
		return
	}
	c.fill(r, t.edge())
	r = inside(r).Intersect(c.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			stripe := t
			if (x+y)%16 >= 8 {
				stripe = between
			}
			c.Pix[c.PixOffset(x, y)] = uint8(stripe)
		}
	}
}

// inside leaves out the edge.
func inside(r image.Rectangle) image.Rectangle {
	edge := 2
	switch short := min(r.Dx(), r.Dy()); {
	case short < 5:
		edge = 0
	case short < 14:
		edge = 1
	}
	return r.Inset(edge)
}

// shade paints one pixel of a text: how much of it is covered, 0 to 255.
func (c canvas) shade(x, y int, t tone, covered uint8) {
	level := (int(covered)*shades + 127) / 255
	if level == 0 || !image.Pt(x, y).In(c.Rect) {
		return
	}
	first := 1 + int(t-1)*shades
	at := c.PixOffset(x, y)
	if old := int(c.Pix[at]); old >= first && old >= first+level-1 && old < first+shades {
		return // letters may overlap; the darker pixel stays
	}
	c.Pix[at] = uint8(first + level - 1)
}
