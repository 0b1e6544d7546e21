package chart

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxText bounds the bytes of a text that are looked at; no line holds as many.
const maxText = 2048

// tidy reduces a text to one line of characters that can be seen: composed,
// without control and direction characters, marks that nothing carries, private
// and unassigned characters, and with single spaces.
func tidy(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	text = norm.NFC.String(strings.ToValidUTF8(text, ""))
	text = strings.Map(visible, text)
	return strings.Join(strings.Fields(text), " ")
}

func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case !unicode.IsGraphic(r), unicode.IsMark(r), r == utf8.RuneError,
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r): // such as Hangul fillers
		return -1
	}
	return r
}

// cut shortens a text to a width in pixels, with an ellipsis if anything is lost.
func (s *scribe) cut(text string, size, width int) string {
	if s.width(text, size) <= width {
		return text
	}
	runes := []rune(text)
	room := width - s.width(s.ellipsis, size)
	n := s.fitting(runes, size, room)
	return strings.TrimRight(string(runes[:n]), " ") + s.ellipsis
}

// fitting returns how many characters fit into a width.
func (s *scribe) fitting(runes []rune, size, width int) int {
	pen := 0
	for i, r := range runes {
		if pen += int(s.advance(r, size)); (pen+63)>>6 > width {
			return i
		}
	}
	return len(runes)
}

// wrap breaks a text into at most rows lines of a width; the last one is cut.
func (s *scribe) wrap(text string, l line, width int) []string {
	var lines []string
	rest := []rune(text)
	for len(rest) > 0 {
		if len(lines) == l.rows-1 {
			return append(lines, s.cut(string(rest), l.size, width))
		}
		n := s.fitting(rest, l.size, width)
		if n < len(rest) {
			n = lastBreak(rest, n, l.centre)
		}
		lines = append(lines, strings.TrimSpace(string(rest[:n])))
		rest = []rune(strings.TrimSpace(string(rest[n:])))
	}
	return lines
}

// lastBreak returns the last place, at or before n, at which a line may end; at
// least 1, so that every line takes something. It may prefer the end of a sentence.
func lastBreak(runes []rune, n int, sentence bool) int {
	for i := n; sentence && i > n/3; i-- {
		if strings.ContainsRune("。！？.!?", runes[i-1]) && mayBreak(runes[i-1], runes[i]) {
			return i
		}
	}
	for i := n; i > 0; i-- {
		if mayBreak(runes[i-1], runes[i]) {
			return i
		}
	}
	return max(n, 1)
}

// mayBreak reports whether a line may end between two characters: at spaces and
// next to Chinese characters and kana, but not before a mark that closes, nor
// after one that opens.
func mayBreak(before, after rune) bool {
	if before == ' ' || after == ' ' {
		return true
	}
	if strings.ContainsRune("、。，．：；！？」』）】》〉”’…ーっッゃゅょャュョ々,.:;!?)]}%·", after) ||
		strings.ContainsRune("「『（【《〈“‘([{", before) {
		return false
	}
	return ideographic(before) || ideographic(after)
}

func ideographic(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}
