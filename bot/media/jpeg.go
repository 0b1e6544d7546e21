package media

import (
	"bytes"
	"encoding/binary"
)

// maxScans bounds the scans of a JPEG. Cameras and programs write at most some ten;
// each costs the time of a whole picture, and takes a few bytes.
const maxScans = 64

// jpegSegments is what the segments of a JPEG say.
type jpegSegments struct {
	width, height int
	samples       int64 // of all components, padded to whole blocks
	components    int
	progressive   bool
	scans         int
	turn          int    // the orientation EXIF asks for, 1 to 8
	clean         []byte // the picture without what is not seen of it
}

// The markers of JPEG that matter here.
const (
	markSOI, markEOI, markSOS = 0xd8, 0xd9, 0xda
	markSOF0, markSOF2        = 0xc0, 0xc2
	markAPP0, markAPP1        = 0xe0, 0xe1
	markAPP14, markAPP15      = 0xee, 0xef
	markRST0, markRST7        = 0xd0, 0xd7
	markCOM                   = 0xfe
)

// readJPEG goes through the segments of a JPEG, to its end; ok is false for one
// that is broken before its first scan.
func readJPEG(data []byte) (s jpegSegments, ok bool) {
	s.turn = 1
	s.clean = append(make([]byte, 0, len(data)), data[:2]...)
	for rest := data[2:]; ; {
		mark, whole, after, more := segment(rest)
		if !more {
			return s, s.scans > 0 && s.width > 0
		}
		if !s.take(mark, whole[min(4, len(whole)):]) {
			return s, false
		}
		if !hidden(mark) {
			s.clean = append(s.clean, whole...)
		}
		if mark == markEOI || s.scans > maxScans {
			return s, s.scans > 0 && s.width > 0
		}
		rest = after
		if mark == markSOS {
			n := entropy(rest)
			s.clean = append(s.clean, rest[:n]...)
			rest = rest[n:]
		}
	}
}

// hidden reports whether a segment describes the picture, and is not needed to see
// it: EXIF, colour profiles, thumbnails, comments.
func hidden(mark byte) bool {
	return mark >= markAPP1 && mark <= markAPP15 && mark != markAPP14 || mark == markCOM
}

// segment cuts the next segment off. What is between segments is skipped, as
// decoders do.
func segment(data []byte) (mark byte, whole, rest []byte, ok bool) {
	for {
		k := bytes.IndexByte(data, 0xff)
		if k < 0 || k+1 >= len(data) {
			return 0, nil, nil, false
		}
		if data = data[k:]; data[1] != 0 && data[1] != 0xff {
			break
		}
		data = data[1:]
	}
	if mark = data[1]; mark == markEOI || mark >= markRST0 && mark <= markRST7 {
		return mark, data[:2], data[2:], true
	}
	if len(data) < 4 {
		return 0, nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(data[2:])) + 2
	if n < 4 || len(data) < n {
		return 0, nil, nil, false
	}
	return mark, data[:n], data[n:], true
}

// entropy returns how long the coded data is that data begins with.
func entropy(data []byte) int {
	for n := 0; ; n++ {
		k := bytes.IndexByte(data[n:], 0xff)
		if k < 0 || n+k+1 >= len(data) {
			return len(data)
		}
		n += k
		if next := data[n+1]; next != 0 && next != 0xff && (next < markRST0 || next > markRST7) {
			return n
		}
	}
}

// take notes what a segment says, and reports whether it can be.
func (s *jpegSegments) take(mark byte, body []byte) bool {
	switch {
	case mark == markSOS:
		s.scans++
	case mark == markAPP1:
		if turn := exifTurn(body); turn > 0 {
			s.turn = turn
		}
	case mark >= markSOF0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8 && mark != 0xcc:
		return s.frame(mark, body)
	}
	return true
}

// frame reads the header of a frame. There is one in a picture.
func (s *jpegSegments) frame(mark byte, body []byte) bool {
	if s.width > 0 || len(body) < 6 || mark > markSOF2 {
		return false
	}
	s.height, s.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	s.components, s.progressive = int(body[5]), mark == markSOF2
	if s.width == 0 || s.height == 0 || s.components < 1 || s.components > 4 || len(body) < 6+3*s.components {
		return false
	}
	h, v, units := 1, 1, 0
	for i := range s.components {
		x, y := int(body[7+3*i]>>4), int(body[7+3*i]&15)
		if x < 1 || x > 4 || y < 1 || y > 4 {
			return false
		}
		h, v, units = max(h, x), max(v, y), units+x*y
	}
	s.samples = int64((s.width+8*h-1)/(8*h)) * int64((s.height+8*v-1)/(8*v)) * int64(units) * 64
	return true
}

// cost is how many bytes it takes to decode the picture with image/jpeg: the
// samples, the coefficients of all of them where it is progressive, and a copy in
// other colours for print.
func (s *jpegSegments) cost() int64 {
	cost := s.samples
	if s.progressive {
		cost += 4 * s.samples
	}
	if s.components == 4 {
		cost += 4 * int64(s.width) * int64(s.height)
	}
	return cost
}

// exifTurn reads the orientation in an EXIF segment; 0 if there is none.
func exifTurn(body []byte) int {
	tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00"))
	if !ok || len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 0
	}
	const orientation, size = 0x0112, 12 // bytes of an entry
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < size {
			return 0
		}
		if order.Uint16(entries) == orientation {
			if turn := int(order.Uint16(entries[8:])); turn >= 1 && turn <= 8 {
				return turn
			}
			return 0
		}
		entries = entries[size:]
	}
	return 0
}
