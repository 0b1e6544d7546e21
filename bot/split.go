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

// How little of a part may be left empty for the sake of a good place to cut, in
// eighths of it.
const (
	loose = 4
	tight = 7
)

// split cuts text into parts that a channel takes, each numbered when there are
// several. If the channel's parts do not suffice even when they are filled well,
// the last one ends with notice, and the rest is what comes after it.
func split(text string, l limits, notice string) (parts []string, rest string) {
	if fit(text, l.runes, l.bytes) == len(text) {
		return []string{text}, ""
	}
	if l.parts > 1 {
		l.runes, l.bytes = l.runes-numberRoom, l.bytes-numberRoom
	}
	parts, last, rest := l.cut(text, loose)
	if rest != "" {
		if fuller, _, none := l.cut(text, tight); none == "" {
			parts, rest = fuller, ""
		}
	}
	if rest == "" {
		return number(parts), ""
	}
	if head, after, ok := l.shorten(last, notice); ok {
		parts[len(parts)-1], rest = head, after
	}
	return number(parts), rest
}

// cut cuts text into as many parts as there may be. last is the text from the last
// of them on, rest what comes after it.
func (l limits) cut(text string, filled int) (parts []string, last, rest string) {
	for rest = text; rest != "" && len(parts) < l.parts; {
		var head string
		last = rest
		head, rest = cutPart(rest, l.runes, l.bytes, filled)
		parts = append(parts, head)
	}
	return parts, last, rest
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

// shorten cuts a part off text with room for notice below it. It reports false
// where a part has none.
func (l limits) shorten(text, notice string) (head, rest string, ok bool) {
	runes, bytes := l.runes-utf8.RuneCountInString(notice)-1, l.bytes-len(notice)-1
	if notice == "" || runes < 1 || bytes < utf8.UTFMax {
		return "", "", false
	}
	head, rest = cutPart(text, runes, bytes, loose)
	return head + "\n" + notice, rest, true
}

// cutPart returns the longest start of text that is within the limits and ends
// where a reader would pause, filled to so many eighths at least, and what follows
// it.
func cutPart(text string, runes, bytes, filled int) (head, rest string) {
	n := fit(text, runes, bytes)
	if n == len(text) {
		return text, ""
	}
	at := pause(text, n, n*filled/8)
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

// pause returns the best place to cut text at or before n, and not before least:
// after a paragraph, a line, a sentence, a word; at worst between two characters.
func pause(text string, n, least int) int {
	window := text[:n]
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
