package troubleshoot

import (
	"slices"
	"strings"
)

// phrase is one compiled phrase: what it begins with and what must follow later.
type phrase struct {
	head  string
	next  int32  // the phrase that must follow; -1 for none
	near  string // what must follow when it is no phrase of its own: too short, or no word's start
	far   bool   // what follows may stand in another sentence
	end   ending
	alone bool // is all there is
}

// ending says what may stand after a phrase.
type ending uint8

const (
	endWord  ending = iota // the word's end or an inflection: "token" fits "tokens", not "tokenizer"
	endWhole               // the word's end
	endOpen                // anything
)

// phrases finds many phrases in one pass over a text. It looks only at places
// where a word begins, and there only at the phrases that begin with the same
// three bytes.
type phrases struct {
	all   []phrase
	words []string // as they were written
	ids   map[string]int
	build [][]headRef           // by the hash of the first three bytes, until packed
	slots [headSlots + 1]uint16 // where in refs a slot's phrases begin
	refs  []headRef
}

// headRef points to a phrase, with its next bytes to pass over it quickly.
type headRef struct {
	id            uint16
	fourth, fifth byte // 0: any
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

// Bounds of the phrases.
const (
	headSlots  = 1 << 12
	maxPhrases = 8192
	maxGap     = 120 // how far apart two parts of a phrase may stand, in bytes
)

func headSlot(t string, i int) uint32 {
	h := uint32(t[i]) | uint32(t[i+1])<<8 | uint32(t[i+2])<<16
	return h * 2654435761 >> 20
}

func newPhrases() *phrases {
	return &phrases{ids: map[string]int{}, build: make([][]headRef, headSlots)}
}

// add compiles p and returns its number.
func (ps *phrases) add(p string) int {
	if id, ok := ps.ids[p]; ok {
		return id
	}
	c := ps.compile(fold(p))
	id := len(ps.all)
	ps.all, ps.words = append(ps.all, c), append(ps.words, p)
	ps.ids[p] = id
	ref := headRef{id: uint16(id)}
	if len(c.head) > 3 {
		ref.fourth = c.head[3]
	}
	if len(c.head) > 4 {
		ref.fifth = c.head[4]
	}
	slot := headSlot(c.head, 0)
	ps.build[slot] = append(ps.build[slot], ref)
	return id
}

// compile reads a folded phrase; what follows a star is a phrase of its own.
func (ps *phrases) compile(t string) phrase {
	c := phrase{next: -1}
	t, c.alone = strings.CutPrefix(t, "=")
	head, rest, more := strings.Cut(t, "*")
	if !more {
		switch last := len(t) - 1; t[last] {
		case '|':
			c.head, c.end = t[:last], endWhole
		case '~':
			c.head, c.end = t[:last], endOpen
		default:
			c.head = t
		}
		return c
	}
	if c.head = strings.TrimRight(head, " "); c.head == head {
		c.end = endOpen
	}
	rest, c.far = strings.CutPrefix(rest, "*")
	rest = strings.TrimSpace(rest)
	if first := strings.TrimRight(rest, "|~"); len(first) < 3 {
		c.near = first
	} else {
		c.next = int32(ps.add(rest))
	}
	return c
}

// sightings are the phrases found in one text.
type sightings struct {
	hits  [maxPhrases / 64]uint64 // a bit for each phrase
	at    [maxPhrases]int16       // where a phrase found stands; where it stands first, in the end
	order []int32                 // the phrases found, in the order of the text
}

func (s *sightings) clear() {
	clear(s.hits[:])
	s.order = s.order[:0]
}

func (s *sightings) has(id int) bool { return s.hits[id>>6]&(1<<(id&63)) != 0 }

func (s *sightings) see(id uint16, i int) {
	bit := uint64(1) << (id & 63)
	if s.hits[id>>6]&bit == 0 {
		s.hits[id>>6] |= bit
		s.order = append(s.order, int32(id))
	}
	s.at[id] = int16(i)
}

// find fills s. It reads t, of at most maxText bytes, from its end, so that what
// has to follow a phrase is known when the phrase is met.
func (ps *phrases) find(t string, s *sightings) {
	stop := len(t) // where the sentence ends
	for i := len(t) - 3; i >= 0; i-- {
		c := t[i]
		if ends := sentenceEnds[c]; ends && (t[i+1] == ' ' || t[i+1] >= 0x80) {
			stop = i
		}
		switch places[c] {
		case noStart:
			continue
		case inWord:
			if i > 0 && places[t[i-1]] == inWord {
				continue
			}
		}
		slot := headSlot(t, i)
		for _, ref := range ps.refs[ps.slots[slot]:ps.slots[slot+1]] {
			if ref.fourth != 0 && (i+3 >= len(t) || t[i+3] != ref.fourth) || ref.fifth != 0 && (i+4 >= len(t) || t[i+4] != ref.fifth) {
				continue
			}
			if ps.all[ref.id].stands(t, i, stop, s) {
				s.see(ref.id, i)
			}
		}
	}
	slices.SortFunc(s.order, func(a, b int32) int { return int(s.at[a]) - int(s.at[b]) })
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

var sentenceEnds = [256]bool{'.': true, '!': true, '?': true, '|': true, ';': true}

// stands reports whether the phrase stands in t at i, in a sentence that ends at
// stop, with what must follow it among what was seen.
func (p *phrase) stands(t string, i, stop int, s *sightings) bool {
	if !strings.HasPrefix(t[i:], p.head) {
		return false
	}
	end := i + len(p.head)
	switch {
	case p.alone:
		return i <= 1 && len(t)-i <= len(p.head)+2
	case p.next >= 0:
		if !s.has(int(p.next)) {
			return false
		}
		at := int(s.at[p.next])
		return at >= end && at-end <= maxGap && (p.far || at <= stop || stop < end) && p.ends(t, end)
	case p.near != "":
		return p.ends(t, end) && strings.Contains(t[end:min(len(t), end+maxGap)], p.near)
	}
	return p.ends(t, end)
}

// ends reports whether the phrase may end at i.
func (p *phrase) ends(t string, i int) bool {
	return p.end == endOpen || i == len(t) || !isWord(t[i]) || !isWord(t[i-1]) || p.end == endWord && inflects(t, i)
}

// inflects reports whether what is left of the word at i is an English ending.
func inflects(t string, i int) bool {
	if isDigit(t[i]) {
		return t[i-1] > '9'
	}
	j := i
	for j < len(t) && j-i < 4 && isWord(t[j]) {
		j++
	}
	switch t[i:j] {
	case "s", "es", "ed", "d", "ing":
		return true
	}
	return false
}

// sorted returns the phrases as they were written, for checks.
func (ps *phrases) sorted() []string { return slices.Sorted(slices.Values(ps.words)) }
