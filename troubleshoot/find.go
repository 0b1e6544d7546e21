package troubleshoot

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxQuery bounds what is looked up, in bytes.
const maxQuery = 80

// Find returns the entries a query names, best first: by id, then by code, alias
// or cause, then by the only or common beginning of ids. "401" gives all entries
// under 401, the key's page first. It returns nil if nothing is named.
func (c *Catalogue) Find(query string) []*Entry {
	q := clean(query)
	if q == "" {
		return nil
	}
	if e, ok := c.byID[q]; ok {
		return []*Entry{e}
	}
	for _, word := range [...]string{q, strings.ReplaceAll(q, " ", "_"), strings.ReplaceAll(q, " ", "-"), strings.ReplaceAll(q, "-", "_")} {
		if e, ok := c.byID[word]; ok {
			return []*Entry{e}
		}
		if list := c.byWord[word]; len(list) > 0 {
			return c.ordered(list, word)
		}
	}
	if hasLetters(q) && statusIn("error "+q) != 0 {
		return c.inFamily(q)
	}
	return c.beginning(q)
}

// clean folds a query: case, width, and the quotation of a pasted error title.
func clean(query string) string {
	return strings.Trim(foldKeeping(cutText(query, maxQuery)), " '/#:.,!?()（）[]{}<>")
}

// foldKeeping folds like fold but keeps hyphens and underscores, which ids and
// codes are told apart by.
func foldKeeping(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		switch a := asciiOf(r); {
		case a != 0 && r != '–' && r != '—':
			r = rune(a)
		case r == '–' || r == '—':
			r = '-'
		}
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		if r == ' ' && len(b) > 0 && b[len(b)-1] == ' ' {
			continue
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}

func hasLetters(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'a' && s[i] <= 'z' {
			return true
		}
	}
	return false
}

// ordered puts entries whose own page the word is before the rest: the guide's
// API pages, its ChatGPT pages, then the further causes.
func (c *Catalogue) ordered(list []*Entry, word string) []*Entry {
	out := slices.Clone(list)
	weight := func(e *Entry) int {
		w := e.order
		switch {
		case e.ID == "gpt-"+word:
			w -= 200
		case e.ID == "chatgpt-"+word:
			w -= 150
		case slices.Contains(e.Aliases, word) && e.Code != word:
			w -= 100
		case e.Origin == "guide":
			w -= 50
		}
		return w
	}
	slices.SortStableFunc(out, func(a, b *Entry) int { return weight(a) - weight(b) })
	return out
}

// inFamily reads a pasted title such as "ChatGPT error 429".
func (c *Catalogue) inFamily(q string) []*Entry {
	code := strconv.Itoa(statusIn("error " + q))
	list := c.ordered(c.byWord[code], code)
	if strings.Contains(q, "chatgpt") {
		slices.SortStableFunc(list, func(a, b *Entry) int { return webFirst(a) - webFirst(b) })
	}
	return list
}

func webFirst(e *Entry) int {
	if e.Family == "chatgpt" {
		return 0
	}
	return 1
}

// beginning finds by the start of ids, codes and aliases, if it is not too
// common.
func (c *Catalogue) beginning(q string) []*Entry {
	if len(q) < 3 {
		return nil
	}
	var out []*Entry
	for _, e := range c.entries {
		if strings.HasPrefix(e.ID, q) || strings.HasPrefix(strings.ToLower(e.Code), q) {
			out = append(out, e)
			continue
		}
		for _, a := range e.Aliases {
			if strings.HasPrefix(strings.ToLower(a), q) {
				out = append(out, e)
				break
			}
		}
	}
	if len(out) == 1 {
		return out
	}
	return nil
}

// Near returns at most three entries that resemble a query Find does not know:
// those one slip of the finger away, then those that contain it.
func (c *Catalogue) Near(query string) []*Entry {
	q := clean(query)
	if q == "" {
		return nil
	}
	var out []*Entry
	add := func(e *Entry) {
		if len(out) < 3 && !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	for d := 1; d <= 2; d++ {
		if d == 2 && len(q) < 6 {
			break
		}
		for _, e := range c.entries {
			if slipped(q, strings.ToLower(e.Code), d) || slipped(q, e.ID, d) || slices.ContainsFunc(e.Aliases, func(a string) bool { return slipped(q, strings.ToLower(a), d) }) {
				add(e)
			}
		}
	}
	if len(q) >= 3 {
		for _, e := range c.entries {
			if strings.Contains(e.ID, q) || strings.Contains(e.Cause, strings.ReplaceAll(q, "-", "_")) {
				add(e)
			}
		}
	}
	return out
}

// slipped reports whether a and b differ by at most d edits, where neighbours
// swapped count as one.
func slipped(a, b string, d int) bool {
	if len(a)-len(b) > d || len(b)-len(a) > d {
		return false
	}
	return edits(a, b) <= d
}

// edits is the optimal string alignment distance in bytes.
func edits(a, b string) int {
	var older []int
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, prev = prev, row
	}
	return prev[len(b)]
}
