package similink

// bell wakes everybody who waits. Its owner's mutex guards it.
type bell struct{ ch chan struct{} }

func newBell() bell { return bell{make(chan struct{})} }

func (b *bell) ring() {
	close(b.ch)
	b.ch = make(chan struct{})
}

// history is a numbered list that forgets its oldest items: it keeps at least
// limit of them. The first item has number 1.
type history[T any] struct {
	limit   int
	dropped int64
	items   []T
}

func (h *history[T]) add(v T) {
	if len(h.items) >= 2*h.limit {
		n := len(h.items) - h.limit
		h.dropped += int64(n)
		h.items = append(make([]T, 0, 2*h.limit), h.items[n:]...)
	}
	h.items = append(h.items, v)
}

// last is the newest number given.
func (h *history[T]) last() int64 { return h.dropped + int64(len(h.items)) }

// after returns up to most items with numbers above n, oldest first.
func (h *history[T]) after(n int64, most int) []T {
	from := min(max(n-h.dropped, 0), int64(len(h.items)))
	items := h.items[from:]
	return items[:min(len(items), most)]
}
