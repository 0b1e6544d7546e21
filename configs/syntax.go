package configs

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// slips reports why a file is no YAML: by the slip of the hand that is behind it,
// if it is a usual one, else by what the parser says.
func (l *loader) slips(err error, text string) {
	if !l.tab(err, text) && !l.colon(text) {
		l.syntax(err)
	}
}

// syntax reports a parser's error by its line and, if it is one of the parser's
// own phrases, its reason: other texts quote the file, and the file may hold
// keys.
func (l *loader) syntax(err error) {
	if errors.Is(err, errDocuments) {
		l.add("", ruleDocuments)
		return
	}
	line, text := parsed(err)
	if !regexp.MustCompile(`^[a-z ,':-]+$`).MatchString(text) || strings.Contains(text, "anchor") {
		text = ""
	} else {
		text = ": " + text
	}
	l.lines[""] = line
	l.add("", ruleSyntax, text)
}

// parsed takes a parser's error apart; without a line, that is 0.
func parsed(err error) (line int, text string) {
	m := regexp.MustCompile(`line (\d+): (.*)`).FindStringSubmatch(err.Error())
	if m == nil {
		return 0, err.Error()
	}
	line, _ = strconv.Atoi(m[1])
	return line, m[2]
}

// tab reports a line that begins with a tab, if the parser stumbled over it.
func (l *loader) tab(err error, text string) bool {
	line, why := parsed(err)
	line = max(line, 1) // the parser leaves out the first
	lines := strings.Split(text, "\n")
	if line > len(lines) || !strings.Contains(why, "cannot start any token") {
		return false
	}
	s := lines[line-1]
	if !strings.Contains(s[:len(s)-len(strings.TrimLeft(s, " \t"))], "\t") {
		return false
	}
	l.lines[""] = line
	l.add("", ruleTab)
	return true
}

// colon reports the first key whose colon is full-width, as Chinese keyboards type
// it, or has no space after it: YAML reads both as text.
func (l *loader) colon(text string) bool {
	mistyped := regexp.MustCompile(`^\s*(?:- )?([a-z_]+)\s*(：|:[^\s:])`)
	for n, s := range strings.Split(text, "\n") {
		m := mistyped.FindStringSubmatch(s)
		if m == nil || !slices.ContainsFunc(l.keys, func(k key) bool { return lastSegment(k.path) == m[1] }) {
			continue
		}
		l.lines[""] = n + 1
		l.add("", ruleColon, m[1])
		return true
	}
	return false
}
