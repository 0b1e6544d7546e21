package troubleshoot

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"
)

// plainReader reads YAML as the catalogue writes it, a tenth of the time the
// library takes: block mappings and lists, flow ones, plain and quoted texts of
// one line, block texts. It refuses all else, also what is legal, and then the
// library must read the file. What it does not refuse it reads as the library
// does.
type plainReader struct {
	s     []byte
	i     int
	depth int
	err   error  // why it refuses; it stands at the end then
	room  []byte // for texts that do not stand in s as they are
	stack []node // what is read of lists and mappings still open
	nodes []node // what is read of those closed
}

// node is one value.
type node struct {
	kind   nodeKind
	quoted bool   // the text is one, whatever it looks like
	text   []byte // valid until the reader reads another file
	items  []node // of a list; of a mapping: its keys and values by turns
}

type nodeKind uint8

const (
	textNode nodeKind = iota
	listNode
	mapNode
)

// Bounds of what is read.
const (
	maxNesting = 16
	maxName    = 100 // bytes
)

// read returns the mapping that s holds. It is valid until the next call.
func (p *plainReader) read(s []byte) (node, error) {
	p.s, p.i, p.depth, p.err = s, 0, 0, nil
	p.stack, p.room = p.stack[:0], p.room[:0]
	p.nodes = slices.Grow(p.nodes[:0], len(s)/32) // about as many as there are
	if at := unprintable(s); at >= 0 {
		p.i = at
		p.refuse("a character")
		return node{}, p.err
	}
	var n node
	switch in, ok := p.line(); {
	case !ok || in != 0:
		p.refuse("the beginning")
	case s[len(s)-1] != '\n':
		p.refuse("the end")
	default:
		n = p.mapping(0, false)
	}
	return n, p.err
}

// unprintable returns where a character stands that YAML forbids or treats in a
// way of its own, such as tabs; -1 if there is none.
func unprintable(s []byte) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' && c != '\n' || c == 0x7f {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if r < 0xA0 || r == 0x2028 || r == 0x2029 || r == 0xFEFF || r >= 0xFFFD && r <= 0xFFFF {
			return i
		}
		i += size
	}
	return -1
}

// refuse gives the file up, naming what is not understood where the reader stands.
func (p *plainReader) refuse(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %s is not plain", 1+bytes.Count(p.s[:p.i], []byte("\n")), what)
	}
	p.i = len(p.s)
}

// pass goes n bytes on.
func (p *plainReader) pass(n int) { p.i = min(p.i+n, len(p.s)) }

func (p *plainReader) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return '\n'
}

func (p *plainReader) peekNext() byte {
	if p.i+1 < len(p.s) {
		return p.s[p.i+1]
	}
	return '\n'
}

func (p *plainReader) blanks() int {
	from := p.i
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
	return p.i - from
}

// line goes to the beginning of the next line that holds something, and says how
// far in it stands; ok is false at the end.
func (p *plainReader) line() (in int, ok bool) {
	for p.i < len(p.s) {
		from := p.i
		in = p.blanks()
		switch p.peek() {
		case '\n', '#':
			p.skipLine()
		default:
			p.i = from
			return in, true
		}
	}
	return 0, false
}

func (p *plainReader) skipLine() {
	if n := bytes.IndexByte(p.s[p.i:], '\n'); n >= 0 {
		p.pass(n + 1)
	} else {
		p.i = len(p.s)
	}
}

// endLine passes over the rest of a line, in which nothing may stand but a remark.
func (p *plainReader) endLine() {
	p.blanks()
	if c := p.peek(); c != '\n' && (c != '#' || p.s[p.i-1] != ' ') {
		p.refuse("what follows")
	}
	p.skipLine()
}

// close makes what the stack holds above mark a node.
func (p *plainReader) close(kind nodeKind, mark int) node {
	p.depth--
	from := len(p.nodes)
	p.nodes = append(p.nodes, p.stack[mark:]...)
	p.stack = p.stack[:mark]
	return node{kind: kind, items: slices.Clip(p.nodes[from:])}
}

// open begins a list or mapping.
func (p *plainReader) open() (mark int) {
	if p.depth++; p.depth > maxNesting {
		p.refuse("the depth")
	}
	return len(p.stack)
}

func (p *plainReader) push(n node) { p.stack = append(p.stack, n) }

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

// isNull reports whether the text stands for nothing at all.
func (n *node) isNull() bool {
	switch string(n.text) {
	case "", "~", "null", "Null", "NULL":
		return !n.quoted
	}
	return false
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
