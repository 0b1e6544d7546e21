package wechat

import (
	"html"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxRaw  = 256 << 10 // bytes of a message's content that are looked at
	maxText = 64 << 10  // bytes of a decoded text; the relay has its own, smaller limit
	maxName = 64        // runes of a name; WeChat's own limit is 32
)

// plain decodes the content of a message as WeChat's servers encode it:
// <br/> for a line break, a span for an emoji, HTML entities for the rest.
// Entities come last, so that markup somebody typed stays what they typed.
func plain(content string) string {
	content = breakLines(cutBytes(content, maxRaw))
	return cutBytes(clean(html.UnescapeString(decodeEmoji(content))), maxText)
}

// decodedName decodes a name without changing it otherwise; mentions repeat it
// in this form.
func decodedName(name string) string {
	return clean(html.UnescapeString(decodeEmoji(breakLines(cutBytes(name, maxRaw)))))
}

// shownName decodes a name for showing: one line, no characters that would
// turn or hide the text around it, at most maxName runes.
func shownName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case invisible(r):
			return -1
		}
		return r
	}, decodedName(name))
	return strings.TrimSpace(cutRunes(strings.TrimSpace(name), maxName))
}

func breakLines(s string) string {
	if !strings.Contains(s, "<br") {
		return s
	}
	for _, tag := range []string{"<br/>", "<br />", "<br>"} {
		s = strings.ReplaceAll(s, tag, "\n")
	}
	return s
}

// clean makes s valid UTF-8 with \n line ends and no other control characters
// than tabs.
func clean(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r != '\n' && r != '\t' && unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
}

// invisible tells the characters that change the direction of text or cannot
// be seen. U+200D, which joins emoji, is not among them.
func invisible(r rune) bool {
	switch {
	case r == '\u200b', r == '\u200e', r == '\u200f', r == '\ufeff':
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

const (
	emojiOpen  = `<span class="emoji emoji`
	emojiClose = `"></span>`
	emojiMax   = 64 // hexadecimal digits of the longest sequence, a subdivision flag
)

// decodeEmoji replaces the spans WeChat puts where an emoji was. A span it
// cannot read is left out, for it shows nothing in WeChat either.
func decodeEmoji(s string) string {
	before, rest, found := strings.Cut(s, emojiOpen)
	if !found {
		return s
	}
	var b strings.Builder
	for found {
		b.WriteString(before)
		window := rest[:min(len(rest), emojiMax+len(emojiClose))]
		if end := strings.Index(window, emojiClose); end >= 0 {
			b.WriteString(emoji(rest[:end]))
			rest = rest[end+len(emojiClose):]
		} else {
			b.WriteString(emojiOpen)
		}
		before, rest, found = strings.Cut(rest, emojiOpen)
	}
	return b.String() + before
}

// emoji returns the text of code points written one after the other without a
// separator ("1f1e81f1f3"), or "" if they make no sense.
func emoji(hex string) string {
	var b strings.Builder
	for hex != "" {
		n := codeWidth(hex)
		if n == 0 {
			return ""
		}
		code, err := strconv.ParseUint(hex[:n], 16, 32)
		r := rune(code)
		if err != nil || !utf8.ValidRune(r) || unicode.IsControl(r) {
			return ""
		}
		b.WriteRune(r)
		hex = hex[n:]
	}
	return b.String()
}

// codeWidth returns how many digits of hex make its first code point: five for
// the emoji planes and for tags, two for the base of a keycap and for © and ®,
// four for the rest.
func codeWidth(hex string) int {
	hex = strings.ToLower(hex)
	switch {
	case len(hex) == 2:
		return 2
	case len(hex) >= 6 && (hex[2:6] == "20e3" || hex[2:6] == "fe0f") && hex[:2] != "1f":
		return 2
	case len(hex) >= 5 && (strings.HasPrefix(hex, "1f") || strings.HasPrefix(hex, "e00")):
		return 5
	case len(hex) >= 4:
		return 4
	}
	return 0
}

// cutBytes returns at most n bytes of s, whole runes only.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cutRunes returns at most n runes of s.
func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// fileName makes a file's name one line without a path, of at most 200 bytes with its
// ending; empty if nothing is left.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune("\n\t\\:*?\"<>|", r) {
			return '_'
		}
		return r
	}, clean(name))
	if name = strings.TrimLeft(path.Base(path.Clean(name)), ". "); name == "/" {
		return ""
	}
	const most = 200
	ending := path.Ext(name)
	if len(ending) >= 20 {
		ending = ""
	}
	return cutBytes(strings.TrimSuffix(name, ending), most-len(ending)) + ending
}

// sentName is the name of a file of ours. openwechat makes up an ending for one
// that has none.
func sentName(name string) string {
	if name = fileName(name); name == "" {
		name = "file"
	}
	if path.Ext(name) == "" {
		name += ".txt"
	}
	return name
}
