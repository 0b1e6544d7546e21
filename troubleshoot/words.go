package troubleshoot

import "strings"

// maxBare bounds the bare words looked up as codes.
const maxBare = 48

// bare looks up words of running text that are spelled like codes.
func (ex *examination) bare() {
	m := ex.f.Message
	if len(m) > maxText {
		m = m[:maxText]
	}
	looked := 0
	for i := 0; i < len(m) && looked < maxBare; {
		j := i
		for j < len(m) && kinds[m[j]] == lowerByte {
			j++
		}
		if j == len(m) || m[j] == ' ' {
			i = j + 1 // an ordinary word
			continue
		}
		if !isWord(m[i]) {
			i++
			continue
		}
		for j < len(m) && (isWord(m[j]) || m[j] == '_' || m[j] == '.' && j+1 < len(m) && isWord(m[j+1])) {
			j++
		}
		if w := m[i:j]; j-i >= 6 && j-i <= 64 && isProgrammed(w) && (i == 0 || m[i-1] != '\'' && m[i-1] != '"' && m[i-1] != '`' && !inAddress(m[:i])) {
			looked++
			if !ex.echoed(w) {
				ex.word(w)
			}
		}
		i = j
	}
}

// inAddress reports whether what follows s is part of a web address: pages of advice
// have such names.
func inAddress(s string) bool {
	if s[len(s)-1] != '/' {
		return false
	}
	s = cutLeft(s, 200)
	return strings.Contains(s[strings.LastIndexByte(s, ' ')+1:], "://")
}

// echoed reports whether a word stands only where a service quotes people.
func (ex *examination) echoed(w string) bool {
	s := ex.f.signs
	return s != nil && s.loud != "" && !strings.Contains(ex.text, fold(w))
}

// word tries a dotted word as a whole and by its last parts.
func (ex *examination) word(w string) {
	bonus := -10 * int(kindWord)
	if isClass(w) {
		bonus = -classPenalty
	}
	for {
		flat := squash(w)
		if ids := ex.x.byCode[flat]; ids != nil {
			ex.alias(ids, flat, bonus, w)
			return
		}
		_, rest, ok := strings.Cut(w, ".")
		if !ok {
			return
		}
		w = rest
	}
}

// alias tries rules for a code the fault has only by implication.
func (ex *examination) alias(ids []int32, flat string, bonus int, value string) {
	ex.bareAs = flat
	ex.try(ids, bonus, "code", value)
	ex.bareAs = ""
}

// part tries a dotted code nobody knows as a whole by what stands behind its
// first dot, the finer name, and else by what stands before it.
func (ex *examination) part(c *code) {
	if i := strings.IndexByte(c.text, '.'); i > 0 {
		for n, w := range [...]string{c.text[i+1:], c.text[:i]} {
			flat := squash(w)
			if ids := ex.x.byCode[flat]; ids != nil && !isNumber(flat) {
				ex.alias(ids, flat, -5-n*familyPenalty, c.text)
				return
			}
		}
	}
}

// familyPenalty keeps the family a dotted code belongs to, such as
// OperationDenied, below phrases.
const familyPenalty = 400

// classPenalty keeps the class an SDK wraps an error in, such as RateLimitError,
// below the status; an SDK takes it from there.
const classPenalty = 85

// isClass reports names of exceptions.
func isClass(w string) bool {
	w = w[strings.LastIndexByte(w, '.')+1:]
	return w != "" && w[0] >= 'A' && w[0] <= 'Z' && (strings.HasSuffix(w, "Error") || strings.HasSuffix(w, "Exception"))
}
