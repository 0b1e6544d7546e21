package chart

import (
	_ "embed"
	"fmt"
	"image"
	"strings"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/language"
)

//go:embed font/NotoSansCJK-Medium.subset.otf
var typeface []byte // never written to

// scribe measures and writes texts in one language. It is used by one picture.
type scribe struct {
	faces    map[int]*opentype.Face // by size in pixels
	font     *opentype.Font
	ellipsis string
	regional rune // where the typeface keeps this language's shapes of a character
}

func newScribe(lang string) (*scribe, error) {
	f, err := opentype.Parse(typeface)
	if err != nil {
		return nil, fmt.Errorf("read typeface: %w", err)
	}
	s := &scribe{faces: map[int]*opentype.Face{}, font: f, regional: regional(lang)}
	s.ellipsis = s.readable("…")
	return s, nil
}

// Where the subset keeps regional shapes: to be added to a character. Western is
// Korean's too.
const (
	simplified  rune = 0
	western     rune = 0xD0000
	japanese    rune = 0xF0000
	traditional rune = 0x100000
)

// regional returns what is to be added to a character to find its shape in a
// language; font/README.md says how they came there.
func regional(lang string) rune {
	tag, _ := language.Parse(lang)
	base, _ := tag.Base()
	script, _ := tag.Script()
	switch {
	case base.String() == "ja":
		return japanese
	case script.String() == "Hant":
		return traditional
	case base.String() == "zh":
		return simplified
	}
	return western
}

// face returns the typeface at a size in pixels.
func (s *scribe) face(size int) *opentype.Face {
	if f, ok := s.faces[size]; ok {
		return f
	}
	options := &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingNone}
	made, _ := opentype.NewFace(s.font, options) // its error is always nil
	f, _ := made.(*opentype.Face)
	s.faces[size] = f
	return f
}

// place returns the character under which the typeface has the right shape of r.
func (s *scribe) place(r rune) rune {
	if s.regional != simplified && r <= 0xFFFF && s.has(s.regional+r) {
		return s.regional + r
	}
	return r
}

func (s *scribe) has(r rune) bool {
	x, err := s.font.GlyphIndex(nil, r)
	return err == nil && x != 0
}

// readable makes a text fit to be written: tidied, and without signs that the
// typeface lacks. Letters that it lacks stay, to be drawn as boxes.
func (s *scribe) readable(text string) string {
	if s.regional == western {
		text = strings.ReplaceAll(text, "…", "...") // theirs stands on the line
	}
	var kept []rune
	for _, r := range tidy(text) {
		if s.has(r) || !unicode.IsSymbol(r) {
			kept = append(kept, r)
		}
	}
	return tidy(string(kept))
}

// advance returns how far a character moves the pen.
func (s *scribe) advance(r rune, size int) fixed.Int26_6 {
	a, _ := s.face(size).GlyphAdvance(s.place(r))
	return a
}

// width returns the width of a text in pixels, rounded up.
func (s *scribe) width(text string, size int) int {
	var w fixed.Int26_6
	for _, r := range text {
		w += s.advance(r, size)
	}
	return w.Ceil()
}

// write draws a text whose first character starts at x and stands on y.
func (s *scribe) write(c canvas, text string, at image.Point, size int, t tone) {
	pen := fixed.P(at.X, at.Y)
	for _, r := range text {
		area, mask, from, advance, _ := s.face(size).Glyph(pen, s.place(r))
		if letter, ok := mask.(*image.Alpha); ok {
			stamp(c, letter, area, from, t)
		}
		pen.X += advance
	}
}

// stamp copies a letter's coverage to an area of the canvas.
func stamp(c canvas, letter *image.Alpha, area image.Rectangle, from image.Point, t tone) {
	for y := range area.Dy() {
		for x := range area.Dx() {
			covered := letter.AlphaAt(from.X+x, from.Y+y).A
			c.shade(area.Min.X+x, area.Min.Y+y, t, covered)
		}
	}
}
