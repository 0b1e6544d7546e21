package ilink

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxText = 64 << 10 // bytes of a message; the relay has its own, smaller limit

// clean makes s valid UTF-8 with \n line ends and no other control characters than
// tabs.
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

// isUser tells whether an id is one that WeChat may have given to a person. It
// becomes the name of a chat.
func isUser(id string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, odd)
}
