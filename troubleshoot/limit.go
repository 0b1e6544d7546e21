package troubleshoot

import (
	"strconv"
	"strings"
)

// limitLeads stand before the size of a context window in folded text; between
// them and the number stand at most a few words.
var limitLeads = [...]string{"maximum context length", "context length is only", "context length of", "model's context length", "context window of", "context window is", "context window limit",
	"context size", "maximum number of tokens allowed", "tokens allowed", "token limit", "max size", "maximum allowed number of input tokens", "input length should be", "maximum input length", "max input", "exceeds the limit of",
	"available context", "context limit", "max model len", "max seq len", "max context", "n ctx", "上下文长度", "最大长度", "最大输入", "maximum allowed length", "max prompt length"}

// contextLimit finds the token window named in folded text; 0 if none is.
func contextLimit(t string) int {
	if !hasSize(t) || !strings.Contains(t, "token") && !strings.Contains(t, "context") && !strings.Contains(t, "input length") && !strings.Contains(t, "上下文") && !strings.Contains(t, "长度") {
		return 0
	}
	if n := overMaximum(t); n > 0 {
		return n
	}
	for _, lead := range limitLeads {
		if i := strings.Index(t, lead); i >= 0 {
			if n := windowAfter(t[i+len(lead):]); n > 0 {
				return n
			}
		}
	}
	return 0
}

// hasSize reports whether a number of three digits or of thousands is in t.
func hasSize(t string) bool {
	for i := digitAt(t, 0); i+1 < len(t); i = digitAt(t, i+1) {
		if t[i+1] == 'k' || i+2 < len(t) && isDigit(t[i+1]) && isDigit(t[i+2]) {
			return true
		}
	}
	return false
}

// overMaximum reads "209303 tokens > 200000 maximum" and "190000 + 20000 >
// 200000".
func overMaximum(t string) int {
	i := strings.Index(t, " > ")
	if i < 1 || !isDigit(t[i-1]) && !strings.HasSuffix(t[:i], "tokens") {
		return 0
	}
	n, _ := tokens(t[i+len(" > "):])
	return n
}

// askedOf reads a rate limit's text, such as "Limit 6000, Used 0, Requested 9000".
// Who asks for more at once than is ever allowed waits in vain.
func askedOf(t string) (asked, limit int) {
	i := strings.Index(t, "limit ")
	if i < 0 {
		i = strings.Index(t, "limit: ")
	}
	for i >= 0 {
		limit := digitAt(t, i)
		if n, used := tokens(t[limit:]); n > 0 && limit-i < 12 {
			rest := cutText(t[limit+used:], 48)
			if at := strings.Index(rest, "requested"); at >= 0 {
				asked, _ := tokens(rest[digitAt(rest, at):])
				return asked, n
			}
		}
		next := strings.Index(t[i+5:], "limit")
		if next < 0 {
			break
		}
		i += 5 + next
	}
	return 0, 0
}

// windowAfter reads the first number within 24 bytes, and of a range such as
// "[1, 30720]" the second.
func windowAfter(t string) int {
	for i := 0; i < len(t) && i < 24; i++ {
		if !isDigit(t[i]) {
			continue
		}
		n, used := tokens(t[i:])
		if i > 0 && t[i-1] == '[' {
			rest := strings.TrimLeft(t[i+used:], ", ")
			n, _ = tokens(rest)
		}
		if n < 128 || perTime(t[i+used:]) {
			return 0
		}
		return n
	}
	return 0
}

// perTime tells an allowance, such as "400000 tokens per day", by what follows
// its number.
func perTime(t string) bool {
	t = strings.TrimPrefix(strings.TrimLeft(t, " "), "tokens ")
	return strings.HasPrefix(t, "per ") || strings.HasPrefix(t, "/")
}

// tokens reads digits, with commas between thousands or a k behind, up to a
// billion.
func tokens(t string) (n, used int) {
	var digits []byte
	i := 0
	for i < len(t) && len(digits) < 10 && (isDigit(t[i]) || t[i] == ',' && i+3 < len(t) && isDigit(t[i+1]) && isDigit(t[i+2]) && isDigit(t[i+3])) {
		if t[i] != ',' {
			digits = append(digits, t[i])
		}
		i++
	}
	n, err := strconv.Atoi(string(digits))
	if err != nil || n > 1e9 {
		return 0, i
	}
	if i < len(t) && t[i] == 'k' && n < 1e5 {
		return n * 1000, i + 1
	}
	return n, i
}
