package bot

// recent remembers the latest message ids, so that what a channel offers twice
// is answered once. It belongs to the dispatcher.
type recent struct {
	ring []string
	next int
	ids  map[string]struct{}
}

func newRecent(size int) *recent {
	return &recent{ring: make([]string, size), ids: make(map[string]struct{}, size)}
}

// repeated reports whether id was given before, and remembers it. Messages
// without an id are never repeated.
func (r *recent) repeated(id string) bool {
	if id == "" {
		return false
	}
	if _, ok := r.ids[id]; ok {
		return true
	}
	delete(r.ids, r.ring[r.next])
	r.ring[r.next] = id
	r.ids[id] = struct{}{}
	r.next = (r.next + 1) % len(r.ring)
	return false
}
