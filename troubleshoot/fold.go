package troubleshoot

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// maxText bounds the text that phrases are looked for in, in bytes.
const maxText = 4096

// fold writes s in the form phrases are compared in: ASCII lower case, full-width
// forms as ASCII, every run of blanks, underscores and hyphens as one space, every
// quotation mark as an apostrophe.
func fold(s string) string {
	if isFolded(s) {
		return s
	}
	var room [1024]byte
	b := room[:]
	if len(s) > len(b) {
		b = make([]byte, len(s))
	}
	n, last := 0, byte(0) // never longer than s
	for i, next := 0, 0; i < len(s); i++ {
		if i >= next && i+8 <= len(s) {
			if lower, ok := lowerEight(eight(s, i), last); ok {
				binary.LittleEndian.PutUint64(b[n:], lower)
				n, i, last = n+8, i+7, byte(lower>>56)
				continue
			}
			next = i + 8 // byte by byte until then
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			c = asciiOf(r)
			if c == 0 {
				n += copy(b[n:], s[i:i+size])
				i += size - 1
				last = 0
				continue
			}
			i += size - 1
		}
		c = folded[c]
		if c == ' ' && last == ' ' {
			continue
		}
		b[n], last = c, c
		n++
	}
	return string(b[:n])
}

// isFolded reports whether s is ASCII that fold would not change.
func isFolded(s string) bool {
	last := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf || folded[c] != c || c == ' ' && last == ' ' {
			return false
		}
		last = c
	}
	return true
}

// folded maps each ASCII character to its folded form.
var folded = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		switch b := byte(c); {
		case b >= 'A' && b <= 'Z':
			t[c] = b + 'a' - 'A'
		case b <= ' ' || b == '_' || b == '-' || b == 0x7f:
			t[c] = ' '
		case b == '"' || b == '`':
			t[c] = '\''
		default:
			t[c] = b
		}
	}
	return t
}()

// asciiOf maps what Chinese and typographic keyboards write to ASCII; 0 if r is
// neither.
func asciiOf(r rune) byte {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return byte(r - 0xFF01 + '!')
	case r == '‘' || r == '’' || r == '“' || r == '”':
		return '\''
	case r == '。':
		return '.'
	case r == '、':
		return ','
	case r == 0x3000 || r == 0xA0 || r == '–' || r == '—':
		return ' '
	}
	return 0
}

// squash reduces a code to the letters and digits it is recognised by, so that
// INSUFFICIENT_BALANCE, insufficient-balance and InsufficientBalance are one.
func squash(code string) string {
	clean := true
	for i := 0; i < len(code); i++ {
		if c := code[i]; c >= 'A' && c <= 'Z' || c == '_' || c == '-' || c == '.' || c == ' ' {
			clean = false
			break
		}
	}
	if clean {
		return code
	}
	b := make([]byte, 0, len(code))
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c == '_' || c == '-' || c == '.' || c == ' ':
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// quotesPeople reports whether a failure may quote what a person wrote: the
// answers of validators do.
func quotesPeople(status int, t string) bool {
	switch status {
	case 400, 415, 422:
		return true
	case 0, 200, 500:
		for _, w := range [...]string{"invalid", "validation", "expected", "input should", "value error", "malformed", "unsupported value"} {
			if strings.Contains(t, w) {
				return true
			}
		}
	}
	return false
}

// dropEchoes takes out of folded text what a service may only be quoting: quoted
// passages of four words and more, and whatever follows words like "input:". A
// person asking about a rate limit must not look like one.
func dropEchoes(t string) string {
	t = cutAfterEcho(t)
	if strings.Count(t, "'") < 2 {
		return t
	}
	var b strings.Builder
	last := 0
	for i := 0; i < len(t); i++ {
		end := quoteEnd(t, i)
		if end < 0 {
			continue
		}
		if strings.Count(t[i:end], " ") >= 3 && !programQuotes(t[:i], t[end+1:]) {
			b.WriteString(t[last : i+1])
			last = end
		}
		i = end
	}
	if last == 0 {
		return t
	}
	b.WriteString(t[last:])
	return b.String()
}

// programQuotes reports whether a quotation between two texts is how a program
// prints its own errors: Python's exceptions, Node's strings of many lines, Lisp's
// pairs, a logger's values.
func programQuotes(before, after string) bool {
	return strings.HasSuffix(before, "error(") || strings.HasSuffix(before, "exception(") ||
		strings.HasSuffix(before, "+ ") || strings.HasPrefix(after, " +") ||
		strings.HasSuffix(before, "(message . ") || strings.HasSuffix(before, "error=") || strings.HasSuffix(before, "err=") || strings.HasSuffix(before, "msg=")
}

// quoteEnd returns where the quotation opening at i closes; -1 if none opens.
// Apostrophes inside words neither open nor close.
func quoteEnd(t string, i int) int {
	if t[i] != '\'' || i > 0 && isWord(t[i-1]) {
		return -1
	}
	for j := i + 1; j < len(t); j++ {
		if t[j] == '\'' && (j+1 == len(t) || !isWord(t[j+1])) {
			return j
		}
	}
	return -1
}

// echoMarkers precede text that people wrote, in validators' messages.
var echoMarkers = [...]string{"input value=", "input_value=", " got: ", " got ' ", "received: ", "user said", "your message was", "prompt was", "prompt: ", "user input: ", "input: ", "content: '", "your prompt '"}

func cutAfterEcho(t string) string {
	cut := len(t)
	for _, m := range echoMarkers {
		if i := strings.Index(t[:cut], m); i >= 8 {
			cut = i + len(m)
		}
	}
	return t[:cut]
}

// isWord reports ASCII letters and digits.
func isWord(c byte) bool { return wordBytes[c] }

var wordBytes = func() (t [256]bool) {
	for c := range t {
		b := byte(c)
		t[c] = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || isDigit(b)
	}
	return t
}()

func isDigit(c byte) bool { return c-'0' < 10 }

// cutText shortens s to at most n bytes at a rune's border.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
