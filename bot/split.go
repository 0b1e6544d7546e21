package bot

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// limits is how much text a channel takes.
type limits struct {
	runes, bytes int // of one part
	parts        int // of one reply
}

// maxParts bounds a reply where the channel does not: more bubbles in a row are
// no answer but a flood, and put the account at risk.
const maxParts = 12

func limitsOf(t Traits) limits {
	l := limits{runes: t.PartRunes, bytes: t.PartBytes, parts: t.RepliesPerMessage}
	if l.runes <= 0 {
		l.runes = 1800
	}
	if l.bytes <= 0 {
		l.bytes = 3 * l.runes
	}
	if l.parts <= 0 || l.parts > maxParts {
		l.parts = maxParts
	}
	return l
}

// numberRoom is what "\n(12/12)" takes, in runes and bytes.
const numberRoom = 8

// split cuts text into parts that a channel takes, each numbered when there are
// several. If the channel's parts do not suffice, the last one ends with notice, and
// what had no room is the rest.
func split(text string, l limits, notice string) (parts []string, rest string) {
	if fit(text, l.runes, l.bytes) == len(text) {
		return []string{text}, ""
	}
	runes, bytes := l.runes-numberRoom, l.bytes-numberRoom
	if l.parts == 1 {
		runes, bytes = l.runes, l.bytes
	}
	last := ""
	for text != "" && len(parts) < l.parts {
		head, after := cutPart(text, runes, bytes)
		parts, last, text = append(parts, head), text, after
	}
	if text != "" {
		parts[len(parts)-1], rest = shorten(last, runes, bytes, notice)
	}
	return number(parts), rest
}

func number(parts []string) []string {
	if len(parts) == 1 {
		return parts
	}
	for i := range parts {
		parts[i] = fmt.Sprintf("%s\n(%d/%d)", parts[i], i+1, len(parts))
	}
	return parts
}

// shorten returns the start of s, with room for notice below, and what follows it.
func shorten(s string, runes, bytes int, notice string) (head, rest string) {
	room, size := runes-utf8.RuneCountInString(notice)-1, bytes-len(notice)-1
	if notice == "" || room < 1 || size < utf8.UTFMax {
		return cutPart(s, runes, bytes)
	}
	head, rest = cutPart(s, room, size)
	return head + "\n" + notice, rest
}

// cutPart returns the longest start of text that is within the limits and ends
// where a reader would pause, and what follows it.
func cutPart(text string, runes, bytes int) (head, rest string) {
	n := fit(text, runes, bytes)
	if n == len(text) {
		return text, ""
	}
	at := pause(text, n)
	head = strings.TrimRightFunc(text[:at], unicode.IsSpace)
	if head == "" { // nothing but space
		head = text[:at]
	}
	return head, strings.TrimLeft(text[at:], "\n")
}

// fit returns how many bytes of s, in whole runes, are within the limits: at
// least one rune.
func fit(s string, runes, bytes int) int {
	if len(s) <= bytes && len(s) <= runes {
		return len(s)
	}
	n := 0
	for i, r := range s {
		end := i + utf8.RuneLen(r)
		if n++; i > 0 && (n > runes || end > bytes) {
			return i
		}
	}
	return len(s)
}

// pause returns the best place to cut text at or before n: after a paragraph, a
// line, a sentence, a word; at worst between two characters.
func pause(text string, n int) int {
	window, least := text[:n], n/2
	if text[n] == '\n' {
		return n
	}
	for _, mark := range []string{"\n\n", "\n"} {
		if i := strings.LastIndex(window, mark); i >= least {
			return i + len(mark)
		}
	}
	if i := lastSentence(window); i > least {
		return i
	}
	if i := strings.LastIndexAny(window, " \t"); i >= least {
		return i + 1
	}
	if i := outsideURL(text, n); i > 0 {
		n = i
	}
	return boundary(text, n)
}

// lastSentence returns the end of the last whole sentence of s, or 0.
func lastSentence(s string) int {
	for end := len(s); end > 0; {
		i := strings.LastIndexAny(s[:end], "。！？；…!?.;")
		if i < 0 {
			return 0
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		after := i + size
		if size > 1 || after < len(s) && s[after] == ' ' {
			return after + closers(s[after:])
		}
		end = i
	}
	return 0
}

// closers returns the length of the quotation marks and brackets s begins with.
func closers(s string) int {
	return len(s) - len(strings.TrimLeft(s, "”’」』）】》"))
}

// outsideURL returns n, or the start of the address that n is inside of.
func outsideURL(text string, n int) int {
	from := n
	for from > 0 && isURL(text[from-1]) {
		from--
	}
	if i := strings.Index(text[from:min(len(text), n+3)], "://"); i < 0 || from == n {
		return n
	}
	return from
}

// boundary returns the last place at or before n that is not inside of what a
// reader sees as one character: a letter with its accents, a joined emoji, a flag.
func boundary(text string, n int) int {
	const longest = 64 // bytes; a longer "character" is an attack, and is cut
	for at := n; at > 0 && n-at < longest; {
		next, _ := utf8.DecodeRuneInString(text[at:])
		prev, size := utf8.DecodeLastRuneInString(text[:at])
		if !extends(next) && prev != '\u200D' && !(isFlag(next) && oddFlags(text[:at])) {
			return at
		}
		at -= size
	}
	return n
}

// extends reports whether r is drawn as part of the character before it.
func extends(r rune) bool {
	switch {
	case r == '\u200D', r >= 0xFE00 && r <= 0xFE0F: // joiner, variation selectors
		return true
	case r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F: // skin tones, tags
		return true
	}
	return r >= 0x300 && unicode.Is(unicode.M, r)
}

func isFlag(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// oddFlags reports whether s ends with the first half of a flag.
func oddFlags(s string) bool {
	odd := false
	for {
		r, size := utf8.DecodeLastRuneInString(s)
		if !isFlag(r) {
			return odd
		}
		odd, s = !odd, s[:len(s)-size]
	}
}
