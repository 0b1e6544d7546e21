package troubleshoot

// triples files the words of a list by a hash of their last three bytes, compared
// without case, so that nearly all other words are told from them at a glance.
type triples struct {
	first [1 << tripleBits]int8 // the first word of each hash; -1 if there is none
	next  []int8                // the word that comes after each
}

const tripleBits = 9

// newTriples files n words, at most 127, of at least three bytes.
func newTriples(n int, word func(i int) string) triples {
	t := triples{next: make([]int8, n)}
	for i := range t.first {
		t.first[i] = -1
	}
	for i := n - 1; i >= 0; i-- {
		slot := &t.first[triple(word(i))]
		t.next[i], *slot = *slot, int8(i)
	}
	return t
}

// like returns the first word of the list that may end as w does, and next those
// that come after it; -1 ends them.
func (t *triples) like(w string) int8 {
	if len(w) < 3 {
		return -1
	}
	return t.first[triple(w)]
}

func triple(w string) uint16 {
	w = w[len(w)-3:]
	n := uint16(w[0]&31)<<10 | uint16(w[1]&31)<<5 | uint16(w[2]&31)
	return n * 40503 >> (16 - tripleBits)
}
