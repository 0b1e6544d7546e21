package media

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// scene is a picture whose left upper quarter is red, on blue.
func scene(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{B: 200, G: uint8(x ^ y), A: 255}
			if x < w/2 && y < h/2 {
				c = color.RGBA{R: 250, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withEXIF puts an EXIF segment with an orientation and a place into a JPEG.
func withEXIF(data []byte, turn int) []byte {
	exif := "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(rune(turn)) + "\x00\x00\x00\x00\x00\x00GPS 31.2N 121.5E"
	head := append([]byte("\xff\xd8\xff\xe1"), binary.BigEndian.AppendUint16(nil, uint16(len(exif)+2))...)
	return append(append(head, exif...), data[2:]...)
}

// chunk makes a chunk of a PNG.
func chunk(kind string, body []byte) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(append(c, kind...), body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

// webpDot is one pixel, lossless.
const webpDot = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

func fit(t *testing.T, data []byte) (Picture, image.Image) {
	t.Helper()
	all, err := Fit(data)
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	p := all[0]
	img, kind, err := image.Decode(bytes.NewReader(p.Data))
	if err != nil || "image/"+kind != p.Type {
		t.Fatalf("%s as %s: %v", kind, p.Type, err)
	}
	return p, img
}

// red reports whether a picture is red in a quarter, by which side.
func red(img image.Image, right, below bool) bool {
	b := img.Bounds()
	x, y := b.Dx()/4, b.Dy()/4
	if right {
		x *= 3
	}
	if below {
		y *= 3
	}
	r, g, blue, _ := img.At(x, y).RGBA()
	return r>>8 > 180 && g>>8 < 90 && blue>>8 < 90
}

func TestFitPassesSmallOnes(t *testing.T) {
	plain := asJPEG(t, scene(300, 200))
	for name, data := range map[string][]byte{
		"plain": plain, "place": withEXIF(plain, 1), "trailing": append(bytes.Clone(plain), "GPS of a film"...),
		"gaps":    append([]byte("\xff\xd8\xff\xff\xff\x00\x00GPS"), plain[2:]...),
		"comment": append([]byte("\xff\xd8\xff\xfe\x00\x07GPS 1"), plain[2:]...),
	} {
		p, _ := fit(t, data)
		if !bytes.Equal(p.Data, plain) {
			t.Errorf("%s: %d bytes, want %d", name, len(p.Data), len(plain))
		}
	}
	whole := asPNG(t, scene(300, 200))
	told := append(bytes.Clone(whole[:33]), chunk("tEXt", []byte("Comment\x00GPS"))...)
	told = append(append(told, whole[33:]...), "GPS"...)
	if p, _ := fit(t, told); !bytes.Equal(p.Data, whole) || p.Type != typePNG {
		t.Errorf("a PNG keeps %d bytes, want %d", len(p.Data), len(whole))
	}
}

func TestFitShrinks(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		data       []byte
		w, h       int
		right, low bool
	}{
		"wide":           {asJPEG(t, scene(4032, 1700)), 2016, 850, false, false},
		"tall":           {asJPEG(t, scene(1080, 2340)), 945, 2048, false, false},
		"large PNG":      {asPNG(t, scene(3200, 1300)), 2048, 832, false, false},
		"thin, lying":    {withEXIF(asJPEG(t, scene(9000, 2)), 6), 1, 2048, false, false},
		"lying":          {withEXIF(asJPEG(t, scene(400, 300)), 6), 300, 400, true, false},
		"on its head":    {withEXIF(asJPEG(t, scene(400, 300)), 3), 400, 300, true, true},
		"lying left":     {withEXIF(asJPEG(t, scene(4000, 3000)), 8), 1500, 2000, false, true},
		"mirrored":       {withEXIF(asJPEG(t, scene(400, 300)), 2), 400, 300, true, false},
		"upside down":    {withEXIF(asJPEG(t, scene(400, 300)), 4), 400, 300, false, true},
		"transposed":     {withEXIF(asJPEG(t, scene(400, 300)), 5), 300, 400, false, false},
		"transverse":     {withEXIF(asJPEG(t, scene(400, 300)), 7), 300, 400, true, true},
		"no orientation": {withEXIF(asJPEG(t, scene(400, 300)), 9), 400, 300, false, false},
	} {
		p, img := fit(t, x.data)
		if got := img.Bounds().Size(); got != image.Pt(x.w, x.h) || len(p.Data) > maxPassing+maxPassing/4 {
			t.Errorf("%s: %v, %d bytes", name, got, len(p.Data))
		}
		if min(x.w, x.h) > 4 && !red(img, x.right, x.low) {
			t.Errorf("%s: not where it should be", name)
		}
		if bytes.Contains(p.Data, []byte("GPS")) {
			t.Errorf("%s: says where it was taken", name)
		}
	}
}

// TestFitCutsLongOnes, as of a scrolled screen, so that they can be read.
func TestFitCutsLongOnes(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		data []byte
		want []image.Point
	}{
		"screen":    {asPNG(t, scene(1080, 8000)), []image.Point{{810, 2048}, {809, 2048}, {829, 2048}}},
		"two":       {asJPEG(t, scene(1080, 5000)), []image.Point{{862, 2048}, {884, 2048}}},
		"panorama":  {asJPEG(t, scene(4100, 500)), []image.Point{{1430, 500}, {1431, 500}, {1367, 500}}},
		"thin":      {asPNG(t, scene(9000, 2)), []image.Point{{2048, 1}, {2048, 1}, {2048, 1}}},
		"not large": {asPNG(t, scene(100, 2000)), []image.Point{{100, 2000}}},
	} {
		all, err := Fit(x.data)
		var got []image.Point
		for _, p := range all {
			c, _, err := image.DecodeConfig(bytes.NewReader(p.Data))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, image.Pt(c.Width, c.Height))
		}
		if err != nil || !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v; %v", name, got, x.want, err)
		}
		if first, _ := jpeg.Decode(bytes.NewReader(all[0].Data)); name == "screen" && !red(first, false, true) {
			t.Error("the first piece is not the beginning")
		}
	}
}

func TestFitTurnsOthersIntoJPEG(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := gif.Encode(&b, scene(100, 80), nil); err != nil {
		t.Fatal(err)
	}
	if p, img := fit(t, b.Bytes()); p.Type != typeJPEG || !red(img, false, false) {
		t.Error("a GIF", p.Type)
	}
	dot, err := base64.StdEncoding.DecodeString(webpDot)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := fit(t, dot); p.Type != typeJPEG {
		t.Error("a WebP", p.Type)
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 3000, 1500))
	if _, img := fit(t, asPNG(t, clear)); !isWhite(img.At(9, 9)) {
		t.Error("what is transparent is not white:", img.At(9, 9))
	}
}

func isWhite(c color.Color) bool {
	r, g, b, _ := c.RGBA()
	return min(r, g, b) > 0xfa00
}

// claim makes the head of a JPEG that claims a size.
func claim(w, h int, mark byte, sampling ...byte) []byte {
	body := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(len(sampling))}
	for i, s := range sampling {
		body = append(body, byte(i+1), s, 0)
	}
	head := append([]byte{0xff, 0xd8, 0xff, mark}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))...)
	head = append(head, body...)
	return append(head, "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00\x00\xff\xd9"...)
}

// TestBombs are small and claim much. What they may cost is counted.
func TestBombs(t *testing.T) {
	huge := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", []byte("\x00\x00\xea\x60\x00\x00\xea\x60\x08\x06\x00\x00\x00"))...)
	huge = append(append(huge, chunk("IDAT", []byte("x"))...), chunk("IEND", nil)...)
	deep := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", []byte("\x00\x00\x0f\x00\x00\x00\x10\x00\x10\x06\x00\x00\x00"))...)
	deep = append(append(deep, chunk("IDAT", []byte("x"))...), chunk("IEND", nil)...)
	scans := asJPEG(t, scene(3000, 300))
	end := bytes.LastIndex(scans, []byte("\xff\xd9"))
	start := bytes.Index(scans, []byte("\xff\xda"))
	scans = append(scans[:end:end], bytes.Repeat(append(bytes.Clone(scans[start:start+14]), 0), 500)...)
	for name, x := range map[string]struct {
		data []byte
		want error
	}{
		"PNG of 60,000 by 60,000":  {huge, ErrTooLarge},
		"PNG of 16 bits a colour":  {deep, ErrTooLarge},
		"JPEG of 65,500 by 65,500": {claim(65500, 65500, 0xc0, 0x22, 0x11, 0x11), ErrTooLarge},
		"progressive JPEG":         {claim(3900, 4000, 0xc2, 0x11, 0x11, 0x11), ErrTooLarge},
		"JPEG for print":           {claim(3900, 4000, 0xc2, 0x11, 0x11, 0x11, 0x11), ErrTooLarge},
		"thousands of scans":       {scans, ErrUnreadable},
		"GIF of 65,535 by 65,535":  {[]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02"), ErrTooLarge},
		"PNG of nothing":           {[]byte("\x89PNG\r\n\x1a\n"), ErrUnreadable},
		"HEIC":                     {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), ErrUnreadable},
		"TIFF":                     {[]byte("II*\x00\x08\x00\x00\x00\x00\x00"), ErrUnreadable},
		"a page":                   {[]byte("<html>gone</html>"), ErrUnreadable},
		"nothing":                  {nil, ErrUnreadable},
		"two frames":               {append(claim(10, 10, 0xc0, 0x11)[:13], claim(60000, 60000, 0xc0, 0x11)[2:]...), ErrUnreadable},
		"no blocks":                {claim(10, 10, 0xc0, 0x01), ErrUnreadable},
		"lossless JPEG":            {claim(10, 10, 0xc3, 0x11), ErrUnreadable},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Fit(x.data)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
			t.Errorf("%s takes %d bytes", name, took)
		}
	}
}

// TestBroken cuts pictures off and turns bytes of them.
func TestBroken(t *testing.T) {
	dot, _ := base64.StdEncoding.DecodeString(webpDot)
	for _, whole := range [][]byte{withEXIF(asJPEG(t, scene(40, 30)), 6), asPNG(t, scene(40, 30)), dot} {
		for n := range whole {
			_, _ = Fit(whole[:n])
			for _, b := range []byte{0, 1, 0x7f, 0xff} {
				broken := bytes.Clone(whole)
				broken[n] = b
				if p, err := Fit(broken); err == nil && (len(p) == 0 || len(p[0].Data) == 0 || p[0].Type == "") {
					t.Fatal("nothing, without an error")
				}
			}
		}
	}
}

func FuzzFit(f *testing.F) {
	dot, _ := base64.StdEncoding.DecodeString(webpDot)
	for _, seed := range [][]byte{withEXIF(asJPEG(f, scene(20, 10)), 6), asPNG(f, scene(20, 10)), dot, claim(3000, 10, 0xc2, 0x22, 0x11, 0x11)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		defer func() {
			if v := recover(); v != nil && formatOf(data) != webpFormat {
				t.Fatal(v)
			}
		}()
		all, err := Fit(data)
		if (err == nil) != (len(all) > 0) || len(all) > maxPieces {
			t.Fatalf("%d pictures, %v", len(all), err)
		}
		for _, p := range all {
			if len(p.Data) == 0 || len(p.Data) > 5<<20 || !strings.HasPrefix(p.Type, "image/") {
				t.Fatalf("%d bytes of %q", len(p.Data), p.Type)
			}
		}
	})
}

// BenchmarkFit makes a picture of 12 million pixels small, as phones take them.
func BenchmarkFit(b *testing.B) {
	data := asJPEG(b, scene(4032, 3024))
	b.ReportAllocs()
	b.ReportMetric(float64(len(data)), "bytes")
	for b.Loop() {
		if _, err := Fit(data); err != nil {
			b.Fatal(err)
		}
	}
}
