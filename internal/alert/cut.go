package alert

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// ellipsis stands where text was cut off.
const ellipsis = "…"

// cutRunes returns the first n runes of s, the last one an ellipsis if there
// were more.
func cutRunes(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	count := 0
	for i := range s {
		if count++; count == n {
			return s[:i] + ellipsis
		}
	}
	return s
}

// cutBytes returns as many whole runes of s as fit into n bytes, with an
// ellipsis if there were more and it fits.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if n < len(ellipsis) {
		return ""
	}
	n -= len(ellipsis)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + ellipsis
}

// fit renders the alert, with less and less of its text, until it takes at most
// limit bytes. What must stay is the link.
func fit(al Alert, limit int, render func(Alert) []byte) []byte {
	for {
		out := render(al)
		over := len(out) - limit
		if over <= 0 || !al.shorten(over) {
			return out
		}
	}
}

// shorten takes up to n bytes off the longer of text and steps, or off what is
// left when they are gone, and reports whether anything was left.
func (al *Alert) shorten(n int) bool {
	part, other := &al.Text, &al.Steps
	if len(*other) > len(*part) {
		part, other = other, part
	}
	n = min(n, max(len(*part)-len(*other), (n+1)/2)) // what is cut is cut alike
	for _, next := range [...]*string{&al.Account, &al.Title} {
		if *part == "" {
			part = next
		}
	}
	if *part == "" {
		return false
	}
	*part = cutBytes(*part, max(0, len(*part)-n))
	return true
}

// encode is v as JSON, without the escapes meant for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings and numbers only
	return bytes.TrimRight(b.Bytes(), "\n")
}
