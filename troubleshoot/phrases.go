package troubleshoot

import (
	"slices"
	"strings"
)

// form is one way of saying a phrase: what it begins with and what must follow
// later. There are many, so they hold no pointers.
type form struct {
	head  span   // what it begins with
	near  span   // what must follow when it is no phrase of its own: too short
	id    uint16 // the phrase
	next  uint16 // the phrase that must follow, or noNext
	gap   int16  // how far off it may stand, in bytes
	far   bool   // it may stand in another sentence
	end   ending
	alone bool // is all there is
}

// span is a part of phrases.text.
type span struct{ from, to uint32 }

func (s span) len() int { return int(s.to - s.from) }

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
	text        string         // of all forms, once packed
	more        []byte         // the same until packed
	words       []string       // the phrases as they were written
	ids         map[string]int // until packed
	short, long heads
}

// heads are forms filed by a hash of their first bytes.
type heads struct {
	known [1 << knownBits / 64]uint64 // a bit for each hash, so coarse that some others share it
	slots [headSlots + 1]uint16       // where in refs a slot's forms begin, once packed
	refs  []headRef
	heads []uint16 // the slot of each ref, until packed
}

// headRef points to a form, with eight of its bytes and the phrase that must
// follow to pass over it quickly. They are the first eight of a short head, the
// second of a long one.
type headRef struct {
	bytes, mask uint64
	form, next  uint16
	id          uint16
	end         ending
	whole       bool // bytes are the whole form, and nothing but its end is left to look at
}

// noNext stands for no phrase.
const noNext = 1<<16 - 1

// pack gives up the room that only adding needs.
func (ps *phrases) pack() {
	ps.short.pack()
	ps.long.pack()
	ps.text = string(ps.more)
	ps.ids, ps.more = nil, nil
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

// enter files a ref to a form under the hash of its first bytes.
func (h *heads) enter(hash uint64, ref headRef) {
	bit := hash >> (64 - knownBits)
	h.known[bit/64] |= 1 << (bit % 64)
	h.refs = append(h.refs, ref)
	h.heads = append(h.heads, uint16(hash>>(64-headBits)))
}

// in returns the forms filed under hash, and maybe others.
func (h *heads) in(hash uint64) []headRef {
	if bit := hash >> (64 - knownBits); h.known[bit/64]>>(bit%64)&1 == 0 {
		return nil
	}
	slot := hash >> (64 - headBits)
	return h.refs[h.slots[slot]:h.slots[slot+1]]
}

// Bounds of the phrases.
const (
	headBits   = 13
	headSlots  = 1 << headBits
	knownBits  = headBits + 3
	maxPhrases = 8192
	maxForms   = 1<<16 - 1
	wideGap    = 120 // how far apart the parts of a phrase may stand around "*", in bytes
	nearGap    = 30  // the same around "&"
)

// shortHash and longHash tell heads by their first three and eight bytes; the
// highest bits tell best.
func shortHash(first uint64) uint64 { return longHash(first << 40) }

func longHash(first uint64) uint64 { return first * 0x9E3779B97F4A7C15 }

func newPhrases(v vocabulary) *phrases {
	const usual, several = 6 << 10, 16 << 10 // a little more than there are
	return &phrases{
		vocabulary: v, ids: make(map[string]int, usual), words: make([]string, 0, usual), forms: make([]form, 0, several), more: make([]byte, 0, 24*several),
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
	f := form{id: uint16(id), next: noNext}
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
		f.near = ps.keep(first)
		return
	}
	f.next = uint16(ps.add(rest))
}

// keep adds to the text of all forms.
func (ps *phrases) keep(t string) span {
	from := uint32(len(ps.more))
	ps.more = append(ps.more, t...)
	return span{from, uint32(len(ps.more))}
}

// enter files a form under its folded head.
func (ps *phrases) enter(f form, t string, more bool) {
	t, f.alone = strings.CutPrefix(t, "=")
	head := strings.TrimRight(t, "|~")
	switch {
	case strings.HasSuffix(t, "|"):
		f.end = endWhole
	case strings.HasSuffix(t, "~"):
		f.end = endOpen
	case more:
		if head = strings.TrimRight(t, " "); head == t {
			f.end = endOpen
		}
	}
	if len(head) < 3 {
		return // no place to look for it; a check names such phrases
	}
	f.head = ps.keep(head)
	ref := headRef{form: uint16(len(ps.forms)), next: f.next, id: f.id, end: f.end}
	ps.forms = append(ps.forms, f)
	first := eightAt(head, 0)
	if len(head) < 8 {
		ref.bytes, ref.mask = first, 1<<(8*len(head))-1
		ref.whole = f.next == noNext && f.near == span{} && !f.alone
		ps.short.enter(shortHash(first), ref)
		return
	}
	ref.bytes, ref.mask = eightAt(head, 8), 1<<(8*min(len(head)-8, 8))-1
	ps.long.enter(longHash(first), ref)
}
