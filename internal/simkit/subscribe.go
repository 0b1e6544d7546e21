package simkit

import (
	"context"
	"math"
	"slices"
)

// All is a number of items no history reaches.
const All = math.MaxInt

// Subscribe returns a channel of what is added to a history from now on, each time
// with a ring of Seen. It never holds the server up. The function returned ends it
// and closes the channel, and so does Close.
func Subscribe[T, F any](s *Stage[F], h *History[T]) (<-chan T, func()) {
	out, ended := make(chan T, 64), make(chan struct{})
	if !s.Enter() {
		close(out)
		return out, func() {}
	}
	s.Mu.Lock()
	from := h.Last()
	s.Mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer s.Leave()
		defer close(ended)
		defer close(out)
		pump(ctx, s, h, from, out)
	}()
	return out, func() { cancel(); <-ended }
}

// pump hands over what is added after a number.
func pump[T, F any](ctx context.Context, s *Stage[F], h *History[T], from int64, out chan<- T) {
	for {
		if s.Wait(ctx, func() bool { return h.Last() > from }) != nil {
			return
		}
		s.Mu.Lock()
		from = max(from, h.Dropped())
		fresh := slices.Clone(h.After(from, All))
		s.Mu.Unlock()
		from += int64(len(fresh))
		for _, v := range fresh {
			select {
			case out <- v:
			case <-ctx.Done():
				return
			case <-s.done:
				return
			}
		}
	}
}
