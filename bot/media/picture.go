package media

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

const (
	maxPixels  = 16_000_000 // of a picture that is decoded: cameras of phones make 12 million
	maxCost    = 96 << 20   // bytes that decoding may take
	maxSide    = 2048       // pixels; services make more than this smaller, too
	maxPassing = 1 << 20    // bytes of a picture that is passed on as it is
)

// Fit makes a picture fit for a service: a JPEG or PNG of at most about 1 MiB and
// 2,048 pixels a side, upright, of which nothing is left but what is seen. A long
// one, as of a scrolled screen, comes in up to three pieces, from its beginning to
// its end. A small one is not decoded. It fails with ErrUnreadable or ErrTooLarge,
// before it takes more than some 130 MB of memory.
func Fit(data []byte) ([]Picture, error) {
	h, err := head(data)
	if err != nil {
		return nil, err
	}
	if h.passes() {
		return []Picture{{h.media, bytes.Clone(h.clean)}}, nil
	}
	if int64(h.width)*int64(h.height) > maxPixels || h.cost > maxCost {
		return nil, ErrTooLarge
	}
	img, err := h.decode(bytes.NewReader(data))
	if err != nil {
		return nil, ErrUnreadable
	}
	var all []Picture
	for _, piece := range pieces(img, h.turn) {
		small, err := encode(turned(shrunk(piece, maxSide), h.turn))
		if err != nil {
			return nil, ErrUnreadable
		}
		all = append(all, Picture{typeJPEG, small})
	}
	return all, nil
}

// header is what is known of a picture before it is decoded.
type header struct {
	width, height int
	cost          int64 // bytes that decoding takes
	turn          int   // see jpegSegments
	media         string
	clean         []byte // what could be passed on; nil: nothing
	decode        func(io.Reader) (image.Image, error)
}

// passes reports whether a picture need not be decoded.
func (h *header) passes() bool {
	return h.clean != nil && len(h.clean) <= maxPassing && max(h.width, h.height) <= maxSide && h.turn == 1
}

func head(data []byte) (header, error) {
	switch formatOf(data) {
	case jpegFormat:
		return headJPEG(data)
	case pngFormat:
		return headOther(data, cleanPNG(data), png.DecodeConfig, png.Decode)
	case gifFormat:
		return headOther(data, nil, gif.DecodeConfig, gif.Decode)
	case webpFormat:
		return headOther(data, nil, webp.DecodeConfig, webp.Decode)
	}
	return header{}, ErrUnreadable
}

func headJPEG(data []byte) (header, error) {
	s, ok := readJPEG(data)
	if !ok || s.scans > maxScans {
		return header{}, ErrUnreadable
	}
	return header{s.width, s.height, s.cost(), s.turn, typeJPEG, s.clean, jpeg.Decode}, nil
}

// headOther reads the head of a picture that is not a JPEG. clean is passed on if it
// is small; nil: it never is.
func headOther(data, clean []byte, config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) (header, error) {
	c, err := config(bytes.NewReader(data))
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return header{}, ErrUnreadable
	}
	cost := int64(c.Width) * int64(c.Height) * pixel(c.ColorModel)
	return header{c.Width, c.Height, cost, 1, typePNG, clean, decode}, nil
}

// pixel is how many bytes one takes, at most, while it is decoded.
func pixel(m color.Model) int64 {
	switch m {
	case color.GrayModel:
		return 1
	case color.Gray16Model:
		return 2
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	return 4
}
