// Package media makes of a picture or a file that somebody sent what a model can
// be given. The bytes are anybody's: nothing is decoded before its cost is known,
// nothing is believed of names, and what describes a picture besides what is seen
// on it (where it was taken, with what) is taken out. It opens no files and no
// sockets.
package media

import (
	"bytes"
	"errors"
)

// Why something cannot be given to a model.
var (
	ErrUnreadable = errors.New("a picture that is broken, or of a kind that services do not read")
	ErrTooLarge   = errors.New("a picture that takes too much memory")
	ErrNotText    = errors.New("not a text")
)

// The media types of pictures that are passed on.
const (
	typeJPEG = "image/jpeg"
	typePNG  = "image/png"
)

// Picture is a picture as services take it.
type Picture struct {
	Type string // image/jpeg or image/png
	Data []byte
}

// format is a kind of picture, told by its first bytes.
type format int

const (
	none format = iota
	jpegFormat
	pngFormat
	gifFormat
	webpFormat
	foreign // a picture that we do not decode, as those of phones and scanners
)

// IsPicture reports whether data looks like a picture, of whatever kind.
func IsPicture(data []byte) bool { return formatOf(data) != none }

func formatOf(data []byte) format {
	begins := func(s string) bool { return bytes.HasPrefix(data, []byte(s)) }
	switch {
	case begins("\xff\xd8\xff"):
		return jpegFormat
	case begins("\x89PNG\r\n\x1a\n"):
		return pngFormat
	case begins("GIF87a"), begins("GIF89a"):
		return gifFormat
	case begins("RIFF") && len(data) >= 12 && string(data[8:12]) == "WEBP":
		return webpFormat
	case begins("II*\x00"), begins("MM\x00*"), isHEIF(data), isBMP(data):
		return foreign
	}
	return none
}

// isHEIF tells HEIC and AVIF by the brand of their container.
func isHEIF(data []byte) bool {
	if len(data) < 12 || string(data[4:8]) != "ftyp" {
		return false
	}
	switch string(data[8:12]) {
	case "heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1", "avif", "avis":
		return true
	}
	return false
}

// isBMP wants more than two letters, which texts begin with, too.
func isBMP(data []byte) bool {
	return len(data) >= 14 && string(data[:2]) == "BM" && bytes.Equal(data[6:10], make([]byte, 4))
}
