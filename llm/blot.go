package llm

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// longRun is from how many characters on a run of base64 may be a piece of a
	// picture; keys are shorter or masked elsewhere.
	longRun = 40
	// blotted stands for a piece of a picture.
	blotted = "[picture]"
)

// blot returns a copy of what a service answered to a request with pictures,
// without what may be a piece of one: base64, also with escapes and broken lines
// in it, whatever follows "base64,", and all from the first byte on that is no
// text, escaped or not.
func blot(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); {
		if binary(body[i:]) {
			return append(out, blotted...)
		}
		end, letters := runEnd(body, i)
		switch {
		case letters >= longRun, letters > 0 && announced(body[:i]):
			out, i = append(out, blotted...), end
		case end > i:
			out, i = append(out, body[i:end]...), end
		default:
			r, size := utf8.DecodeRune(body[i:])
			if !printed(r, size) {
				return append(out, blotted...)
			}
			out, i = append(out, body[i:i+size]...), i+size
		}
	}
	return out
}

// binary reports whether b begins with an escape of a byte that is no text: as
// Python writes it, or JSON.
func binary(b []byte) bool {
	if len(b) < 4 || b[0] != '\\' {
		return false
	}
	if b[1] == 'x' {
		return isHex(b[2]) && isHex(b[3])
	}
	code := string(bytes.ToLower(b[1:min(len(b), 6)]))
	switch code {
	case "u0009", "u000a", "u000d":
		return false
	}
	return code == "ufffd" || strings.HasPrefix(code, "u000") || strings.HasPrefix(code, "u001")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// printed reports whether r, of size bytes, is something a text may hold.
func printed(r rune, size int) bool {
	switch {
	case r == utf8.RuneError:
		return size > 1
	case r == '\n', r == '\r', r == '\t':
		return true
	}
	return !unicode.IsControl(r)
}

// announced reports whether text ends where a data URL's base64 begins.
func announced(text []byte) bool {
	const sign = "base64,"
	return len(text) >= len(sign) && bytes.EqualFold(text[len(text)-len(sign):], []byte(sign))
}

// runEnd returns where a run of base64 that begins at i ends, and how many
// characters of it are no escapes.
func runEnd(b []byte, i int) (end, letters int) {
	for end = i; i < len(b); {
		if inBase64(b[i]) {
			i++
			letters++
			end = i
			continue
		}
		n := escapeLen(b[i:])
		if n == 0 || binary(b[i:]) {
			break
		}
		i += n
	}
	return end, letters
}

// inBase64 reports whether c is of base64, in either alphabet.
func inBase64(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '+' || c == '/' || c == '=' || c == '-' || c == '_'
}

// escapeLen returns the length of what may stand inside of base64: a line's end,
// plain or escaped, and the beginning of an escaped character.
func escapeLen(b []byte) int {
	switch {
	case b[0] == '\n', b[0] == '\r', b[0] == '%':
		return 1
	case b[0] != '\\' || len(b) < 2:
		return 0
	case b[1] == '/', b[1] == '\\':
		return 1
	case b[1] == 'n', b[1] == 'r', b[1] == 'u':
		return 2
	}
	return 0
}
