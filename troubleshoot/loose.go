package troubleshoot

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds on foreign structures.
const (
	maxDepth = 24  // objects inside objects
	maxSteps = 4e3 // values looked at in one structure
)

const shortText = 20 // bytes, faster looked through one by one

// loose is a place in a structure written by a program: JSON, Python's repr,
// Node's inspect or anything close, cut off anywhere.
type loose struct {
	s     string
	i     int
	steps int
	level int
	quiet bool // what is read now is not reported
}

// value files the scalars of the value at l, which stands under key in an object
// under parent, each with its key. It never fails: what cannot be read ends the
// reading, and value reports whether the end was there.
func (r *reading) value(l *loose, key, parent string, depth int) bool {
	l.blank()
	l.steps++
	if l.i >= len(l.s) || depth > maxDepth || l.steps > maxSteps {
		return false
	}
	switch c := l.s[l.i]; {
	case c == '{':
		return r.object(l, key, depth)
	case c == '[':
		return r.array(l, key, parent, depth)
	case c == '"' || c == '\'' || c == '`':
		text, whole := l.quoted(c)
		r.report(l, field{key, parent, text, l.level, true})
		return whole
	}
	return r.bare(l, key, parent)
}

func (r *reading) report(l *loose, f field) {
	if !l.quiet || f.key == "finish_reason" {
		r.scalar(f)
	}
}

func (r *reading) object(l *loose, name string, depth int) bool {
	for l.i++; ; {
		l.blank()
		if l.i >= len(l.s) {
			return false
		}
		if l.s[l.i] == '}' {
			l.i++
			return true
		}
		key, ok := l.key()
		if !ok || !r.member(l, key, name, depth) {
			return false
		}
	}
}

func (r *reading) member(l *loose, key, name string, depth int) bool {
	was := l.quiet
	l.quiet = was || skips(key)
	ok := r.value(l, key, name, depth+1)
	l.quiet = was
	return ok
}

func (r *reading) array(l *loose, key, parent string, depth int) bool {
	for l.i++; ; {
		l.blank()
		if l.i >= len(l.s) {
			return false
		}
		if l.s[l.i] == ']' {
			l.i++
			return true
		}
		if !r.value(l, key, parent, depth+1) {
			return false
		}
	}
}

// bare reads a number, a word such as null or None, or Node's [Object].
func (r *reading) bare(l *loose, key, parent string) bool {
	start := l.i
	for l.i < len(l.s) && !endsBare(l.s[l.i]) {
		if q := l.s[l.i]; (q == '\'' || q == '"') && l.i-start <= 2 {
			return r.value(l, key, parent, maxDepth-1) // b'…', u'…'
		}
		l.i++
	}
	if l.i == start {
		return false
	}
	r.report(l, field{key, parent, strings.TrimSpace(l.s[start:l.i]), l.level, false})
	return true
}

func endsBare(c byte) bool { return c == ',' || c == '}' || c == ']' || c == '\n' }

// key reads a member's name and the sign after it.
func (l *loose) key() (string, bool) {
	var key string
	if c := l.s[l.i]; c == '"' || c == '\'' {
		var ok bool
		if key, ok = l.quoted(c); !ok {
			return "", false
		}
	} else {
		start := l.i
		for l.i < len(l.s) && (isWord(l.s[l.i]) || strings.IndexByte("_$.-@", l.s[l.i]) >= 0) {
			l.i++
		}
		key = l.s[start:l.i]
	}
	l.spaces()
	if key == "" || l.i >= len(l.s) || l.s[l.i] != ':' && l.s[l.i] != '=' {
		return "", false
	}
	l.i++
	if l.i < len(l.s) && l.s[l.i] == '>' {
		l.i++
	}
	return key, true
}

// quoted reads a string in quotation marks q and says whether its end was there.
func (l *loose) quoted(q byte) (string, bool) {
	start := l.i + 1
	text := l.s[start:]
	for i := range min(len(text), shortText) { // keys and codes end here
		switch text[i] {
		case q:
			l.i = start + i + 1
			return text[:i], true
		case '\\':
			l.i = start + i
			return l.escaped(start, q)
		}
	}
	end := strings.IndexByte(text, q)
	if end >= 0 {
		text = text[:end]
	}
	if i := strings.IndexByte(text, '\\'); i >= 0 {
		l.i = start + i
		return l.escaped(start, q)
	}
	l.i = min(start+len(text)+1, len(l.s))
	return text, end >= 0
}

// escaped goes on reading a string in which a backslash was met.
func (l *loose) escaped(start int, q byte) (string, bool) {
	b := make([]byte, 0, 2*(l.i-start)+64)
	b = append(b, l.s[start:l.i]...)
	for l.i < len(l.s) {
		c := l.s[l.i]
		if c == q {
			l.i++
			return string(b), true
		}
		if c != '\\' || l.i+1 >= len(l.s) {
			b = append(b, c)
			l.i++
			continue
		}
		b = l.escape(b)
	}
	return string(b), false
}

// escape appends what the escape sequence at l.i stands for.
func (l *loose) escape(b []byte) []byte {
	c := l.s[l.i+1]
	l.i += 2
	switch c {
	case 'n', 'r', 't', 'b', 'f':
		return append(b, ' ')
	case 'u':
		if r, ok := l.hex4(); ok {
			return utf8.AppendRune(b, r)
		}
	}
	return append(b, c)
}

func (l *loose) hex4() (rune, bool) {
	if l.i+4 > len(l.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(l.s[l.i:l.i+4], 16, 32)
	if err != nil {
		return 0, false
	}
	l.i += 4
	return rune(n), true
}

// blank skips spaces, line ends and the commas between members.
func (l *loose) blank() {
	for l.i < len(l.s) && (l.s[l.i] <= ' ' || l.s[l.i] == ',' || l.s[l.i] == ';') {
		l.i++
	}
}

func (l *loose) spaces() {
	for l.i < len(l.s) && l.s[l.i] <= ' ' {
		l.i++
	}
}

// structureAt returns where the first structure in s begins; -1 if there is none.
func structureAt(s string) int {
	for i := 0; i < len(s); i++ {
		j := strings.IndexByte(s[i:], '{')
		if j < 0 {
			return -1
		}
		i += j
		if opens(s[i+1:]) {
			return i
		}
	}
	return -1
}

// opens reports whether s, found after a brace, begins with a member's name.
func opens(s string) bool {
	i := 0
	for i < len(s) && s[i] <= ' ' {
		i++
	}
	if i >= len(s) {
		return false
	}
	if s[i] == '"' || s[i] == '\'' {
		return true
	}
	start := i
	for i < len(s) && i-start < 40 && (isWord(s[i]) || s[i] == '_') {
		i++
	}
	return i > start && i < len(s) && s[i] == ':'
}

// unescaped undoes one escaping of a structure that a program quoted without its
// quotation marks, or with Python's.
func unescaped(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n', 'r', 't':
			b.WriteByte(' ')
		case '"', '\'', '\\', '/':
			b.WriteByte(s[i])
		default:
			b.WriteString(s[i-1 : i+1])
		}
	}
	return b.String()
}
