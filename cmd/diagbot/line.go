package main

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/diagbot/diagbot/troubleshoot"
)

// line reads a line of the usual form several times faster than encoding/json.
// What it does not know, mistakes among it, is left to that.
type line struct {
	s    []byte
	i    int
	room []byte // for strings with escapes
}

// scan fills o, which is empty, from a line. It reports whether it could; if not,
// o may hold parts.
func (o *observed) scan(l *line) bool {
	if !l.sign('{') {
		return false
	}
	for more := true; more; more = l.sign(',') {
		key, ok := l.text()
		if !ok || !l.sign(':') || !o.field(l, string(key)) {
			return false
		}
	}
	return l.sign('}') && l.i == len(l.s)
}

// field reads the value of one field.
func (o *observed) field(l *line, key string) (ok bool) {
	switch {
	case l.null():
		return key != "body" && key != "headers" // which null empties
	case key == "status":
		o.Status, ok = l.number()
		return ok
	case key == "headers":
		return o.headers(l)
	}
	text, ok := l.text()
	if !ok {
		return false
	}
	switch key {
	case "body":
		o.Body = append(o.Body[:0], text...)
	case "content_type":
		o.ContentType = string(text)
	case "error":
		o.Error = string(text)
	case "source":
		o.Source = troubleshoot.Source(text)
	case "provider":
		o.Provider = string(text)
	default:
		return false
	}
	return true
}

// headers reads headers whose values are strings.
func (o *observed) headers(l *line) bool {
	if !l.sign('{') {
		return false
	}
	if l.sign('}') {
		return true
	}
	for more := true; more; more = l.sign(',') {
		text, ok := l.text()
		name := string(text)
		if !ok || !l.sign(':') {
			return false
		}
		if text, ok = l.text(); !ok {
			return false
		}
		if o.Headers == nil {
			o.Headers = map[string]any{}
		}
		o.Headers[name] = string(text)
	}
	return l.sign('}')
}

// blank passes over blanks.
func (l *line) blank() {
	for l.i < len(l.s) && (l.s[l.i] == ' ' || l.s[l.i] == '\t' || l.s[l.i] == '\r') {
		l.i++
	}
}

// sign passes over c and the blanks around it, if c is next.
func (l *line) sign(c byte) bool {
	l.blank()
	if l.i >= len(l.s) || l.s[l.i] != c {
		return false
	}
	l.i++
	l.blank()
	return true
}

func (l *line) null() bool {
	found := bytes.HasPrefix(l.s[l.i:], []byte("null"))
	if found {
		l.i += len("null")
	}
	return found
}

// number reads up to six digits.
func (l *line) number() (int, bool) {
	from := l.i
	for l.i < len(l.s) && l.s[l.i]-'0' < 10 {
		l.i++
	}
	digits := string(l.s[from:l.i])
	if len(digits) > 6 || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

// text reads a string. The result is good until the next one is read.
func (l *line) text() ([]byte, bool) {
	if l.i >= len(l.s) || l.s[l.i] != '"' {
		return nil, false
	}
	l.i++
	l.room = l.room[:0]
	for ascii := true; ; {
		from := l.i
		for l.i < len(l.s) && l.s[l.i] >= ' ' && l.s[l.i] != '"' && l.s[l.i] != '\\' {
			ascii = ascii && l.s[l.i] < utf8.RuneSelf
			l.i++
		}
		if l.i >= len(l.s) || l.s[l.i] < ' ' {
			return nil, false
		}
		t := l.s[from:l.i]
		if l.s[l.i] == '"' {
			l.i++
			if len(l.room) > 0 {
				l.room = append(l.room, t...)
				t = l.room
			}
			return t, ascii || utf8.Valid(t)
		}
		l.room = append(l.room, t...)
		if !l.escape() {
			return nil, false
		}
	}
}

// escape appends to l.room what the escape sequence at l.i stands for.
func (l *line) escape() bool {
	const length = len(`\u0000`)
	if l.i+1 >= len(l.s) {
		return false
	}
	c := l.s[l.i+1]
	if c == 'u' && l.i+length <= len(l.s) {
		n, err := strconv.ParseUint(string(l.s[l.i+2:l.i+length]), 16, 16)
		l.i += length
		l.room = utf8.AppendRune(l.room, rune(n))
		return err == nil && utf8.ValidRune(rune(n))
	}
	l.i += 2
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i >= 0 {
		l.room = append(l.room, "\"\\/\b\f\n\r\t"[i])
	}
	return i >= 0
}
