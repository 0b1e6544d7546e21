package troubleshoot

import (
	"slices"
	"strings"
)

// essence takes from a log or a trace what tells of no failure: the frames of the
// stack, whose paths and code name all kinds of things, and beside lines marked as
// errors those marked as ordinary, which it returns as rest. What is too long loses
// its middle: the first lines say what was tried, the last why it failed.
func essence(s string) (told, rest string) {
	if !hasLines(s) {
		return s, ""
	}
	s = withoutSource(s)
	var b, dim strings.Builder
	marked, f := hasError(s), frames{column: -1}
	for line := range strings.Lines(s) {
		switch {
		case f.skips(line):
		case marked && isOrdinary(line):
			dim.WriteString(line)
		default:
			b.WriteString(line)
		}
	}
	if told = b.String(); trimBlanks(told) == "" {
		return s, ""
	}
	return withoutMiddle(told), cutText(dim.String(), maxText)
}

// hasLines reports whether s is text of several lines, and no structure or page.
func hasLines(s string) bool {
	line, _, several := strings.Cut(s, "\n")
	if !several || line == "" {
		return false
	}
	switch s[0] {
	case '{': // an object on a line of its own may be one of a log's
		return strings.HasSuffix(strings.TrimRight(line, " \r"), "}")
	case '[':
		return !strings.HasPrefix(trimBlanks(s[1:]), "{")
	}
	return s[0] != '<'
}

// withoutSource takes away, but from the first line, where a log came from, as Docker
// Compose and journald write it before every line: it stands inside the structures
// that were logged.
func withoutSource(s string) string {
	first, rest, _ := strings.Cut(s, "\n")
	source := first
	for line := range strings.Lines(rest) {
		source = source[:shared(source, line)]
	}
	n := max(strings.LastIndex(source, "| "), strings.LastIndex(source, ": ")) + len("| ")
	if n < len("s | ") || strings.ContainsAny(source[:n], `{"`) { // a structure of its own on each line
		return s
	}
	var b strings.Builder
	b.WriteString(first + "\n")
	for line := range strings.Lines(rest) {
		b.WriteString(line[n:])
	}
	return b.String()
}

// shared is how many bytes a and b begin with in common.
func shared(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// frames passes over the frames of stack traces.
type frames struct {
	column int // where a frame of Python begins that is being passed over; -1 if none is
}

// skips reports whether a line is part of a frame: Python's with the code below it,
// JavaScript's and Java's.
func (f *frames) skips(line string) bool {
	text := strings.TrimLeft(line, " \t")
	column := len(line) - len(text)
	if f.column >= 0 && column > f.column {
		return true
	}
	f.column = -1
	switch {
	case strings.HasPrefix(text, `File "`) && strings.Contains(text, `", line `):
		f.column = column
		return true
	case column > 0 && strings.HasPrefix(text, "at ") && !strings.HasSuffix(strings.TrimRight(text, " \r\n"), "{"): // Node prints an error's fields after its last frame
		return strings.IndexByte(text, '/') > 0 || strings.Contains(text, ".java:") || strings.Contains(text, "(native") || strings.Contains(text, "<anonymous>")
	}
	return false
}

// Marks of a line's grade, as loggers print them near its beginning.
var (
	errorMarks    = [...]string{"ERROR", "ERR", "WARN", "WARNING", "FATAL", "CRITICAL", "[Error]", "[error]", "level=error", "level=fatal", "level=warning"}
	ordinaryMarks = [...]string{"DEBUG", "DBG", "INFO", "INF", "TRACE", "TRC", "[Info]", "[info]", "[Debug]", "[debug]", "level=info", "level=debug", "level=INFO", "level=DEBUG"}
)

// gradeRoom is how far into a line its grade is looked for, in bytes.
const gradeRoom = 72

// hasError reports whether a line is marked as an error.
func hasError(s string) bool {
	for line := range strings.Lines(s) {
		if isMarked(line, errorMarks[:]) {
			return true
		}
	}
	return false
}

// isOrdinary reports whether a line is marked as one of those that everything
// leaves.
func isOrdinary(line string) bool {
	return isMarked(line, ordinaryMarks[:]) && !isMarked(line, errorMarks[:])
}

func isMarked(line string, marks []string) bool {
	head := line[:min(len(line), gradeRoom)]
	if len(head) <= len("I0102 ") {
		return false
	}
	if head[5] == ' ' && isNumber(head[1:5]) { // as glog marks lines
		grade := "ERR"
		if head[0] == 'I' || head[0] == 'D' {
			grade = "INF"
		}
		return slices.Contains(marks, grade)
	}
	for _, mark := range marks {
		i := strings.Index(head, mark)
		if i >= 0 && (i == 0 || !isWord(head[i-1])) && (i+len(mark) == len(head) || !isWord(head[i+len(mark)]) && head[i+len(mark)] != '_') {
			return true
		}
	}
	return false
}

// withoutMiddle cuts text down to maxText bytes, half from each end.
func withoutMiddle(s string) string {
	if len(s) <= maxText {
		return s
	}
	tail := s[len(s)-maxText/2:]
	if i := strings.IndexByte(tail, '\n'); i >= 0 {
		tail = tail[i:]
	}
	return cutText(s, maxText/2-1) + "\n" + strings.ToValidUTF8(tail, "")
}

// beside keeps what stood beside the failure.
func (r *reading) beside(s string) {
	if s = strings.TrimSpace(s); s != "" && len(r.rest) < maxText/2 {
		r.rest += " | " + cutText(s, maxText/2)
	}
}
