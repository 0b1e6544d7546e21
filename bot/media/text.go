package media

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Text reads a text of at most most runes, in UTF-8, in UTF-16 with a mark of its
// byte order, or in GB18030; cut reports whether there was more. It fails with
// ErrNotText, also for what only begins like a text.
func Text(data []byte, most int) (text string, cut bool, err error) {
	text, ok := decoded(data)
	if !ok || !readable(text) {
		return "", false, ErrNotText
	}
	for i := range text {
		if most--; most < 0 {
			return strings.Clone(text[:i]), true, nil
		}
	}
	return text, false, nil
}

func decoded(data []byte) (string, bool) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return wide(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return wide(data[2:], binary.BigEndian)
	case bytes.IndexByte(data, 0) >= 0, isDocument(data), IsPicture(data):
		return "", false
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if utf8.Valid(data) {
		return string(data), true
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	return string(text), err == nil && chinese(text)
}

// wide reads UTF-16.
func wide(data []byte, order binary.ByteOrder) (string, bool) {
	if len(data)%2 != 0 {
		return "", false
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	text := string(utf16.Decode(units))
	return text, !strings.ContainsRune(text, utf8.RuneError)
}

// isDocument tells what is written in letters and still not to be read by people.
func isDocument(data []byte) bool {
	for _, head := range []string{"%PDF-", "%!PS", "{\\rtf"} {
		if bytes.HasPrefix(data, []byte(head)) {
			return true
		}
	}
	return false
}

// chinese reports whether a text that was read as GB18030 is one: in almost
// anything else some byte has no meaning there, or the letters are strange ones.
func chinese(text []byte) bool {
	letters, usual := 0, 0
	for _, r := range string(text) {
		switch {
		case r == utf8.RuneError:
			return false
		case r < 0x80:
			continue
		case unicode.Is(unicode.Han, r) && r < 0xa000, r >= 0x2010 && r < 0x30ff, r >= 0xff00 && r < 0xfff0, r == '·', r == '×', r == '°':
			usual++
		}
		letters++
	}
	return usual*10 >= letters*9
}

// readable reports whether a text has no more control characters than one can
// overlook.
func readable(text string) bool {
	strange := 0
	for _, r := range text {
		switch {
		case r == 0:
			return false
		case r == '\n', r == '\t', r == '\r', r == '\f', r == '\x1b':
		case unicode.IsControl(r), unicode.Is(unicode.Co, r), r >= 0xfffe && r <= 0xffff:
			strange++
		}
	}
	return strange*200 <= len(text)
}
