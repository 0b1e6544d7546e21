package chart

import (
	"image/color"
	"math"
	"testing"
)

// light is a colour in linear light.
type light [3]float64

func lightOf(c color.Color) light {
	r, g, b, _ := c.RGBA()
	var l light
	for i, v := range []uint32{r, g, b} {
		s := float64(v) / 0xFFFF
		if l[i] = s / 12.92; s > 0.04045 {
			l[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return l
}

// seen returns what an eye sees that mixes red, green and blue so.
func (l light) seen(eye [3]light) light {
	var s light
	for i, row := range eye {
		s[i] = min(max(row[0]*l[0]+row[1]*l[1]+row[2]*l[2], 0), 1)
	}
	return s
}

func (l light) luminance() float64 { return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2] }

// lab returns CIE L*a*b* for a white of D65.
func (l light) lab() light {
	f := func(t float64) float64 {
		if t > 0.008856 {
			return math.Cbrt(t)
		}
		return 7.787*t + 16.0/116
	}
	x := f((0.4124*l[0] + 0.3576*l[1] + 0.1805*l[2]) / 0.95047)
	y := f(l.luminance())
	z := f((0.0193*l[0] + 0.1192*l[1] + 0.9505*l[2]) / 1.08883)
	return light{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func distance(a, b light) float64 {
	a, b = a.lab(), b.lab()
	return math.Sqrt(math.Pow(a[0]-b[0], 2) + math.Pow(a[1]-b[1], 2) + math.Pow(a[2]-b[2], 2))
}

// eyes are the usual one and those without one kind of cone (Machado, Oliveira
// and Fernandes, 2009).
func eyes() map[string][3]light {
	return map[string][3]light{
		"usual":        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
		"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
		"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
		"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
	}
}

// TestColoursDiffer holds that any eye can tell the causes apart.
func TestColoursDiffer(t *testing.T) {
	p := palette()
	fills := []tone{other}
	for i := range MaxShown {
		fills = append(fills, causeTone(i))
	}
	for name, eye := range eyes() {
		for i, a := range fills {
			for _, b := range fills[:i] {
				if d := distance(lightOf(p[a]).seen(eye), lightOf(p[b]).seen(eye)); d < 15 {
					t.Errorf("%s: tones %d and %d are %.1f apart", name, a, b, d)
				}
			}
		}
	}
}

// TestContrast follows WCAG 2: 4.5 for texts and 3 for what is not text.
func TestContrast(t *testing.T) {
	p := palette()
	if len(p) > 256 || len(p) != int(causeTone(MaxShown)) {
		t.Fatalf("%d colours", len(p))
	}
	wants := map[tone]float64{axis: 3, rescuedEdge: 3, otherEdge: 3}
	for _, text := range []tone{ink, muted, calm} {
		wants[text*shades] = 4.5
	}
	for i := range MaxShown {
		wants[causeTone(i).edge()] = 3
	}
	for at, want := range wants {
		if c := 1.05 / (lightOf(p[at]).luminance() + 0.05); c < want {
			t.Errorf("tone %d has a contrast of %.2f on paper", at, c)
		}
	}
}
