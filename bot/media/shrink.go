package media

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"

	"golang.org/x/image/draw"
)

const (
	maxPieces = 3
	slender   = 5 // halves: a picture so many times as long as wide is cut
	overlap   = 64
)

// pieces cuts a long picture, which would be nothing but grey once it is small. What
// is said to lie on its side was taken by a camera, and is not long.
func pieces(img image.Image, turn int) []image.Image {
	whole := img.Bounds()
	w, h := whole.Dx(), whole.Dy()
	long, short := max(w, h), min(w, h)
	cuttable, ok := img.(interface {
		SubImage(image.Rectangle) image.Image
	})
	if !ok || turn != 1 || long <= maxSide || 2*long < slender*short {
		return []image.Image{img}
	}
	n := min(maxPieces, (2*long+slender*short-1)/(slender*short))
	all := make([]image.Image, n)
	for i := range all {
		from, to := long*i/n, min(long, long*(i+1)/n+overlap)
		cut := image.Rect(0, from, w, to)
		if w > h {
			cut = image.Rect(from, 0, to, h)
		}
		all[i] = cuttable.SubImage(cut.Add(whole.Min))
	}
	return all
}

// shrunk returns a picture of at most side pixels each way, on white. Most of the
// way it goes by whole factors, a strip at a time, so that no large copy is needed.
func shrunk(img image.Image, side int) *image.RGBA {
	size := img.Bounds().Size()
	most := max(size.X, size.Y)
	// Of what is nearly twice too large, the half is as good as a little more of it.
	if k := most * 11 / 10 / side; k > 1 {
		img = reduced(img, k)
		size = img.Bounds().Size()
		most = max(size.X, size.Y)
	}
	if most > side {
		size = image.Pt(max(1, size.X*side/most), max(1, size.Y*side/most))
	}
	if small, ok := img.(*image.RGBA); ok && small.Bounds().Size() == size && small.Opaque() {
		return small
	}
	small := white(size)
	if size == img.Bounds().Size() {
		draw.Draw(small, small.Bounds(), img, img.Bounds().Min, draw.Over)
	} else {
		draw.ApproxBiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Over, nil)
	}
	return small
}

func white(size image.Point) *image.RGBA {
	r := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(r, r.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	return r
}

// reduced returns a picture in which each pixel is the mean of k by k.
func reduced(img image.Image, k int) *image.RGBA {
	from := img.Bounds()
	to := image.NewRGBA(image.Rect(0, 0, max(1, from.Dx()/k), max(1, from.Dy()/k)))
	strip := image.NewRGBA(image.Rect(0, 0, from.Dx(), k))
	for y := range to.Rect.Dy() {
		draw.Draw(strip, strip.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
		rows := min(k, from.Dy()-y*k)
		draw.Draw(strip, image.Rect(0, 0, from.Dx(), rows), img, from.Min.Add(image.Pt(0, y*k)), draw.Over)
		mean(to.Pix[y*to.Stride:(y+1)*to.Stride], strip, k, rows)
	}
	return to
}

// mean writes the means of the squares of a strip.
func mean(to []byte, strip *image.RGBA, k, rows int) {
	for x := 0; 4*x < len(to); x++ {
		columns := min(k, strip.Rect.Dx()-x*k)
		var r, g, b, n int
		for row := range rows {
			at := row*strip.Stride + 4*x*k
			for p := strip.Pix[at : at+4*columns]; len(p) >= 4; p = p[4:] {
				r, g, b, n = r+int(p[0]), g+int(p[1]), b+int(p[2]), n+1
			}
		}
		to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = byte(r/n), byte(g/n), byte(b/n), 255
	}
}

// turned turns a picture as EXIF's orientation says; see jpegSegments.
func turned(img *image.RGBA, turn int) *image.RGBA {
	if turn <= 1 || turn > 8 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	size := image.Pt(w, h)
	if turn >= 5 {
		size = image.Pt(h, w)
	}
	to := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			fx, fy := source(turn, x, y, w, h)
			copy(to.Pix[y*to.Stride+4*x:][:4], img.Pix[fy*img.Stride+4*fx:][:4])
		}
	}
	return to
}

// source is where a pixel of the turned picture is in the one of w by h pixels.
func source(turn, x, y, w, h int) (fx, fy int) {
	switch turn {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	default:
		return w - 1 - y, x
	}
}

// encode writes a JPEG, of about maxPassing bytes at most.
func encode(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	for _, quality := range []int{85, 70, 50} {
		b.Reset()
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		if b.Len() <= maxPassing {
			break
		}
	}
	return bytes.Clone(b.Bytes()), nil
}
