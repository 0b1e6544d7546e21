package chart

import "image/color"

// tone is a colour of the picture. Texts have a ramp of shades from paper to
// ink; everything else is flat.
type tone uint8

// The tones of texts, each a ramp of shades from the paper to the full colour.
const (
	none  tone = iota // also the paper
	ink               // titles and numbers
	muted             // axes and summary
	calm              // the sign of an empty picture
	ramps
)

// The flat tones. Those of bars have an edge, which is the tone after the fill.
const (
	grid tone = iota + 1 + (ramps-1)*shades
	axis
	rescued
	rescuedEdge
	rescuedLight
	other
	otherEdge
	firstCause
)

const shades = 32 // of each ramp

// causeTone returns the fill for the i-th most frequent cause.
func causeTone(i int) tone { return firstCause + 2*tone(i) }

func (t tone) edge() tone { return t + 1 }

// palette returns the colours of all tones. The causes' are those of Okabe and
// Ito (2008), which people with any kind of colour blindness can tell apart; each
// has a darker edge, because some are too light on white. Their green is kept for
// the rescued, which are hatched besides.
func palette() color.Palette {
	paper := rgb(0xFFFFFF)
	p := color.Palette{paper}
	for _, end := range []color.RGBA{rgb(0x16191D), rgb(0x545B64), rgb(0x00795A)} {
		for i := 1; i <= shades; i++ {
			p = append(p, mix(paper, end, i, shades))
		}
	}
	p = append(p, rgb(0xE1E4E8), rgb(0x545B64)) // grid, axis
	p = append(p, rgb(0x009E73), rgb(0x00795A), rgb(0xD9F1E8))
	for _, fill := range []color.RGBA{
		rgb(0xCDD1D6), // other
		rgb(0xD55E00), rgb(0x0072B2), rgb(0xE69F00), rgb(0xCC79A7), rgb(0x56B4E9), rgb(0x30343A),
	} {
		p = append(p, fill, mix(rgb(0), fill, 3, 5))
	}
	return p
}

func rgb(hex uint32) color.RGBA {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 0xFF}
}

// mix goes part of the way, part/whole, from one colour to another.
func mix(from, to color.RGBA, part, whole int) color.RGBA {
	between := func(a, b uint8) uint8 { return uint8((int(a)*(whole-part) + int(b)*part) / whole) }
	return color.RGBA{between(from.R, to.R), between(from.G, to.G), between(from.B, to.B), 0xFF}
}
