package bot

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// clean returns s as valid UTF-8 with "\n" line ends, and without control
// characters and marks that change the direction of the text around them.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexFunc(s, unwanted) < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case unwanted(r):
			return -1
		}
		return r
	}, s)
}

func unwanted(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ' || r >= 0x7f && r < 0xa0:
		return true
	case r < 0x2028:
		return false
	}
	return r == '\u2028' || r == '\u2029' || r == '\uFEFF' ||
		r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

// nothingSeen reports whether there is nothing in s that can be seen.
func nothingSeen(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		switch {
		case unicode.IsSpace(r), invisible(r), unicode.Is(unicode.Variation_Selector, r):
			return false
		}
		return !strings.ContainsRune("\u034F\u115F\u1160\u2800\u3164\uFFA0", r) // fillers and an empty pattern
	}) < 0
}

// visible returns s without what takes no room, which comes along when words are
// copied on a phone. What joins emoji stays.
func visible(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if invisible(r) && r != '\u200D' {
			return -1
		}
		return r
	}, s))
}

// bare returns a word without the quotation marks, brackets or full stops around it
// that people type with a name, and its letters as names have them: narrow.
func bare(s string) string {
	return strings.Trim(width.Fold.String(visible(s)), " \t\n\"'`“”‘’「」『』｢｣（）()【】[]《》<>。｡，,、;；")
}

// nameOf is what admins read of somebody: their name or, where the channel tells none,
// the end of their id.
func nameOf(s Sender) string {
	const most = 6
	if name := oneLine(s.Name, maxName); name != "" {
		return name
	}
	id := s.ID
	if at := strings.LastIndexByte(id, '@'); at > 0 {
		id = id[:at]
	}
	if id = oneLine(id[max(0, len(id)-most):], most); id == "" {
		return "?"
	}
	return "#" + id
}

// cutBytes returns the start of s, at most n bytes and never half a rune.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cutRunes returns the start of s, at most n runes.
func cutRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// oneLine returns s as a name or a quotation fit for a line: printable, single
// spaces, at most n runes.
func oneLine(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || r == '\u2005':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200D':
			return -1
		}
		return r
	}, clean(s))
	return strings.TrimSpace(cutRunes(strings.Join(strings.Fields(s), " "), n))
}
