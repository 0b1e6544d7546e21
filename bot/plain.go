package bot

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

const (
	maxPlain = 96 << 10 // bytes of an answer that are looked at; more than all parts of a reply hold
	maxDepth = 12       // lists in lists, or quotes in quotes; what is deeper is text
	maxLinks = 500      // more make the parser slow, and are no answer
)

// plainer turns the Markdown that models write into text that reads well where
// nothing is rendered. What only looks like Markdown stays as it is.
//
// It is safe for concurrent use.
type plainer struct{ parser parser.Parser }

// newPlainer leaves three parsers of CommonMark out, because they eat text that
// was not meant as Markdown: Setext headings (models put --- right below a
// paragraph), link reference definitions ("[注]: …" would vanish), and the single
// tilde of GFM's strikethrough (3~5 天). Doubled tildes are taken off later.
func newPlainer() *plainer {
	p := parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(shallow{parser.NewListParser(), ast.KindList}, 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(shallow{parser.NewBlockquoteParser(), ast.KindBlockquote}, 800),
			util.Prioritized(parser.NewHTMLBlockParser(), 900),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(append(parser.DefaultInlineParsers(),
			util.Prioritized(extension.NewTaskCheckBoxParser(), 0),
			util.Prioritized(urlParser{}, 50),
		)...),
		parser.WithParagraphTransformers(
			util.Prioritized(extension.NewTableParagraphTransformer(), 200),
		),
		parser.WithASTTransformers(
			util.Prioritized(extension.NewTableASTTransformer(), 0),
		),
	)
	return &plainer{parser: p}
}

// Plain returns markdown as plain text without trailing space. Input beyond
// maxPlain bytes is dropped. A parser that panics costs the layout, not the text.
func (p *plainer) Plain(markdown string) (plain string) {
	markdown = cutBytes(clean(markdown), maxPlain)
	if strings.Count(markdown, "](") > maxLinks {
		return strings.TrimSpace(markdown)
	}
	defer func() {
		if recover() != nil {
			plain = strings.TrimSpace(markdown)
		}
	}()
	src := []byte(markdown)
	w := &plainText{src: src}
	doc := p.parser.Parse(text.NewReader(src))
	return strings.TrimSpace(w.blocks(doc, "\n\n"))
}

// shallow keeps a block parser from nesting without end, which takes goldmark
// seconds: "> > > > …".
type shallow struct {
	parser.BlockParser
	kind ast.NodeKind
}

// Open implements parser.BlockParser.
func (p shallow) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	depth := 0
	for n := parent; n != nil; n = n.Parent() {
		if n.Kind() == p.kind {
			depth++
		}
	}
	if depth >= maxDepth {
		return nil, parser.NoChildren
	}
	return p.BlockParser.Open(parent, reader, pc)
}

// plainText renders one parsed answer.
type plainText struct{ src []byte }

// blocks renders the children of n, joined by gap.
func (w *plainText) blocks(n ast.Node, gap string) string {
	var parts []string
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if s := w.block(c); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, gap)
}

func (w *plainText) block(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Heading:
		return heading(w.inline(n))
	case *ast.FencedCodeBlock:
		return "----\n" + w.lines(n) + "\n----"
	case *ast.CodeBlock:
		return w.lines(n)
	case *ast.ThematicBreak:
		return "———"
	case *ast.HTMLBlock:
		return w.html(n)
	case *ast.Blockquote:
		return indent(w.blocks(n, "\n"), "│ ", "│ ")
	case *ast.List:
		return w.list(n)
	case *extast.Table:
		return w.table(n)
	}
	if n.FirstChild() != nil && n.FirstChild().Type() == ast.TypeBlock {
		return w.blocks(n, "\n")
	}
	return w.inline(n)
}

// heading puts short titles in brackets; long ones are a line like any other.
func heading(s string) string {
	const longest = 30 // runes; brackets around more than a line look odd
	if s == "" || len([]rune(s)) > longest || strings.ContainsAny(s, "【】\n") {
		return s
	}
	return "【" + s + "】"
}

// lines returns the source lines of n as they are.
func (w *plainText) lines(n ast.Node) string {
	var b bytes.Buffer
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(w.src))
	}
	return strings.TrimRight(b.String(), "\n")
}

func (w *plainText) html(n *ast.HTMLBlock) string {
	s := w.lines(n)
	if n.HasClosure() {
		s += "\n" + string(n.ClosureLine.Value(w.src))
	}
	return strings.TrimSpace(stripTags(s))
}

// indent puts first before the first line of s and rest before the others.
func indent(s, first, rest string) string {
	return first + strings.ReplaceAll(s, "\n", "\n"+rest)
}
