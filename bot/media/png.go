package media

import "encoding/binary"

// pngHead is how long a PNG's signature is.
const pngHead = 8

// cleanPNG returns a PNG without what describes it: texts, times, EXIF, further
// frames, and what comes after its end. A broken one is returned as it is.
func cleanPNG(data []byte) []byte {
	clean := append(make([]byte, 0, len(data)), data[:pngHead]...)
	for rest := data[pngHead:]; len(rest) >= 12; {
		n := int64(binary.BigEndian.Uint32(rest)) + 12
		if n > int64(len(rest)) {
			break
		}
		kind := string(rest[4:8])
		if seen(kind) {
			clean = append(clean, rest[:n]...)
		}
		if rest = rest[n:]; kind == "IEND" {
			return clean
		}
	}
	return data
}

// seen reports whether a chunk of a PNG has a part in how it looks.
func seen(kind string) bool {
	switch kind {
	case "tRNS", "gAMA", "sRGB", "cHRM", "sBIT", "pHYs":
		return true
	}
	return kind[0] >= 'A' && kind[0] <= 'Z' // without it, it cannot be drawn
}
