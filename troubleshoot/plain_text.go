package troubleshoot

import (
	"bytes"
	"strings"
)

// flow reads a list or mapping in brackets, or a text, quoted or bare.
func (p *plainReader) flow() node {
	switch p.peek() {
	case '[':
		return p.brackets()
	case '{':
		return p.braces()
	case '"':
		return p.doubleQuoted()
	case '\'':
		return p.singleQuoted()
	}
	return p.bare(true)
}

// brackets reads a list.
func (p *plainReader) brackets() node {
	mark := p.open()
	for p.pass(1); !p.closes(']', mark); {
		p.push(p.flow())
	}
	return p.close(listNode, mark)
}

// braces reads a mapping.
func (p *plainReader) braces() node {
	mark := p.open()
	for p.pass(1); !p.closes('}', mark); {
		p.push(p.key())
		p.gap()
		p.push(p.flow())
	}
	return p.close(mapNode, mark)
}

// closes passes over the comma between two values and over the bracket at the
// end, and reports whether it was that.
func (p *plainReader) closes(bracket byte, mark int) bool {
	p.gap()
	if len(p.stack) > mark && p.peek() == ',' {
		p.pass(1)
		p.gap()
	} else if len(p.stack) > mark && p.peek() != bracket {
		p.refuse("what follows")
	}
	if p.err != nil {
		return true
	}
	if p.peek() == bracket {
		p.pass(1)
		return true
	}
	return false
}

// gap passes over blanks between brackets, and over a line's end if the next line
// is indented.
func (p *plainReader) gap() {
	for p.blanks(); p.i < len(p.s) && p.s[p.i] == '\n'; {
		if p.pass(1); p.blanks() == 0 {
			p.refuse("the indentation")
		}
	}
}

// bare reads a text without quotation marks.
func (p *plainReader) bare(inFlow bool) node {
	from := p.i
	if negative := p.peek() == '-' && isDigit(p.peekNext()); !negative && strings.IndexByte("-?:,[]{}#&*!|>'\"%@`\n", p.peek()) >= 0 {
		p.refuse("the value")
		return node{}
	}
	for p.i < len(p.s) && !p.ends(inFlow) {
		p.pass(1)
	}
	return node{text: bytes.TrimRight(p.s[min(from, p.i):p.i], " ")}
}

// ends reports whether a bare text ends where the reader stands.
func (p *plainReader) ends(inFlow bool) bool {
	switch p.s[p.i] {
	case '\n':
		return true
	case '#':
		return p.s[p.i-1] == ' '
	case ':':
		switch c := p.peekNext(); {
		case c == ' ' || c == '\n', inFlow && strings.IndexByte(",?[]{}", c) >= 0:
			p.refuse("the colon")
		}
	case ',', '[', ']', '{', '}', '?':
		return inFlow
	}
	return false
}

// singleQuoted reads a text in apostrophes, where two stand for one.
func (p *plainReader) singleQuoted() node {
	p.pass(1)
	from, room := p.i, len(p.room)
	for p.i < len(p.s) && p.s[p.i] != '\n' {
		if p.s[p.i] != '\'' {
			p.pass(1)
			continue
		}
		if p.peekNext() != '\'' {
			return p.quoted(from, room)
		}
		p.room = append(p.room, p.s[from:p.i+1]...)
		p.pass(2)
		from = p.i
	}
	p.refuse("the quotation")
	return node{}
}

// doubleQuoted reads a text in quotation marks, with the usual escapes.
func (p *plainReader) doubleQuoted() node {
	p.pass(1)
	from, room := p.i, len(p.room)
	for p.i < len(p.s) && p.s[p.i] != '\n' {
		switch p.s[p.i] {
		case '"':
			return p.quoted(from, room)
		case '\\':
			p.room = append(p.room, p.s[from:p.i]...)
			p.room = append(p.room, p.escape())
			p.pass(2)
			from = p.i
		default:
			p.pass(1)
		}
	}
	p.refuse("the quotation")
	return node{}
}

// escape returns what the two bytes at the reader stand for.
func (p *plainReader) escape() byte {
	switch c := p.peekNext(); c {
	case '\\', '"':
		return c
	case 'n':
		return '\n'
	}
	p.refuse("the escape")
	return 0
}

// quoted ends a quoted text whose parts up to from are in the room.
func (p *plainReader) quoted(from, room int) node {
	text := p.s[from:p.i]
	p.pass(1)
	if len(p.room) > room {
		p.room = append(p.room, text...)
		text = p.room[room:]
	}
	return node{quoted: true, text: text}
}
