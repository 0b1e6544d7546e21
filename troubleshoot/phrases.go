package troubleshoot

import (
	"slices"
	"strings"
)

// form is one way of saying a phrase: what it begins with and what must follow
// later.
type form struct {
	head  string
	id    uint16 // the phrase
	next  int32  // the phrase that must follow; -1 for none
	near  string // what must follow when it is no phrase of its own: too short
	gap   int16  // how far off it may stand, in bytes
	far   bool   // it may stand in another sentence
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
// where a word begins, and there only at the forms that begin with the same eight
// bytes, or three if they are shorter than eight.
type phrases struct {
	vocabulary
	forms       []form
	words       []string       // the phrases as they were written
	ids         map[string]int // until packed
	short, long heads
}

// heads are forms filed by their first bytes.
type heads struct {
	slots [headSlots + 1]uint16 // where in refs a slot's forms begin, once packed
	refs  []headRef
	heads []uint16 // the slot of each ref, until packed
}

// headRef points to a form, with eight of its bytes and the phrase that must
// follow to pass over it quickly. They are the first eight of a short head, the
// second of a long one.
type headRef struct {
	bytes, mask uint64
	form, next  uint16
}

// noNext is a headRef's next for nothing.
const noNext = 1<<16 - 1

// pack gives up the room that only adding needs.
func (ps *phrases) pack() {
	ps.short.pack()
	ps.long.pack()
	ps.ids = nil
	ps.forms, ps.words = slices.Clone(ps.forms), slices.Clone(ps.words)
}

// pack lays the forms of a slot side by side, so that a search touches little
// memory.
func (h *heads) pack() {
	for _, slot := range h.heads {
		h.slots[slot+1]++
	}
	for i := range headSlots {
		h.slots[i+1] += h.slots[i]
	}
	at := h.slots
	packed := make([]headRef, len(h.refs))
	for i, slot := range h.heads {
		packed[at[slot]] = h.refs[i]
		at[slot]++
	}
	h.refs, h.heads = packed, nil
}

// enter files a ref to a form under the slot of its first bytes.
func (h *heads) enter(slot uint16, ref headRef) {
	h.refs = append(h.refs, ref)
	h.heads = append(h.heads, slot)
}

// in returns the forms filed under slot.
func (h *heads) in(slot uint16) []headRef { return h.refs[h.slots[slot]:h.slots[slot+1]] }

// Bounds of the phrases.
const (
	headBits   = 13
	headSlots  = 1 << headBits
	maxPhrases = 8192
	maxForms   = 1<<16 - 1
	wideGap    = 120 // how far apart the parts of a phrase may stand around "*", in bytes
	nearGap    = 30  // the same around "&"
)

// shortSlot and longSlot file heads by the first three and eight bytes.
func shortSlot(first uint64) uint16 { return uint16(uint32(first<<8) * 2654435761 >> (32 - headBits)) }

func longSlot(first uint64) uint16 {
	return uint16(first * 0x9E3779B97F4A7C15 >> (64 - headBits))
}

func newPhrases(v vocabulary) *phrases {
	const usual, several = 5 << 10, 12 << 10 // a little more than there are
	return &phrases{
		vocabulary: v, ids: make(map[string]int, usual), words: make([]string, 0, usual), forms: make([]form, 0, several),
		long: heads{refs: make([]headRef, 0, several), heads: make([]uint16, 0, several)},
	}
}

// add compiles p and returns its number. What follows a star is a phrase of its
// own, so that alternatives before and after it need not be multiplied.
func (ps *phrases) add(p string) int {
	if id, ok := ps.ids[p]; ok {
		return id
	}
	id := len(ps.words)
	ps.words = append(ps.words, p)
	ps.ids[p] = id
	f := form{id: uint16(id), next: -1}
	first, more := p, false
	if i := strings.IndexAny(p, "*&"); i >= 0 {
		first, more = p[:i], true
		ps.follow(&f, p[i+1:], p[i])
	}
	heads, _ := ps.expand(first)
	for _, head := range heads {
		ps.enter(f, fold(head), more)
	}
	return id
}

// follow compiles what stands after the sign of a gap.
func (ps *phrases) follow(f *form, rest string, sign byte) {
	if f.gap = wideGap; sign == '&' {
		f.gap = nearGap
	}
	rest, f.far = strings.CutPrefix(rest, "*")
	rest = strings.TrimSpace(rest)
	if first := strings.TrimRight(fold(rest), "|~"); len(first) < 3 {
		f.near = first
		return
	}
	f.next = int32(ps.add(rest))
}

// enter files a form under its folded head.
func (ps *phrases) enter(f form, t string, more bool) {
	t, f.alone = strings.CutPrefix(t, "=")
	f.head = strings.TrimRight(t, "|~")
	switch {
	case strings.HasSuffix(t, "|"):
		f.end = endWhole
	case strings.HasSuffix(t, "~"):
		f.end = endOpen
	case more:
		if f.head = strings.TrimRight(t, " "); f.head == t {
			f.end = endOpen
		}
	}
	if len(f.head) < 3 {
		return // no place to look for it; a check names such phrases
	}
	n := len(ps.forms)
	ps.forms = append(ps.forms, f)
	ref := headRef{form: uint16(n), next: uint16(f.next)} // -1 becomes noNext
	first := eightAt(f.head, 0)
	if len(f.head) < 8 {
		ref.bytes, ref.mask = first, 1<<(8*len(f.head))-1
		ps.short.enter(shortSlot(first), ref)
		return
	}
	ref.bytes, ref.mask = eightAt(f.head, 8), 1<<(8*min(len(f.head)-8, 8))-1
	ps.long.enter(longSlot(first), ref)
}

// sightings are the phrases found in one text.
type sightings struct {
	hits  [maxPhrases / 64]uint64 // a bit for each phrase
	at    [maxPhrases]int16       // where a phrase found stands; where it stands first, in the end
	order []int32                 // the forms found; the phrases in the order of the text, in the end
}

func (s *sightings) clear() {
	clear(s.hits[:])
	s.order = s.order[:0]
}

func (s *sightings) has(id int) bool { return s.hits[id>>6]&(1<<(id&63)) != 0 }

func (s *sightings) see(id, form uint16, i int) {
	bit := uint64(1) << (id & 63)
	if s.hits[id>>6]&bit == 0 {
		s.hits[id>>6] |= bit
		s.order = append(s.order, int32(form))
	}
	s.at[id] = int16(i)
}

// find fills s. It reads t, of at most maxText bytes, from its end, so that what
// has to follow a phrase is known when the phrase is met.
func (ps *phrases) find(t string, s *sightings) {
	at := place{t: t, stop: len(t)}
	for i := len(t) - 3; i >= 0; i-- {
		c := t[i]
		if sentenceEnds[c] && (t[i+1] == ' ' || t[i+1] >= 0x80) {
			at.stop = i
		}
		if places[c] == noStart || places[c] == inWord && i > 0 && places[t[i-1]] == inWord {
			continue
		}
		at.i = i
		first, before := eightAt(t, i), len(s.order)
		if refs := ps.long.in(longSlot(first)); len(refs) > 0 {
			ps.among(refs, eightAt(t, i+8), &at, s)
		}
		between := len(s.order)
		if refs := ps.short.in(shortSlot(first)); len(refs) > 0 {
			ps.among(refs, first, &at, s)
		}
		if before < between && between < len(s.order) {
			slices.Sort(s.order[before:]) // at one place, as they were added
		}
	}
	for n, form := range s.order {
		id := ps.forms[form].id
		s.order[n] = int32(s.at[id])<<16 | int32(id)
	}
	slices.SortFunc(s.order, func(a, b int32) int { return int(a>>16) - int(b>>16) })
	for n := range s.order {
		s.order[n] &= 1<<16 - 1
	}
}

// place is a place in a text, and where its sentence ends.
type place struct {
	t       string
	i, stop int
}

// among sees the forms at a place, given the bytes there that refs compare.
func (ps *phrases) among(refs []headRef, bytes uint64, at *place, s *sightings) {
	for j := range refs {
		ref := &refs[j]
		if bytes&ref.mask != ref.bytes || ref.next != noNext && !s.has(int(ref.next)) {
			continue
		}
		if f := &ps.forms[ref.form]; f.stands(at, s) {
			s.see(f.id, ref.form, at.i)
		}
	}
}

// eightAt returns the eight bytes of t at i, the first lowest; zeros after its end.
func eightAt(t string, i int) uint64 {
	if i+8 <= len(t) {
		return uint64(t[i]) | uint64(t[i+1])<<8 | uint64(t[i+2])<<16 | uint64(t[i+3])<<24 |
			uint64(t[i+4])<<32 | uint64(t[i+5])<<40 | uint64(t[i+6])<<48 | uint64(t[i+7])<<56
	}
	n := uint64(0)
	for j := 0; i+j < len(t); j++ {
		n |= uint64(t[i+j]) << (8 * j)
	}
	return n
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

// stands reports whether the form stands at a place, with what must follow it
// among what was seen.
func (f *form) stands(at *place, s *sightings) bool {
	t, i := at.t, at.i
	if !strings.HasPrefix(t[i:], f.head) {
		return false
	}
	end := i + len(f.head)
	switch {
	case f.alone:
		return i <= 1 && len(t)-i <= len(f.head)+2
	case f.next >= 0:
		next := int(s.at[f.next])
		return next >= end && next-end <= int(f.gap) && (f.far || next <= at.stop || at.stop < end) && f.ends(t, end)
	case f.near != "":
		return f.ends(t, end) && strings.Contains(t[end:min(len(t), end+int(f.gap))], f.near)
	}
	return f.ends(t, end)
}

// ends reports whether the form may end at i.
func (f *form) ends(t string, i int) bool {
	return f.end == endOpen || i == len(t) || !isWord(t[i]) || !isWord(t[i-1]) || f.end == endWord && inflects(t, i)
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
