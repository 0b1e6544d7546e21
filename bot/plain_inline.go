package bot

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// inlineText is a line of text under construction, with the stretches that
// later steps must leave alone: code and addresses.
type inlineText struct {
	src  []byte
	out  []byte
	kept []span
	glue bool // an address was written last: what follows needs a space
	bare bool // it stood bare in the text: only punctuation of wide scripts does
}

type span struct{ from, to int }

// inline renders the inline children of n.
func (w *plainText) inline(n ast.Node) string {
	t := &inlineText{src: w.src}
	t.children(n, 0)
	return strings.TrimSpace(tidy(t.out, t.kept))
}

func (t *inlineText) children(n ast.Node, depth int) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		t.node(c, depth)
	}
}

func (t *inlineText) node(n ast.Node, depth int) {
	if depth > 4*maxDepth {
		return // only brackets inside brackets come this deep
	}
	switch n := n.(type) {
	case *ast.Text:
		t.text(n)
	case *ast.CodeSpan:
		t.code(n)
	case *ast.Emphasis:
		t.emphasis(n, depth)
	case *ast.Link:
		t.link(n, string(n.Destination), depth)
	case *ast.Image:
		t.link(n, string(n.Destination), depth)
	case *ast.AutoLink:
		t.address(string(n.Label(t.src)))
	case *ast.RawHTML:
		t.tag(n)
	case *extast.TaskCheckBox:
		t.checkbox(n.IsChecked)
	default:
		t.children(n, depth+1)
	}
}

// write appends ordinary text, apart from an address right before it.
func (t *inlineText) write(s string) {
	if s == "" {
		return
	}
	if t.glue && !strings.HasPrefix(s, " ") && !strings.HasPrefix(s, "\n") || t.bare && widePunct(s) {
		t.out = append(t.out, ' ')
	}
	t.glue, t.bare = false, false
	t.out = append(t.out, s...)
}

// keep appends text that later steps must not touch.
func (t *inlineText) keep(s string) {
	t.write(s)
	t.kept = append(t.kept, span{len(t.out) - len(s), len(t.out)})
}

func (t *inlineText) text(n *ast.Text) {
	value := string(n.Segment.Value(t.src))
	if n.IsRaw() {
		t.keep(value)
		t.bare = true
	} else {
		t.write(unescape(value))
	}
	if n.SoftLineBreak() || n.HardLineBreak() {
		t.write("\n")
	}
}

func (t *inlineText) code(n *ast.CodeSpan) {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if s, ok := c.(*ast.Text); ok {
			b.Write(s.Segment.Value(t.src))
		}
	}
	t.keep(strings.ReplaceAll(b.String(), "\n", " "))
}

// emphasis drops the marks, unless they stand inside a word or around a name in
// code: 2*3*4 and __init__ mean what they say.
func (t *inlineText) emphasis(n *ast.Emphasis, depth int) {
	mark := t.literal(n)
	t.keepNonEmpty(mark)
	t.children(n, depth+1)
	t.keepNonEmpty(mark)
}

func (t *inlineText) keepNonEmpty(s string) {
	if s != "" {
		t.keep(s)
	}
}

// literal returns the marks of n when they belong to the text.
func (t *inlineText) literal(n *ast.Emphasis) string {
	first, ok1 := n.FirstChild().(*ast.Text)
	last, ok2 := n.LastChild().(*ast.Text)
	if !ok1 || !ok2 {
		return ""
	}
	from, to := first.Segment.Start-n.Level, last.Segment.Stop+n.Level
	if from < 0 || to > len(t.src) {
		return ""
	}
	mark := string(t.src[from : from+n.Level])
	inWord := from > 0 && to < len(t.src) && isWord(t.src[from-1]) && isWord(t.src[to])
	dunder := mark == "__" && isName(t.src[first.Segment.Start:last.Segment.Stop])
	if inWord || dunder {
		return mark
	}
	return ""
}

// link writes the words and then the address, apart from what follows, so that
// clients find it.
func (t *inlineText) link(n ast.Node, to string, depth int) {
	to = unescape(to)
	from := len(t.out)
	t.children(n, depth+1)
	label := strings.TrimSpace(string(t.out[min(from, len(t.out)):]))
	if !shown(to) || to == label || strings.TrimPrefix(to, "mailto:") == label {
		t.glue = shown(to)
		return
	}
	if label != "" {
		t.glue = false
		t.write(" ")
	}
	t.address(to)
}

func (t *inlineText) address(s string) {
	t.keep(s)
	t.glue = true
}

// shown reports whether an address is of use to someone reading it.
func shown(to string) bool {
	low := strings.ToLower(to)
	return to != "" && to[0] != '#' && !strings.HasPrefix(low, "javascript:") && !strings.HasPrefix(low, "data:")
}

func (t *inlineText) tag(n *ast.RawHTML) {
	var b strings.Builder
	for i := range n.Segments.Len() {
		s := n.Segments.At(i)
		b.Write(s.Value(t.src))
	}
	t.write(stripTags(b.String()))
}

func (t *inlineText) checkbox(checked bool) {
	if checked {
		t.write("☑ ")
		return
	}
	t.write("☐ ")
}
