package simkit

// Bell wakes everybody who waits. Its stage's lock guards it.
type Bell struct{ ch chan struct{} }

// Ring wakes them.
func (b *Bell) Ring() {
	close(b.ch)
	b.ch = make(chan struct{})
}

// History is a numbered list that forgets its oldest items. The first item has
// number 1.
type History[T any] struct {
	Limit   int // at least so many are kept
	dropped int64
	items   []T
}

// Add puts an item at the end.
func (h *History[T]) Add(v T) {
	if len(h.items) >= 2*h.Limit {
		n := len(h.items) - h.Limit
		h.dropped += int64(n)
		h.items = append(make([]T, 0, 2*h.Limit), h.items[n:]...)
	}
	h.items = append(h.items, v)
}

// Last is the newest number given.
func (h *History[T]) Last() int64 { return h.dropped + int64(len(h.items)) }

// Dropped is the newest number forgotten.
func (h *History[T]) Dropped() int64 { return h.dropped }

// Items are all that are kept, oldest first. They are the history's own.
func (h *History[T]) Items() []T { return h.items }

// After returns up to most items with numbers above n, oldest first.
func (h *History[T]) After(n int64, most int) []T {
	from := min(max(n-h.dropped, 0), int64(len(h.items)))
	items := h.items[from:]
	return items[:min(len(items), most)]
}
