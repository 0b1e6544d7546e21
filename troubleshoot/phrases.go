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
	build [][]headRef           // by the hash of the first three bytes, until packed
	slots [headSlots + 1]uint16 // where in refs a slot's phrases begin
	refs  []headRef
}

// headRef points to a phrase, with its fourth byte to pass over it quickly.
type headRef struct {
	id     uint16
	fourth byte // 0: any
}

// pack lays the slots out side by side, so that a search touches little memory.
func (ps *phrases) pack() {
	ps.refs = ps.refs[:0]
	for slot, refs := range ps.build {
		ps.slots[slot] = uint16(len(ps.refs))
		ps.refs = append(ps.refs, refs...)
	}
	ps.slots[headSlots] = uint16(len(ps.refs))
}

const headSlots = 1 << 12

func headSlot(t string, i int) uint32 {
	h := uint32(t[i]) | uint32(t[i+1])<<8 | uint32(t[i+2])<<16
	return h * 2654435761 >> 20
}

// maxGap is how far apart two parts of a phrase may stand, in bytes.
const maxGap = 120

// maxGaps bounds how often parts are searched for in one text, so that hostile
// text costs little.
const maxGaps = 1500

func newPhrases() *phrases {
	return &phrases{ids: map[string]int{}, build: make([][]headRef, headSlots)}
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
	slot := headSlot(c.head, 0)
	ref := headRef{id: uint16(id)}
	if len(c.head) > 3 {
		ref.fourth = c.head[3]
	}
	ps.build[slot] = append(ps.build[slot], ref)
	return id
}

// hits is the set of phrases found in one text.
type hits []uint64

func (h hits) has(id int) bool { return h[id>>6]&(1<<(id&63)) != 0 }

// find fills h, which holds a bit for each phrase, and appends the numbers found
// to order, earliest in the text first.
func (ps *phrases) find(t string, h hits, order []int32) []int32 {
	prev, gaps := byte(0), maxGaps
	for i := 0; i+3 <= len(t); i++ {
		now := places[t[i]]
		inside := now == inWord && prev == inWord || now == noStart
		prev = now
		if inside {
			continue
		}
		slot := headSlot(t, i)
		for _, ref := range ps.refs[ps.slots[slot]:ps.slots[slot+1]] {
			if ref.fourth != 0 && (i+3 >= len(t) || t[i+3] != ref.fourth) {
				continue
			}
			p := &ps.all[ref.id]
			if len(p.rest) > 0 {
				if gaps--; gaps < 0 {
					continue
				}
			}
			if h[ref.id>>6]&(1<<(ref.id&63)) == 0 && p.at(t, i) {
				h[ref.id>>6] |= 1 << (ref.id & 63)
				order = append(order, int32(ref.id))
			}
		}
	}
	return order
}

// What a byte is to the beginning of phrases.
const (
	mayStart = iota // a sign, or the first byte of a character
	inWord          // may start a phrase if no word byte stands before it
	noStart         // a blank, or the rest of a character
)

var places = func() (t [256]byte) {
	for c := range t {
		switch b := byte(c); {
		case isWord(b):
			t[c] = inWord
		case b == ' ' || b >= 0x80 && b < 0xC0:
			t[c] = noStart
		}
	}
	return t
}()

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
