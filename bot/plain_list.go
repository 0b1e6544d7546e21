package bot

import (
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// list renders items below each other, with a blank line between them only
// when one of them has several paragraphs.
func (w *plainText) list(n *ast.List) string {
	gap, number := "\n", n.Start
	var items []string
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		mark := "• "
		if n.IsOrdered() {
			mark = strconv.Itoa(number) + string(n.Marker) + " "
			number++
		} else if isTask(c) {
			mark = "" // the box is mark enough
		}
		if paragraphs(c) > 1 {
			gap = "\n\n"
		}
		items = append(items, indent(w.blocks(c, "\n"), mark, "  "))
	}
	return strings.Join(items, gap)
}

// isTask reports whether an item begins with a check box.
func isTask(item ast.Node) bool {
	block := item.FirstChild()
	return block != nil && block.FirstChild() != nil && block.FirstChild().Kind() == extast.KindTaskCheckBox
}

// paragraphs counts the blocks of an item that are not lists of their own.
func paragraphs(item ast.Node) (n int) {
	for c := item.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Kind() != ast.KindList {
			n++
		}
	}
	return n
}

// narrow is the width, in columns of a Latin letter, that fits one line of a
// chat bubble on a phone.
const narrow = 30

// table renders rows as "a | b" when they fit a line, as "key：value" when there
// are two columns, and else as one small list for each row.
func (w *plainText) table(n *extast.Table) string {
	rows := w.rows(n)
	if len(rows) == 0 {
		return ""
	}
	switch {
	case fits(rows):
		return joinRows(rows, func(r []string) string { return strings.Join(r, " | ") })
	case len(rows[0]) == 2:
		return joinRows(rows, func(r []string) string { return pair(r[0], r[1]) })
	}
	return joinRows(rows[1:], func(r []string) string { return record(rows[0], r) })
}

func (w *plainText) rows(n *extast.Table) (rows [][]string) {
	for r := n.FirstChild(); r != nil; r = r.NextSibling() {
		var cells []string
		for c := r.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, strings.ReplaceAll(w.inline(c), "\n", " "))
		}
		rows = append(rows, cells)
	}
	return rows
}

func fits(rows [][]string) bool {
	for _, r := range rows {
		if runewidth.StringWidth(strings.Join(r, " | ")) > narrow {
			return false
		}
	}
	return true
}

func joinRows(rows [][]string, line func([]string) string) string {
	lines := make([]string, 0, len(rows))
	for _, r := range rows {
		if s := strings.TrimSpace(line(r)); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}

// record renders one row of a wide table: its first cell, then the others, each
// with the title of its column.
func record(titles, cells []string) string {
	if len(cells) == 0 {
		return ""
	}
	lines := []string{"• " + cells[0]}
	for i, cell := range cells[1:] {
		if cell == "" {
			continue
		}
		title := ""
		if i+1 < len(titles) {
			title = titles[i+1]
		}
		lines = append(lines, "  "+pair(title, cell))
	}
	return strings.Join(lines, "\n")
}

// pair joins a key and a value with the colon of the script they are in.
func pair(key, value string) string {
	switch {
	case key == "" || value == "":
		return key + value
	case wide(key) || wide(value):
		return key + "：" + value
	}
	return key + ": " + value
}

// wide reports whether s has letters that take two columns: Chinese, Japanese
// or Korean ones.
func wide(s string) bool {
	for _, r := range s {
		if r >= 0x1100 && runewidth.RuneWidth(r) == 2 {
			return true
		}
	}
	return false
}
