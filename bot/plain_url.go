package bot

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// urlParser keeps bare addresses whole: their underscores, asterisks and tildes
// are no marks. goldmark's own linkifier sees them only after a space, which
// Chinese text does not have. Parsing starts at the colon, because an inline
// parser may only be triggered by punctuation.
type urlParser struct{}

// Trigger implements parser.InlineParser.
func (urlParser) Trigger() []byte { return []byte{':'} }

// Parse implements parser.InlineParser.
func (urlParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, seg := block.PeekLine()
	if !bytes.HasPrefix(line, []byte("://")) || !afterScheme(block.Source()[:seg.Start]) {
		return nil
	}
	n := urlLen(line)
	if n <= len("://") {
		return nil
	}
	block.Advance(n)
	node := ast.NewTextSegment(text.NewSegment(seg.Start, seg.Start+n))
	node.SetRaw(true)
	return node
}

func afterScheme(before []byte) bool {
	tail := strings.ToLower(string(before[max(0, len(before)-5):]))
	return strings.HasSuffix(tail, "http") || strings.HasSuffix(tail, "https") || strings.HasSuffix(tail, "ftp")
}

// urlLen returns how many bytes of line belong to the address it is inside of:
// no sentence's full stop and no bracket that was opened before it.
func urlLen(line []byte) int {
	n, depth := 0, 0
	for n < len(line) && isURL(line[n]) && !bytes.HasPrefix(line[n:], []byte("**")) {
		switch line[n] {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return trimURL(line[:n])
			}
		}
		n++
	}
	return trimURL(line[:n])
}

func trimURL(url []byte) int { return len(bytes.TrimRight(url, ".,:;!?'_*~")) }

// isURL reports whether c may stand in an address, brackets aside.
func isURL(c byte) bool {
	return isWord(c) || bytes.IndexByte([]byte("-._~:/?#@!$&'()*+,;=%"), c) >= 0
}
