package bot

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unescape resolves Markdown's backslashes and HTML's entities.
func unescape(s string) string {
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && isPunct(s[i+1]):
			i++
			b.WriteByte(s[i])
		case s[i] == '&':
			c, n := entity(s[i:])
			b.WriteString(c)
			i += n - 1
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// entity returns the character that s, which starts with &, begins with, and
// how many bytes name it.
func entity(s string) (string, int) {
	const longest = 33 // bytes of the longest name, with & and ;
	end := strings.IndexByte(s[:min(len(s), longest)], ';')
	if end < 2 {
		return "&", 1
	}
	c := html.UnescapeString(s[:end+1])
	if strings.HasSuffix(c, ";") && end > 1 {
		return "&", 1
	}
	return clean(c), end + 1
}

// widePunct reports whether s begins with punctuation that clients may take for
// part of an address before it.
func widePunct(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r >= 0x80 && unicode.IsPunct(r)
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isPunct(c byte) bool {
	return c > ' ' && c < 0x7f && !isWord(c)
}

func isName(b []byte) bool {
	for _, c := range b {
		if !isWord(c) && c != '_' {
			return false
		}
	}
	return len(b) > 0
}
