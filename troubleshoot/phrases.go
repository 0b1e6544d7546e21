package troubleshoot

import (
	"slices"
	"strings"
)

// phrase is one compiled phrase: what it begins with and what must follow later.
type phrase struct {
	head  string
	rest  []string
	whole bool // a word must end with it
	alone bool // is all there is
}

// phrases finds many phrases in one pass over a text. It looks only at places
// where a word begins, and there only at the phrases that begin with the same
// three bytes.
type phrases struct {
	all   []phrase
	ids   map[string]int
	heads map[[3]byte][]int32
}

// maxGap is how far apart two parts of a phrase may stand, in bytes.
const maxGap = 120

func newPhrases() *phrases {
	return &phrases{ids: map[string]int{}, heads: map[[3]byte][]int32{}}
}

// add compiles p and returns its number.
func (ps *phrases) add(p string) int {
	if id, ok := ps.ids[p]; ok {
		return id
	}
	t, alone := strings.CutPrefix(fold(p), "=")
	t, whole := strings.CutSuffix(t, "|")
	parts := strings.Split(t, "*")
	c := phrase{head: parts[0], rest: parts[1:], whole: whole, alone: alone}
	id := len(ps.all)
	ps.all = append(ps.all, c)
	ps.ids[p] = id
	key := [3]byte{c.head[0], c.head[1], c.head[2]}
	ps.heads[key] = append(ps.heads[key], int32(id))
	return id
}

// hits is the set of phrases found in one text.
type hits []uint64

func (h hits) has(id int) bool { return h[id>>6]&(1<<(id&63)) != 0 }

// find fills h, which holds a bit for each phrase, and appends the numbers found
// to order, earliest in the text first.
func (ps *phrases) find(t string, h hits, order []int32) []int32 {
	for i := 0; i+3 <= len(t); i++ {
		c := t[i]
		if i > 0 && (isWord(c) && isWord(t[i-1]) || c >= 0x80 && c < 0xC0 || c == ' ') {
			continue
		}
		for _, id := range ps.heads[[3]byte{c, t[i+1], t[i+2]}] {
			if h[id>>6]&(1<<(id&63)) == 0 && ps.all[id].at(t, i) {
				h[id>>6] |= 1 << (id & 63)
				order = append(order, id)
			}
		}
	}
	return order
}

// at reports whether the phrase stands in t at i.
func (p *phrase) at(t string, i int) bool {
	if !strings.HasPrefix(t[i:], p.head) {
		return false
	}
	if p.alone {
		return i <= 1 && len(t)-i <= len(p.head)+2
	}
	i += len(p.head)
	for _, part := range p.rest {
		window := t[i:min(len(t), i+maxGap+len(part))]
		j := strings.Index(window, part)
		if j < 0 {
			return false
		}
		i += j + len(part)
	}
	return !p.whole || i == len(t) || !isWord(t[i])
}

// sorted returns the phrases as they were written, for checks.
func (ps *phrases) sorted() []string {
	out := make([]string, 0, len(ps.ids))
	for p := range ps.ids {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}
