package troubleshoot

import (
	"math/bits"
	"slices"
	"strings"
)

// sightings are the phrases found in one text.
type sightings struct {
	hits  [maxPhrases / 64]uint64 // a bit for each phrase
	at    [maxPhrases]int16       // where a phrase found stands; where it stands first, in the end
	order []int32                 // the forms found; in the end the phrases, and once sorted in the order of the text
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
		switch c := t[i]; places[c] {
		case noStart:
			continue
		case inWord:
			if i > 0 && places[t[i-1]] == inWord {
				continue
			}
		case mayStart:
			if sentenceEnds[c] && (t[i+1] == ' ' || t[i+1] >= 0x80) {
				at.stop = i
			}
		}
		first, before := eightAt(t, i), len(s.order)
		at.i, at.first = i, first
		if refs := ps.long.in(longHash(first)); len(refs) > 0 {
			ps.among(refs, eightAt(t, i+8), &at, s)
		}
		between := len(s.order)
		if refs := ps.short.in(shortHash(first)); len(refs) > 0 {
			ps.among(refs, first, &at, s)
		}
		if before < between && between < len(s.order) {
			slices.Sort(s.order[before:]) // at one place, as they were added
		}
	}
	for n, form := range s.order {
		s.order[n] = int32(ps.forms[form].id)
	}
}

// begins reports whether what stands at a place is all of a form's head, of whose
// bytes all but the first eight and those after sixteen have been compared, and
// all if they are less than eight.
func (ps *phrases) begins(f *form, at *place) bool {
	head := ps.text[f.head.from:f.head.to]
	return len(head) < 8 || eight(head, 0) == at.first && (len(head) <= 16 || strings.HasPrefix(at.t[at.i+16:], head[16:]))
}

// sort puts the phrases found in the order of the text.
func (s *sightings) sort() {
	for n, id := range s.order {
		s.order[n] = int32(s.at[id])<<16 | id
	}
	slices.SortFunc(s.order, func(a, b int32) int { return int(a>>16) - int(b>>16) })
	for n := range s.order {
		s.order[n] &= 1<<16 - 1
	}
}

// place is a place in a text, the eight bytes there, and where the sentence ends.
type place struct {
	t       string
	i, stop int
	first   uint64
}

// among sees the forms at a place, given the bytes there that refs compare.
func (ps *phrases) among(refs []headRef, bytes uint64, at *place, s *sightings) {
	for j := range refs {
		ref := &refs[j]
		if bytes&ref.mask != ref.bytes || ref.next != noNext && !s.has(int(ref.next)) {
			continue
		}
		if ref.whole && ref.end.fits(at.t, at.i+bits.Len64(ref.mask)/8) || !ref.whole && ps.stands(&ps.forms[ref.form], at, s) {
			s.see(ref.id, ref.form, at.i)
		}
	}
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

// stands reports whether a form stands at a place, with what must follow it among
// what was seen.
func (ps *phrases) stands(f *form, at *place, s *sightings) bool {
	end := at.i + f.head.len()
	if !ps.begins(f, at) {
		return false
	}
	switch {
	case f.alone:
		return at.i <= 1 && len(at.t) <= end+2
	case f.next != noNext:
		next := int(s.at[f.next])
		return next >= end && next-end <= int(f.gap) && (f.far || next <= at.stop || at.stop < end) && f.end.fits(at.t, end)
	case f.near != span{}:
		return f.end.fits(at.t, end) && strings.Contains(at.t[end:min(len(at.t), end+int(f.gap))], ps.text[f.near.from:f.near.to])
	}
	return f.end.fits(at.t, end)
}

// fits reports whether a form with this ending may end at i.
func (e ending) fits(t string, i int) bool {
	return e == endOpen || i == len(t) || !isWord(t[i]) || !isWord(t[i-1]) || e == endWord && inflects(t, i)
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
