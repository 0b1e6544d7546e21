package troubleshoot

import "bytes"

// mapping reads the lines of a mapping whose keys stand in column in. If it has
// begun, the reader stands at the first key, else at the first line.
func (p *plainReader) mapping(in int, begun bool) node {
	mark := p.open()
	for begun || p.another(in) {
		begun = false
		p.push(p.key())
		p.push(p.value(in))
	}
	return p.close(mapNode, mark)
}

// another goes to column in of the next line that holds something; false if that
// line stands further out.
func (p *plainReader) another(in int) bool {
	at, ok := p.line()
	if !ok || at < in {
		return false
	}
	p.pass(at)
	if at > in {
		p.refuse("the indentation")
	}
	return p.err == nil
}

// list reads the lines of a list whose hyphens stand in column in.
func (p *plainReader) list(in int) node {
	mark := p.open()
	for {
		from := p.i
		if !p.another(in) {
			break
		}
		if !p.hyphen() {
			p.i = from // a key after a list that stands in its own key's column
			break
		}
		p.pass(1)
		p.push(p.item(in, in+1+p.blanks()))
	}
	return p.close(listNode, mark)
}

func (p *plainReader) hyphen() bool { return p.peek() == '-' && p.peekNext() == ' ' }

// item reads what stands behind a hyphen, in column at.
func (p *plainReader) item(in, at int) node {
	if from := p.i; isNameStart(p.peek()) {
		for isNameByte(p.peek()) {
			p.pass(1)
		}
		isKey := p.peek() == ':' && (p.peekNext() == ' ' || p.peekNext() == '\n')
		if p.i = from; isKey {
			return p.mapping(at, true)
		}
	}
	if p.peek() == '\n' {
		p.refuse("an item of its own line")
	}
	return p.inline(in)
}

func isNameStart(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isNameByte(c byte) bool { return isWord(c) || c == '_' || c == '-' || c == '.' }

// key reads a key and the colon behind it.
func (p *plainReader) key() node {
	from := p.i
	for isNameByte(p.peek()) {
		p.pass(1)
	}
	n := node{text: p.s[from:p.i]}
	if len(n.text) == 0 || len(n.text) > maxName || !isNameStart(n.text[0]) || n.isNull() || p.peek() != ':' || p.peekNext() != ' ' && p.peekNext() != '\n' {
		p.refuse("the key")
		return n
	}
	p.pass(1)
	return n
}

// value reads what stands behind a key of column in: on its line, or on lines
// further in.
func (p *plainReader) value(in int) node {
	p.blanks()
	if c := p.peek(); c != '\n' && c != '#' {
		return p.inline(in)
	}
	p.skipLine()
	at, ok := p.line()
	p.pass(at)
	isList := p.hyphen()
	p.i -= at
	switch {
	case ok && at >= in && isList:
		return p.list(at)
	case ok && at > in:
		return p.mapping(at, false)
	}
	p.refuse("nothing")
	return node{}
}

// inline reads a value that begins where the reader stands, up to the line's end;
// the lines of a block text stand further in than in.
func (p *plainReader) inline(in int) node {
	var n node
	switch p.peek() {
	case '|', '>':
		return p.block(in)
	case '[', '{', '"', '\'':
		n = p.flow()
	default:
		n = p.bare(false)
	}
	p.endLine()
	return n
}

// block reads the lines of a block text: those further in than in.
func (p *plainReader) block(in int) node {
	folds := p.peek() == '>'
	p.pass(1)
	strips := p.peek() == '-'
	if strips {
		p.pass(1)
	}
	if p.blanks(); p.peek() != '\n' {
		p.refuse("the block text")
	}
	p.skipLine()
	from := p.i
	at := p.blanks()
	if p.i = from; at <= in {
		p.refuse("the block text")
	}
	room := len(p.room)
	for ended := false; !ended; {
		ended = p.blockLine(at, len(p.room) > room, folds)
	}
	if len(p.room) == room {
		p.refuse("the block text")
	}
	if !strips {
		p.room = append(p.room, '\n')
	}
	return node{quoted: true, text: p.room[room:]}
}

// blockLine adds the line at the reader, and the empty ones before it, to the
// room, unless it does not belong to the text.
func (p *plainReader) blockLine(at int, more, folds bool) (ended bool) {
	breaks := 0
	for {
		from := p.i
		n := p.blanks()
		switch {
		case p.i == len(p.s), p.peek() != '\n' && n < at:
			p.i = from
			return true
		case p.peek() == '\n' && n > at, folds && n > at, breaks > 0 && !more:
			p.refuse("the block text")
			return true
		case p.peek() != '\n':
			p.i = from + at
			p.addLine(breaks, more, folds)
			return false
		}
		breaks++
		p.pass(1)
	}
}

// addLine adds the rest of a line to the room, and before it what the ends of
// lines since the last one stand for.
func (p *plainReader) addLine(breaks int, more, folds bool) {
	switch {
	case !more:
	case folds && breaks == 0:
		p.room = append(p.room, ' ')
	case folds:
		p.room = append(p.room, bytes.Repeat([]byte("\n"), breaks)...)
	default:
		p.room = append(p.room, bytes.Repeat([]byte("\n"), breaks+1)...)
	}
	n := bytes.IndexByte(p.s[p.i:], '\n')
	if n < 0 {
		p.refuse("the end")
		return
	}
	p.room = append(p.room, p.s[p.i:p.i+n]...)
	p.pass(n + 1)
}
