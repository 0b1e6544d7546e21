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

// isNull reports whether the text stands for nothing at all.
func (n *node) isNull() bool {
	switch string(n.text) {
	case "", "~", "null", "Null", "NULL":
		return !n.quoted
	}
	return false
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
