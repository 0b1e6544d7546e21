package bot

import "hash/maphash"

// recent remembers the latest message ids, so that what a channel offers twice
// is answered once. It keeps hashes, a quarter of the memory: that two of some
// thousand are alike is less likely than a broken memory. It belongs to the
// dispatcher.
type recent struct {
	seed maphash.Seed
	size int
	ring []uint64 // grows to size
	next int
	ids  map[uint64]struct{}
}

func newRecent(size int) *recent {
	return &recent{seed: maphash.MakeSeed(), size: size, ids: make(map[uint64]struct{})}
}

// repeated reports whether id was given before, and remembers it. Messages
// without an id are never repeated.
func (r *recent) repeated(id string) bool {
	if id == "" {
		return false
	}
	sum := maphash.String(r.seed, id)
	if _, ok := r.ids[sum]; ok {
		return true
	}
	r.ids[sum] = struct{}{}
	if len(r.ring) < r.size {
		r.ring = append(r.ring, sum)
		return false
	}
	delete(r.ids, r.ring[r.next])
	r.ring[r.next] = sum
	r.next = (r.next + 1) % r.size
	return false
}
