package llm

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cutMark stands for what was cut out; every language reads it.
const cutMark = "\n\n[…]\n\n"

// cutMiddle returns text with so much of its middle cut out that the rest has
// at most limit tokens: what a message is about stands at its beginning (70 %
// of the rest) and what is asked at its end. limit must hold the mark, byte by
// byte.
func cutMiddle(text string, limit int, count countFunc) string {
	keep := len(text) - len(cutMark)
	if n := count(text, false); n > 0 {
		keep = min(keep, len(text)*max(limit-len(cutMark)/2, 0)/n)
	}
	for {
		rest := headAndTail(text, max(keep, 0))
		if keep <= 0 || count(rest, false) <= limit {
			return rest
		}
		keep -= keep/16 + 1
	}
}

// headAndTail keeps at most keep bytes of text, the mark not counted.
func headAndTail(text string, keep int) string {
	tail := keep * 3 / 10
	head := floorCut(text, keep-tail)
	from := ceilCut(text, len(text)-tail)
	return strings.TrimRightFunc(text[:head], unicode.IsSpace) + cutMark +
		strings.TrimLeftFunc(text[from:], unicode.IsSpace)
}

// longestChar bounds what counts as one character, in bytes; longer ones are
// made to be a nuisance and are cut between runes.
const longestChar = 64

// floorCut returns the last place at or before n where text can be cut.
func floorCut(text string, n int) int {
	for at := n; at > 0 && n-at < longestChar; at-- {
		if canCut(text, at) {
			return at
		}
	}
	for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}

// ceilCut returns the first place at or after n where text can be cut.
func ceilCut(text string, n int) int {
	for at := n; at < len(text) && at-n < longestChar; at++ {
		if canCut(text, at) {
			return at
		}
	}
	for n < len(text) && !utf8.RuneStart(text[n]) {
		n++
	}
	return n
}

// canCut reports whether at is outside of what a reader sees as one character:
// a letter with its accents, a syllable, a joined emoji, a flag, a line's end.
func canCut(text string, at int) bool {
	if at <= 0 || at >= len(text) {
		return true
	}
	if !utf8.RuneStart(text[at]) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(text[at:])
	prev, _ := utf8.DecodeLastRuneInString(text[:at])
	switch {
	case continues(next), prev == zeroWidthJoiner, prev == '\r' && next == '\n':
		return false
	case isFlagHalf(next):
		return !endsInFlagHalf(text[:at])
	}
	return true
}

const zeroWidthJoiner = '\u200D'

// continues reports whether r belongs to the character before it.
func continues(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r == zeroWidthJoiner,
		r >= 0x1160 && r <= 0x11FF,   // Korean vowels and final consonants
		r >= 0x1F3FB && r <= 0x1F3FF, // skin colours
		r >= 0xE0020 && r <= 0xE007F: // tags of flags
		return true
	}
	return unicode.Is(unicode.M, r) // marks, variation selectors included
}

func isFlagHalf(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// endsInFlagHalf reports whether s ends with the first half of a flag.
func endsInFlagHalf(s string) bool {
	halves := 0
	for len(s) > 0 && halves < longestChar {
		r, size := utf8.DecodeLastRuneInString(s)
		if !isFlagHalf(r) {
			break
		}
		halves, s = halves+1, s[:len(s)-size]
	}
	return halves%2 == 1
}
