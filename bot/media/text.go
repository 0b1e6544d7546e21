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
	const longest = 4 // bytes of a rune, in all of them
	head := data[:min(len(data), longest*(most+1))]
	text, ok := decoded(data, head, most)
	if text, cut = firstRunes(text, most); !ok || !readable(text) || strings.Contains(text, strange) {
		return "", false, ErrNotText
	}
	return text, cut || len(head) < len(data), nil
}

// strange stands for bytes that are no letter.
const strange = "\uFFFE"

// decoded reads head, the beginning of data. What is strange may be so because head
// ends there, after the first most runes.
func decoded(data, head []byte, most int) (text string, ok bool) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return wide(head[2:], binary.LittleEndian), true
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return wide(head[2:], binary.BigEndian), true
	case bytes.IndexByte(data, 0) >= 0, isDocument(data), IsPicture(data):
		return "", false
	}
	text = string(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	if first, _ := firstRunes(text, most); utf8.ValidString(first) {
		return text, true
	}
	gb, err := simplifiedchinese.GB18030.NewDecoder().String(string(head))
	return strings.ReplaceAll(gb, "\uFFFD", strange), err == nil && chinese(gb)
}

// firstRunes cuts a text off.
func firstRunes(text string, most int) (head string, cut bool) {
	for i := range text {
		if most--; most < 0 {
			return strings.Clone(text[:i]), true
		}
	}
	return text, false
}

// wide reads UTF-16.
func wide(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2, len(data)/2+1)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	if len(data)%2 != 0 {
		units = append(units, 0xdc00) // half of one, which is none
	}
	return strings.ReplaceAll(string(utf16.Decode(units)), "\uFFFD", strange)
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
// anything else the letters are strange ones.
func chinese(text string) bool {
	letters, usual := 0, 0
	for _, r := range text {
		switch {
		case r < 0x80:
			continue
		case unicode.Is(unicode.Han, r) && r < 0xa000, r >= 0x2010 && r < 0x30ff, r >= 0xff00 && r < 0xfff0, r == '·', r == '×', r == '°':
			usual++
		}
		letters++
	}
	return usual*10 >= letters*9
}

// readable reports whether a text is one, and has no more control characters than
// one can overlook.
func readable(text string) bool {
	odd := 0
	for _, r := range text {
		switch {
		case r == 0:
			return false
		case r == '\n', r == '\t', r == '\r', r == '\f', r == '\x1b':
		case unicode.IsControl(r), unicode.Is(unicode.Co, r), r >= 0xfffe && r <= 0xffff:
			odd++
		}
	}
	return odd*200 <= len(text)
}
